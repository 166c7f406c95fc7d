// Bytes of an emulator, of any kind: every whole message gets one answer, nothing else does.
#include "bmc-agent/channels/system-interface/vm_connection.hpp"

#include <cstdint>
#include <cstdlib>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::system_interface;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const config::SystemInterface settings;
    CommandTable table;
    table.add({ipmi::NetFn::app, 0x01, ipmi::Privilege::user, [](ConstBytes asked, const Caller&, TimePoint) {
                   return answer({asked.begin(), asked.end()});
               }});
    const HostChannel channel{settings, table};
    VmConnection connection{channel};
    const ConstBytes bytes{data, size};
    VmDecoder expected;
    std::size_t messages = 0;
    for (const VmUnit& unit : expected.take(bytes))
    {
        messages += !unit.command && unit.bytes.size() >= 3 ? 1 : 0;
    }
    VmDecoder answers;
    const Bytes sent = connection.receive(bytes, {});
    if (answers.take(sent).size() != messages || answers.dropped() != 0)
    {
        std::abort();
    }
    return 0;
}
