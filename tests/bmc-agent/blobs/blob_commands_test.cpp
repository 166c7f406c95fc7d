// The envelope through its bytes: lengths, CRC, unknown sub-commands, channels.
#include "blobs_bench.hpp"

#include <array>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::blobs;
using namespace fwupdate::agent::blobs::test;

namespace
{

struct Sample
{
    SubCommand sub_command{};
    std::size_t least{}; ///< bytes behind the sub-command
    std::string body;    ///< hexadecimal, the shortest one that is well-formed
    std::string code{};  ///< of the answer to it, without a session and in the first state
};

/// All of them name session 4444h, which nobody has opened, or the blob "x", which nobody serves.
const std::array samples{
    Sample{SubCommand::enumerate, 6, "ffffffff", "cc"},
    Sample{SubCommand::open, 6, "02017800", "ff"},
    Sample{SubCommand::read, 12, "44440000000010000000", "00"},
    Sample{SubCommand::write, 9, "44440000000001", "ff"},
    Sample{SubCommand::commit, 5, "444400", "ff"},
    Sample{SubCommand::close, 4, "4444", "ff"},
    Sample{SubCommand::remove, 4, "7800", "ff"},
    Sample{SubCommand::stat, 4, "7800", "ff"},
    Sample{SubCommand::session_stat, 4, "4444", "ff"},
    Sample{SubCommand::write_meta, 9, "44440000000001", "ff"},
};

Bytes request_data(SubCommand sub_command, ConstBytes data)
{
    Bytes request = BlobsBench::envelope(sub_command);
    request.insert(request.end(), data.begin(), data.end());
    return request;
}

Bytes with_crc(ConstBytes body)
{
    return codec::encode(CheckedData{crc16(body), {body}});
}

/// The whole answer in hexadecimal.
std::string answer(BlobsBench& bench, SubCommand sub_command, ConstBytes data)
{
    return to_hex(bench.ask_raw(request_data(sub_command, data)));
}

} // namespace

TEST_CASE("every sub-command: the shortest request is served")
{
    BlobsBench bench;
    for (const Sample& sample : samples)
    {
        CAPTURE(static_cast<int>(sample.sub_command));
        const Bytes body = *from_hex(sample.body);
        REQUIRE(body.size() + crc_size == sample.least);
        CHECK(answer(bench, sample.sub_command, with_crc(body)).starts_with(sample.code + "cfc200"));
    }
}

TEST_CASE("every sub-command, every length that is too short: C7h, whether the CRC is right or not")
{
    BlobsBench bench;
    for (const Sample& sample : samples)
    {
        for (std::size_t length = 0; length < sample.least; ++length)
        {
            CAPTURE(static_cast<int>(sample.sub_command));
            CAPTURE(length);
            const Bytes whole = with_crc(*from_hex(sample.body));
            const ConstBytes wrong = ConstBytes{whole}.first(length);
            CHECK(answer(bench, sample.sub_command, wrong) == "c7cfc200");
            if (length > crc_size)
            {
                CHECK(answer(bench, sample.sub_command, with_crc(wrong.subspan(crc_size))) == "c7cfc200");
            }
        }
    }
}

TEST_CASE("every sub-command, a wrong CRC: FFh, at every length that is enough")
{
    BlobsBench bench;
    for (const Sample& sample : samples)
    {
        for (std::size_t more = 0; more < 4; ++more)
        {
            CAPTURE(static_cast<int>(sample.sub_command));
            CAPTURE(more);
            Bytes body = *from_hex(sample.body);
            body.insert(body.end(), more, std::uint8_t{0});
            Bytes data = with_crc(body);
            data[1] ^= 0x80;
            CHECK(answer(bench, sample.sub_command, data) == "ffcfc200");
        }
    }
    CHECK(answer(bench, SubCommand::get_count, *from_hex("000000")) == "ffcfc200");
}

TEST_CASE("bytes behind the fields are ignored, as in the original; an id must end where the request ends")
{
    BlobsBench bench;
    for (const Sample& sample : samples)
    {
        CAPTURE(static_cast<int>(sample.sub_command));
        const bool named = sample.sub_command == SubCommand::open || sample.sub_command == SubCommand::remove ||
                           sample.sub_command == SubCommand::stat;
        const Bytes body = *from_hex(sample.body + "00");
        CHECK(answer(bench, sample.sub_command, with_crc(body)).starts_with((named ? "c7" : sample.code) + "cfc200"));
    }
}

TEST_CASE("GetCount: any data with a good CRC, one byte without; two bytes are C7h")
{
    BlobsBench bench;
    const std::string four = "00cfc200e1c404000000";
    CHECK(answer(bench, SubCommand::get_count, {}) == four);
    CHECK(answer(bench, SubCommand::get_count, *from_hex("55")) == four);
    CHECK(answer(bench, SubCommand::get_count, *from_hex("0f1d")) == "c7cfc200");
    CHECK(answer(bench, SubCommand::get_count, with_crc(*from_hex("55"))) == four);
}

TEST_CASE("unknown sub-commands: CCh, once length and CRC are right")
{
    BlobsBench bench;
    for (unsigned number = 11; number <= 0xFF; ++number)
    {
        CAPTURE(number);
        const auto unknown = static_cast<SubCommand>(number);
        CHECK(answer(bench, unknown, {}) == "cccfc200");
        CHECK(answer(bench, unknown, *from_hex("00")) == "cccfc200");
        CHECK(answer(bench, unknown, *from_hex("0000")) == "c7cfc200");
        CHECK(answer(bench, unknown, *from_hex("000000")) == "ffcfc200");
        CHECK(answer(bench, unknown, with_crc(*from_hex("00"))) == "cccfc200");
    }
}

TEST_CASE("Commit: its data as long as it says")
{
    BlobsBench bench;
    REQUIRE(bench.open("/flash/cleanup", open_write) == "00");
    const auto commit = [&](std::uint8_t size, std::string_view data) {
        return bench.ask(SubCommand::commit, CommitRequest{bench.session, size, {as_bytes(data)}});
    };
    CHECK(commit(0, "") == "00");
    CHECK(commit(3, "abc") == "00");
    CHECK(commit(2, "abc") == "00");
    CHECK(commit(4, "abc") == "c7");
    CHECK(commit(255, "") == "c7");
}

TEST_CASE("the enterprise number: too short C7h, another one C1h, none behind it C7h")
{
    BlobsBench bench;
    CHECK(to_hex(bench.ask_raw({})) == "c7");
    CHECK(to_hex(bench.ask_raw(*from_hex("cfc2"))) == "c7");
    CHECK(to_hex(bench.ask_raw(*from_hex("cfc200"))) == "c7cfc200");
    CHECK(to_hex(bench.ask_raw(*from_hex("cfc20100"))) == "c1cfc201");
    CHECK(to_hex(bench.ask_raw(*from_hex("000000"))) == "c1000000");
}

TEST_CASE("administrators only; no other command on this NetFn")
{
    BlobsBench bench;
    bench.caller = remote("oper", ipmi::Privilege::operator_);
    CHECK(to_hex(bench.ask_raw(*from_hex("cfc20000"))) == "d4");
    bench.caller = remote("admin");
    CHECK(to_hex(bench.ask_raw(*from_hex("cfc20000"))).starts_with("00cfc200"));
    CHECK(bench.table.rows().size() == 1);
    CHECK_FALSE(bench.table.rows()[0].idempotent);
}

TEST_CASE("a channel that carries less than the response: CEh")
{
    BlobsBench bench;
    REQUIRE(bench.list() == "/flash/hash /flash/image /flash/bios /flash/cleanup");
    bench.caller.max_response = 3 + 2 + 12; // "/flash/hash" and its NUL
    CHECK(bench.ask(SubCommand::enumerate, EnumerateRequest{0}).starts_with("002f66"));
    CHECK(bench.ask(SubCommand::enumerate, EnumerateRequest{1}) == "ce");
}

TEST_CASE("the log says why, the completion code does not")
{
    BlobsBench bench;
    CHECK(bench.open("/flash/image", open_write | 0x0400) == "ff");
    REQUIRE(bench.log.lines.size() == 1);
    CHECK(bench.log.lines[0].find("over IPMI alone") != std::string::npos);
}
