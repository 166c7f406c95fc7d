// Updates of targets that are written in place: what is known of them before, between and afterwards.
#include "tests/bmc-agent/loop_device.hpp"
#include "tests/bmc-agent/update/update_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::test;
using protocol::UpdateResult;
using protocol::UpdateState;

namespace
{

constexpr auto neither = "bios now holds neither the old nor the new image: program it again before it restarts";

Policy on_device(const LoopDevice& device)
{
    Policy policy;
    policy.change_targets = [path = device.path()](config::Target& bios, config::Target&)
    {
        bios.type = "block";
        bios.path = path;
    };
    return policy;
}

/// Stages "new", until it is being programmed.
void stage(UpdateBench& bench, const agent::Caller& caller)
{
    REQUIRE(bench.enter(caller) == ipmi::CompletionCode::ok);
    REQUIRE(bench.code(caller, "29 01") == ipmi::CompletionCode::ok);
    REQUIRE(bench.code(caller, "2C 6E 65 77") == ipmi::CompletionCode::ok);
    REQUIRE(bench.code(caller, "29 02") == ipmi::CompletionCode::ok);
    while (bench.state(caller) != UpdateState::program && bench.state(caller) != UpdateState::error)
    {
        REQUIRE(bench.session().wants_work());
        bench.session().work(bench.now);
    }
}

std::optional<agent::Installed> installed(UpdateBench& bench)
{
    agent::Target* const bios = bench.session().targets().find("bios");
    bios->installed().refresh();
    return bios->installed().get();
}

const agent::HistoryEntry& logged(UpdateBench& bench)
{
    return bench.session().history().entries().front();
}

} // namespace

TEST_CASE("what is installed on a device is known from the first update on, in later agents too")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    UpdateBench bench{protocol::Restart::nothing, on_device(device)};
    bench.work();
    CHECK_FALSE(installed(bench).has_value());
    stage(bench, lan_caller(1));
    CHECK_FALSE(installed(bench).has_value());
    bench.work();
    const agent::Installed expected{3, sha256(as_bytes("new"))};
    CHECK(installed(bench) == expected);
    CHECK(logged(bench).result == UpdateResult::programmed);
    CHECK(logged(bench).content_size == 3);
    bench.restart_agent(true);
    bench.work();
    CHECK(installed(bench) == expected);
}

TEST_CASE("an agent that stopped while it wrote to a device says what became of the target")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    UpdateBench bench{protocol::Restart::nothing, on_device(device)};
    stage(bench, lan_caller(1));
    const std::string log = *agent::read_file(bench.directory.path() / "history.json", 1 << 20);
    bool in_place = false;
    SUBCASE("half-written")
    {
        bench.session().work(bench.now);
        bench.session().work(bench.now);
    }
    SUBCASE("in place")
    {
        bench.work();
        in_place = true;
    }
    std::ofstream{bench.directory.path() / "history.json"} << log; // what the disk had
    bench.restart_agent(true);
    CHECK(logged(bench).text.find(neither) != std::string::npos);
    bench.work();
    CHECK(logged(bench).result == (in_place ? UpdateResult::programmed : UpdateResult::failed));
    CHECK((logged(bench).text.find(neither) == std::string::npos) == in_place);
    CHECK((installed(bench) == agent::Installed{3, sha256(as_bytes("new"))}) == in_place);
}

TEST_CASE("programming that fails half-way says that neither image is there; refused before, it does not")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    UpdateBench bench{protocol::Restart::nothing, on_device(device)};
    const agent::Caller caller = lan_caller(1);
    SUBCASE("half-way")
    {
        stage(bench, caller);
        bench.session().work(bench.now);
        bench.session().work(bench.now);
        // The image is in memory; what was written of it on the device is not what is read back.
        bench.session().work(bench.now);
        bench.session().work(bench.now);
        bench.session().work(bench.now);
        REQUIRE(device.overwrite(0, 'x'));
        bench.work();
        CHECK(bench.state(caller) == UpdateState::error);
        CHECK(bench.reason(caller).find("reads back differently; check the medium; bios now holds") !=
              std::string::npos);
        CHECK(logged(bench).text.ends_with(neither));
        CHECK_FALSE(installed(bench).has_value());
        bench.restart_agent();
        bench.work();
        CHECK_FALSE(installed(bench).has_value());
    }
    SUBCASE("refused")
    {
        stage(bench, caller);
        bench.work();
        REQUIRE(bench.code(caller, "28") == ipmi::CompletionCode::ok);
        const auto holder = device.hold();
        REQUIRE(holder.is_open());
        stage(bench, caller);
        CHECK(bench.state(caller) == UpdateState::error);
        CHECK(bench.reason(caller).find("is in use; unmount or stop what uses it") != std::string::npos);
        CHECK(bench.reason(caller).find("neither") == std::string::npos);
        CHECK(logged(bench).content_size == 0);
        CHECK(installed(bench) == agent::Installed{3, sha256(as_bytes("new"))});
        bench.restart_agent();
        bench.work();
        CHECK(installed(bench) == agent::Installed{3, sha256(as_bytes("new"))});
    }
}
