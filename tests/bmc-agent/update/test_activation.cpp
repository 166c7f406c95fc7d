// Activations from D-Bus on the agent's own update: the same session, checks, targets and log; and what D-Bus sees of
// the others.
#include "bmc-agent/update/session_activation.hpp"
#include "tests/bmc-agent/software/tarballs.hpp"
#include "tests/bmc-agent/update/update_bench.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace
{

using namespace fwupdate;
using namespace fwupdate::test;
using agent::software::ApplyTime;
using agent::software::ErrorCode;
using agent::software::Refusal;
using agent::software::Version;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::UpdateState;

constexpr std::string_view image = "new firmware";

/// Writes down what it hears; concludes as the model does.
class Hearer final : public agent::software::ActivationEvents
{
  public:
    Hearer(agent::SessionActivation& driver, ApplyTime apply_time) : driver_{driver}, apply_time_{apply_time} {}

    void progressed(const std::string& id, std::uint8_t percent) override
    {
        CHECK(percent >= percent_);
        CHECK(percent < 100);
        percent_ = percent;
        heard.push_back("progress " + id);
    }
    void succeeded(const std::string& id) override
    {
        heard.push_back("succeeded " + id);
        driver_.conclude({}, apply_time_);
    }
    void gave_up(const std::string& id, Refusal reason) override
    {
        heard.push_back("gave up " + id);
        percent_ = 0; // the next one begins anew
        refusal = std::move(reason);
    }
    void progressed_elsewhere(std::uint8_t percent) override
    {
        heard.push_back("elsewhere " + std::to_string(percent));
    }
    void programmed_elsewhere(const agent::software::ImageFacts& facts) override
    {
        heard.push_back("programmed elsewhere " + facts.version);
        purpose = facts.purpose;
    }
    void gave_up_elsewhere(Refusal reason) override
    {
        heard.emplace_back("gave up elsewhere");
        refusal = std::move(reason);
    }
    void running(const std::vector<agent::software::Running>&) override {}

    /// The last thing, and how many there were.
    [[nodiscard]] std::string last() const
    {
        return heard.empty() ? "" : heard.back();
    }

    std::vector<std::string> heard;
    std::optional<Refusal> refusal;
    package::Purpose purpose{};

  private:
    agent::SessionActivation& driver_;
    ApplyTime apply_time_;
    std::uint8_t percent_{};
};

struct ActivationBench
{
    explicit ActivationBench(ApplyTime apply_time = ApplyTime::on_reset, Policy policy = {})
        : bench{protocol::Restart::bmc, std::move(policy)},
          driver{context, bench.session(), log, [this] { return bench.now; }},
          hearer{driver, apply_time}
    {
        driver.tell(hearer);
        turn();
    }

    /// As the agent's loop does it, until nothing is left.
    void turn()
    {
        for (int round = 0; poll() != 0 || bench.session().wants_work(); ++round)
        {
            REQUIRE(round < 10'000);
            if (bench.session().wants_work())
            {
                bench.session().work(bench.now);
                bench.session().notify();
            }
        }
    }

    std::size_t poll()
    {
        context.restart();
        return context.poll();
    }

    [[nodiscard]] Version upload(std::string_view bytes) const
    {
        const auto directory = bench.directory.path() / "images" / "1234abcd";
        std::filesystem::create_directories(directory);
        std::filesystem::remove(directory / "image.tar");
        std::ofstream{directory / "image.tar"} << bytes;
        Version version;
        version.id = "1234abcd";
        version.image = {directory, directory / "image.tar", nullptr};
        return version;
    }

    [[nodiscard]] UpdateState state()
    {
        return bench.session().state();
    }

    agent::NullLog log;
    boost::asio::io_context context;
    UpdateBench bench;
    agent::SessionActivation driver;
    Hearer hearer;
};

TEST_CASE("what waits is staged, verified and programmed; what needs a restart waits for one")
{
    ActivationBench bench;
    const Version version = bench.upload(image);
    REQUIRE(bench.driver.start(version).has_value());
    CHECK(bench.hearer.heard.empty()); // nothing from within
    CHECK(bench.driver.holder() == "D-Bus on channel 14");
    const auto seen = bench.bench.get<protocol::GetUpdateSessionResponse>(lan_caller(5), Command::get_update_session);
    CHECK(seen.transport == protocol::Transport::local);
    CHECK(seen.holder.value == "D-Bus");
    CHECK(seen.size == image.size());
    bench.turn();
    CHECK(bench.bench.installed() == image);
    CHECK(bench.hearer.last() == "succeeded 1234abcd");
    CHECK(bench.hearer.heard.size() > 2);
    CHECK(bench.state() == UpdateState::init);
    bench.bench.pass(std::chrono::seconds{10});
    CHECK(bench.bench.runner.ran.empty());
    const agent::HistoryEntry& entry = bench.bench.session().history().entries().front();
    CHECK(entry.result == protocol::UpdateResult::programmed);
    CHECK(entry.transport == protocol::Transport::local);
    CHECK(entry.user == "D-Bus");
    CHECK(entry.restart_pending);
}

TEST_CASE("applied at once, it restarts what needs it")
{
    ActivationBench bench{ApplyTime::immediate};
    REQUIRE(bench.driver.start(bench.upload(image)).has_value());
    bench.turn();
    bench.bench.pass(agent::UpdateSession::restart_delay);
    CHECK(bench.bench.runner.ran == std::vector<std::string>{"restart-bios"});
}

TEST_CASE("a restart waits for what would refuse it, but not for ever")
{
    ActivationBench bench{ApplyTime::immediate};
    bool held = true;
    bench.bench.session().hold_restarts([&] { return held; });
    REQUIRE(bench.driver.start(bench.upload(image)).has_value());
    bench.turn();
    bench.bench.pass(std::chrono::minutes{1});
    CHECK(bench.bench.runner.ran.empty());
    CHECK(bench.driver.holder() == "a restart that is due");
    SUBCASE("let go")
    {
        held = false;
        bench.bench.pass(agent::UpdateSession::held_interval);
    }
    SUBCASE("held for ever")
    {
        bench.bench.pass(agent::UpdateSession::longest_hold);
    }
    CHECK(bench.bench.runner.ran == std::vector<std::string>{"restart-bios"});
}

TEST_CASE("an image larger than a slice, by its descriptor")
{
    ActivationBench bench;
    Version version = bench.upload(std::string(3 * agent::SessionActivation::slice + 5, 'x'));
    auto file = agent::File::open(version.image.file, O_RDONLY);
    REQUIRE(file.has_value());
    std::filesystem::remove_all(version.image.directory);
    version.image = {{}, {}, std::make_shared<const agent::File>(std::move(*file))};
    REQUIRE(bench.driver.start(version).has_value());
    bench.turn();
    CHECK(bench.hearer.last() == "succeeded 1234abcd");
    CHECK(bench.bench.installed().size() == 3 * agent::SessionActivation::slice + 5);
}

TEST_CASE("whoever comes second is refused, and told who is there")
{
    ActivationBench bench;
    const Version version = bench.upload(image);
    SUBCASE("an activation behind an update by IPMI")
    {
        REQUIRE(bench.bench.enter(lan_caller(5, "alice")) == CompletionCode::ok);
        const auto refused = bench.driver.start(version);
        REQUIRE(!refused);
        CHECK(refused.error().code == ErrorCode::unavailable);
        CHECK(refused.error().text == "update mode is held by alice on channel 1");
        CHECK(bench.bench.code(lan_caller(5, "alice"), "28") == CompletionCode::ok);
        CHECK(bench.driver.start(version).has_value());
    }
    SUBCASE("an update by IPMI behind an activation")
    {
        REQUIRE(bench.driver.start(version).has_value());
        CHECK(bench.bench.enter(lan_caller(5)) == CompletionCode::node_busy);
        CHECK(bench.bench.code(lan_caller(5), "28") == CompletionCode::not_supported_in_present_state);
        bench.turn();
        CHECK(bench.bench.enter(lan_caller(5)) == CompletionCode::ok);
    }
    SUBCASE("another activation")
    {
        REQUIRE(bench.driver.start(version).has_value());
        const auto refused = bench.driver.start(version);
        REQUIRE(!refused);
        CHECK(refused.error().text == "update mode is held by D-Bus on channel 14");
        bench.turn();
        CHECK(bench.hearer.last() == "succeeded 1234abcd");
    }
}

TEST_CASE("taken over by an administrator, the activation has failed")
{
    ActivationBench bench;
    REQUIRE(bench.driver.start(bench.upload(image)).has_value());
    const auto number =
        bench.bench.get<protocol::GetRandomNumberResponse>(lan_caller(5, "alice"), Command::get_random_number);
    REQUIRE(bench.bench
                .send(lan_caller(5, "alice"), Command::take_over,
                      protocol::TakeOverRequest{number.challenge, {protocol::take_over_discard}})
                .response.completion_code == CompletionCode::ok);
    bench.turn();
    CHECK(bench.hearer.last() == "gave up 1234abcd");
    CHECK(bench.hearer.refusal->code == ErrorCode::unavailable);
    CHECK(bench.hearer.refusal->text == "the update was taken away by alice on channel 1");
    CHECK(bench.bench.installed() == "old firmware");
    CHECK(bench.bench.code(lan_caller(5, "alice"), "28") == CompletionCode::ok); // not D-Bus's to leave
}

TEST_CASE("what can't be activated changes nothing, and the next one can")
{
    ActivationBench bench;
    Version version = bench.upload(image);
    SUBCASE("a file that is gone")
    {
        std::filesystem::remove(version.image.file);
        const auto refused = bench.driver.start(version);
        REQUIRE(!refused);
        CHECK(refused.error().code == ErrorCode::manifest_file_failure);
    }
    SUBCASE("a file that became another thing, which would be waited for")
    {
        std::filesystem::remove(version.image.file);
        REQUIRE(::mkfifo(version.image.file.c_str(), 0600) == 0);
        const auto refused = bench.driver.start(version);
        REQUIRE(!refused);
        CHECK(refused.error().code == ErrorCode::manifest_file_failure);
    }
    SUBCASE("a file that became another image than was looked into")
    {
        version.facts.version = "1.0";
        REQUIRE(bench.driver.start(version).has_value());
        bench.turn();
        CHECK(bench.hearer.last() == "gave up 1234abcd");
        CHECK(bench.hearer.refusal->text.find("another one than was looked into") != std::string::npos);
    }
    SUBCASE("a file that became shorter")
    {
        REQUIRE(bench.driver.start(version).has_value());
        std::filesystem::resize_file(version.image.file, 3);
        bench.turn();
        CHECK(bench.hearer.last() == "gave up 1234abcd");
        CHECK(bench.hearer.refusal->text.starts_with("the image can't be read: "));
    }
    SUBCASE("an empty file")
    {
        std::filesystem::resize_file(version.image.file, 0);
        const auto refused = bench.driver.start(version);
        REQUIRE(!refused);
        CHECK(refused.error().code == ErrorCode::untar_failure);
    }
    SUBCASE("a file that is larger than staging takes")
    {
        std::filesystem::resize_file(version.image.file, UpdateBench::limit + 1);
        REQUIRE(bench.driver.start(version).has_value());
        bench.turn();
        CHECK(bench.hearer.last() == "gave up 1234abcd");
        CHECK(bench.hearer.refusal->text.find("staged") != std::string::npos);
    }
    CHECK(bench.bench.installed() == "old firmware");
    CHECK(bench.state() == UpdateState::init);
    REQUIRE(bench.driver.start(bench.upload(image)).has_value());
    bench.turn();
    CHECK(bench.bench.installed() == image);
}

TEST_CASE("an image that nobody vouches for is refused by its name")
{
    ActivationBench bench{ApplyTime::on_reset, Policy{config::Verification{}, {}, {}, {}, {}}};
    REQUIRE(bench.driver.start(bench.upload(image)).has_value());
    bench.turn();
    CHECK(bench.hearer.last() == "gave up 1234abcd");
    CHECK(bench.hearer.refusal->code == ErrorCode::invalid_signature);
    CHECK(bench.bench.installed() == "old firmware");
    CHECK(bench.state() == UpdateState::init);
}

TEST_CASE("an update by IPMI is seen from its first byte to its end")
{
    ActivationBench bench{ApplyTime::on_reset, Policy{signatures_optional(),
                                                      {},
                                                      [](config::Target& bios, config::Target&)
                                                      {
                                                          bios.purpose = package::Purpose::bmc;
                                                          bios.member = "image-bmc";
                                                      },
                                                      {},
                                                      {}}};
    const agent::Caller alice = lan_caller(5, "alice");
    REQUIRE(bench.bench.enter(alice) == CompletionCode::ok);
    bench.turn();
    CHECK(bench.hearer.heard.empty()); // the mode alone is no update
    REQUIRE(bench.bench.code(alice, "29 01") == CompletionCode::ok);
    bench.turn();
    CHECK(bench.hearer.last() == "elsewhere 0");
    SUBCASE("which ends well")
    {
        const Bytes bytes = agent::software::test::tarball(agent::software::test::manifest("2.7.0-dev")).finish();
        REQUIRE(bench.bench.send(alice, Command::write_image_data, bytes).response.completion_code ==
                CompletionCode::ok);
        REQUIRE(bench.bench.code(alice, "29 02") == CompletionCode::ok);
        bench.turn();
        CHECK(bench.hearer.last() == "programmed elsewhere 2.7.0-dev");
        CHECK(bench.hearer.purpose == package::Purpose::bmc);
        CHECK(bench.bench.installed() == "bytes");
        const std::size_t heard = bench.hearer.heard.size();
        CHECK(bench.bench.code(alice, "28") == CompletionCode::ok);
        bench.turn();
        CHECK(bench.hearer.heard.size() == heard);
    }
    SUBCASE("of an image that does not tell its version")
    {
        REQUIRE(bench.bench.send(alice, Command::write_image_data, as_bytes(image)).response.completion_code ==
                CompletionCode::ok);
        REQUIRE(bench.bench.code(alice, "29 02") == CompletionCode::ok);
        bench.turn();
        CHECK(bench.hearer.last() == "programmed elsewhere ");
    }
    SUBCASE("which is aborted")
    {
        REQUIRE(bench.bench.code(alice, "29 03") == CompletionCode::ok);
        bench.turn();
        CHECK(bench.hearer.last() == "gave up elsewhere");
    }
    SUBCASE("which fails")
    {
        const Bytes bytes = agent::software::test::tarball("version=1\n").finish();
        REQUIRE(bench.bench.send(alice, Command::write_image_data, bytes).response.completion_code ==
                CompletionCode::ok);
        REQUIRE(bench.bench.code(alice, "29 02") == CompletionCode::ok);
        bench.turn();
        CHECK(bench.hearer.last() == "gave up elsewhere");
        CHECK(!bench.hearer.refusal->text.empty());
    }
}

TEST_CASE("what a target is for")
{
    config::Target target;
    CHECK(agent::purpose_of(target) == package::Purpose::bmc);
    target.restart.what = protocol::Restart::host;
    CHECK(agent::purpose_of(target) == package::Purpose::host);
    target.purpose = package::Purpose::psu;
    CHECK(agent::purpose_of(target) == package::Purpose::psu);
}

} // namespace
