#include "bmc-agent/staging/sealed_source.hpp"
#include "bmc-agent/staging/staging.hpp"
#include "protocol-spec/messages.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <random>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

constexpr std::uint64_t megabyte = 1 << 20;

Bytes make_image(std::size_t size, unsigned seed = 1)
{
    std::mt19937 generator{seed};
    Bytes image(size);
    for (std::uint8_t& byte : image)
    {
        byte = static_cast<std::uint8_t>(generator());
    }
    return image;
}

TransferName name_of(const Bytes& image)
{
    return {"bios", image.size(), sha256(image)};
}

ConstBytes block_of(const Bytes& image, std::uint32_t block)
{
    const std::size_t at = std::size_t{block} * protocol::block_size;
    return ConstBytes{image}.subspan(at, std::min<std::size_t>(protocol::block_size, image.size() - at));
}

Staging open_staging(const test::TemporaryDirectory& directory, std::uint64_t limit = 16 * megabyte)
{
    auto staging = Staging::open(directory.path() / "staging", limit);
    REQUIRE(staging.has_value());
    return std::move(*staging);
}

void hash_all(Staging& staging)
{
    while (staging.can_hash())
    {
        REQUIRE(staging.hash_next().has_value());
    }
}

void flip(const std::filesystem::path& file, std::size_t at)
{
    std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekg(static_cast<std::streamoff>(at));
    const int byte = stream.get();
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(byte ^ 1));
    REQUIRE(stream.good());
}

} // namespace

TEST_CASE("a named image gathers in any order and its digest is the image's")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    const Bytes image = make_image(5 * protocol::block_size + 123);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    CHECK_FALSE(staging.is_complete());
    for (const std::uint32_t block : {3U, 0U, 5U, 1U, 4U, 2U})
    {
        CHECK_FALSE(staging.has_block(block));
        REQUIRE(staging.write_block(block, block_of(image, block)).has_value());
        CHECK(staging.has_block(block));
    }
    CHECK(staging.is_complete());
    CHECK(staging.received() == image.size());
    CHECK_FALSE(staging.digest().has_value());
    hash_all(staging);
    CHECK(staging.digest() == sha256(image));
}

TEST_CASE("received counts a short last block as short")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    const Bytes image = make_image(protocol::block_size + 10);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    REQUIRE(staging.write_block(1, block_of(image, 1)).has_value());
    CHECK(staging.received() == 10);
}

TEST_CASE("blocks survive the agent, and only what is missing is missing")
{
    const test::TemporaryDirectory directory;
    const Bytes image = make_image(6 * protocol::block_size);
    {
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false).has_value());
        REQUIRE(staging.write_block(0, block_of(image, 0)).has_value());
        REQUIRE(staging.write_block(4, block_of(image, 4)).has_value());
    }
    Staging staging = open_staging(directory);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    CHECK(staging.map()->blocks_present() == 2);
    CHECK(staging.has_block(0));
    CHECK(staging.has_block(4));
    for (const std::uint32_t block : {1U, 2U, 3U, 5U})
    {
        CHECK_FALSE(staging.has_block(block));
        REQUIRE(staging.write_block(block, block_of(image, block)).has_value());
    }
    hash_all(staging);
    CHECK(staging.digest() == sha256(image));
}

TEST_CASE("another name, or discard, starts afresh")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    const Bytes image = make_image(2 * protocol::block_size);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    REQUIRE(staging.write_block(0, block_of(image, 0)).has_value());
    TransferName other = name_of(image);
    SUBCASE("target")
    {
        other.target = "bmc";
        REQUIRE(staging.begin_named(other, false).has_value());
    }
    SUBCASE("digest")
    {
        other.sha256[0] ^= 1;
        REQUIRE(staging.begin_named(other, false).has_value());
    }
    SUBCASE("size")
    {
        ++other.size;
        REQUIRE(staging.begin_named(other, false).has_value());
    }
    SUBCASE("discard")
    {
        REQUIRE(staging.begin_named(other, true).has_value());
    }
    CHECK(staging.map()->blocks_present() == 0);
}

TEST_CASE("a block whose bytes rotted on the disk is found and asked for again")
{
    const test::TemporaryDirectory directory;
    const Bytes image = make_image(3 * protocol::block_size);
    {
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false).has_value());
        for (const std::uint32_t block : {0U, 1U, 2U})
        {
            REQUIRE(staging.write_block(block, block_of(image, block)).has_value());
        }
    }
    {
        std::fstream file{directory.path() / "staging" / "image", std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(protocol::block_size + 100);
        file.put(static_cast<char>(image[protocol::block_size + 100] ^ 1));
    }
    Staging staging = open_staging(directory);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    CHECK(staging.is_complete());
    CHECK(staging.hash_next().has_value());
    const auto damaged = staging.hash_next();
    REQUIRE(damaged.has_error());
    CHECK(damaged.error().kind == ErrorKind::integrity);
    CHECK_FALSE(staging.is_complete());
    CHECK_FALSE(staging.has_block(1));
    REQUIRE(staging.write_block(1, block_of(image, 1)).has_value());
    hash_all(staging);
    CHECK(staging.digest() == sha256(image));
}

TEST_CASE("a map that is torn, foreign or too short is not believed")
{
    const test::TemporaryDirectory directory;
    const Bytes image = make_image(2 * protocol::block_size);
    {
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false).has_value());
        REQUIRE(staging.write_block(0, block_of(image, 0)).has_value());
    }
    const std::filesystem::path map = directory.path() / "staging" / "image.map";
    const auto size = std::filesystem::file_size(map);
    std::uint32_t present = 0;
    SUBCASE("shorter by a byte")
    {
        std::filesystem::resize_file(map, size - 1);
    }
    SUBCASE("empty")
    {
        std::filesystem::resize_file(map, 0);
    }
    SUBCASE("each byte of the header changed")
    {
        std::fstream file{map, std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(20);
        file.put('?');
    }
    SUBCASE("a record changed: only its block is gone")
    {
        std::fstream file{map, std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(static_cast<std::streamoff>(size) - 16);
        file.put('?');
        present = 0;
    }
    Staging staging = open_staging(directory);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    CHECK(staging.map()->blocks_present() == present);
}

TEST_CASE("what is staged does not change any more")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    const Bytes image = make_image(protocol::block_size);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    REQUIRE(staging.write_block(0, image).has_value());
    REQUIRE(staging.write_block(0, make_image(protocol::block_size, 2)).has_value());
    Bytes back;
    REQUIRE(staging.read_sealed(0, back).has_value());
    CHECK(back == image);
}

TEST_CASE("a complete image is read as it was hashed, at any offset")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    const Bytes image = make_image(3 * protocol::block_size + 77);
    REQUIRE(staging.begin_unnamed(image.size()).has_value());
    for (std::size_t offset = 0; offset < image.size(); offset += 50'000) // pieces that end in the midst of blocks
    {
        REQUIRE(staging.append(ConstBytes{image}.subspan(offset, std::min<std::size_t>(50'000, image.size() - offset)))
                    .has_value());
    }
    const package::ByteSource source = sealed_source(staging);
    REQUIRE(source.size == image.size());
    for (const std::size_t offset : {0UL, 1UL, 65'535UL, 65'536UL, 196'607UL, image.size() - 1})
    {
        for (const std::size_t size : {1UL, 65'536UL, 140'000UL})
        {
            Bytes back(std::min(size, image.size() - offset));
            REQUIRE(source.read(offset, back).has_value());
            CHECK(std::ranges::equal(back, ConstBytes{image}.subspan(offset, back.size())));
        }
    }
    Bytes beyond(2);
    CHECK(source.read(image.size() - 1, beyond).has_error());
}

TEST_CASE("a staged byte that is changed behind the agent's back is never handed out")
{
    for (const bool named : {true, false})
    {
        const test::TemporaryDirectory directory;
        Staging staging = open_staging(directory);
        const Bytes image = make_image(2 * protocol::block_size + 77);
        if (named)
        {
            REQUIRE(staging.begin_named(name_of(image), false).has_value());
            for (const std::uint32_t block : {0U, 1U, 2U})
            {
                REQUIRE(staging.write_block(block, block_of(image, block)).has_value());
            }
        }
        else
        {
            REQUIRE(staging.begin_unnamed(image.size()).has_value());
            REQUIRE(staging.append(image).has_value());
        }
        REQUIRE(staging.digest() == sha256(image));
        const std::filesystem::path file = directory.path() / "staging" / "image";
        for (const std::size_t at : {0UL, std::size_t{protocol::block_size}, image.size() - 1})
        {
            flip(file, at);
            const auto number = static_cast<std::uint32_t>(at / protocol::block_size);
            Bytes back;
            const auto read = staging.read_sealed(number, back);
            REQUIRE(read.has_error());
            CHECK(read.error().kind == ErrorKind::input_output);
            CHECK(read.error().text.find("changed") != std::string::npos);
            flip(file, at);
            CHECK(staging.read_sealed(number, back).has_value());
        }
    }
}

TEST_CASE("blocks that are not of the image are refused")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    const Bytes image = make_image(protocol::block_size + 5);
    CHECK(staging.write_block(0, image).has_error());
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    CHECK(staging.write_block(2, ConstBytes{image}.first(5)).has_error());
    CHECK(staging.write_block(0, ConstBytes{image}.first(5)).has_error());
    CHECK(staging.write_block(1, ConstBytes{image}.first(6)).has_error());
    CHECK(staging.write_block(1, ConstBytes{image}.first(5)).has_value());
}

TEST_CASE("too large is refused before anything is allocated")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory, megabyte);
    const auto begun = staging.begin_named({"bios", megabyte + 1, {}}, false);
    REQUIRE(begun.has_error());
    CHECK(begun.error().kind == ErrorKind::no_space);
    CHECK(begun.error().text.find("1048577") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(directory.path() / "staging" / "image"));

    Staging roomy = open_staging(directory, protocol::largest_image);
    const auto full = roomy.begin_named({"bios", protocol::largest_image, {}}, false);
    if (full.has_error()) // unless the test's disk has 4 GiB to spare
    {
        CHECK(full.error().kind == ErrorKind::no_space);
    }
}

TEST_CASE("an unnamed image is appended to, limited, and gone when it is closed")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory, megabyte);
    REQUIRE(staging.begin_unnamed(10 * megabyte).has_value());
    CHECK_FALSE(staging.is_complete());
    const Bytes image = make_image(megabyte);
    REQUIRE(staging.append(ConstBytes{image}.first(1000)).has_value());
    REQUIRE(staging.append(ConstBytes{image}.subspan(1000)).has_value());
    CHECK(staging.is_complete());
    CHECK(staging.digest() == sha256(image));
    const auto more = staging.append(ConstBytes{image}.first(1));
    REQUIRE(more.has_error());
    CHECK(more.error().kind == ErrorKind::out_of_range);
    staging.close();
    CHECK_FALSE(std::filesystem::exists(directory.path() / "staging" / "image"));
    CHECK_FALSE(staging.is_open());
}

TEST_CASE("what nobody goes on with is purged after a while, an open image is not")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    const Bytes image = make_image(protocol::block_size);
    REQUIRE(staging.begin_named(name_of(image), false).has_value());
    const std::filesystem::path file = directory.path() / "staging" / "image";
    const TimePoint start{std::chrono::hours{5}};
    const std::chrono::hours retention{1};
    staging.purge(start, retention);
    staging.purge(start + retention, retention);
    CHECK(std::filesystem::exists(file));
    staging.close();
    staging.purge(start + 2 * retention, retention);
    staging.purge(start + 3 * retention - std::chrono::seconds{1}, retention);
    CHECK(std::filesystem::exists(file));
    staging.purge(start + 3 * retention, retention);
    CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("a directory that can't be used is named")
{
    const auto staging = Staging::open("/proc/nothing/here", megabyte);
    REQUIRE(staging.has_error());
    CHECK(staging.error().text.find("/proc/nothing/here") != std::string::npos);
}

TEST_CASE("a symbolic link in the staging directory is not followed")
{
    const test::TemporaryDirectory directory;
    Staging staging = open_staging(directory);
    std::ofstream{directory.path() / "precious"} << "keep";
    std::filesystem::create_symlink(directory.path() / "precious", directory.path() / "staging" / "image");
    const Bytes image = make_image(100);
    (void)staging.begin_named(name_of(image), false); // removes the link, or refuses; never writes through it
    (void)staging.write_block(0, image);
    std::string text;
    std::ifstream{directory.path() / "precious"} >> text;
    CHECK(text == "keep");
}

TEST_CASE("an image that gathers in its own place takes no room in the staging directory")
{
    const test::TemporaryDirectory directory;
    const Bytes image = make_image(3 * protocol::block_size + 5);
    const InPlace slot{directory.path() / "slot", 1 << 20};
    const auto write_all = [&](Staging& staging)
    {
        for (std::uint32_t block = 0; block < staging.map()->blocks(); ++block)
        {
            REQUIRE(staging.write_block(block, block_of(image, block)).has_value());
        }
        hash_all(staging);
    };
    const auto staged_file = directory.path() / "staging" / "image";

    SUBCASE("whole, and read as it was hashed")
    {
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false, slot).has_value());
        CHECK(staging.is_in_place());
        write_all(staging);
        CHECK(staging.digest() == sha256(image));
        CHECK_FALSE(std::filesystem::exists(staged_file));
        CHECK(std::filesystem::file_size(slot.path) == image.size());
        Bytes block;
        REQUIRE(staging.read_sealed(1, block).has_value());
        flip(slot.path, protocol::block_size + 1);
        CHECK_FALSE(staging.read_sealed(1, block).has_value());
        staging.discard();
        CHECK(std::filesystem::exists(slot.path)); // it is not ours to remove
        CHECK_FALSE(staging.is_in_place());
    }
    SUBCASE("resumed after the agent, block for block")
    {
        {
            Staging staging = open_staging(directory);
            REQUIRE(staging.begin_named(name_of(image), false, slot).has_value());
            REQUIRE(staging.write_block(2, block_of(image, 2)).has_value());
        }
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false, slot).has_value());
        CHECK(staging.has_block(2));
        write_all(staging);
        CHECK(staging.digest() == sha256(image));
    }
    SUBCASE("resumed where somebody wrote something else meanwhile: those blocks are asked for again")
    {
        {
            Staging staging = open_staging(directory);
            REQUIRE(staging.begin_named(name_of(image), false, slot).has_value());
            write_all(staging);
        }
        flip(slot.path, 7);
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false, slot).has_value());
        CHECK_FALSE(staging.hash_next().has_value());
        CHECK_FALSE(staging.has_block(0));
        write_all(staging);
        CHECK(staging.digest() == sha256(image));
    }
    SUBCASE("an image of that name that was staged elsewhere counts for nothing")
    {
        {
            Staging staging = open_staging(directory);
            REQUIRE(staging.begin_named(name_of(image), false).has_value());
            write_all(staging);
        }
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false, slot).has_value());
        CHECK(staging.map()->blocks_present() == 0);
    }
    SUBCASE("larger than the place")
    {
        Staging staging = open_staging(directory);
        const auto begun = staging.begin_named(name_of(image), false, InPlace{slot.path, image.size() - 1});
        REQUIRE_FALSE(begun.has_value());
        CHECK(begun.error().kind == ErrorKind::no_space);
        CHECK(begun.error().text.find(slot.path.string()) != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(slot.path));
        REQUIRE(staging.begin_unnamed(1 << 20, InPlace{slot.path, 10}).has_value());
        CHECK(staging.append(ConstBytes{image}.first(10)).has_value());
        CHECK_FALSE(staging.append(ConstBytes{image}.first(1)).has_value());
    }
    SUBCASE("unnamed, then given up: the place keeps what it has")
    {
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_unnamed(1 << 20, slot).has_value());
        REQUIRE(staging.append(image).has_value());
        CHECK(staging.digest() == sha256(image));
        staging.close();
        CHECK(std::filesystem::file_size(slot.path) == image.size());
        REQUIRE(staging.begin_unnamed(1 << 20).has_value()); // the next one is staged as ever
        CHECK_FALSE(staging.is_in_place());
    }
    SUBCASE("debug: what lies in its place is not moved")
    {
        Staging staging = open_staging(directory);
        REQUIRE(staging.begin_named(name_of(image), false, slot).has_value());
        write_all(staging);
        staging.set_aside();
        CHECK(std::filesystem::file_size(slot.path) == image.size());
    }
}
