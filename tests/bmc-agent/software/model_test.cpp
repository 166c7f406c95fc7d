// How versions come and go.
#include "tests/bmc-agent/software/model_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::agent::software;
using namespace fwupdate::agent::software::test;
using fwupdate::config::IdRule;
using fwupdate::config::SoftwareLayout;
using fwupdate::package::Purpose;

namespace
{

using Lines = std::vector<std::string>;

/// The id of the version with this text.
std::string id_of(const SoftwareModel& model, const std::string& version)
{
    for (const auto& [id, candidate] : model.versions())
    {
        if (candidate.facts.version == version)
        {
            return id;
        }
    }
    return "none";
}

ErrorCode code_of(const Outcome<void>& outcome)
{
    REQUIRE_FALSE(outcome);
    CHECK_FALSE(outcome.error().text.empty());
    return outcome.error().code;
}

} // namespace

TEST_CASE("the version that runs is active, functional, first, and has no Delete")
{
    Bench bench;
    bench.model.start({}, {{"1.0", Purpose::bmc, "extended", "a"}, {"B7", Purpose::host, "", "b"}}, {});
    const Version& running = bench.version(id_of(bench.model, "1.0"));
    CHECK(running.activation == Activation::active);
    CHECK(running.functional);
    CHECK(running.priority == std::uint8_t{0});
    CHECK(running.facts.extended_version == "extended");
    CHECK(bench.version(id_of(bench.model, "B7")).priority == std::uint8_t{0});
    CHECK(code_of(bench.model.erase(running.id)) == ErrorCode::not_allowed);
    CHECK(bench.driver.told.empty()); // what boots is what it is already
    CHECK(bench.model.take_changes().size() == bench.model.objects().size());
}

TEST_CASE("a device whose version nobody knows is not shown")
{
    Bench bench;
    bench.model.start({}, {{"", Purpose::bmc, "", "a"}}, {});
    CHECK(bench.model.versions().empty());
}

TEST_CASE("an upload appears once, whole, in both services")
{
    Bench bench;
    bench.start();
    bench.upload(facts_of("2.7.0-dev"));
    CHECK(bench.lines() == Lines{"+ manager/7b7385fe: FilePath Delete ExtendedVersion Version",
                                 "+ 7b7385fe: Definitions FilePath Delete Activation ExtendedVersion "
                                 "RequestedRedundancyPriority Version"});
    CHECK(bench.version("7b7385fe").activation == Activation::ready);
}

TEST_CASE("an upload without a whole set of images is invalid, and can be deleted")
{
    Bench bench;
    bench.start();
    ImageFacts facts = facts_of("2.7.0-dev");
    facts.complete = false;
    const std::string id = bench.upload(facts);
    CHECK(bench.version(id).activation == Activation::invalid);
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    CHECK(bench.version(id).activation == Activation::invalid);
    CHECK(bench.version(id).requested == RequestedActivation::active);
    CHECK(bench.driver.told.empty());
    REQUIRE(bench.model.erase(id));
    CHECK(bench.driver.told == Lines{"discard /tmp/images/7b7385fe"});
    CHECK(bench.model.versions().size() == 1);
}

TEST_CASE("the same version twice is refused; with a salted id it is not")
{
    Bench bench;
    bench.start();
    bench.upload(facts_of("2.0"));
    for (const char* const version : {"2.0", "1.0"})
    {
        const auto second = bench.model.choose_id(facts_of(version));
        REQUIRE_FALSE(second);
        CHECK(second.error().code == ErrorCode::already_exists);
        CHECK(second.error().metadata == std::vector<std::pair<std::string, std::string>>{{"IMAGE_VERSION", version}});
    }
    config::Software settings = settings_of();
    settings.upload_id = IdRule::salted;
    Bench salted{settings};
    salted.start();
    CHECK(salted.upload(facts_of("2.0")) != salted.upload(facts_of("2.0")));
}

TEST_CASE("named ids that collide are drawn again")
{
    config::Software settings = settings_of();
    settings.upload_id = IdRule::named;
    settings.id_name = "cpld";
    Bench bench{settings};
    bench.start();
    bench.random.next = 7;
    CHECK(bench.upload(facts_of("1")) == "cpld_7");
    bench.random.next = 7;
    CHECK(bench.upload(facts_of("2")) == "cpld_8");
}

TEST_CASE("there is an end to uploads")
{
    Bench bench;
    bench.start();
    for (std::size_t count = 1; count < SavedState::most_versions; ++count)
    {
        bench.upload(facts_of("v" + std::to_string(count)));
    }
    const auto one_more = bench.model.choose_id(facts_of("more"));
    REQUIRE_FALSE(one_more);
    CHECK(one_more.error().code == ErrorCode::too_many_resources);
    CHECK(bench.model.start_update(nullptr, ApplyTime::on_reset).error().code == ErrorCode::too_many_resources);
    CHECK(bench.model.choose_id(facts_of("")).error().code == ErrorCode::too_many_resources);
}

TEST_CASE("an upload without a version is an invalid argument")
{
    Bench bench;
    bench.start();
    CHECK(bench.model.choose_id(facts_of("")).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("DeleteAll takes what neither runs nor is being activated, of its device")
{
    Bench bench;
    bench.start();
    const std::string ready = bench.upload(facts_of("2.0"));
    const std::string busy = bench.upload(facts_of("3.0"));
    const std::string host = bench.upload(facts_of("4.0", Purpose::host));
    REQUIRE(bench.model.request(busy, RequestedActivation::active));
    bench.model.erase_all(Device::bmc);
    CHECK_FALSE(bench.model.versions().contains(ready));
    CHECK(bench.model.versions().contains(busy));
    CHECK(bench.model.versions().contains(host));
    bench.model.erase_all(std::nullopt);
    CHECK_FALSE(bench.model.versions().contains(host));
    CHECK(bench.model.versions().size() == 2);
    CHECK(code_of(bench.model.erase(busy)) == ErrorCode::unavailable);
    CHECK(code_of(bench.model.erase("00000000")) == ErrorCode::resource_not_found);
}

TEST_CASE("an active version that does not run is removed from where it is installed")
{
    Bench bench;
    bench.start();
    const std::string id = bench.activate("2.0");
    (void)bench.lines();
    bench.driver.told.clear();
    REQUIRE(bench.model.erase(id));
    CHECK(bench.driver.told == Lines{"remove " + id, "boot " + id_of(bench.model, "1.0")});
    const auto lines = bench.lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines.front().starts_with("- " + id));
    CHECK(lines.back().starts_with("= software: Associations=active:"));
}

TEST_CASE("versions, priorities and the apply time outlive the agent")
{
    Bench before;
    before.start();
    const std::string first = id_of(before.model, "1.0");
    const std::string second = before.activate("2.0");
    const std::string waiting = before.upload(facts_of("3.0"));
    REQUIRE(before.model.set_requested_priority(waiting, 4));
    before.model.set_apply_time(ApplyTime::immediate);

    Bench after;
    after.start(before.model.saved());
    CHECK(after.model.apply_time() == ApplyTime::immediate);
    CHECK(after.version(first).functional);
    CHECK(after.version(first).priority == std::uint8_t{1});
    CHECK(after.version(second).priority == std::uint8_t{0});
    CHECK_FALSE(after.version(second).functional);
    CHECK(after.version(waiting).activation == Activation::ready);
    CHECK(after.version(waiting).requested_priority == 4);
    CHECK(after.version(waiting).image.file == "/tmp/images/" + waiting + "/image.tar");
}

TEST_CASE("an upload whose file is gone is forgotten; what was being activated has failed and may be tried again")
{
    Bench before;
    before.start();
    const std::string gone = before.upload(facts_of("2.0"));
    const std::string busy = before.upload(facts_of("3.0"));
    REQUIRE(before.model.request(busy, RequestedActivation::active));
    Bench after;
    after.gone.insert("/tmp/images/" + gone + "/image.tar");
    after.start(before.model.saved());
    CHECK_FALSE(after.model.versions().contains(gone));
    CHECK(after.version(busy).activation == Activation::failed);
    CHECK_FALSE(after.version(busy).progress);
    REQUIRE(after.model.request(busy, RequestedActivation::none));
    REQUIRE(after.model.request(busy, RequestedActivation::active));
    CHECK(after.driver.told == Lines{"start " + busy});
}

TEST_CASE("the BMC has restarted with the new version: it is functional now")
{
    Bench before{settings_of(SoftwareLayout::era_2020, 1)};
    before.start();
    const std::string id = before.activate("2.0");
    Bench after{settings_of(SoftwareLayout::era_2020, 1)};
    after.model.start(before.model.saved(), {{"2.0", Purpose::bmc, "", "a"}}, {});
    CHECK(after.model.versions().size() == 1);
    CHECK(after.version(id).functional);
    CHECK(after.version(id).updateable);
}

TEST_CASE("only the agent has restarted: the version that waits stays first, however often")
{
    SavedState state;
    std::string waiting;
    {
        Bench bench{settings_of(SoftwareLayout::era_2020, 1)};
        bench.start();
        waiting = bench.activate("2.0");
        state = bench.model.saved();
    }
    for (int restarts = 0; restarts < 3; ++restarts)
    {
        Bench bench{settings_of(SoftwareLayout::era_2020, 1)};
        bench.start(state);
        REQUIRE(bench.model.versions().size() == 2);
        CHECK(bench.version(waiting).priority == std::uint8_t{0});
        CHECK(bench.version(id_of(bench.model, "1.0")).priority == std::uint8_t{1});
        CHECK(bench.version(id_of(bench.model, "1.0")).functional);
        state = bench.model.saved();
    }
}

TEST_CASE("what runs has replaced another version only where it is before it, not beside it")
{
    SavedState state;
    for (const char* const version : {"1.0", "2.0"})
    {
        Version& saved = state.versions.emplace_back();
        saved.id = version[0] == '1' ? "one" : "two";
        saved.facts = facts_of(version);
        saved.activation = Activation::active;
        saved.priority = std::uint8_t{7};
    }
    Bench beside{settings_of(SoftwareLayout::era_2020, 1)};
    beside.start(state);
    CHECK(beside.model.versions().size() == 2);
    state.versions.back().priority = std::uint8_t{8};
    Bench behind{settings_of(SoftwareLayout::era_2020, 1)};
    behind.start(state);
    CHECK(behind.model.versions().size() == 1);
}

TEST_CASE("an upload of the version that runs now gives way to it")
{
    Bench before;
    before.start();
    const std::string id = before.upload(facts_of("2.0"));
    Bench after;
    after.model.start(before.model.saved(), {{"2.0", Purpose::bmc, "", "a"}},
                      [](const std::filesystem::path&) { return true; });
    CHECK(after.version(id).functional);
    CHECK(after.version(id).image.file.empty());
    CHECK(after.driver.told.front() == "discard /tmp/images/" + id);
}

TEST_CASE("a saved active version without a priority is the last; the one that runs alone is the first")
{
    SavedState state;
    Version old;
    old.id = "old";
    old.facts = facts_of("0.9");
    old.activation = Activation::active;
    state.versions.push_back(old);
    Bench bench;
    bench.start(state);
    CHECK(bench.version("old").priority == std::uint8_t{255});
    CHECK(bench.version(id_of(bench.model, "1.0")).priority == std::uint8_t{1});
}

TEST_CASE("what can be updated: in the current layout the one version, else those that don't run; in 2020 all")
{
    Bench before;
    before.start();
    const std::string second = before.activate("2.0");
    const std::string first = id_of(before.model, "1.0");
    Bench old{settings_of(SoftwareLayout::era_2020)};
    old.start(before.model.saved());
    CHECK(old.version(first).updateable);
    CHECK(old.version(second).updateable);
    Bench now{settings_of(SoftwareLayout::current)};
    now.start(before.model.saved());
    CHECK_FALSE(now.version(first).updateable);
    CHECK(now.version(second).updateable);
    Bench alone{settings_of(SoftwareLayout::current)};
    alone.start();
    CHECK(alone.version(first).updateable);
}

TEST_CASE("the apply time is a property like others")
{
    Bench bench;
    bench.start();
    bench.model.set_apply_time(ApplyTime::immediate);
    CHECK(bench.lines() == Lines{"= apply_time: RequestedApplyTime=Immediate"});
    bench.model.set_apply_time(ApplyTime::immediate);
    CHECK(bench.lines().empty());
}
