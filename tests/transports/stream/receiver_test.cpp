#include "transports/stream/bmc/receiver.hpp"

#include "tests/common/result_printing.hpp"
#include "tests/transports/contract/scripted_sink.hpp"
#include "tests/transports/stream/image.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

using namespace fwupdate;
using namespace fwupdate::stream;
using namespace fwupdate::test;
using protocol::FragmentStatus;

namespace
{

struct Bench
{
    explicit Bench(std::uint64_t size, std::uint16_t fragment_size = 16'384, std::uint32_t window_blocks = 4,
                   std::size_t max_response = protocol::largest_response)
        : image{random_image(size, 5)},
          geometry{*Geometry::make(size, fragment_size)},
          sink{size},
          receiver{geometry, window_blocks, sink, max_response}
    {
    }

    FragmentOutcome put(Place place, bool acknowledge = false)
    {
        return *receiver.on_fragment(make_fragment(image, geometry, place, acknowledge).view(), false);
    }
    Result<FragmentOutcome> offer(const OwnedFragment& fragment)
    {
        return receiver.on_fragment(fragment.view(), false);
    }

    Bytes image;
    Geometry geometry;
    ScriptedSink sink;
    StreamReceiver receiver;
};

std::vector<std::uint32_t> missing_in(const Acknowledgement& acknowledgement, std::uint32_t up_to)
{
    std::vector<std::uint32_t> missing;
    for (std::uint32_t number = acknowledgement.first_missing; number < up_to; ++number)
    {
        if (acknowledgement.here(number) == false)
        {
            missing.push_back(number);
        }
    }
    return missing;
}

constexpr std::uint64_t five_blocks = 4 * 65'536 + 20'000; ///< 18 fragments of 16 KiB, the last one 3,616 bytes

} // namespace

TEST_CASE("In order: every block is written once, whole")
{
    Bench bench{five_blocks};
    for (std::uint32_t number = 0; number < bench.geometry.fragments(); ++number)
    {
        const auto outcome = bench.put(bench.geometry.place(number));
        CHECK(!outcome.acknowledgement);
        CHECK(outcome.block_written == bench.geometry.ends_block(bench.geometry.place(number)));
    }
    CHECK(bench.sink.image() == bench.image);
    CHECK(bench.sink.writes() == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
    CHECK(bench.receiver.complete());
    CHECK(bench.receiver.received() == 18);
    CHECK(bench.receiver.buffers() == 1);
}

TEST_CASE("Any order with any duplicates gives the same image")
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
    {
        CAPTURE(seed);
        Random random{seed};
        Bench bench{1 + random.below(400'000), static_cast<std::uint16_t>(1 + random.below(20'000)), 64};
        auto fragments = all_fragments(bench.image, bench.geometry);
        const std::size_t count = fragments.size();
        for (std::size_t at = 0; at < count; ++at)
        {
            if (random.below(3) == 0)
            {
                fragments.push_back(fragments[random.below(count)]);
            }
        }
        for (std::size_t at = fragments.size(); at > 1; --at)
        {
            std::swap(fragments[at - 1], fragments[random.below(at)]);
        }
        for (const OwnedFragment& fragment : fragments)
        {
            REQUIRE(bench.offer(fragment));
        }
        CHECK(bench.sink.image() == bench.image);
        CHECK(bench.sink.complete());
        CHECK(bench.sink.writes().size() == bench.geometry.blocks());
        CHECK(bench.receiver.received() == count);
    }
}

TEST_CASE("A block that is lost again comes back into the window, whatever was there")
{
    Bench bench{8 * 65'536, 16'384, 2}; // four fragments a block
    const auto send = [&](std::uint32_t block)
    {
        for (std::uint32_t index = 0; index < 4; ++index)
        {
            bench.put({block, index});
        }
    };
    for (const std::uint32_t block : {0U, 1U, 2U, 3U})
    {
        send(block);
    }
    bench.put({4, 0});
    bench.put({5, 0});
    bench.sink.drop(1);
    bench.receiver.reopen(1);
    bench.receiver.reopen(7); // its turn comes
    const auto answer = bench.put({1, 0}, true).acknowledgement;
    REQUIRE(answer);
    CHECK(answer->status == FragmentStatus::accepted);
    CHECK(answer->first_missing == 5);
    for (const std::uint32_t block : {1U, 4U, 5U, 6U, 7U})
    {
        send(block);
    }
    CHECK(bench.receiver.complete());
    CHECK(bench.sink.image() == bench.image);
}

TEST_CASE("Acknowledgements: when asked, and once when a gap shows")
{
    Bench bench{five_blocks};
    SUBCASE("asked")
    {
        CHECK(!bench.put({0, 0}).acknowledgement);
        const auto acknowledgement = bench.put({0, 1}, true).acknowledgement;
        REQUIRE(acknowledgement);
        CHECK(acknowledgement->status == FragmentStatus::accepted);
        CHECK(acknowledgement->fragment == 1);
        CHECK(acknowledgement->first_missing == 2);
        CHECK(acknowledgement->received == 2);
        CHECK(acknowledgement->bitmap_size == 0);
    }
    SUBCASE("a gap, once")
    {
        bench.put({0, 0});
        const auto acknowledgement = bench.put({0, 3}).acknowledgement;
        REQUIRE(acknowledgement);
        CHECK(acknowledgement->fragment == 3);
        CHECK(acknowledgement->first_missing == 1);
        CHECK(missing_in(*acknowledgement, 4) == std::vector<std::uint32_t>{1, 2});
        CHECK(!bench.put({1, 0}).acknowledgement);
        CHECK(!bench.put({1, 1}).acknowledgement);
        CHECK(bench.put({1, 3}).acknowledgement); // another gap
        CHECK(!bench.put({0, 1}).acknowledgement);
        CHECK(!bench.put({0, 1}).acknowledgement); // a duplicate
        CHECK(!bench.put({0, 2}).acknowledgement);
    }
    SUBCASE("the first fragment that arrives is not the first")
    {
        CHECK(bench.put({0, 1}).acknowledgement);
    }
    SUBCASE("duplicates only when asked")
    {
        bench.put({0, 0});
        CHECK(!bench.put({0, 0}).acknowledgement);
        CHECK(bench.put({0, 0}, true).acknowledgement);
        CHECK(bench.receiver.received() == 1);
    }
    SUBCASE("always, where each request has a response")
    {
        const auto fragment = make_fragment(bench.image, bench.geometry, {0, 0});
        CHECK(bench.receiver.on_fragment(fragment.view(), true)->acknowledgement);
    }
    SUBCASE("the end")
    {
        for (const OwnedFragment& fragment : all_fragments(bench.image, bench.geometry))
        {
            REQUIRE(bench.offer(fragment));
        }
        const auto acknowledgement = bench.put({2, 1}, true).acknowledgement;
        REQUIRE(acknowledgement);
        CHECK(acknowledgement->status == FragmentStatus::accepted);
        CHECK(acknowledgement->first_missing == bench.geometry.fragments());
        CHECK(acknowledgement->bitmap_size == 0);
    }
}

TEST_CASE("The bitmap tells exactly what is here")
{
    Random random{11};
    Bench bench{600'000, 500, 32};
    std::vector<bool> here(bench.geometry.fragments());
    for (int round = 0; round < 900; ++round)
    {
        const auto number = static_cast<std::uint32_t>(random.below(std::min<std::size_t>(here.size(), 1000)));
        const auto acknowledgement = bench.put(bench.geometry.place(number), true).acknowledgement;
        here[number] = true;
        REQUIRE(acknowledgement);
        const auto first = static_cast<std::size_t>(std::ranges::find(here, false) - here.begin());
        REQUIRE(acknowledgement->first_missing == first);
        for (std::uint32_t at = 0; at < here.size(); ++at)
        {
            REQUIRE(acknowledgement->here(at).value_or(false) == here[at]);
        }
    }
}

TEST_CASE("The bitmap keeps to 256 bytes and to the channel's response")
{
    struct Row
    {
        std::size_t max_response;
        std::size_t bitmap;
    };
    for (const Row row : {Row{900, 256}, Row{240, 225}, Row{32, 17}, Row{16, 1}, Row{15, 0}, Row{3, 0}})
    {
        CAPTURE(row.max_response);
        Bench bench{2 * 65'536, 10, 4, row.max_response};
        bench.put({0, 0});
        const auto acknowledgement = bench.put({1, 6000}, true).acknowledgement; // too far for any bitmap
        REQUIRE(acknowledgement);
        CHECK(acknowledgement->bitmap_size == 0);
        const auto nearer = bench.put({0, 2 + 8 * 256 - 1}, true).acknowledgement;
        for (std::uint32_t index = 2; index < 3000; ++index)
        {
            bench.put({0, index});
        }
        const auto full = bench.put({0, 0}, true).acknowledgement;
        CHECK(nearer->bitmap_size == (row.bitmap == 256 ? 256 : 0));
        CHECK(full->first_missing == 1);
        CHECK(full->bitmap_size == row.bitmap);
        CHECK(codec::encode(full->response(1)).size() <= std::max<std::size_t>(row.max_response, 15));
    }
}

TEST_CASE("Blocks beyond the window are refused and told; the lowest missing ones have precedence")
{
    Bench bench{five_blocks, 16'384, 2};
    CHECK(bench.put({1, 0}).acknowledgement); // a gap
    const auto refused = bench.put({2, 0}).acknowledgement;
    REQUIRE(refused);
    CHECK(refused->status == FragmentStatus::outside_window);
    CHECK(refused->fragment == 8);
    CHECK(refused->first_missing == 0);
    CHECK(bench.receiver.received() == 1);
    for (std::uint32_t index = 0; index < 4; ++index)
    {
        bench.put({0, index});
    }
    CHECK(bench.sink.has_block(0));
    const auto taken = bench.put({2, 0}, true).acknowledgement; // the window has moved
    CHECK(taken->status == FragmentStatus::accepted);
    CHECK(bench.receiver.received() == 6);
    CHECK(bench.put({3, 0}).acknowledgement->status == FragmentStatus::outside_window);
    CHECK(bench.put({4, 1}).acknowledgement->status == FragmentStatus::outside_window);
}

TEST_CASE("Memory: no more buffers than blocks in the window, whatever arrives")
{
    Random random{17};
    Bench bench{100 * 65'536, 8192, 5};
    for (int round = 0; round < 20'000; ++round)
    {
        const auto number = static_cast<std::uint32_t>(random.below(bench.geometry.fragments()));
        bench.put(bench.geometry.place(number));
        REQUIRE(bench.receiver.buffers() <= 5);
    }
    bench.receiver.close();
    CHECK(bench.receiver.buffers() == 0);
}

TEST_CASE("A block that fails its check is dropped whole and can be sent again")
{
    Bench bench{five_blocks};
    for (std::uint32_t index = 0; index < 3; ++index)
    {
        bench.put({0, index});
    }
    auto damaged = make_fragment(bench.image, bench.geometry, {0, 3});
    SUBCASE("data")
    {
        damaged.data[100] ^= 0x10;
    }
    SUBCASE("check")
    {
        damaged.data.back() ^= 0x80;
    }
    const auto outcome = bench.offer(damaged);
    REQUIRE(outcome);
    REQUIRE(outcome->acknowledgement);
    CHECK(outcome->acknowledgement->status == FragmentStatus::block_check_failed);
    CHECK(outcome->acknowledgement->fragment == 3);
    CHECK(outcome->acknowledgement->first_missing == 0);
    CHECK(outcome->acknowledgement->received == 4);
    CHECK(!outcome->block_written);
    CHECK(bench.sink.writes().empty());

    CHECK(bench.put({0, 3}, true).acknowledgement->first_missing == 0);
    for (std::uint32_t index = 0; index < 3; ++index)
    {
        bench.put({0, index});
    }
    CHECK(bench.sink.has_block(0));
    CHECK(bench.receiver.received() == 8); // it never goes back: the sender orders acknowledgements by it
}

TEST_CASE("Fill: one byte makes the block")
{
    Bench bench{five_blocks};
    SUBCASE("a whole block and the short last one")
    {
        CHECK(bench.offer(make_fill(0, 0x5A))->block_written);
        CHECK(bench.offer(make_fill(4, 0xFF))->block_written);
        CHECK(std::ranges::count(bench.sink.image(), 0xFF) == 20'000);
        CHECK(std::ranges::count(bench.sink.image(), 0x5A) == 65'536);
        CHECK(bench.receiver.received() == 2);
    }
    SUBCASE("after some of it came raw")
    {
        bench.put({0, 0});
        bench.put({0, 3});
        CHECK(bench.offer(make_fill(0, 1))->block_written);
        CHECK(bench.put({1, 0}, true).acknowledgement->first_missing == 5);
    }
    SUBCASE("a wrong check")
    {
        auto damaged = make_fill(0, 7);
        damaged.data[0] = 6;
        const auto outcome = bench.offer(damaged);
        CHECK(outcome->acknowledgement->status == FragmentStatus::block_check_failed);
        CHECK(!bench.sink.has_block(0));
    }
    SUBCASE("in a row, no gap shows")
    {
        CHECK(!bench.offer(make_fill(0, 1))->acknowledgement);
        CHECK(!bench.put({1, 0}).acknowledgement);
        CHECK(bench.offer(make_fill(2, 1))->acknowledgement);
        CHECK(!bench.offer(make_fill(3, 1))->acknowledgement);
    }
}

TEST_CASE("Values that do not belong to the image are refused and nothing is taken")
{
    Bench bench{five_blocks};
    const auto refused = [&](ErrorKind kind, auto change, Place place = {0, 1})
    {
        auto fragment = make_fragment(bench.image, bench.geometry, place);
        change(fragment);
        const auto outcome = bench.offer(fragment);
        REQUIRE(!outcome);
        CHECK(outcome.error().kind == kind);
    };
    refused(ErrorKind::out_of_range, [](auto& fragment) { fragment.request.block = 5; });
    refused(ErrorKind::out_of_range, [](auto& fragment) { fragment.request.block = 65'535; });
    refused(ErrorKind::out_of_range, [](auto& fragment) { fragment.request.offset = 20'000; }, {4, 1});
    refused(ErrorKind::out_of_range, [](auto& fragment) { fragment.request.offset = 32'768; }, {4, 1});
    refused(ErrorKind::invalid_field, [](auto& fragment) { fragment.request.offset = 1; });
    refused(ErrorKind::invalid_field, [](auto& fragment) { fragment.request.flags.bits = 2; });
    refused(ErrorKind::invalid_field, [](auto& fragment) { fragment.request.flags.bits = 0; }, {0, 3});
    refused(ErrorKind::invalid_field,
            [](auto& fragment) { fragment.request.encoding = protocol::BlockEncoding::zstd; });
    refused(ErrorKind::invalid_field, [](auto& fragment) { fragment.request.encoding = protocol::BlockEncoding{200}; });
    refused(ErrorKind::invalid_field,
            [](auto& fragment) { fragment.request.encoding = protocol::BlockEncoding::fill; });
    for (const Place place : {Place{0, 1}, Place{0, 3}, Place{4, 1}})
    {
        const std::size_t length = make_fragment(bench.image, bench.geometry, place).data.size();
        for (const std::size_t other : {std::size_t{0}, std::size_t{1}, std::size_t{4}, length - 4, length - 1,
                                        length + 1, length + 4, std::size_t{65'000}})
        {
            refused(
                ErrorKind::length, [&](auto& fragment) { fragment.data.resize(other); }, place);
        }
    }
    for (const std::size_t length : {0U, 1U, 4U, 6U, 100U})
    {
        auto fill = make_fill(0, 0);
        fill.data.resize(length);
        CHECK(bench.offer(fill).error().kind == ErrorKind::length);
    }
    auto fill = make_fill(0, 0);
    fill.request.flags.bits = 0;
    CHECK(bench.offer(fill).error().kind == ErrorKind::invalid_field);
    CHECK(bench.receiver.received() == 0);
    CHECK(bench.receiver.buffers() == 0);
    CHECK(bench.sink.writes().empty());
}

TEST_CASE("A sink that fails: the error comes out, the block is missing and can be sent again")
{
    for (const ErrorKind kind : {ErrorKind::no_space, ErrorKind::input_output})
    {
        Bench bench{five_blocks};
        bench.sink.fail_once(0, kind);
        for (std::uint32_t index = 0; index < 3; ++index)
        {
            bench.put({0, index});
        }
        const auto last = make_fragment(bench.image, bench.geometry, {0, 3}, true);
        const auto failed = bench.offer(last);
        REQUIRE(!failed);
        CHECK(failed.error().kind == kind);
        const auto again = bench.offer(last);
        CHECK(again->acknowledgement->first_missing == 0);
        for (std::uint32_t index = 0; index < 3; ++index)
        {
            bench.put({0, index});
        }
        CHECK(bench.sink.has_block(0));
        CHECK(bench.sink.writes() == std::vector<std::uint32_t>{0, 0});
    }
}

TEST_CASE("Blocks that came another way count as received")
{
    Bench bench{five_blocks, 16'384, 2};
    SUBCASE("before it began")
    {
        bench.sink.put(0, ConstBytes{bench.image}.first(65'536));
        StreamReceiver receiver{bench.geometry, 2, bench.sink};
        const auto fragment = make_fragment(bench.image, bench.geometry, {1, 0}, true);
        const auto acknowledgement = receiver.on_fragment(fragment.view(), false)->acknowledgement;
        CHECK(acknowledgement->first_missing == 5);
        const auto known = make_fragment(bench.image, bench.geometry, {0, 2}, true);
        CHECK(receiver.on_fragment(known.view(), false)->acknowledgement->status == FragmentStatus::accepted);
        CHECK(bench.sink.writes().empty());
    }
    SUBCASE("in the middle of it: buffers are free again, the window moves")
    {
        bench.put({0, 0});
        bench.put({1, 0});
        CHECK(bench.put({2, 0}).acknowledgement->status == FragmentStatus::outside_window);
        bench.sink.put(0, ConstBytes{bench.image}.first(65'536));
        CHECK(bench.put({2, 0}, true).acknowledgement->status == FragmentStatus::accepted);
        CHECK(bench.receiver.buffers() == 2);
        CHECK(bench.put({0, 1}, true).acknowledgement->first_missing == 5);
    }
    SUBCASE("while its last fragment was on the way")
    {
        bench.put({0, 0});
        bench.put({0, 1});
        bench.put({0, 2});
        bench.sink.put(0, ConstBytes{bench.image}.first(65'536));
        CHECK(!bench.put({0, 3}).block_written);
        CHECK(bench.sink.writes().empty());
        CHECK(bench.put({1, 0}, true).acknowledgement->first_missing == 5);
    }
    SUBCASE("all of it")
    {
        for (std::uint32_t block = 0; block < 5; ++block)
        {
            bench.sink.put(
                block, ConstBytes{bench.image}.subspan(std::size_t{block} * 65'536, bench.geometry.block_bytes(block)));
        }
        CHECK(bench.receiver.complete());
        CHECK(bench.put({3, 1}, true).acknowledgement->first_missing == bench.geometry.fragments());
    }
}

TEST_CASE("A block beyond the window that is staged already is no refusal")
{
    Bench bench{10 * 65'536, 16'384, 2};
    bench.sink.put(7, ConstBytes{bench.image}.first(65'536));
    CHECK(bench.put({7, 0}, true).acknowledgement->status == FragmentStatus::accepted);
    CHECK(bench.put({6, 0}).acknowledgement->status == FragmentStatus::outside_window);
}

TEST_CASE("One-byte fragments and the largest ones")
{
    for (const std::uint16_t fragment_size : {std::uint16_t{1}, std::uint16_t{65'535}})
    {
        Bench bench{65'536 + 3, fragment_size, 1};
        for (const OwnedFragment& fragment : all_fragments(bench.image, bench.geometry))
        {
            REQUIRE(bench.offer(fragment));
        }
        CHECK(bench.sink.image() == bench.image);
    }
}
