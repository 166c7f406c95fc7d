#include "transports/stream/host/one_at_a_time_link.hpp"

#include "protocol-spec/messages.hpp"

#include <iterator>
#include <thread>
#include <utility>

namespace fwupdate::stream
{

OneAtATimeLink::OneAtATimeLink(Exchange exchange, LinkClock clock)
    : exchange_{std::move(exchange)}, clock_{std::move(clock)}
{
    if (!clock_.sleep_until)
    {
        clock_.sleep_until = [](TimePoint until) { std::this_thread::sleep_until(until); };
    }
}

TimePoint OneAtATimeLink::now() const
{
    return clock_.now();
}

std::size_t OneAtATimeLink::batch() const
{
    return 1;
}

Result<void> OneAtATimeLink::send(std::span<const ConstBytes> messages)
{
    for (const ConstBytes message : messages)
    {
        auto response =
            exchange_(ipmi::NetFn::firmware, static_cast<std::uint8_t>(protocol::Command::write_fragment), message);
        if (response)
        {
            arrived_.push_back(std::move(*response));
        }
        else if (response.error().kind != ErrorKind::timeout)
        {
            return response.error();
        }
    }
    return {};
}

Result<void> OneAtATimeLink::wait(TimePoint deadline, std::vector<ipmi::Response>& responses)
{
    if (arrived_.empty() && deadline > now())
    {
        clock_.sleep_until(deadline);
    }
    responses.insert(responses.end(), std::make_move_iterator(arrived_.begin()),
                     std::make_move_iterator(arrived_.end()));
    arrived_.clear();
    return {};
}

} // namespace fwupdate::stream
