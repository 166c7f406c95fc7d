#include "bmc-agent/update/session_flash_update.hpp"

#include <algorithm>

namespace fwupdate::agent
{

using blobs::FlashStatus;
using ipmi::CompletionCode;
using protocol::Transport;
using protocol::UpdateState;

namespace
{

/// A digest as a file holds it: its bytes, or hexadecimal digits that nothing but space and a file's name follow.
std::optional<Sha256> read_digest(ConstBytes text)
{
    Sha256 digest{};
    if (text.size() == digest.size())
    {
        std::ranges::copy(text, digest.begin());
        return digest;
    }
    const std::size_t digits = 2 * digest.size();
    constexpr std::string_view blank = " \t\r\n";
    if (text.size() < digits ||
        (text.size() > digits && blank.find(static_cast<char>(text[digits])) == std::string_view::npos))
    {
        return std::nullopt;
    }
    const auto bytes = from_hex(std::string{text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits)});
    if (!bytes || bytes->size() != digest.size())
    {
        return std::nullopt;
    }
    std::ranges::copy(*bytes, digest.begin());
    return digest;
}

} // namespace

/// Entered by the blobs, and since then neither left nor taken over, nor used for what comes another way.
bool SessionFlashUpdate::has_mode() const
{
    const Transport transport = session_.transport();
    return tenure_ != 0 && tenure_ == session_.tenure_number() &&
           (transport == Transport::none || transport == Transport::blobs);
}

/// Its owner may abort the image from elsewhere (29h-3): the mode is left, the update is not.
bool SessionFlashUpdate::is_held() const
{
    return has_mode() && (!begun_ || session_.transport() == Transport::blobs);
}

bool SessionFlashUpdate::admits(const Caller& caller, TimePoint /*now*/) const
{
    const bool free = session_.state() == UpdateState::init;
    return (free || has_mode()) && session_.admits(caller);
}

/// Enters update mode for the caller, if the blobs do not hold it yet. True: entered just now.
Result<bool> SessionFlashUpdate::take(const Caller& caller, TimePoint now)
{
    if (has_mode())
    {
        begun_ = is_held() && begun_;
        return false;
    }
    if (session_.enter(caller, session_.issue_challenge(caller, now), now) != CompletionCode::ok)
    {
        return fail(ErrorKind::wrong_state, "another update is under way: wait for its end, or take it over");
    }
    tenure_ = session_.tenure_number();
    begun_ = false;
    owner_ = caller;
    return true;
}

Result<void> SessionFlashUpdate::outcome_of(CompletionCode code, const Caller& caller)
{
    if (code == CompletionCode::ok)
    {
        owner_ = caller;
        return {};
    }
    const bool told = session_.reason().code != protocol::ReasonCode::none;
    return fail(code == CompletionCode::unspecified ? ErrorKind::input_output : ErrorKind::wrong_state,
                told ? session_.reason().text : "the update is not as far, or held by somebody else");
}

Result<void> SessionFlashUpdate::begin_image(std::string_view id, const Caller& caller, TimePoint now)
{
    auto& targets = session_.targets().all();
    const auto target =
        std::ranges::find_if(targets, [&](const Target& each) { return each.configuration().blob == id; });
    if (target == targets.end())
    {
        return fail(ErrorKind::not_found, "no target is updated through this blob");
    }
    const auto entered = take(caller, now);
    if (!entered)
    {
        return entered.error();
    }
    auto started = outcome_of(session_.start_held(caller, *target, now), caller);
    begun_ = begun_ || started;
    if (!started && *entered)
    {
        leave(now);
    }
    session_.notify();
    return started;
}

Result<void> SessionFlashUpdate::append(ConstBytes bytes, const Caller& caller, TimePoint now)
{
    auto appended = outcome_of(session_.append(caller, bytes, now), caller);
    session_.notify();
    return appended;
}

Result<void> SessionFlashUpdate::begin_signature(const Caller& caller, TimePoint now)
{
    const auto entered = take(caller, now);
    if (!entered)
    {
        return entered.error();
    }
    auto begun = outcome_of(session_.replace_signature(caller, {}, now), caller);
    session_.notify();
    return begun;
}

Result<void> SessionFlashUpdate::set_signature(ConstBytes signature, const Caller& caller, TimePoint now)
{
    const auto digest = session_.settings().wants_signatures ? std::nullopt : read_digest(signature);
    if (digest)
    {
        return outcome_of(session_.expect_digest(caller, *digest, now), caller);
    }
    if (signature.size() > package::largest_signature)
    {
        return fail(ErrorKind::no_space, "what was written as the image's signature is too long to be one");
    }
    return outcome_of(session_.replace_signature(caller, signature, now), caller);
}

Result<void> SessionFlashUpdate::start_verification(const Caller& caller, TimePoint now)
{
    if (session_.state() != UpdateState::download || session_.staging().length() == 0)
    {
        return fail(ErrorKind::length, "there is no image to be verified: write one first");
    }
    auto started = outcome_of(session_.complete(caller, now), caller);
    session_.notify();
    return started;
}

Result<void> SessionFlashUpdate::start_update(const Caller& caller, TimePoint now)
{
    auto started = outcome_of(session_.go_on(caller, now), caller);
    session_.notify();
    return started;
}

FlashStatus SessionFlashUpdate::status() const
{
    if (session_.is_held_back() || protocol::checks::is_ready(session_.state()))
    {
        return FlashStatus::success;
    }
    switch (session_.state())
    {
    case UpdateState::verify:
    case UpdateState::program:
        return FlashStatus::running;
    case UpdateState::error:
        return FlashStatus::failed;
    default:
        return FlashStatus::unknown;
    }
}

void SessionFlashUpdate::abort(TimePoint now)
{
    (void)session_.abort(owner_, now); // from where there is nothing to abort, leaving is enough
    leave(now);
}

void SessionFlashUpdate::detach(TimePoint now)
{
    if (session_.state() == UpdateState::program)
    {
        session_.leave_at_end();
        tenure_ = 0;
        return;
    }
    leave(now);
}

void SessionFlashUpdate::finish(TimePoint now)
{
    leave(now);
}

void SessionFlashUpdate::clean_up(TimePoint /*now*/)
{
    session_.clean_up();
}

void SessionFlashUpdate::leave(TimePoint now)
{
    (void)session_.exit(owner_, now);
    tenure_ = 0;
    session_.notify();
}

} // namespace fwupdate::agent
