// The transcripts are well-formed, and what is in them are messages of the header; the agent's tests replay them.
#include "transcript.hpp"

#include "message_json.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>

using namespace fwupdate;
using namespace fwupdate::test;

namespace
{

std::vector<std::string> transcript_names()
{
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator{SOURCE_DIR "/protocol-spec/vectors/transcripts"})
    {
        names.push_back(file.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

std::vector<Exchange> exchanges(const std::string& name)
{
    std::vector<Exchange> found;
    for (const Step& step : load_transcript(name))
    {
        if (const auto* exchange = std::get_if<Exchange>(&step))
        {
            found.push_back(*exchange);
        }
    }
    return found;
}

/// Placeholders as some bytes: 11h, which is good as number, percent and anything.
Bytes sample(std::string digits)
{
    std::ranges::replace_if(
        digits, [](char c) { return c == 'X' || c == 'T' || c == 'p' || c == '?'; }, '1');
    return *from_hex(digits);
}

/// Empty, or what is wrong with the exchange's form.
std::string examine(const Exchange& exchange)
{
    std::string wrong = "no such command, C1h expected";
    visit_command(exchange.command,
                  [&]<class Request, class Response>(const protocol::CommandDefinition<Request, Response>&)
                  {
                      const auto code = static_cast<ipmi::CompletionCode>(exchange.completion_code);
                      const Bytes request_bytes = sample(exchange.request); // the decoded message looks at them
                      const auto request = codec::decode_request<Request>(request_bytes);
                      const Bytes response_bytes = sample(exchange.response);
                      const auto response = codec::decode_response<Response>(response_bytes);
                      const bool refused = code != ipmi::CompletionCode::ok;
                      const bool canonical = response && codec::encode(*response) == response_bytes;
                      wrong = !request && code != ipmi::completion_code(request.error().kind)
                                  ? "the request is refused by its form with another code"
                              : refused ? (exchange.response.empty() ? "" : "data behind a refusal")
                              : !exchange.open_ended && !canonical ? "the response does not round-trip"
                                                                   : "";
                  });
    return exchange.completion_code == 0xC1 ? "" : wrong;
}

} // namespace

TEST_CASE("every exchange of every transcript has the form of the header")
{
    const auto names = transcript_names();
    CHECK(names.size() >= 5);
    for (const std::string& name : names)
    {
        const auto lines = exchanges(name);
        CHECK(lines.size() >= 9);
        for (const Exchange& exchange : lines)
        {
            const std::string wrong = examine(exchange);
            CHECK_MESSAGE(wrong.empty(), name, ":", exchange.line, ": ", wrong);
            CHECK(exchange.net_fn == 0x08);
        }
    }
}

TEST_CASE("a changed exchange is noticed")
{
    for (Exchange exchange : exchanges("base-update.txt"))
    {
        exchange.request += "a5"; // as the length of a text: more than follows
        const bool open = exchange.command == 0x2C;
        CHECK_MESSAGE(examine(exchange).empty() == open, exchange.line);
        exchange.request.resize(exchange.request.size() - 2);
        exchange.response += "00";
        CHECK_MESSAGE(!examine(exchange).empty(), exchange.line);
    }
}

TEST_CASE("the transcripts show every completion code of the protocol and most of the commands")
{
    std::set<unsigned> codes;
    std::set<unsigned> commands;
    for (const std::string& name : transcript_names())
    {
        for (const Exchange& exchange : exchanges(name))
        {
            codes.insert(exchange.completion_code);
            commands.insert(exchange.command);
        }
    }
    for (const unsigned code : {0x00, 0x81, 0x82, 0x83, 0xC0, 0xC1, 0xC7, 0xC9, 0xCB, 0xCC, 0xD5})
    {
        CHECK_MESSAGE(codes.contains(code), to_hex(std::array{static_cast<std::uint8_t>(code)}));
    }
    for (unsigned command = 0x40; command <= 0x4B; ++command)
    {
        CHECK_MESSAGE(commands.contains(command), command);
    }
}

TEST_CASE("placeholders: learned, sent again, compared")
{
    const auto steps = parse_transcript("@ session admin\n"
                                        "08 26 -> 00 XXXXXXXXXXXXXXXX   # a number\n"
                                        "08 27 XXXXXXXXXXXXXXXX -> 00\n"
                                        "08 2a -> 00 05 pp ??            # until\n"
                                        "08 44 -> 00 TTTT ...\n"
                                        "08 46 TTTT -> 00 TTTT\n"
                                        "@ wait 31\n"
                                        "@ close admin\n",
                                        "inline");
    REQUIRE(steps.size() == 8);
    CHECK(std::get<UseSession>(steps[0]).name == "admin");
    CHECK(std::get<Wait>(steps[6]).time == std::chrono::seconds{31});
    CHECK(std::get<CloseSession>(steps[7]).name == "admin");

    using enum ipmi::CompletionCode;
    Placeholders placeholders;
    const Bytes number = {1, 2, 3, 4, 5, 6, 7, 8};
    CHECK(!placeholders.match(std::get<Exchange>(steps[1]), node_busy, {}).empty());
    CHECK(!placeholders.match(std::get<Exchange>(steps[1]), ok, Bytes{1, 2}).empty());
    CHECK(placeholders.match(std::get<Exchange>(steps[1]), ok, number).empty());
    CHECK(placeholders.fill(std::get<Exchange>(steps[2])) == number);

    const auto& poll = std::get<Exchange>(steps[3]);
    CHECK(poll.until);
    CHECK(placeholders.match(poll, ok, Bytes{5, 100, 7}).empty());
    CHECK(!placeholders.match(poll, ok, Bytes{5, 101, 7}).empty());
    CHECK(!placeholders.match(poll, ok, Bytes{4, 100, 7}).empty());

    CHECK(placeholders.match(std::get<Exchange>(steps[4]), ok, Bytes{0x34, 0x12, 9, 9}).empty());
    const auto& map = std::get<Exchange>(steps[5]);
    CHECK(placeholders.fill(map) == Bytes{0x34, 0x12});
    CHECK(placeholders.match(map, ok, Bytes{0x34, 0x12}).empty());
    CHECK(!placeholders.match(map, ok, Bytes{0x35, 0x12}).empty());
}

TEST_CASE("malformed transcripts are refused")
{
    for (const char* text : {"08 2a", "08 2a 0 -> 00", "08 -> 00", "08 2a -> zz", "08 2a ?? -> 00", "@ jump 1",
                             "@ session", "8 2a -> 00", "08 2a -> 00 0", "08 2a Xp -> 00"})
    {
        CHECK_THROWS_MESSAGE(parse_transcript(text, "inline"), text);
    }
}
