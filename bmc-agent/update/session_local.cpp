// The update session as the BMC's own programs use it: an image that lies on the BMC already.
#include "bmc-agent/update/session.hpp"

#include <utility>

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::Event;
using protocol::Transport;

CompletionCode UpdateSession::start_local(const Caller& caller, std::uint64_t size, ExpectedImage expected,
                                          TimePoint now)
{
    if (const CompletionCode code = admit(caller, Event::start, now); code != CompletionCode::ok)
    {
        return code;
    }
    request_.base_profile = asked_.base_profile = false; // a signature behind the image is one among others
    const CompletionCode code = open_unnamed(caller, Transport::local, now);
    if (code == CompletionCode::ok)
    {
        request_.size = size;
        request_.expected = std::move(expected);
    }
    return code;
}

/// Whether what was verified is what was seen before: the file may have become another one in between. A target without
/// a purpose takes every image.
bool UpdateSession::is_as_expected(const Component& component) const
{
    const auto& purpose = component.target->configuration().purpose;
    return !request_.expected ||
           (component.version == request_.expected->version && (!purpose || *purpose == request_.expected->purpose));
}

CompletionCode UpdateSession::append_local(const Caller& caller, ConstBytes data, TimePoint now)
{
    return append_to(Transport::local, caller, data, now);
}

CompletionCode UpdateSession::exit_local(const Caller& caller, bool restart, TimePoint now)
{
    if (tenure_.admit(caller, now))
    {
        const auto others = static_cast<std::uint16_t>(request_.parameters & ~protocol::parameter_defer_restart);
        request_.parameters = restart ? others : static_cast<std::uint16_t>(others | protocol::parameter_defer_restart);
    }
    return exit(caller, now);
}

} // namespace fwupdate::agent
