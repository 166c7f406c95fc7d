#include "bmc-agent/channels/system-interface/host_device_protocol.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::system_interface;
using namespace std::chrono_literals;
using config::HostType;

namespace
{

/// 06h/01h answers its data, doubled when it is "size lo, size hi": that many bytes.
struct Bench
{
    explicit Bench(HostType type)
    {
        settings.type = type;
        table.add({ipmi::NetFn::app, 0x01, ipmi::Privilege::user, [](ConstBytes data, const Caller&, TimePoint) {
                       return agent::answer(data.size() == 2 ? Bytes(data[0] + 256U * data[1], 0x55)
                                                             : Bytes{data.begin(), data.end()});
                   }});
    }

    std::string ask(std::string_view hex)
    {
        const auto response = HostDeviceProtocol{settings.type, channel}.answer(*from_hex(hex), {});
        return response ? to_hex(*response) : "nothing";
    }

    config::SystemInterface settings;
    CommandTable table;
    HostChannel channel{settings, table};
};

} // namespace

TEST_CASE("KCS: NetFn and LUN, command, data; the completion code comes third")
{
    Bench bench{HostType::kcs};
    CHECK(bench.ask("18 01") == "1c0100");
    CHECK(bench.ask("18 01 aa bb cc") == "1c0100aabbcc");
    CHECK(bench.ask("1a 01") == "1e01c2"); // the LUN stays
    CHECK(bench.ask("18 99") == "1c99c1");
    CHECK(bench.ask("1c 01") == "1c01c1"); // a response is no request
    CHECK(bench.ask("18 01 f0 00").size() == 2 * (3 + 240));
    CHECK(bench.ask("18 01 f1 00") == "1c01ca");
    CHECK(bench.ask("18") == "nothing");
    CHECK(bench.ask("") == "nothing");
}

TEST_CASE("BT: the length byte is checked, the sequence comes back")
{
    Bench bench{HostType::bt};
    CHECK(bench.ask("03 18 07 01") == "041c070100");
    CHECK(bench.ask("06 18 ff 01 aa bb cc") == "071cff0100aabbcc");
    CHECK(bench.ask("03 18 08 99") == "041c0899c1");
    CHECK(bench.ask("04 18 07 01") == "nothing"); // truncated
    CHECK(bench.ask("02 18 07 01") == "nothing");
    CHECK(bench.ask("02 18 07") == "nothing"); // no command
    CHECK(bench.ask("00") == "nothing");
    CHECK(bench.ask("") == "nothing");
}

TEST_CASE("BT: no response is longer than its length byte tells")
{
    Bench bench{HostType::bt};
    bench.settings.max_message = 252;
    CHECK(bench.ask("05 18 01 01 fb 00").starts_with("ff1c010100"));
    CHECK(bench.ask("05 18 01 01 fb 00").size() == 2 * 256);
    CHECK(bench.ask("05 18 01 01 fc 00") == "041c0101ca");
}

TEST_CASE("a device is tried again ever more slowly, and each cause of trouble is told once")
{
    Reopening reopening;
    Reopening::Verdict verdict = reopening.failed("no such file");
    CHECK(verdict.tell);
    CHECK(verdict.delay == 100ms);
    verdict = reopening.failed("no such file");
    CHECK_FALSE(verdict.tell);
    CHECK(verdict.delay == 200ms);
    CHECK(reopening.failed("busy").tell);
    for (int tries = 0; tries < 20; ++tries)
    {
        verdict = reopening.failed("busy");
    }
    CHECK(verdict.delay == 5s);
    CHECK(reopening.opened());
    CHECK(reopening.served());
    CHECK_FALSE(reopening.served());
    verdict = reopening.failed("busy");
    CHECK(verdict.tell);
    CHECK(verdict.delay == 100ms);
}

TEST_CASE("a device that opens and fails at once fills no log")
{
    Reopening reopening;
    CHECK(reopening.opened());
    CHECK(reopening.failed("input/output error").tell);
    CHECK_FALSE(reopening.opened());
    CHECK_FALSE(reopening.failed("input/output error").tell);
    CHECK_FALSE(reopening.opened());
    CHECK(reopening.served());
}
