// A target with two slots: what is written, what is chosen, and what no failure may touch.
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/boot_record.hpp"
#include "bmc-agent/targets/target.hpp"
#include "common/sha256.hpp"
#include "tests/bmc-agent/targets/scripted_runner.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent;
using test::ScriptedRunner;

namespace
{

/// Two slots that are files, a boot record or programs, and an image.
class Machine
{
  public:
    explicit Machine(bool by_commands = false) : by_commands_{by_commands}, image(600'000, 0x5A)
    {
        write("a.bin", "version 1");
        write("b.bin", "older");
        write("running", "a\n");
        choose({1, "a", "a", 0});
        restart();
    }

    void write(const std::string& name, const std::string& text) const
    {
        std::ofstream{path(name)} << text;
    }
    [[nodiscard]] std::filesystem::path path(const std::string& name) const
    {
        return directory.path() / name;
    }
    [[nodiscard]] std::string text(const std::string& name) const
    {
        return *read_file(path(name), 1 << 24);
    }
    void choose(const BootRecord& record) const
    {
        write("boot", record.line());
    }
    [[nodiscard]] BootRecord chosen() const
    {
        return *BootRecord::parse(text("boot"));
    }

    /// The agent begins anew.
    void restart()
    {
        target.reset();
        config::Slots slots;
        slots.stream = streams;
        slots.places = {{"a", "file", path("a.bin")}, {"b", "file", path("b.bin")}};
        slots.running.file = path("running");
        slots.selector = config::FileSelector{path("boot"), 3};
        if (by_commands_)
        {
            slots.selector = config::CommandSelector{{"/get"}, {"/try"}, {"/keep"}, {"/back"}};
        }
        config::Target configuration;
        configuration.name = "bmc";
        configuration.type = "slots";
        configuration.slots = slots;
        target.emplace(configuration, HandlerParts{&runner, [this] { ++woken; }, {}});
    }

    [[nodiscard]] TargetHandler& handler() const
    {
        return target->handler();
    }

    /// What is read as installed.
    [[nodiscard]] std::string installed() const
    {
        const auto content = handler().installed(std::nullopt);
        const auto source = content ? content->open() : Result<package::ByteSource>{fail(ErrorKind::not_found, "")};
        if (!source)
        {
            return "nothing";
        }
        Bytes bytes(source->size);
        REQUIRE(source->read(0, bytes).has_value());
        return {bytes.begin(), bytes.end()};
    }
    [[nodiscard]] SlotKeeper& keeper() const
    {
        return *handler().slots();
    }

    [[nodiscard]] VerifiedImage verified() const
    {
        package::ByteSource bytes;
        bytes.size = image.size();
        bytes.read = [this](std::uint64_t offset, MutableBytes out) -> Result<void>
        {
            std::memcpy(out.data(), image.data() + offset, out.size());
            return {};
        };
        return {bytes, sha256(image), {}};
    }

    /// Until it is written or waits.
    [[nodiscard]] Result<bool> run() const
    {
        Result<bool> finished = false;
        while (finished && !*finished && handler().wants_step())
        {
            finished = handler().step();
        }
        return finished;
    }

    [[nodiscard]] Result<bool> update() const
    {
        const auto begun = handler().begin(verified());
        return begun ? run() : Result<bool>{begun.error()};
    }

  private:
    bool by_commands_;

  public:
    test::TemporaryDirectory directory;
    Bytes image;
    ScriptedRunner runner;
    int woken{0};
    bool streams{false}; ///< from the next start of the agent on
    std::optional<Target> target;
};

Result<void> ended(const std::function<void(SlotKeeper::Done)>& change)
{
    std::optional<Result<void>> end;
    change([&](Result<void> result) { end = std::move(result); });
    REQUIRE(end.has_value());
    return *end;
}

} // namespace

TEST_CASE("an update writes the slot that does not run, and chooses it last")
{
    Machine machine;
    CHECK(*machine.keeper().state() == SlotState{"a", "a", false});
    CHECK(machine.keeper().other_slot() == "b");
    CHECK(machine.installed() == machine.text("a.bin"));
    REQUIRE(machine.handler().begin(machine.verified()).has_value());
    const auto chosen_with_old_bytes = [&]
    { return machine.chosen().chosen == "b" && machine.text("b.bin").size() != machine.image.size(); };
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        CHECK_FALSE(chosen_with_old_bytes());
        finished = machine.handler().step();
    }
    REQUIRE(finished.has_value());
    CHECK(machine.handler().done() == machine.handler().total());
    CHECK(machine.text("a.bin") == "version 1");
    CHECK(sha256(as_bytes(machine.text("b.bin"))) == sha256(machine.image));
    CHECK(machine.chosen() == BootRecord{2, "b", "a", 3});
    CHECK(*machine.keeper().state() == SlotState{"a", "b", true});
    // What runs is what is installed until the restart.
    CHECK(machine.installed() == machine.text("a.bin"));
    machine.write("running", "b");
    machine.restart();
    CHECK(machine.installed() == machine.text("b.bin"));
    CHECK(machine.keeper().state()->on_trial());
    CHECK(machine.keeper().other_slot() == "a");
}

TEST_CASE("on trial nothing can be written: the other slot is the only good one")
{
    Machine machine;
    machine.write("running", "b");
    machine.choose({2, "b", "a", 2});
    machine.restart();
    const auto begun = machine.handler().begin(machine.verified());
    CHECK(begun.error().kind == ErrorKind::wrong_state);
    CHECK(begun.error().text.find("confirm it or let it fall back first") != std::string::npos);
    CHECK(machine.text("a.bin") == "version 1");
    REQUIRE(ended([&](SlotKeeper::Done done) { machine.keeper().confirm(std::move(done)); }).has_value());
    CHECK(machine.chosen() == BootRecord{3, "b", "b", 0});
    CHECK(machine.woken == 1);
    REQUIRE(machine.update().has_value());
    CHECK(machine.chosen() == BootRecord{4, "a", "b", 3});
}

TEST_CASE("falling back makes the former slot the next one, and only from a trial")
{
    Machine machine;
    CHECK(ended([&](SlotKeeper::Done done) { machine.keeper().fall_back(std::move(done)); }).error().kind ==
          ErrorKind::not_found);
    machine.write("running", "b");
    machine.choose({2, "b", "a", 2});
    machine.restart();
    REQUIRE(ended([&](SlotKeeper::Done done) { machine.keeper().fall_back(std::move(done)); }).has_value());
    CHECK(machine.chosen() == BootRecord{3, "a", "a", 0});
    CHECK(*machine.keeper().state() == SlotState{"b", "a", false});
    // Before the restart nothing is written over the good one, and the bad one is not confirmed.
    CHECK(machine.update().error().text.find("restart first") != std::string::npos);
    CHECK(ended([&](SlotKeeper::Done done) { machine.keeper().confirm(std::move(done)); }).error().kind ==
          ErrorKind::wrong_state);
}

TEST_CASE("an error while the slot is written leaves the choice as it was")
{
    Machine machine;
    machine.image[7] ^= 1;
    VerifiedImage image = machine.verified();
    image.sha256[0] ^= 1;
    REQUIRE(machine.handler().begin(image).has_value());
    CHECK(machine.run().error().kind == ErrorKind::integrity);
    CHECK(machine.chosen() == BootRecord{1, "a", "a", 0});
    CHECK(machine.text("b.bin") == "older");
    CHECK(machine.handler().step().error().kind == ErrorKind::wrong_state);
    machine.write("boot", "rubbish"); // the choice itself fails
    CHECK(machine.update().error().text.find("what ran before goes on") != std::string::npos);
    CHECK(machine.text("boot") == "rubbish");
}

TEST_CASE("a slot that waits for its restart is given up before another update writes it")
{
    Machine machine;
    REQUIRE(machine.update().has_value());
    REQUIRE(machine.chosen().chosen == "b");
    REQUIRE(machine.handler().begin(machine.verified()).has_value());
    CHECK(machine.chosen() == BootRecord{3, "a", "a", 0});
    CHECK(machine.keeper().state()->chosen == "a");
    REQUIRE(machine.run().has_value());
    CHECK(machine.chosen() == BootRecord{4, "b", "a", 3});
    // A cancelled one leaves it given up: the slot may be half written.
    REQUIRE(machine.handler().begin(machine.verified()).has_value());
    REQUIRE(machine.handler().step().has_value());
    machine.handler().cancel();
    CHECK(machine.chosen().chosen == "a");
}

TEST_CASE("what cannot be known is said, and refuses updates")
{
    Machine machine;
    machine.write("boot", "rubbish");
    machine.restart();
    CHECK_FALSE(machine.keeper().state().has_value());
    CHECK(machine.keeper().other_slot().empty());
    CHECK(machine.installed() == "nothing");
    CHECK(machine.keeper().obstacle()->text.find("no boot record") != std::string::npos);
    CHECK(machine.update().error().kind == ErrorKind::wrong_state);
    for (const auto& change :
         {std::function{[&](SlotKeeper::Done done) { machine.keeper().confirm(std::move(done)); }},
          std::function{[&](SlotKeeper::Done done) { machine.keeper().fall_back(std::move(done)); }}})
    {
        CHECK(ended(change).error().kind == ErrorKind::wrong_state);
    }
    machine.choose({1, "c", "c", 0});
    machine.keeper().look();
    CHECK(machine.keeper().obstacle()->text.find("names slot \"c\"") != std::string::npos);
    machine.choose({1, "a", "a", 0});
    std::filesystem::remove(machine.path("running"));
    machine.keeper().look();
    CHECK_FALSE(machine.keeper().state().has_value());
    CHECK(machine.woken == 0);
    machine.write("running", "a");
    machine.keeper().look();
    CHECK(machine.keeper().state().has_value());
    CHECK(machine.woken == 1);
}

TEST_CASE("a selector that takes its time: the handler waits, and is woken")
{
    Machine machine{true};
    CHECK_FALSE(machine.keeper().state().has_value()); // the command said nothing
    machine.runner.result = ScriptedRunner::says("chosen=a\nprovisional=0\n");
    machine.restart();
    REQUIRE(machine.keeper().state().has_value());
    machine.runner.takes_time = true;
    const auto until_switch = [&]
    {
        REQUIRE(machine.handler().begin(machine.verified()).has_value());
        const auto waits = machine.run();
        REQUIRE(waits.has_value());
        CHECK_FALSE(*waits);
        CHECK_FALSE(machine.handler().wants_step());
        CHECK(machine.runner.ran.back() == std::vector<std::string>{"/try", "b"});
    };
    until_switch();
    machine.woken = 0;
    machine.runner.end(ScriptedRunner::fails("it ended with status 1"));
    CHECK(machine.woken > 0);
    CHECK(machine.run().error().text.find("/try did not change the boot selection") != std::string::npos);
    CHECK(machine.runner.ran.back() == std::vector<std::string>{"/get"}); // it looks what is true now
    machine.runner.end(ScriptedRunner::says("chosen=a\n"));

    until_switch();
    machine.runner.end(ScriptedRunner::says(""));
    CHECK(*machine.run());
    CHECK(*machine.keeper().state() == SlotState{"a", "b", true});
}

TEST_CASE("a choice that ends after nobody wants it any more is taken back")
{
    Machine machine{true};
    machine.runner.result = ScriptedRunner::says("chosen=a\n");
    machine.restart();
    machine.runner.takes_time = true;
    REQUIRE(machine.handler().begin(machine.verified()).has_value());
    REQUIRE(machine.run().has_value());
    machine.handler().cancel();
    machine.runner.end(ScriptedRunner::says(""));
    CHECK(machine.runner.ran.back() == std::vector<std::string>{"/back"});
    machine.runner.end(ScriptedRunner::says(""));
    CHECK(*machine.keeper().state() == SlotState{"a", "a", false});

    // The same when it has ended, and nobody has looked yet.
    REQUIRE(machine.handler().begin(machine.verified()).has_value());
    REQUIRE(machine.run().has_value());
    machine.runner.end(ScriptedRunner::says(""));
    machine.handler().cancel();
    CHECK(machine.runner.ran.back() == std::vector<std::string>{"/back"});
    machine.runner.end(ScriptedRunner::says(""));

    // Answers that come after the target has gone find nobody, and hurt nobody.
    REQUIRE(machine.handler().begin(machine.verified()).has_value());
    REQUIRE(machine.run().has_value());
    machine.target.reset();
    machine.runner.end(ScriptedRunner::says(""));
    CHECK(machine.runner.running.empty());
}

TEST_CASE("one change of the choice at a time")
{
    Machine machine{true};
    machine.write("running", "b");
    machine.runner.result = ScriptedRunner::says("chosen=b\nprovisional=1\n");
    machine.restart();
    machine.runner.takes_time = true;
    std::optional<Result<void>> end;
    machine.keeper().confirm([&](Result<void> result) { end = std::move(result); });
    CHECK_FALSE(end.has_value());
    CHECK(ended([&](SlotKeeper::Done done) { machine.keeper().fall_back(std::move(done)); }).error().kind ==
          ErrorKind::wrong_state);
    machine.runner.end(ScriptedRunner::fails("no"));
    REQUIRE(end.has_value());
    CHECK_FALSE(end->has_value());
    machine.runner.end(ScriptedRunner::says("chosen=b\nprovisional=1\n"));
    CHECK(machine.keeper().state()->on_trial());
}

TEST_CASE("an image that gathers in the slot that does not run is put in force once it is read back")
{
    Machine machine;
    CHECK_FALSE(machine.handler().has_own_place());
    CHECK_FALSE(machine.handler().open_own_place().has_value());
    machine.streams = true;
    machine.restart();
    CHECK(machine.handler().has_own_place());
    const auto place = machine.handler().open_own_place();
    REQUIRE(place.has_value());
    CHECK(place->path == machine.path("b.bin"));
    const std::string text{machine.image.begin(), machine.image.end()};

    SUBCASE("whole")
    {
        machine.write("b.bin", text + "and a signature behind it");
        REQUIRE(machine.handler().begin_in_place(machine.verified()).has_value());
        CHECK(machine.chosen().chosen == "a");
        const auto finished = machine.run();
        REQUIRE(finished.has_value());
        CHECK(*finished);
        CHECK(machine.chosen().chosen == "b");
        CHECK(machine.chosen().good == "a");
        CHECK(machine.handler().done() == machine.image.size());
        CHECK(machine.installed() == "version 1"); // until the restart
    }
    SUBCASE("other bytes than were verified: not chosen")
    {
        machine.write("b.bin", "x" + text.substr(1));
        REQUIRE(machine.handler().begin_in_place(machine.verified()).has_value());
        const auto finished = machine.run();
        REQUIRE_FALSE(finished.has_value());
        CHECK(finished.error().kind == ErrorKind::integrity);
        CHECK(machine.chosen().chosen == "a");
    }
    SUBCASE("shorter, or gone: not chosen")
    {
        machine.write("b.bin", text.substr(1));
        REQUIRE(machine.handler().begin_in_place(machine.verified()).has_value());
        CHECK_FALSE(machine.run().has_value());
        std::filesystem::remove(machine.path("b.bin"));
        CHECK_FALSE(machine.handler().begin_in_place(machine.verified()).has_value());
        CHECK(machine.handler().open_own_place().has_value()); // the next image makes it
        CHECK(machine.chosen().chosen == "a");
    }
    SUBCASE("nowhere while the running slot is on trial, or the other one waits for its restart")
    {
        machine.choose({2, "a", "b", 3});
        machine.restart();
        CHECK_FALSE(machine.handler().open_own_place().has_value());
        CHECK_FALSE(machine.handler().begin_in_place(machine.verified()).has_value());
        machine.choose({3, "b", "a", 3});
        machine.restart();
        CHECK_FALSE(machine.handler().open_own_place().has_value());
    }
}
