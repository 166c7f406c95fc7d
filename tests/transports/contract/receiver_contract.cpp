#include "tests/transports/contract/receiver_contract.hpp"

#include "tests/common/result_printing.hpp"
#include "tests/transports/stream/image.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace fwupdate::test
{
namespace
{

constexpr std::uint64_t sizes[] = {1, 65'535, 65'536, 65'537, 4 * 65'536 + 12'345};

std::uint32_t blocks_of(const Bytes& image)
{
    return static_cast<std::uint32_t>((image.size() + protocol::block_size - 1) / protocol::block_size);
}

ConstBytes block_of(const Bytes& image, std::uint32_t block)
{
    const std::size_t start = std::size_t{block} * protocol::block_size;
    return ConstBytes{image}.subspan(start, std::min<std::size_t>(protocol::block_size, image.size() - start));
}

/// Every block arrives whole, exactly, and is written once.
void check_whole(const OpenReceiver& open)
{
    for (const std::uint64_t size : sizes)
    {
        CAPTURE(size);
        const Bytes image = random_image(size, 1);
        ScriptedSink sink{size};
        const auto receiver = open(image, sink);
        for (std::uint32_t block = 0; block < blocks_of(image); ++block)
        {
            REQUIRE(receiver->bring(block));
            CHECK(sink.has_block(block));
        }
        CHECK(sink.image() == image);
        CHECK(sink.writes().size() == blocks_of(image));
    }
}

/// Bringing a block again is no error, and does not write it again.
void check_idempotent(const OpenReceiver& open)
{
    const Bytes image = random_image(3 * 65'536 + 1, 2);
    ScriptedSink sink{image.size()};
    const auto receiver = open(image, sink);
    for (int time = 0; time < 3; ++time)
    {
        for (std::uint32_t block = 0; block < blocks_of(image); ++block)
        {
            CHECK(receiver->bring(block));
        }
    }
    CHECK(sink.image() == image);
    CHECK(sink.writes().size() == blocks_of(image));
}

/// What the sink has already is not written, whoever brought it and when.
void check_other_ways(const OpenReceiver& open)
{
    const Bytes image = random_image(4 * 65'536, 3);
    ScriptedSink sink{image.size()};
    sink.put(0, block_of(image, 0));
    sink.put(2, block_of(image, 2));
    const auto receiver = open(image, sink);
    CHECK(receiver->bring(0));
    CHECK(receiver->bring(1));
    CHECK(receiver->bring(2));
    sink.put(3, block_of(image, 3));
    CHECK(receiver->bring(3));
    CHECK(sink.image() == image);
    CHECK(sink.writes() == std::vector<std::uint32_t>{1});
}

/// The sink's failure comes out with its kind; the block stays missing and may come again.
void check_errors(const OpenReceiver& open)
{
    for (const ErrorKind kind : {ErrorKind::no_space, ErrorKind::input_output})
    {
        const Bytes image = random_image(2 * 65'536, 4);
        ScriptedSink sink{image.size()};
        sink.fail_once(0, kind);
        const auto receiver = open(image, sink);
        const auto failed = receiver->bring(0);
        REQUIRE(!failed);
        CHECK(failed.error().kind == kind);
        CHECK(!sink.has_block(0));
        CHECK(receiver->bring(0));
        CHECK(receiver->bring(1));
        CHECK(sink.image() == image);
    }
}

/// After close() the sink is left alone, whatever still arrives; close() may be called again.
void check_close(const OpenReceiver& open)
{
    const Bytes image = random_image(3 * 65'536, 5);
    ScriptedSink sink{image.size()};
    const auto receiver = open(image, sink);
    CHECK(receiver->bring(0));
    receiver->close();
    const auto writes = sink.writes();
    CHECK(!receiver->bring(1));
    CHECK(!receiver->bring(0));
    receiver->close();
    CHECK(!receiver->bring(2));
    CHECK(sink.writes() == writes);
    CHECK(!sink.has_block(1));
}

} // namespace

void check_receiver_contract(const OpenReceiver& open)
{
    check_whole(open);
    check_idempotent(open);
    check_other_ways(open);
    check_errors(open);
    check_close(open);
}

} // namespace fwupdate::test
