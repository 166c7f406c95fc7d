// The flash blobs through their bytes: what they refuse, what they tell, and whom they obey.
#include "blobs_bench.hpp"

#include <array>

using namespace fwupdate;
using namespace fwupdate::agent::blobs;
using namespace fwupdate::agent::blobs::test;

namespace
{

using Calls = std::vector<std::string>;

const std::string all = "/flash/hash /flash/image /flash/bios";
const std::string end = " /flash/cleanup";

} // namespace

TEST_CASE("the list follows the update")
{
    BlobsBench bench;
    CHECK(bench.list() == all + end);
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    CHECK(bench.list() == all + " /flash/active/image" + end);
    REQUIRE(bench.close() == "00");
    CHECK(bench.list() == all + " /flash/active/image /flash/verify" + end);
    REQUIRE(bench.open("/flash/hash", data_flags) == "00");
    CHECK(bench.list() == all + " /flash/active/image /flash/active/hash" + end);
    REQUIRE(bench.close() == "00");
    run_action(bench, "/flash/verify", FlashStatus::success);
    CHECK(bench.list() == all + " /flash/active/image /flash/active/hash /flash/verify" + end);
    REQUIRE(bench.close() == "00");
    CHECK(bench.list() == all + " /flash/active/image /flash/active/hash /flash/update" + end);
    run_action(bench, "/flash/update", FlashStatus::success);
    CHECK(bench.list() == all + " /flash/active/image /flash/active/hash /flash/update" + end);
    REQUIRE(bench.close() == "00");
    CHECK(bench.list() == all + end);
    CHECK(bench.update.calls.back() == "finish");
}

TEST_CASE("the hash may come first; without an image there is nothing to verify; preparation once, for the image")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/hash", data_flags) == "00");
    REQUIRE(bench.write(0, "sig") == "00");
    REQUIRE(bench.close() == "00");
    CHECK(bench.list() == all + " /flash/active/hash" + end);
    CHECK(bench.open("/flash/verify", open_write) == "ff");
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    REQUIRE(bench.close() == "00");
    REQUIRE(bench.open("/flash/image", data_flags) == "00"); // truncates
    REQUIRE(bench.close() == "00");
    CHECK(bench.update.calls == Calls{"signature", "signed", "image /flash/image", "image /flash/image"});
    CHECK(bench.open("/flash/verify", open_write) == "00");
}

TEST_CASE("what an open needs")
{
    BlobsBench bench;
    for (const std::uint16_t flags :
         std::to_array<std::uint16_t>({0x0000, 0x0100, 0x0101, 0x0002, 0x0202, 0x0402, 0x0802, 0x0302, 0xFF02, 0x8102}))
    {
        CAPTURE(flags);
        CHECK(bench.open("/flash/image", flags) == "ff");
        CHECK(bench.open("/flash/hash", flags) == "ff");
    }
    CHECK(bench.update.calls.empty());
    CHECK(bench.open("/flash/bios", data_flags) == "00"); // the refused opens of an image pin nothing
    CHECK(bench.open("/flash/hash", data_flags) == "ff"); // one at a time
    REQUIRE(bench.close() == "00");
    CHECK(bench.open("/flash/image", data_flags) == "ff"); // another firmware
    CHECK(bench.open("/flash/active/image", data_flags) == "ff");
    CHECK(bench.open("/flash/verify", open_read) == "ff");
    CHECK(bench.open("/flash/verify", 0xFF02) == "00"); // any further flags
    CHECK(bench.stat() == "0002ff000000000103");
}

TEST_CASE("a client cannot pretend that a commit went well")
{
    BlobsBench bench;
    upload(bench);
    REQUIRE(bench.open("/flash/verify", 0x00FE) == "00");
    CHECK(bench.stat() == "00"
                          "0200"
                          "00000000"
                          "0103");
    REQUIRE(bench.commit() == "00");
    bench.update.coming = {FlashStatus::unknown, FlashStatus::running, FlashStatus::failed};
    CHECK(bench.stat() == "00"
                          "0600"
                          "00000000"
                          "0103");
    CHECK(bench.stat() == "00"
                          "0600"
                          "00000000"
                          "0100");
    CHECK(bench.commit() == "00"); // again, while it runs
    CHECK(bench.stat() == "00"
                          "1200"
                          "00000000"
                          "0102");
    bench.update.last = FlashStatus::success;
    CHECK(bench.stat() == "00"
                          "1200"
                          "00000000"
                          "0102"); // an end is an end
    CHECK(bench.commit() == "ff");
    CHECK(std::ranges::count(bench.update.calls, "verify") == 1);
}

TEST_CASE("a stat of an id tells nothing of the update, a stat of a session its size")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    REQUIRE(bench.write(0, "12345678") == "00");
    CHECK(bench.stat() == "00"
                          "0201"
                          "08000000"
                          "00");
    CHECK(bench.stat_id("/flash/image") == "00"
                                           "00ff"
                                           "00000000"
                                           "00");
    CHECK(bench.stat_id("/flash/hash") == "00"
                                          "00ff"
                                          "00000000"
                                          "00");
    CHECK(bench.stat_id("/flash/active/image") == "ff");
    CHECK(bench.stat_id("/flash/verify") == "ff");
    CHECK(bench.stat_id("/flash/cleanup") == "ff");
    REQUIRE(bench.close() == "00");
    CHECK(bench.stat_id("/flash/verify") == "ff");
}

TEST_CASE("writes go to the end; the last one may come twice, and nothing else")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    CHECK(bench.write(1, "x") == "ff"); // a gap
    CHECK(bench.write(0xFFFFFFFF, "x") == "ff");
    CHECK(bench.write(0, "abc") == "00");
    CHECK(bench.write(0, "abc") == "00"); // its answer was lost
    CHECK(bench.write(0, "abd") == "ff");
    CHECK(bench.write(0, "ab") == "ff");
    CHECK(bench.write(1, "bc") == "ff");
    CHECK(bench.write(3, "def") == "00");
    CHECK(bench.write(0, "abc") == "ff"); // the last but one
    CHECK(bench.write(7, "x") == "ff");
    CHECK(as_text(bench.update.image) == "abcdef");
    CHECK(bench.ask(SubCommand::write_meta, WriteRequest{bench.session, 0, {as_bytes("12345678")}}) == "ff");
}

TEST_CASE("nothing can be read back")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/image", data_flags | open_read) == "00");
    REQUIRE(bench.write(0, "abc") == "00");
    Bytes request = BlobsBench::envelope(SubCommand::read);
    const Bytes body = codec::encode(ReadRequest{bench.session, 0, 3});
    codec::append(CheckedData{crc16(body), {body}}, request);
    CHECK(to_hex(bench.ask_raw(request)) == "00cfc2000f1d");
}

TEST_CASE("writes that the update refuses do not count")
{
    BlobsBench bench;
    bench.update.refusal = ErrorKind::no_space;
    CHECK(bench.open("/flash/image", data_flags) == "ff");
    CHECK(bench.blobs.state() == FlashState::not_yet_started);
    REQUIRE(bench.open("/flash/bios", data_flags) == "00");
    bench.update.refusal = ErrorKind::input_output;
    CHECK(bench.write(0, "abc") == "ff");
    CHECK(bench.stat().substr(6, 8) == "00000000");
    CHECK(bench.write(0, "abc") == "00");
}

TEST_CASE("a hash is as long as a signature may be")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/hash", data_flags) == "00");
    const std::string part(128, 's');
    for (std::uint32_t offset = 0; offset < FirmwareBlobs::largest_hash; offset += 128)
    {
        REQUIRE(bench.write(offset, part) == "00");
    }
    CHECK(bench.write(FirmwareBlobs::largest_hash, "x") == "ff");
    REQUIRE(bench.close() == "00");
    CHECK(bench.update.signature.size() == FirmwareBlobs::largest_hash);
    REQUIRE(bench.open("/flash/hash", data_flags) == "00"); // truncates
    REQUIRE(bench.close() == "00");
    CHECK(bench.update.signature.empty());
}

TEST_CASE("a hash that the update refuses: the close says so, and nothing stays open")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/hash", data_flags) == "00");
    REQUIRE(bench.write(0, "sig") == "00");
    bench.update.refusal = ErrorKind::wrong_state;
    CHECK(bench.close() == "ff");
    CHECK(bench.stat() == "ff");
    CHECK(bench.open("/flash/image", data_flags) == "00");
}

TEST_CASE("an action that is refused leaves the state, and can be asked for again")
{
    BlobsBench bench;
    upload(bench);
    REQUIRE(bench.open("/flash/verify", open_write) == "00");
    bench.update.refusal = ErrorKind::length;
    CHECK(bench.commit() == "ff");
    CHECK(bench.blobs.state() == FlashState::verification_pending);
    CHECK(bench.stat() == "00"
                          "0200"
                          "00000000"
                          "0103");
    CHECK(bench.commit() == "00");
    CHECK(bench.blobs.state() == FlashState::verification_started);
}

TEST_CASE("somebody else's update is left alone")
{
    BlobsBench bench;
    bench.update.held = true;
    bench.update.owner = "base profile";
    CHECK(bench.open("/flash/image", data_flags) == "ff");
    CHECK(bench.open("/flash/hash", data_flags) == "ff");
    bench.update.held = false;

    bench.caller = remote("admin");
    upload(bench);
    bench.caller = remote("eve");
    CHECK(bench.open("/flash/verify", open_write) == "ff");
    CHECK(bench.open("/flash/image", data_flags) == "ff");
    CHECK(bench.remove("/flash/image") == "ff");
    bench.caller = host();
    bench.caller.user = "host";
    CHECK(bench.remove("/flash/image") == "ff");
    CHECK(bench.blobs.state() == FlashState::verification_pending);
    bench.caller = remote("admin");
    CHECK(bench.remove("/flash/image") == "00");
    CHECK(bench.update.calls.back() == "abort");
}

TEST_CASE("deleting takes an open verify blob with it: its session does not come back to reset the next update")
{
    BlobsBench bench;
    upload(bench);
    REQUIRE(bench.open("/flash/verify", open_write) == "00");
    const auto orphan = bench.session;
    CHECK(bench.remove("/flash/verify") == "ff"); // it is open
    CHECK(bench.remove("/flash/active/image") == "00");
    CHECK(bench.stat() == "ff");
    upload(bench);
    bench.now += BlobManager::idle_limit;
    REQUIRE(bench.open("/flash/verify", open_write) == "00");
    CHECK(bench.ask(SubCommand::close, SessionName{orphan}) == "ff");
    CHECK(bench.blobs.state() == FlashState::verification_pending);
}

TEST_CASE("a client that was killed during its upload: after ten minutes the next one begins")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    const auto dead = bench.session;
    CHECK(bench.remove("/flash/active/image") == "ff");
    bench.now += BlobManager::idle_limit - std::chrono::seconds{1};
    CHECK(bench.open("/flash/image", data_flags) == "ff");
    bench.now += std::chrono::seconds{1};
    CHECK(bench.open("/flash/bios", data_flags) == "00");
    CHECK(bench.update.calls == Calls{"image /flash/image", "abort", "image /flash/bios"});
    CHECK(bench.ask(SubCommand::session_stat, SessionName{dead}) == "ff");
}

TEST_CASE("nobody interrupts an update that was committed")
{
    for (const char* way : {"close", "expire"})
    {
        CAPTURE(way);
        BlobsBench bench;
        upload(bench);
        run_action(bench, "/flash/verify", FlashStatus::success);
        REQUIRE(bench.close() == "00");
        REQUIRE(bench.open("/flash/update", open_write) == "00");
        REQUIRE(bench.commit() == "00");
        if (std::string_view{way} == "close")
        {
            CHECK(bench.close() == "00"); // what the stock client does with --ignore-update
        }
        else
        {
            bench.now += BlobManager::idle_limit;
            bench.update.refusal = ErrorKind::wrong_state; // it is still being programmed
            CHECK(bench.open("/flash/image", data_flags) == "ff");
        }
        CHECK(bench.update.calls.back() == "detach");
        CHECK(bench.blobs.state() == FlashState::not_yet_started);
    }
}

TEST_CASE("closing a verification that runs aborts it")
{
    BlobsBench bench;
    upload(bench);
    REQUIRE(bench.open("/flash/verify", open_write) == "00");
    REQUIRE(bench.commit() == "00");
    CHECK(bench.close() == "00");
    CHECK(bench.update.calls.back() == "abort");
    CHECK(bench.list() == all + end);
}

TEST_CASE("an update that was taken away is over, and nothing of it is given up twice")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    bench.update.held = false;
    const auto calls = bench.update.calls;
    CHECK(bench.write(0, "abc") == "ff");
    CHECK(bench.close() == "ff");
    CHECK(bench.list() == all + end);
    CHECK(bench.update.calls == calls);
}

TEST_CASE("status of one update does not show in the next")
{
    BlobsBench bench;
    upload(bench);
    run_action(bench, "/flash/verify", FlashStatus::failed);
    REQUIRE(bench.close() == "00");
    upload(bench);
    REQUIRE(bench.open("/flash/verify", open_write) == "00");
    CHECK(bench.stat() == "00"
                          "0200"
                          "00000000"
                          "0103");
    REQUIRE(bench.commit() == "00");
    bench.update.coming = {FlashStatus::success};
    CHECK(bench.stat() == "00"
                          "0a00"
                          "00000000"
                          "0101");
    REQUIRE(bench.close() == "00");
    REQUIRE(bench.open("/flash/update", open_write) == "00");
    CHECK(bench.stat() == "00"
                          "0200"
                          "00000000"
                          "0103");
    CHECK(bench.close() == "00");
    CHECK(bench.blobs.state() == FlashState::update_pending);
}

TEST_CASE("cleanup: open, commit, close, in any state, by anybody; nothing else")
{
    BlobsBench bench;
    upload(bench);
    bench.caller = remote("eve");
    REQUIRE(bench.open("/flash/cleanup", open_read) == "00");
    CHECK(bench.commit() == "00");
    CHECK(bench.stat() == "ff");
    CHECK(bench.write(0, "x") == "ff");
    CHECK(bench.close() == "00");
    REQUIRE(bench.open("/flash/cleanup", open_write) == "00");
    CHECK(bench.write(0, "x") == "ff");
    CHECK(bench.ask(SubCommand::write_meta, WriteRequest{bench.session, 0, {as_bytes("x")}}) == "ff");
    CHECK(bench.remove("/flash/cleanup") == "ff");
    CHECK(bench.close() == "00");
    CHECK(bench.remove("/flash/cleanup") == "ff");
    CHECK(bench.update.calls.back() == "clean up");
    CHECK(bench.blobs.state() == FlashState::verification_pending);
}
