// The update session as the flash blobs need it: an image that is verified first, and programmed on another word.
#include "bmc-agent/update/session.hpp"

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::Event;
using protocol::Transport;

CompletionCode UpdateSession::start_held(const Caller& caller, Target& target, TimePoint now)
{
    if (const CompletionCode code = admit(caller, Event::start, now); code != CompletionCode::ok)
    {
        return code;
    }
    asked_.target = &target;
    asked_.target_chosen = true;
    asked_.base_profile = false; // its signatures come beside the image
    const CompletionCode code = open_unnamed(caller, Transport::blobs, now);
    holds_ = true;
    return code;
}

CompletionCode UpdateSession::append(const Caller& caller, ConstBytes data, TimePoint now)
{
    return append_to(Transport::blobs, caller, data, now);
}

CompletionCode UpdateSession::expect_digest(const Caller& caller, const Sha256& digest, TimePoint now)
{
    const CompletionCode code = admit_while_open(caller, Event::set_options, now);
    if (code == CompletionCode::ok)
    {
        request_.sha256 = asked_.sha256 = digest;
    }
    return code;
}

/// What vouches for the image: this signature, or for now nothing where it is empty.
CompletionCode UpdateSession::replace_signature(const Caller& caller, ConstBytes signature, TimePoint now)
{
    const CompletionCode code = admit_while_open(caller, Event::set_options, now);
    if (code != CompletionCode::ok)
    {
        return code;
    }
    signature_.assign(signature.begin(), signature.end());
    signature_size_ = static_cast<std::uint16_t>(signature_.size());
    request_.signature = asked_.signature = signature_;
    request_.sha256 = asked_.sha256 = std::nullopt;
    return code;
}

CompletionCode UpdateSession::go_on(const Caller& caller, TimePoint now)
{
    if (const CompletionCode code = admit(caller, Event::verified, now); code != CompletionCode::ok)
    {
        return code;
    }
    if (!is_held_back())
    {
        return CompletionCode::not_supported_in_present_state;
    }
    fire(Event::verified, now);
    return CompletionCode::ok;
}

void UpdateSession::clean_up()
{
    if (!tenure_.held())
    {
        parts_.staging.discard();
    }
}

} // namespace fwupdate::agent
