// Ids and sequences that nobody well-meaning sends.
#include "blobs_bench.hpp"

#include <array>
#include <random>

using namespace fwupdate;
using namespace fwupdate::agent::blobs;
using namespace fwupdate::agent::blobs::test;

namespace
{

/// The body of an Open and of a Delete or Stat, the id's bytes as they are.
std::array<std::string, 3> ask_for(BlobsBench& bench, ConstBytes id)
{
    return {bench.ask(SubCommand::open, OpenRequest{data_flags, {id}}), bench.ask(SubCommand::remove, BlobName{{id}}),
            bench.ask(SubCommand::stat, BlobName{{id}})};
}

} // namespace

TEST_CASE("ids that are none: C7h")
{
    BlobsBench bench;
    using std::string_literals::operator""s;
    for (const std::string& id : {"/flash/image"s, "\0\0"s, "\0/flash/image\0"s, "/flash/image\0\0"s,
                                  "/flash/image\0x\0"s, "/flash\0/image\0"s, "\0x"s})
    {
        CAPTURE(to_hex(as_bytes(id)));
        const auto answers = ask_for(bench, as_bytes(id));
        CHECK(answers == std::array<std::string, 3>{"c7", "c7", "c7"});
    }
    CHECK(bench.update.calls.empty());
}

TEST_CASE("ids that nobody serves: FFh, and not one of them reaches the update")
{
    BlobsBench bench;
    for (const std::string& id :
         {std::string{"/flash/"}, std::string{"/flash"}, std::string{"/"}, std::string{"."},
          std::string{"/flash/image/"}, std::string{"/flash/image "}, std::string{" /flash/image"},
          std::string{"/flash//image"}, std::string{"/flash/../flash/image"}, std::string{"/FLASH/IMAGE"},
          std::string{"/flash/verify"}, std::string{"/flash/update"}, std::string{"/flash/active/image"},
          std::string{"/etc/passwd"}, std::string{"%s%s%n"}, std::string{"\x1b[2J"}, std::string{"\xff\xfe\x80"},
          "/flash/" + std::string(200, 'a')})
    {
        CAPTURE(id);
        Bytes with_nul{id.begin(), id.end()};
        with_nul.push_back(0);
        CHECK(ask_for(bench, with_nul) == std::array<std::string, 3>{"ff", "ff", "ff"});
    }
    CHECK(bench.update.calls.empty());
    for (const std::string& line : bench.log.lines)
    {
        CHECK(line.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("the longest id of a message")
{
    BlobsBench bench;
    bench.caller = remote("admin");
    Bytes id(60'000, 'a');
    id.push_back(0);
    CHECK(ask_for(bench, id) == std::array<std::string, 3>{"ff", "ff", "ff"});
}

TEST_CASE("every session number that is not one's own")
{
    BlobsBench bench;
    bench.caller = remote("admin");
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    const auto calls = bench.update.calls;
    bench.caller = remote("eve");
    for (unsigned number = 0; number <= 0xFFFF; ++number)
    {
        bench.session = static_cast<SessionId>(number);
        REQUIRE(bench.write(0, "evil") == "ff");
        REQUIRE(bench.close() == "ff");
    }
    CHECK(bench.update.calls == calls);
    CHECK(bench.blobs.state() == FlashState::upload_in_progress);
}

TEST_CASE("random bytes behind the enterprise number change nothing")
{
    BlobsBench bench;
    std::mt19937 random{20'240'601}; // NOLINT(cert-msc32-c,cert-msc51-cpp): the same bytes every time
    for (int count = 0; count < 20'000; ++count)
    {
        Bytes data{enterprise.begin(), enterprise.end()};
        data.resize(3 + random() % 24);
        std::generate(data.begin() + 3, data.end(), [&] { return static_cast<std::uint8_t>(random()); });
        static_cast<void>(bench.ask_raw(data));
    }
    CHECK(bench.update.calls.empty());
    CHECK(bench.blobs.state() == FlashState::not_yet_started);
}
