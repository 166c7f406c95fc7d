#include "bmc-agent/channels/lan/duplicate_cache.hpp"
#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

using namespace lan_bench;
using ipmi::NetFn;

namespace
{

RequestKey key(std::uint8_t sequence, std::uint8_t command = 0x28, std::uint8_t fill = 0)
{
    const Bytes data(4, fill);
    rmcpplus::LanRequest request{};
    request.net_fn = NetFn::firmware;
    request.command = command;
    request.requester_sequence = sequence;
    request.data = data;
    return key_of(request);
}

const ipmi::Response response{ipmi::CompletionCode::ok, {1, 2, 3}};
const TimePoint start{TimePoint{} + 1h};

} // namespace

TEST_CASE("a request that was answered gets the same answer for 15 seconds")
{
    DuplicateCache cache;
    CHECK(cache.find(key(1), start) == nullptr);
    cache.remember(key(1), response, start);
    REQUIRE(cache.find(key(1), start + 14'999ms) != nullptr);
    CHECK(*cache.find(key(1), start) == response);
    CHECK(cache.find(key(1), start + 15s) == nullptr);
}

TEST_CASE("every part of the key counts")
{
    DuplicateCache cache;
    cache.remember(key(1), response, start);
    CHECK(cache.find(key(2), start) == nullptr);          // sequence
    CHECK(cache.find(key(1, 0x29), start) == nullptr);    // command
    CHECK(cache.find(key(1, 0x28, 1), start) == nullptr); // data
    RequestKey other = key(1);
    other.requester_address = 0x83;
    CHECK(cache.find(other, start) == nullptr);
    other = key(1);
    other.requester_lun = 1;
    CHECK(cache.find(other, start) == nullptr);
    other = key(1);
    other.net_fn = NetFn::app;
    CHECK(cache.find(other, start) == nullptr);
}

TEST_CASE("the answer to an image write is kept without limit of time, until a different request comes")
{
    DuplicateCache cache;
    cache.remember(key(1, 0x2C), response, start);
    CHECK(cache.find(key(1, 0x2C), start + 24h) != nullptr);
    CHECK(cache.find(key(2, 0x2C), start + 24h) == nullptr);
    cache.remember(key(2, 0x2C), response, start + 24h);
    CHECK(cache.find(key(1, 0x2C), start + 24h) == nullptr);
    CHECK(cache.find(key(2, 0x2C), start + 48h) != nullptr);
    cache.pass(); // a different request, though not a kept one
    CHECK(cache.find(key(2, 0x2C), start + 48h) == nullptr);
}

TEST_CASE("within 15 seconds an older image write is still known: its retry may have been overtaken")
{
    DuplicateCache cache;
    cache.remember(key(1, 0x2C), response, start);
    cache.remember(key(2, 0x29), response, start);
    CHECK(cache.find(key(1, 0x2C), start + 1s) != nullptr);
}

TEST_CASE("the cache is bounded, and an answer is stale before the requester sequence comes round")
{
    DuplicateCache cache;
    for (std::uint8_t sequence = 0; sequence < 64; ++sequence)
    {
        cache.remember(key(sequence), response, start);
    }
    CHECK(cache.find(key(31), start) == nullptr);
    CHECK(cache.find(key(32), start) != nullptr);
    DuplicateCache polled;
    polled.remember(key(1), response, start);
    for (std::uint64_t count = 0; count + 1 < DuplicateCache::reach; ++count)
    {
        polled.pass();
    }
    CHECK(polled.find(key(1), start) != nullptr);
    polled.pass();
    CHECK(polled.find(key(1), start) == nullptr);
}

// --------------------------------------------------------------------------------------------------- in a session

TEST_CASE("a retry with a new session sequence gets the cached answer under a new number and is not executed")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    const auto first = console.ask(NetFn::firmware, 0x2C, {1, 2, 3});
    const auto second = console.ask_again(NetFn::firmware, 0x2C, {1, 2, 3});
    REQUIRE(second.has_value());
    CHECK(second->data == first->data);
    CHECK(second->session_sequence == first->session_sequence + 1);
    CHECK(bench.writes == 1);
}

TEST_CASE("two equal image writes with different requester sequences are two")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    CHECK(console.ask(NetFn::firmware, 0x2C, {0xFF, 0xFF})->data == Bytes{2, 1});
    CHECK(console.ask(NetFn::firmware, 0x2C, {0xFF, 0xFF})->data == Bytes{2, 2});
    CHECK(bench.writes == 2);
}

TEST_CASE("a wrapped requester sequence with another request is executed")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    REQUIRE(console.ask(NetFn::firmware, 0x2C, {1}).has_value());
    CHECK(console.ask_again(NetFn::firmware, 0x2C, {2})->data == Bytes{1, 2}); // the same sequence number at once
    for (unsigned count = 0; count < 200; ++count)
    {
        CHECK(console.ask(NetFn::firmware, 0x2C, {7}).has_value()); // equal data, each sequence number three times
    }
    CHECK(bench.writes == 202);
}

TEST_CASE("a retry after a long silence: only the image write is still known")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    REQUIRE(console.ask(NetFn::firmware, 0x28).has_value());
    bench.now += 20s;
    CHECK(console.ask_again(NetFn::firmware, 0x28).has_value());
    CHECK(bench.writes == 2);
    REQUIRE(console.ask(NetFn::firmware, 0x2C, {1}).has_value());
    bench.now += 50s;
    REQUIRE(console.ask_again(NetFn::firmware, 0x2C, {1}).has_value());
    CHECK(bench.writes == 3);
}

TEST_CASE("a repetition that the network held back is not executed, however much has overtaken it")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    for (const unsigned others : {1U, 31U, 60U, 130U, 1000U})
    {
        CAPTURE(others);
        REQUIRE(console.ask(NetFn::firmware, 0x2C, {0xAA}).has_value());
        const Bytes late = console.request_again(NetFn::firmware, 0x2C, {0xAA});
        for (unsigned count = 0; count < others; ++count)
        {
            REQUIRE(console.ask(NetFn::firmware, 0x2C, {0xBB}).has_value());
        }
        const std::size_t written = bench.writes;
        static_cast<void>(bench.send(late));
        CHECK(bench.writes == written);
    }
}

TEST_CASE("idempotent commands are always executed, and another session's requests are its own")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    REQUIRE(console.ask(NetFn::firmware, 0x45, {1}).has_value());
    REQUIRE(console.ask_again(NetFn::firmware, 0x45, {1}).has_value());
    CHECK(bench.fragments == 2);
    Console other{bench};
    other.console_id = 5;
    REQUIRE(other.open_as_administrator());
    other.requester_sequence = 9;
    console.requester_sequence = 9;
    REQUIRE(console.ask(NetFn::firmware, 0x2C, {1}).has_value());
    REQUIRE(other.ask(NetFn::firmware, 0x2C, {1}).has_value());
    CHECK(bench.writes == 2);
}
