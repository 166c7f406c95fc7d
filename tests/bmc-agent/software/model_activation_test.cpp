// What clients see of an activation, in its order.
#include "tests/bmc-agent/software/model_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::agent::software;
using namespace fwupdate::agent::software::test;
using fwupdate::config::SoftwareLayout;
using fwupdate::package::Purpose;

namespace
{

using Lines = std::vector<std::string>;

std::string running_id(const SoftwareModel& model)
{
    for (const auto& [id, version] : model.versions())
    {
        if (version.functional)
        {
            return id;
        }
    }
    return "none";
}

const Refusal bad_signature{ErrorCode::invalid_signature, "the signature is not good"};

} // namespace

TEST_CASE("2020: an activation from beginning to end")
{
    Bench bench;
    bench.start();
    const std::string first = running_id(bench.model);
    const std::string id = bench.upload(facts_of("2.7.0-dev"));
    (void)bench.lines();
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    CHECK(bench.lines() == Lines{"+ 7b7385fe: ActivationProgress", "+ 7b7385fe: ActivationBlocksTransition",
                                 "= 7b7385fe: Activation=Activating", "= 7b7385fe: RequestedActivation=Active"});
    bench.model.progressed(id, 42);
    bench.model.progressed(id, 42);
    CHECK(bench.lines() == Lines{"= 7b7385fe: Progress=42"});
    bench.model.succeeded(id);
    CHECK(bench.lines() == Lines{"= 7b7385fe: Progress=100", "- 7b7385fe: ActivationBlocksTransition",
                                 "- 7b7385fe: ActivationProgress", "= " + first + ": Priority=1",
                                 "+ 7b7385fe: RedundancyPriority",
                                 "- manager/7b7385fe: FilePath Delete ExtendedVersion Version", "= 7b7385fe: Path=",
                                 "= software: Associations=active:" + first + ",functional:" + first +
                                     ",updateable:" + first + ",active:7b7385fe,updateable:7b7385fe",
                                 "= 7b7385fe: Activation=Active"});
    CHECK(bench.driver.told == Lines{"start 7b7385fe", "discard /tmp/images/7b7385fe", "conclude 7b7385fe OnReset"});
}

TEST_CASE("a failure: 2020 takes the progress away, the current layout leaves it")
{
    for (const SoftwareLayout layout : {SoftwareLayout::era_2020, SoftwareLayout::current})
    {
        Bench bench{settings_of(layout)};
        bench.start();
        const std::string id = bench.upload(facts_of("2.0"));
        REQUIRE(bench.model.request(id, RequestedActivation::active));
        bench.model.progressed(id, 30);
        (void)bench.lines();
        bench.model.gave_up(id, bad_signature);
        const bool stays = layout == SoftwareLayout::current;
        CHECK(bench.lines() == Lines{"= " + id + ": Activation=Failed", "- " + id + ": ActivationBlocksTransition" +
                                                                            (stays ? "" : " ActivationProgress")});
        CHECK(bench.version(id).progress == (stays ? std::optional<std::uint8_t>{30} : std::nullopt));
        CHECK(bench.model.take_reports() == std::vector<Refusal>{bad_signature});
        CHECK(bench.model.take_reports().empty());
    }
}

TEST_CASE("a second try needs None first")
{
    Bench bench;
    bench.start();
    const std::string id = bench.upload(facts_of("2.0"));
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    bench.model.gave_up(id, bad_signature);
    REQUIRE(bench.model.request(id, RequestedActivation::active)); // no edge: it is Active already
    CHECK(bench.version(id).activation == Activation::failed);
    REQUIRE(bench.model.request(id, RequestedActivation::none));
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    CHECK(bench.version(id).activation == Activation::activating);
    CHECK(bench.driver.told == Lines{"start " + id, "start " + id});
    bench.model.succeeded(id);
    CHECK(bench.version(id).activation == Activation::active);
}

TEST_CASE("the request that is no edge, or in another state, is stored and starts nothing")
{
    Bench bench;
    bench.start();
    const std::string first = running_id(bench.model);
    REQUIRE(bench.model.request(first, RequestedActivation::active));
    CHECK(bench.version(first).requested == RequestedActivation::active);
    const std::string id = bench.upload(facts_of("2.0"));
    REQUIRE(bench.model.request(id, RequestedActivation::none));
    CHECK(bench.driver.told.empty());
    CHECK(bench.model.request("none", RequestedActivation::active).error().code == ErrorCode::resource_not_found);
}

TEST_CASE("one at a time: the second learns who is in the way, and may ask again")
{
    Bench bench;
    bench.start();
    const std::string one = bench.upload(facts_of("2.0"));
    const std::string two = bench.upload(facts_of("3.0"));
    REQUIRE(bench.model.request(one, RequestedActivation::active));
    (void)bench.lines();
    const auto refused = bench.model.request(two, RequestedActivation::active);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::unavailable);
    CHECK(refused.error().text == "version 2.0 (" + one + ") is being activated");
    CHECK(bench.lines().empty());
    bench.model.succeeded(one);
    REQUIRE(bench.model.request(two, RequestedActivation::active));
    CHECK(bench.version(two).activation == Activation::activating);
}

TEST_CASE("update mode held by somebody else, or the driver's refusal, changes nothing")
{
    Bench bench;
    bench.start();
    const std::string id = bench.upload(facts_of("2.0"));
    (void)bench.lines();
    bench.driver.held_by = "admin on channel 1";
    auto refused = bench.model.request(id, RequestedActivation::active);
    CHECK(refused.error() == Refusal{ErrorCode::unavailable, "update mode is held by admin on channel 1"});
    bench.driver.held_by.reset();
    bench.driver.refusal = Refusal{ErrorCode::internal_failure, "cannot open the image"};
    refused = bench.model.request(id, RequestedActivation::active);
    CHECK(refused.error() == *bench.driver.refusal);
    CHECK(bench.lines().empty());
    CHECK(bench.version(id).requested == RequestedActivation::none);
    bench.driver.refusal.reset();
    REQUIRE(bench.model.request(id, RequestedActivation::active));
}

TEST_CASE("events for what is not being activated change nothing")
{
    Bench bench;
    bench.start();
    const std::string id = bench.upload(facts_of("2.0"));
    (void)bench.lines();
    for (const std::string& one : {id, running_id(bench.model), std::string{"none"}})
    {
        bench.model.progressed(one, 10);
        bench.model.succeeded(one);
        bench.model.gave_up(one, bad_signature);
        bench.model.unusable(one, bad_signature);
        bench.model.inspected(one, facts_of("9"));
    }
    CHECK(bench.lines().empty());
    CHECK(bench.model.take_reports().empty());
    CHECK(bench.driver.told.empty());
}

TEST_CASE("a percent beyond 100 is 100")
{
    Bench bench;
    bench.start();
    const std::string id = bench.upload(facts_of("2.0"));
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    bench.model.progressed(id, 200);
    CHECK(bench.version(id).progress == std::uint8_t{100});
}

TEST_CASE("the requested priority is what it gets")
{
    Bench bench;
    bench.start();
    const std::string first = running_id(bench.model);
    const std::string id = bench.upload(facts_of("2.0"));
    REQUIRE(bench.model.set_requested_priority(id, 3));
    CHECK(bench.model.set_requested_priority("none", 3).error().code == ErrorCode::resource_not_found);
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    bench.model.succeeded(id);
    CHECK(bench.version(id).priority == std::uint8_t{3});
    CHECK(bench.version(first).priority == std::uint8_t{0});
    CHECK(bench.driver.told.back() == "conclude " + id + " OnReset");
    CHECK(bench.driver.told.at(1).starts_with("discard"));
    CHECK(bench.driver.told.size() == 3); // the first to boot is the same
}

TEST_CASE("setting a priority moves the others and tells what boots next; other devices are let be")
{
    Bench bench{settings_of(SoftwareLayout::era_2020, 4)};
    bench.model.start({}, {{"1.0", Purpose::bmc, "", "a"}, {"B7", Purpose::host, "", "b"}}, {});
    const std::string second = bench.activate("2.0");
    const std::string third = bench.activate("3.0");
    CHECK(bench.version(second).priority == std::uint8_t{1});
    bench.driver.told.clear();
    (void)bench.lines();
    REQUIRE(bench.model.set_priority(second, 0));
    CHECK(bench.version(third).priority == std::uint8_t{1});
    CHECK(bench.driver.told == Lines{"boot " + second});
    CHECK(bench.lines().size() == 2);
    for (const auto& [id, version] : bench.model.versions())
    {
        if (version.device() == Device::host)
        {
            CHECK(version.priority == std::uint8_t{0});
        }
    }
    const std::string ready = bench.upload(facts_of("5.0"));
    CHECK(bench.model.set_priority(ready, 0).error().code == ErrorCode::not_allowed);
    CHECK(bench.model.set_priority("none", 0).error().code == ErrorCode::resource_not_found);
}

TEST_CASE("space is made when the successor is in its place: the least wanted version goes, and nobody boots another")
{
    Bench bench;
    bench.start();
    const std::string old = bench.activate("2.0");
    REQUIRE(bench.model.set_priority(running_id(bench.model), 0));
    const std::string id = bench.upload(facts_of("3.0"));
    (void)bench.lines();
    bench.driver.told.clear();
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    CHECK(bench.model.versions().contains(old)); // as long as this may fail
    CHECK(bench.lines().back() == "= " + id + ": RequestedActivation=Active");
    bench.model.succeeded(id);
    CHECK_FALSE(bench.model.versions().contains(old));
    CHECK(bench.driver.told == Lines{"start " + id, "discard /tmp/images/" + id, "conclude " + id + " OnReset"});
}

TEST_CASE("room for one: what runs is shown until it runs no more")
{
    Bench bench{settings_of(SoftwareLayout::current, 1)};
    bench.start();
    const std::string first = running_id(bench.model);
    const std::string id = bench.upload(facts_of("2.0"));
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    CHECK(bench.model.versions().contains(first));
    bench.model.gave_up(id, bad_signature);
    CHECK(bench.version(first).functional);
    REQUIRE(bench.model.request(id, RequestedActivation::none));
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    bench.driver.told.clear();
    bench.model.succeeded(id);
    CHECK(bench.version(first).functional);
    CHECK(bench.version(id).priority == std::uint8_t{0});
    CHECK(bench.driver.told == Lines{"discard /tmp/images/" + id, "conclude " + id + " OnReset"});
}

TEST_CASE("a host's image leaves the BMC's versions alone")
{
    Bench bench{settings_of(SoftwareLayout::current, 1)};
    bench.start();
    const std::string id = bench.upload(facts_of("B8", Purpose::host));
    REQUIRE(bench.model.request(id, RequestedActivation::active));
    bench.model.succeeded(id);
    CHECK(bench.model.versions().size() == 2);
    CHECK(bench.version(id).priority == std::uint8_t{0});
}

TEST_CASE("an image below the least version fails without the session; it stays so")
{
    auto minimum = MinimumVersion::make({"fw102.0.0", "([a-z]+[0-9]{2})+([0-9]+).([0-9]+).([0-9]+)"});
    REQUIRE(minimum);
    Bench bench{settings_of(), *minimum};
    bench.start();
    const std::string old = bench.upload(facts_of("fw101.0.0"));
    (void)bench.lines();
    REQUIRE(bench.model.request(old, RequestedActivation::active));
    CHECK(bench.lines() == Lines{"= " + old + ": Activation=Failed", "= " + old + ": RequestedActivation=Active"});
    CHECK(bench.driver.told.empty());
    const auto reports = bench.model.take_reports();
    REQUIRE(reports.size() == 1);
    CHECK(reports.front().code == ErrorCode::incompatible);
    const std::string good = bench.upload(facts_of("fw102.0.1"));
    REQUIRE(bench.model.request(good, RequestedActivation::active));
    CHECK(bench.version(good).activation == Activation::activating);
    bench.model.succeeded(good);
    const std::string host = bench.upload(facts_of("fw100.0.0", Purpose::host));
    REQUIRE(bench.model.request(host, RequestedActivation::active));
    CHECK(bench.version(host).activation == Activation::activating);
}

TEST_CASE("StartUpdate: the object is there at once, and goes on by itself once it is known")
{
    Bench bench{settings_of(SoftwareLayout::current)};
    bench.start();
    const auto id = bench.model.start_update(nullptr, ApplyTime::immediate);
    REQUIRE(id);
    CHECK(bench.lines() == Lines{"+ " + *id + ": Definitions Delete Activation RequestedRedundancyPriority"});
    CHECK(bench.version(*id).activation == Activation::not_ready);
    const auto second = bench.model.start_update(nullptr, ApplyTime::immediate);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::unavailable);
    CHECK(second.error().text.find(*id) != std::string::npos);
    bench.model.inspected(*id, facts_of("2.0"));
    const auto lines = bench.lines();
    REQUIRE(lines.size() == 7);
    CHECK(lines.at(0) == "= " + *id + ": Associations=inventory:bmc");
    CHECK(lines.at(1) == "= " + *id + ": Activation=Ready");
    CHECK(lines.at(2) == "+ " + *id + ": FilePath ExtendedVersion Version");
    CHECK(lines.at(5) == "= " + *id + ": Activation=Activating");
    bench.model.succeeded(*id);
    CHECK(bench.driver.told.back() == "conclude " + *id + " Immediate");
}

TEST_CASE("StartUpdate: a bad image shows that it is invalid, and goes")
{
    Bench bench{settings_of(SoftwareLayout::current)};
    bench.start();
    const auto id = bench.model.start_update(nullptr, ApplyTime::on_reset);
    REQUIRE(id);
    (void)bench.lines();
    bench.model.unusable(*id, {ErrorCode::update_invalid_image, "it is no tarball"});
    CHECK(bench.lines() == Lines{"= " + *id + ": Activation=Invalid",
                                 "- " + *id + ": Definitions Delete Activation RequestedRedundancyPriority"});
    CHECK(bench.model.take_reports().front().code == ErrorCode::update_invalid_image);
    const auto next = bench.model.start_update(nullptr, ApplyTime::on_reset);
    REQUIRE(next);
    ImageFacts half = facts_of("2.0");
    half.complete = false;
    bench.model.inspected(*next, half);
    CHECK_FALSE(bench.model.versions().contains(*next));
    CHECK(bench.model.take_reports().size() == 1);
}

TEST_CASE("StartUpdate: apply times that are not allowed, and a held update mode, are refused")
{
    Bench bench{settings_of(SoftwareLayout::current)};
    bench.start();
    CHECK(bench.model.start_update(nullptr, ApplyTime::on_activation_request).error().code ==
          ErrorCode::invalid_argument);
    bench.driver.held_by = "root";
    CHECK(bench.model.start_update(nullptr, ApplyTime::on_reset).error().code == ErrorCode::unavailable);
    CHECK(bench.lines().empty());
}

TEST_CASE("StartUpdate: on activation request it waits for one")
{
    config::Software settings = settings_of(SoftwareLayout::current);
    settings.apply_times.push_back(ApplyTime::on_activation_request);
    Bench bench{settings};
    bench.start();
    const auto id = bench.model.start_update(nullptr, ApplyTime::on_activation_request);
    REQUIRE(id);
    bench.model.inspected(*id, facts_of("2.0"));
    CHECK(bench.version(*id).activation == Activation::ready);
    REQUIRE(bench.model.request(*id, RequestedActivation::active));
    CHECK(bench.version(*id).activation == Activation::activating);
    bench.model.succeeded(*id);
    CHECK(bench.driver.told.back() == "conclude " + *id + " OnActivationRequest");
}

TEST_CASE("StartUpdate: somebody was faster than its image could be looked into: failed, not hanging")
{
    Bench bench{settings_of(SoftwareLayout::current)};
    bench.start();
    const auto id = bench.model.start_update(nullptr, ApplyTime::on_reset);
    REQUIRE(id);
    bench.driver.held_by = "admin";
    bench.model.inspected(*id, facts_of("2.0"));
    CHECK(bench.version(*id).activation == Activation::failed);
    CHECK(bench.model.take_reports().front().code == ErrorCode::unavailable);
}

TEST_CASE("StartUpdate's images don't outlive the agent, unless they are in place")
{
    Bench bench{settings_of(SoftwareLayout::current)};
    bench.start();
    const auto id = bench.model.start_update(nullptr, ApplyTime::on_reset);
    REQUIRE(id);
    CHECK(bench.model.saved().versions.size() == 1);
    bench.model.inspected(*id, facts_of("2.0"));
    CHECK(bench.model.saved().versions.size() == 1);
    bench.model.succeeded(*id);
    CHECK(bench.model.saved().versions.size() == 2);
}

TEST_CASE("an update by IPMI is seen while it runs")
{
    Bench bench{settings_of(SoftwareLayout::current, 2)};
    bench.start();
    bench.model.progressed_elsewhere(0);
    auto lines = bench.lines();
    REQUIRE(lines.size() == 1);
    const std::string id = lines.at(0).substr(2, 8);
    CHECK(lines.at(0).find("Activation ActivationBlocksTransition ActivationProgress") != std::string::npos);
    CHECK(bench.version(id).activation == Activation::activating);
    bench.model.progressed_elsewhere(40);
    CHECK(bench.lines() == Lines{"= " + id + ": Progress=40"});

    // Nobody else gets in meanwhile, it can't be deleted, and it isn't remembered.
    bench.driver.held_by = "alice on channel 1";
    const std::string upload = bench.upload(facts_of("2.0"));
    const auto refused = bench.model.request(upload, RequestedActivation::active);
    REQUIRE(!refused);
    CHECK(refused.error().text == "update mode is held by alice on channel 1");
    CHECK(bench.model.erase(id).error().code == ErrorCode::unavailable);
    CHECK(bench.model.saved().versions.size() == 2);
    (void)bench.lines();

    SUBCASE("and ends well")
    {
        bench.model.programmed_elsewhere(facts_of("3.0"));
        lines = bench.lines();
        CHECK(lines.front().starts_with("- " + id));
        CHECK(lines.back().starts_with("+ "));
        CHECK_FALSE(bench.model.versions().contains(id));
        CHECK(bench.model.versions().size() == 3);
    }
    SUBCASE("and nobody knows its version")
    {
        bench.model.programmed_elsewhere({});
        CHECK(bench.lines().front().starts_with("- " + id));
        CHECK(bench.model.versions().size() == 2);
    }
    SUBCASE("and fails, which is seen before it goes")
    {
        bench.model.gave_up_elsewhere(bad_signature);
        lines = bench.lines();
        REQUIRE(lines.size() >= 2);
        CHECK(lines.front() == "= " + id + ": Activation=Failed");
        CHECK(lines.back().starts_with("- " + id));
        CHECK(bench.model.take_reports() == std::vector{bad_signature});
        bench.model.gave_up_elsewhere(bad_signature);
        CHECK(bench.lines().empty());
    }
}

TEST_CASE(
    "2020: of an update by IPMI the progress is seen, but no Activation that a client could take for its upload's")
{
    Bench bench;
    bench.start();
    bench.model.progressed_elsewhere(7);
    const auto lines = bench.lines();
    REQUIRE(lines.size() == 1);
    CHECK(lines.at(0).ends_with(": ActivationBlocksTransition ActivationProgress"));
}

TEST_CASE("a second update by IPMI takes the place of one that waits for its restart, and nobody boots another")
{
    Bench bench{settings_of(SoftwareLayout::current, 1)};
    bench.start();
    bench.model.programmed_elsewhere(facts_of("2.0"));
    bench.model.programmed_elsewhere(facts_of("3.0"));
    CHECK(bench.model.versions().size() == 2);
    CHECK(bench.driver.told.empty());
}

TEST_CASE("what a person deletes or ranks decides what boots; what an agent finds at its start does not")
{
    Bench bench{settings_of(SoftwareLayout::current, 3)};
    bench.start();
    const std::string running = running_id(bench.model);
    const std::string second = bench.activate("2.0");
    const std::string third = bench.activate("3.0");
    bench.driver.told.clear();
    REQUIRE(bench.model.erase(second)); // behind the third, which boots as before
    CHECK(bench.driver.told == Lines{"remove " + second});
    REQUIRE(bench.model.set_priority(running, 0));
    CHECK(bench.driver.told.back() == "boot " + running);
    REQUIRE(bench.model.set_priority(third, 0));
    bench.driver.told.clear();
    REQUIRE(bench.model.erase(third));
    CHECK(bench.driver.told == Lines{"remove " + third, "boot " + running});
}

TEST_CASE("what runs becomes another version without a restart of the agent")
{
    Bench bench{settings_of(SoftwareLayout::current, 1)};
    bench.start();
    const std::string bmc = running_id(bench.model);
    bench.model.running({{"B7", Purpose::host, "", "bios"}});
    CHECK(bench.version(bmc).functional);
    REQUIRE(bench.model.versions().size() == 2);
    (void)bench.lines();
    bench.model.running({{"B7", Purpose::host, "", "bios"}});
    CHECK(bench.lines().empty());
    bench.model.running({{"B8", Purpose::host, "", "bios"}});
    CHECK(bench.model.versions().size() == 2);
    bool found = false;
    for (const auto& [id, version] : bench.model.versions())
    {
        found = found || (version.facts.version == "B8" && version.functional && version.priority == std::uint8_t{0});
    }
    CHECK(found);
}

TEST_CASE("an update by IPMI shows as an active version, in front")
{
    Bench bench;
    bench.start();
    const std::string first = running_id(bench.model);
    bench.model.programmed_elsewhere(facts_of("2.7.0-dev"));
    CHECK(bench.version("7b7385fe").activation == Activation::active);
    CHECK(bench.version("7b7385fe").priority == std::uint8_t{0});
    CHECK(bench.version(first).priority == std::uint8_t{1});
    const auto lines = bench.lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines.at(0).starts_with("= software: Associations="));
    CHECK(lines.at(0).find("active:7b7385fe") != std::string::npos);
    CHECK(lines.back().starts_with("+ 7b7385fe:"));
    bench.model.programmed_elsewhere(facts_of("2.7.0-dev"));
    CHECK(bench.lines().empty());
}

TEST_CASE("an update by IPMI with what was uploaded too takes the upload's place; without a version it shows nothing")
{
    Bench bench;
    bench.start();
    const std::string id = bench.upload(facts_of("2.0"));
    bench.model.programmed_elsewhere(facts_of("2.0"));
    CHECK(bench.version(id).activation == Activation::active);
    CHECK(bench.driver.told.front() == "discard /tmp/images/" + id);
    bench.model.programmed_elsewhere(facts_of(""));
    CHECK(bench.model.versions().size() == 2);
}
