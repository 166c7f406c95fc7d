// The flash blobs on the agent's own update: what a stock host tool does ends in the same session, checks and log.
#include "bmc-agent/blobs/blob_commands.hpp"
#include "bmc-agent/blobs/blob_manager.hpp"
#include "bmc-agent/blobs/cleanup_blob.hpp"
#include "bmc-agent/blobs/firmware_blobs.hpp"
#include "bmc-agent/update/session_flash_update.hpp"
#include "tests/bmc-agent/update/scripted_actions.hpp"

namespace
{

using namespace fwupdate;
using namespace fwupdate::test;
using namespace fwupdate::agent::blobs;
using agent::ActionState;
using ipmi::CompletionCode;
using protocol::UpdateState;

constexpr std::string_view image = "new firmware";
constexpr std::uint16_t data_flags = open_write | data_by_ipmi;

/// The stock host tool's sequence against an agent whose target "cpld" is a file and "bios" hands over to actions.
struct FlashBench
{
    explicit FlashBench(protocol::Restart restart = protocol::Restart::nothing) : actions{restart}
    {
        actions.at_once["after"] = {ActionState::succeeded, {}, {}};
        actions.bench.restart_agent();
        connect();
    }

    /// The blobs belong to one run of the agent.
    void connect()
    {
        manager.reset();
        update.emplace(session());
        firmware.emplace(*FlashIds::make({"/flash/bios", "/flash/cpld"}), *update);
        cleanup.emplace(*update);
        manager.emplace(std::vector<BlobHandler*>{&*firmware, &*cleanup}, SessionId{7});
    }

    [[nodiscard]] UpdateBench& bench()
    {
        return actions.bench;
    }
    [[nodiscard]] agent::UpdateSession& session()
    {
        return actions.bench.session();
    }

    [[nodiscard]] bool open(std::string_view id, std::uint16_t flags)
    {
        const auto opened = manager->open(flags, id, host, bench().now);
        blob = opened ? *opened : SessionId{};
        why = opened ? "" : opened.error().text;
        return opened.has_value();
    }
    [[nodiscard]] bool write(std::uint32_t offset, std::string_view bytes)
    {
        return manager->write({blob, offset, {as_bytes(bytes)}}, host, bench().now).has_value();
    }
    [[nodiscard]] bool commit()
    {
        const bool done = manager->commit(blob, {}, host, bench().now).has_value();
        bench().work();
        return done;
    }
    [[nodiscard]] bool close()
    {
        return manager->close(blob, host, bench().now).has_value();
    }
    /// The byte of metadata that a tool polls for.
    [[nodiscard]] FlashStatus status()
    {
        const auto stat = manager->stat(blob, host, bench().now);
        REQUIRE(stat.has_value());
        REQUIRE(stat->metadata.items.size() == 1);
        return static_cast<FlashStatus>(stat->metadata.items.front());
    }
    void send(std::string_view id, std::string_view bytes)
    {
        REQUIRE(open(id, data_flags));
        REQUIRE((bytes.empty() || write(0, bytes)));
        REQUIRE(close());
    }
    /// Up to the end of the commit.
    FlashStatus ask(std::string_view id)
    {
        REQUIRE(open(id, open_write));
        REQUIRE(commit());
        return status();
    }

    ActionBench actions;
    agent::Caller host = host_caller();
    std::optional<agent::SessionFlashUpdate> update;
    std::optional<FirmwareBlobs> firmware;
    std::optional<CleanupBlob> cleanup;
    std::optional<BlobManager> manager;
    SessionId blob{};
    std::string why;
};

std::string cpld(FlashBench& flash)
{
    return text_of(flash.bench().directory.path() / "cpld.bin");
}

TEST_CASE("the stock tool's sequence: nothing is programmed before the word to update")
{
    FlashBench flash;
    flash.send("/flash/cpld", image);
    CHECK(flash.session().state() == UpdateState::download);
    flash.send(hash_id, to_hex(sha256(as_bytes(image))) + "  image.bin\n");
    CHECK(flash.ask(verify_id) == FlashStatus::success);
    CHECK(flash.session().state() == UpdateState::verify);
    CHECK(flash.session().status().percent == 100);
    CHECK(cpld(flash) == "nothing");
    CHECK_FALSE(flash.session().wants_work());
    REQUIRE(flash.close());
    CHECK(flash.ask(update_id) == FlashStatus::success);
    CHECK(cpld(flash) == image);
    REQUIRE(flash.close());
    CHECK(flash.session().state() == UpdateState::init);
    const agent::HistoryEntry& entry = flash.session().history().entries().front();
    CHECK(entry.result == protocol::UpdateResult::programmed);
    CHECK(entry.transport == protocol::Transport::blobs);
    CHECK(entry.target == "cpld");
}

TEST_CASE("a hash that is no digest of the image, or none at all")
{
    struct Case
    {
        std::string hash;
        FlashStatus status;
        protocol::ReasonCode code;
    };
    const Sha256 digest = sha256(as_bytes(image));
    const std::string raw{digest.begin(), digest.end()};
    const Case cases[] = {
        {raw, FlashStatus::success, protocol::ReasonCode::none},
        {to_hex(digest), FlashStatus::success, protocol::ReasonCode::none},
        {to_hex(sha256({})), FlashStatus::failed, protocol::ReasonCode::digest_mismatch},
        {to_hex(digest) + "0", FlashStatus::failed, protocol::ReasonCode::signature_bad},
        {"not a signature", FlashStatus::failed, protocol::ReasonCode::signature_bad},
    };
    for (const Case& row : cases)
    {
        CAPTURE(row.hash);
        FlashBench flash;
        flash.send("/flash/cpld", image);
        flash.send(hash_id, row.hash);
        CHECK(flash.ask(verify_id) == row.status);
        CHECK(flash.session().reason().code == row.code);
        if (row.status == FlashStatus::failed)
        {
            REQUIRE(flash.close()); // the tool's way after a failure; then its cleanup
            CHECK(flash.session().state() == UpdateState::init);
            REQUIRE(flash.open(cleanup_id, open_write));
            REQUIRE(flash.commit());
            REQUIRE(flash.close());
            CHECK(cpld(flash) == "nothing");
            flash.send("/flash/cpld", image); // and it can begin again
        }
    }
}

TEST_CASE("what was signed before does not vouch for what is sent after it")
{
    FlashBench flash;
    flash.send("/flash/cpld", image);
    flash.send(hash_id, to_hex(sha256(as_bytes(image))));
    flash.send("/flash/cpld", "another one");
    CHECK(flash.ask(verify_id) == FlashStatus::failed);
    CHECK(flash.session().reason().code == protocol::ReasonCode::digest_mismatch);
}

TEST_CASE("actions through the blobs: preparation when the image is opened, update at its commit")
{
    FlashBench flash;
    REQUIRE(flash.open("/flash/bios", data_flags));
    CHECK(flash.actions.calls.back() == "prepare");
    REQUIRE(flash.write(0, image));
    REQUIRE(flash.close());
    CHECK(flash.ask(verify_id) == FlashStatus::running); // the preparation has not ended
    flash.actions.succeed("prepare");
    CHECK(flash.status() == FlashStatus::running);
    flash.actions.succeed("verify");
    CHECK(flash.status() == FlashStatus::success);
    CHECK(flash.actions.calls.back() == "verify");
    REQUIRE(flash.close());
    CHECK(flash.ask(update_id) == FlashStatus::running);
    CHECK(flash.actions.calls.back() == "update");
    flash.actions.fail("update", "no");
    CHECK(flash.status() == FlashStatus::failed);
    REQUIRE(flash.close());
    CHECK(flash.session().state() == UpdateState::init);
    CHECK(flash.session().reason().text == "update of bios failed: no");
}

TEST_CASE("the tool goes away while the update runs: it ends, and then leaves by itself")
{
    for (const bool well : {true, false})
    {
        CAPTURE(well);
        FlashBench flash{protocol::Restart::bmc};
        flash.send("/flash/bios", image);
        REQUIRE(flash.ask(verify_id) == FlashStatus::running);
        flash.actions.succeed("prepare");
        flash.actions.succeed("verify");
        CHECK(flash.status() == FlashStatus::success);
        REQUIRE(flash.close());
        REQUIRE(flash.ask(update_id) == FlashStatus::running);
        REQUIRE(flash.close()); // as with --ignore-update
        CHECK(flash.session().state() == UpdateState::program);
        CHECK_FALSE(flash.open("/flash/bios", data_flags)); // nobody begins another meanwhile
        well ? flash.actions.succeed("update") : flash.actions.fail("update", "no");
        CHECK(flash.session().state() == UpdateState::init);
        flash.bench().pass(std::chrono::seconds{3});
        CHECK(std::ranges::count(flash.bench().runner.ran, "restart-bios") == (well ? 1 : 0));
        CHECK(flash.open("/flash/bios", data_flags));
    }
}

TEST_CASE("one holder: whoever comes second is refused, whichever way")
{
    FlashBench flash;
    const agent::Caller admin = lan_caller(1);
    SUBCASE("blobs first")
    {
        REQUIRE(flash.open("/flash/cpld", data_flags));
        CHECK(flash.bench().enter(admin) == CompletionCode::node_busy);
    }
    SUBCASE("the other profiles first")
    {
        REQUIRE(flash.bench().enter(admin) == CompletionCode::ok);
        CHECK_FALSE(flash.open("/flash/cpld", data_flags));
        CHECK(flash.why == "somebody else is updating this BMC");
        REQUIRE(flash.open(cleanup_id, open_write));
        CHECK(flash.commit()); // harmless
    }
    SUBCASE("the host itself holds the mode by the base profile: its blobs would mix two updates")
    {
        REQUIRE(flash.bench().enter(flash.host) == CompletionCode::ok);
        CHECK_FALSE(flash.open("/flash/cpld", data_flags));
    }
    SUBCASE("taken over: the blobs' update is gone, the session unknown")
    {
        REQUIRE(flash.open("/flash/cpld", data_flags));
        const auto number = flash.session().issue_challenge(admin, flash.bench().now);
        REQUIRE(flash.session().take_over(admin, {number, {}}, flash.bench().now) == CompletionCode::ok);
        CHECK_FALSE(flash.write(0, image));
        CHECK(flash.firmware->state() == FlashState::not_yet_started);
        CHECK(flash.bench().code(admin, "29 03") == CompletionCode::ok);
    }
    SUBCASE("taken over and back: what was begun before stays gone")
    {
        flash.send("/flash/cpld", image);
        const auto number = flash.session().issue_challenge(admin, flash.bench().now);
        REQUIRE(flash.session().take_over(admin, {number, {}}, flash.bench().now) == CompletionCode::ok);
        const auto back = flash.session().issue_challenge(flash.host, flash.bench().now);
        REQUIRE(flash.session().take_over(flash.host, {back, {}}, flash.bench().now) == CompletionCode::ok);
        CHECK_FALSE(flash.open(verify_id, open_write));
        CHECK_FALSE(flash.open("/flash/cpld", data_flags)); // the mode is the host's, but not by its blobs
        CHECK(flash.bench().code(flash.host, "28") == CompletionCode::ok);
        flash.send("/flash/cpld", image);
    }
    SUBCASE("a base write does not get into an image of the blobs")
    {
        REQUIRE(flash.open("/flash/cpld", data_flags));
        CHECK(flash.bench().code(flash.host, "2c 41") == CompletionCode::not_supported_in_present_state);
    }
}

TEST_CASE("the host aborts its own update from elsewhere (29h-3): gone at any point, and it may begin again")
{
    FlashBench flash;
    flash.send("/flash/cpld", image);
    SUBCASE("while the image is written")
    {
        REQUIRE(flash.open("/flash/cpld", data_flags));
        REQUIRE(flash.bench().code(flash.host, "29 03") == CompletionCode::ok);
        CHECK_FALSE(flash.write(0, image));
    }
    SUBCASE("while it waits for the word to program")
    {
        REQUIRE(flash.ask(verify_id) == FlashStatus::success);
        REQUIRE(flash.close());
        REQUIRE(flash.bench().code(flash.host, "29 03") == CompletionCode::ok);
        CHECK_FALSE(flash.open(update_id, open_write));
    }
    SUBCASE("while the session that asks for it is open")
    {
        REQUIRE(flash.ask(verify_id) == FlashStatus::success);
        REQUIRE(flash.close());
        REQUIRE(flash.open(update_id, open_write));
        REQUIRE(flash.bench().code(flash.host, "29 03") == CompletionCode::ok);
        CHECK_FALSE(flash.commit());
    }
    SUBCASE("and begins a transfer of the base profile: the blobs keep out of it")
    {
        REQUIRE(flash.bench().code(flash.host, "29 03") == CompletionCode::ok);
        REQUIRE(flash.bench().code(flash.host, "29 01") == CompletionCode::ok);
        CHECK_FALSE(flash.open("/flash/cpld", data_flags));
        CHECK_FALSE(flash.open(hash_id, data_flags));
        CHECK_FALSE(flash.open(verify_id, open_write));
        REQUIRE(flash.bench().code(flash.host, "28") == CompletionCode::ok);
    }
    CHECK(flash.firmware->state() == FlashState::not_yet_started);
    CHECK(flash.manager->count() == 4); // no dynamic ids
    CHECK(cpld(flash) == "nothing");
    flash.send("/flash/cpld", image);
    CHECK(flash.ask(verify_id) == FlashStatus::success);
    REQUIRE(flash.close());
    CHECK(flash.ask(update_id) == FlashStatus::success);
    REQUIRE(flash.close());
    CHECK(cpld(flash) == image);
    CHECK(flash.session().state() == UpdateState::init);
}

TEST_CASE("the host leaves update mode (28h) in the middle of its update by blobs")
{
    FlashBench flash;
    REQUIRE(flash.open("/flash/cpld", data_flags));
    REQUIRE(flash.write(0, image));
    REQUIRE(flash.bench().code(flash.host, "28") == CompletionCode::ok);
    CHECK_FALSE(flash.write(image.size(), image));
    CHECK_FALSE(flash.close());
    CHECK(flash.session().state() == UpdateState::init);
    flash.send("/flash/cpld", image);
}

TEST_CASE("an image larger than this BMC takes fails, and costs nobody anything")
{
    FlashBench flash;
    const std::string bytes(60'000, 'x');
    REQUIRE(flash.open("/flash/cpld", data_flags));
    std::uint32_t offset = 0;
    while (flash.write(offset, bytes))
    {
        offset += static_cast<std::uint32_t>(bytes.size());
        REQUIRE(offset <= flash.session().settings().max_image_size);
    }
    CHECK(flash.session().reason().code == protocol::ReasonCode::image_too_large);
    CHECK_FALSE(flash.write(offset, "y"));
    REQUIRE(flash.close());
    REQUIRE(flash.open(verify_id, open_write));
    CHECK_FALSE(flash.commit());
    REQUIRE(flash.close());
    CHECK(cpld(flash) == "nothing");
    flash.send("/flash/cpld", image);
    CHECK(flash.ask(verify_id) == FlashStatus::success);
}

TEST_CASE("a commit repeated for ever, a delete while it is programmed")
{
    FlashBench flash;
    flash.send("/flash/bios", image);
    REQUIRE(flash.ask(verify_id) == FlashStatus::running);
    for (int count = 0; count < 1'000; ++count)
    {
        REQUIRE(flash.commit());
    }
    flash.actions.succeed("prepare");
    flash.actions.succeed("verify");
    CHECK(flash.status() == FlashStatus::success);
    CHECK(std::ranges::count(flash.actions.calls, "verify") == 1);
    CHECK_FALSE(flash.commit());
    REQUIRE(flash.close());
    REQUIRE(flash.ask(update_id) == FlashStatus::running);
    for (const std::string_view id : {update_id, active_image_id, hash_id, std::string_view{"/flash/bios"}})
    {
        CHECK_FALSE(flash.manager->remove(id, flash.host, flash.bench().now).has_value());
    }
    CHECK(flash.commit());
    CHECK(std::ranges::count(flash.actions.calls, "update") == 1);
    flash.actions.succeed("update");
    CHECK(flash.status() == FlashStatus::success);
    REQUIRE(flash.close());
}

TEST_CASE("a hash of any length")
{
    for (const std::size_t size : {std::size_t{1}, FirmwareBlobs::largest_hash - 1, FirmwareBlobs::largest_hash,
                                   FirmwareBlobs::largest_hash + 1})
    {
        CAPTURE(size);
        FlashBench flash;
        flash.send("/flash/cpld", image);
        REQUIRE(flash.open(hash_id, data_flags));
        CHECK(flash.write(0, std::string(size, 'x')) == (size <= FirmwareBlobs::largest_hash));
        CHECK(flash.close());
        CHECK(flash.ask(verify_id) ==
              (size <= FirmwareBlobs::largest_hash ? FlashStatus::failed : FlashStatus::success));
    }
}

TEST_CASE("who takes over what runs to its end by itself decides again when the mode is left")
{
    FlashBench flash{protocol::Restart::bmc};
    flash.send("/flash/bios", image);
    REQUIRE(flash.ask(verify_id) == FlashStatus::running);
    flash.actions.succeed("prepare");
    flash.actions.succeed("verify");
    CHECK(flash.status() == FlashStatus::success);
    REQUIRE(flash.close());
    REQUIRE(flash.ask(update_id) == FlashStatus::running);
    REQUIRE(flash.close()); // nobody waits
    const agent::Caller admin = lan_caller(1);
    const auto number = flash.session().issue_challenge(admin, flash.bench().now);
    REQUIRE(flash.session().take_over(admin, {number, {}}, flash.bench().now) == CompletionCode::ok);
    flash.actions.succeed("update");
    CHECK(flash.session().state() == UpdateState::ready);
    CHECK(std::ranges::count(flash.bench().runner.ran, "restart-bios") == 0);
    CHECK(flash.bench().code(admin, "28") == CompletionCode::ok);
    flash.bench().pass(std::chrono::seconds{3});
    CHECK(std::ranges::count(flash.bench().runner.ran, "restart-bios") == 1);
}

TEST_CASE("a verified image that nobody asks to program: the lease ends, nothing is programmed")
{
    FlashBench flash;
    flash.send("/flash/cpld", image);
    REQUIRE(flash.ask(verify_id) == FlashStatus::success);
    REQUIRE(flash.close());
    flash.bench().pass(std::chrono::minutes{10});
    CHECK(flash.session().state() == UpdateState::init);
    CHECK(flash.session().reason().code == protocol::ReasonCode::lease_expired);
    CHECK_FALSE(flash.open(update_id, open_write));
    CHECK(cpld(flash) == "nothing");
    flash.send("/flash/cpld", image);
}

TEST_CASE("verification without an image, update without verification")
{
    FlashBench flash;
    CHECK_FALSE(flash.open(verify_id, open_write));
    flash.send(hash_id, "a signature");
    CHECK_FALSE(flash.open(verify_id, open_write)); // a signature alone
    flash.send("/flash/cpld", "");
    REQUIRE(flash.open(verify_id, open_write));
    CHECK_FALSE(flash.commit());
    REQUIRE(flash.close());
    flash.send("/flash/cpld", image);
    CHECK_FALSE(flash.open(update_id, open_write));
}

TEST_CASE("an agent that is killed between verification and the word programs nothing, and says so")
{
    FlashBench flash;
    flash.send("/flash/cpld", image);
    REQUIRE(flash.ask(verify_id) == FlashStatus::success);
    flash.manager.reset();
    flash.firmware.reset();
    flash.cleanup.reset();
    flash.update.reset();
    flash.bench().restart_agent();
    flash.connect();
    CHECK(flash.session().history().entries().front().code == protocol::ReasonCode::agent_restarted);
    CHECK_FALSE(flash.open(update_id, open_write));
    flash.send("/flash/cpld", image);
    CHECK(cpld(flash) == "nothing");
}

} // namespace
