// What a host puts into a KCS or BT device, of any kind: a message gets one response that the device takes, the rest
// gets none.
#include "bmc-agent/channels/system-interface/host_device_protocol.hpp"

#include <cstdint>
#include <cstdlib>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::system_interface;

namespace
{

void require(bool holds)
{
    if (!holds)
    {
        std::abort();
    }
}

void try_one(config::HostType type, ConstBytes message)
{
    config::SystemInterface settings;
    settings.type = type;
    settings.max_message = 252;
    CommandTable table;
    table.add({ipmi::NetFn::app, 0x01, ipmi::Privilege::user, [](ConstBytes asked, const Caller&, TimePoint) {
                   return answer({asked.begin(), asked.end()});
               }});
    const HostChannel channel{settings, table};
    const auto response = HostDeviceProtocol{type, channel}.answer(message, {});
    const bool bt = type == config::HostType::bt;
    const bool whole = bt ? message.size() >= 4 && message.size() == message[0] + 1U : message.size() >= 2;
    require(response.has_value() == whole);
    if (whole && bt)
    {
        require(response->size() >= 5 && response->size() <= 256 && response->front() == response->size() - 1);
        require((*response)[2] == message[2] && (*response)[3] == message[3]);
    }
    else if (whole)
    {
        require(response->size() >= 3 && response->size() <= largest_device_message && (*response)[1] == message[1]);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    try_one(config::HostType::kcs, {data, size});
    try_one(config::HostType::bt, {data, size});
    return 0;
}
