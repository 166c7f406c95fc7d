#include "bmc-agent/update/session_activation.hpp"

#include "bmc-agent/software/upload.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::ReasonCode;
using protocol::UpdateState;
using software::Device;
using software::ErrorCode;
using software::Refusal;

namespace
{

// Of the whole update: how far it is when a phase begins. Programming takes longest where it matters.
constexpr unsigned begin_of_verify = 30; ///< percent
constexpr unsigned begin_of_program = 40;
constexpr unsigned nearly = 99;

std::uint8_t between(unsigned from, unsigned to, unsigned percent)
{
    return static_cast<std::uint8_t>(from + (to - from) * std::min(percent, 100U) / 100);
}

ErrorCode code_of(ReasonCode reason)
{
    switch (reason)
    {
    case ReasonCode::signature_required:
    case ReasonCode::signature_bad:
        return ErrorCode::invalid_signature;
    case ReasonCode::downgrade_refused:
        return ErrorCode::incompatible;
    case ReasonCode::wrong_machine:
    case ReasonCode::target_unknown:
        return ErrorCode::image_failure;
    case ReasonCode::mode_held:
    case ReasonCode::taken_over:
        return ErrorCode::unavailable;
    default:
        return ErrorCode::image_internal_failure;
    }
}

} // namespace

package::Purpose purpose_of(const config::Target& target)
{
    const bool host = target.restart.what == protocol::Restart::host;
    return target.purpose.value_or(host ? package::Purpose::host : package::Purpose::bmc);
}

std::vector<software::Running> running_versions(Targets& targets)
{
    std::vector<software::Running> running;
    for (const Target& target : targets.all())
    {
        const config::Target& configuration = target.configuration();
        if (std::string version = target.version(); !version.empty())
        {
            running.push_back({std::move(version), purpose_of(configuration), {}, configuration.name});
        }
    }
    return running;
}

SessionActivation::SessionActivation(boost::asio::io_context& context, UpdateSession& session, Log& log, Now now)
    : context_{context}, session_{session}, log_{log}, now_{std::move(now)}, timer_{context}
{
    caller_.channel = channel;
    caller_.kind = ChannelKind::bridged;
    caller_.user = "D-Bus";
    caller_.privilege = ipmi::Privilege::administrator;
}

void SessionActivation::tell(software::ActivationEvents& events)
{
    events_ = &events;
    running_ = running_versions(session_.targets());
    session_.on_activity([this] { look_soon(); });
    look_soon();
    watch_versions(std::chrono::seconds{1}); // commands that tell a version may have answered by then
}

/// A host's firmware changes with the host's restart; a command's answer comes when it comes.
void SessionActivation::watch_versions(std::chrono::seconds delay)
{
    timer_.expires_after(delay);
    timer_.async_wait(
        [this](boost::system::error_code error)
        {
            if (error)
            {
                return;
            }
            if (auto running = running_versions(session_.targets()); running != running_)
            {
                running_ = std::move(running);
                events_->running(running_);
            }
            watch_versions(version_interval);
        });
}

std::optional<std::string> SessionActivation::holder() const
{
    return session_.holder();
}

/// Why the session doesn't take what it was told.
Refusal SessionActivation::why_refused(const char* what) const
{
    const auto& reason = session_.reason();
    return {reason.code == ReasonCode::none ? ErrorCode::internal_failure : code_of(reason.code),
            std::string{what} + (reason.text.empty() ? "" : ": " + reason.text)};
}

software::Outcome<void> SessionActivation::start(const software::Version& version)
{
    auto file = version.image.descriptor;
    if (file == nullptr)
    {
        auto opened = software::open_upload(version.image.file);
        if (!opened)
        {
            return opened.error();
        }
        file = std::make_shared<const File>(std::move(*opened));
    }
    const auto status = file->status();
    if (!status)
    {
        return Refusal{ErrorCode::image_internal_failure, status.error().text};
    }
    if (const auto other = session_.holder())
    {
        return Refusal{ErrorCode::unavailable, "update mode is held by " + *other};
    }
    const TimePoint now = now_();
    const auto size = static_cast<std::uint64_t>(status->st_size);
    if (session_.enter(caller_, session_.issue_challenge(caller_, now), now) != CompletionCode::ok)
    {
        return Refusal{ErrorCode::unavailable, "update mode can't be entered now; try again"};
    }
    if (session_.start_local(caller_, size, {version.facts.version, version.facts.purpose}, now) != CompletionCode::ok)
    {
        Refusal refusal = why_refused("the update can't begin");
        (void)session_.exit_local(caller_, false, now);
        session_.notify();
        return refusal;
    }
    others_.reset(); // nobody else's update is under way
    job_ = Job{version.id, std::move(file), size, 0, session_.tenure_number(), 0};
    session_.notify();
    return {};
}

/// Posted: who notifies may be in the middle of something.
void SessionActivation::look_soon()
{
    if (!std::exchange(looking_, true))
    {
        boost::asio::post(context_,
                          [this]
                          {
                              looking_ = false;
                              look();
                          });
    }
}

void SessionActivation::look()
{
    if (job_)
    {
        pursue(now_());
    }
    else
    {
        watch_others();
    }
}

std::uint8_t SessionActivation::percent() const
{
    const unsigned of_phase = session_.status().percent;
    switch (session_.state())
    {
    case UpdateState::download:
        return between(0, begin_of_verify, of_phase);
    case UpdateState::verify:
        return between(begin_of_verify, begin_of_program, of_phase);
    case UpdateState::program:
        return between(begin_of_program, nearly, of_phase);
    default:
        return 0;
    }
}

void SessionActivation::pursue(TimePoint now)
{
    if (session_.tenure_number() != job_->tenure)
    {
        const std::string id = std::exchange(job_, std::nullopt)->id;
        const auto other = session_.holder();
        events_->gave_up(id, {ErrorCode::unavailable, "the update was taken away" + (other ? " by " + *other : "")});
        return;
    }
    switch (session_.state())
    {
    case UpdateState::download:
        feed(now);
        break;
    case UpdateState::ready:
    case UpdateState::host_restart_required:
        events_->succeeded(std::exchange(job_, std::nullopt)->id);
        return;
    case UpdateState::error:
        give_up(why_refused("the update failed"), now);
        return;
    case UpdateState::init:
    case UpdateState::idle:
        give_up({ErrorCode::image_internal_failure, "the update was aborted"}, now);
        return;
    case UpdateState::verify:
    case UpdateState::program:
        break;
    }
    if (job_ && percent() > job_->percent)
    {
        job_->percent = percent();
        events_->progressed(job_->id, job_->percent);
    }
}

/// One slice of the image into staging; behind the last one verification begins.
void SessionActivation::feed(TimePoint now)
{
    Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(slice, job_->size - job_->sent)));
    if (!bytes.empty())
    {
        if (const auto read = job_->file->read_at(job_->sent, bytes); !read)
        {
            give_up({ErrorCode::image_internal_failure, "the image can't be read: " + read.error().text}, now);
            return;
        }
        if (session_.append_local(caller_, bytes, now) != CompletionCode::ok)
        {
            give_up(why_refused("the image can't be staged"), now);
            return;
        }
        job_->sent += bytes.size();
    }
    if (job_->sent == job_->size && session_.complete(caller_, now) != CompletionCode::ok)
    {
        give_up(why_refused("the image can't be verified"), now);
        return;
    }
    session_.notify(); // which looks again
}

void SessionActivation::give_up(Refusal reason, TimePoint now)
{
    const std::string id = std::exchange(job_, std::nullopt)->id;
    (void)session_.abort(caller_, now); // where nothing is to be aborted, leaving is enough
    (void)session_.exit_local(caller_, false, now);
    session_.notify();
    events_->gave_up(id, std::move(reason));
}

void SessionActivation::conclude(const software::Version& /*version*/, software::ApplyTime apply_time)
{
    if (apply_time != software::ApplyTime::immediate)
    {
        leave(false); // at once: whoever sees the version active may activate the next one
        return;
    }
    // Posted: what the model does with the end of an update comes first, the guard's release among it.
    boost::asio::post(context_,
                      [this, tenure = session_.tenure_number()]
                      {
                          const auto restart = [this, tenure]
                          {
                              if (session_.tenure_number() == tenure)
                              {
                                  leave(true);
                                  return;
                              }
                              log_.event(Level::warning,
                                         "What was updated is not restarted: update mode was taken over");
                          };
                          guard_ == nullptr ? restart() : guard_->when_settled(restart);
                      });
}

void SessionActivation::leave(bool restart)
{
    (void)session_.exit_local(caller_, restart, now_());
    session_.notify();
}

/// An update by IPMI is shown from its first byte on.
void SessionActivation::watch_others()
{
    const UpdateState state = session_.state();
    const bool runs = state == UpdateState::download || state == UpdateState::verify || state == UpdateState::program;
    if (runs && (!others_ || percent() > *others_))
    {
        others_ = percent();
        events_->progressed_elsewhere(*others_);
    }
    else if (others_ && !runs)
    {
        others_.reset();
        others_ended();
    }
}

/// Of several parts for one device the first with a version speaks for all.
void SessionActivation::others_ended()
{
    if (!protocol::checks::is_ready(session_.state()))
    {
        events_->gave_up_elsewhere(why_refused("the update came to nothing"));
        return;
    }
    std::vector<Device> told;
    for (const Component& component : session_.components())
    {
        const package::Purpose purpose = purpose_of(component.target->configuration());
        if (!component.version.empty() && std::ranges::count(told, software::device_of(purpose)) == 0)
        {
            told.push_back(software::device_of(purpose));
            events_->programmed_elsewhere({component.version, purpose, {}, {}, true});
        }
    }
    if (told.empty())
    {
        events_->programmed_elsewhere({});
    }
}

void SessionActivation::discard(const software::StagedImage& image)
{
    std::error_code error;
    std::filesystem::remove_all(image.directory, error);
    if (error)
    {
        log_.event(Level::warning, "An upload can't be removed",
                   {{"directory", image.directory.string()}, {"reason", error.message()}});
    }
}

SlotKeeper* SessionActivation::slots_of(Device device) const
{
    for (const Target& target : session_.targets().all())
    {
        if (target.handler().slots() != nullptr && software::device_of(purpose_of(target.configuration())) == device)
        {
            return target.handler().slots();
        }
    }
    return nullptr;
}

/// What lies in the other slot stays there until the next update. Whether it may boot is the boot order's part.
void SessionActivation::remove(const software::Version& version)
{
    log_.event(Level::info, "A version was deleted", {{"version", version.facts.version}});
}

/// A slot is chosen when a version is programmed into it; here a person changes their mind.
void SessionActivation::boot_next(const software::Version& version)
{
    SlotKeeper* const slots = slots_of(version.device());
    if (slots == nullptr || !slots->state())
    {
        return; // one place: what is in it boots
    }
    if (version.functional)
    {
        keep_running(version.device());
    }
    else if (slots->state()->chosen == slots->state()->running)
    {
        log_.event(Level::warning, "A version can't be chosen for the next boot",
                   {{"version", version.facts.version},
                    {"remedy", "activate it anew: only what was just programmed and verified is tried"}});
    }
}

/// The other slot is not tried, should it be about to.
void SessionActivation::keep_running(Device device)
{
    SlotKeeper* const slots = slots_of(device);
    if (slots == nullptr || !slots->state() || slots->state()->chosen == slots->state()->running)
    {
        return;
    }
    slots->fall_back(
        [&log = log_](const Result<void>& done)
        {
            log.event(done ? Level::info : Level::error,
                      done ? "What runs now boots next" : "The boot selection could not be changed",
                      {{"reason", done ? "asked for by D-Bus" : done.error().text}});
        });
}

} // namespace fwupdate::agent
