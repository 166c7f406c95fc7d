#include "bmc-agent/targets/flash_medium.hpp"
#include "bmc-agent/targets/installed_digest.hpp"
#include "bmc-agent/targets/medium_target.hpp"
#include "tests/bmc-agent/targets/simulated_flash.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

using namespace fwupdate;
using namespace fwupdate::agent;
using test::FlashChips;

namespace
{

constexpr FlashGeometry nand{.blocks = 16, .block_size = 64, .page_size = 8, .has_bad_blocks = true};
constexpr FlashGeometry nor{.blocks = 16, .block_size = 64, .page_size = 1, .has_bad_blocks = false};

Bytes image_of(std::size_t size, unsigned seed = 7)
{
    Bytes image(size);
    for (std::size_t at = 0; at < size; ++at)
    {
        image[at] = static_cast<std::uint8_t>(at * seed + at / 64 + seed);
    }
    return image;
}

std::unique_ptr<MediumTarget> target_on(FlashChips& chips)
{
    return std::make_unique<MediumTarget>(std::make_unique<FlashMedium>(std::make_shared<test::SimulatedPlace>(chips)));
}

Result<bool> write(MediumTarget& target, const Bytes& image)
{
    if (const auto begun = target.begin({package::memory_source(image), sha256(image)}); !begun)
    {
        return begun.error();
    }
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        finished = target.step();
        CHECK(target.done() <= target.total());
    }
    return finished;
}

/// As a boot loader reads it: the good blocks in order.
Bytes read_image(const FlashChips& chips, std::size_t size)
{
    Bytes image;
    for (std::uint64_t block = 0; block < chips.geometry.blocks && image.size() < size; ++block)
    {
        if (!chips.bad.contains(block))
        {
            const auto start = chips.bytes.begin() + static_cast<std::ptrdiff_t>(block * chips.geometry.block_size);
            image.insert(image.end(), start, start + chips.geometry.block_size);
        }
    }
    image.resize(size);
    return image;
}

} // namespace

TEST_CASE("an image fills the good blocks, its first block last, its last page padded")
{
    for (const FlashGeometry& geometry : {nand, nor})
    {
        for (const std::size_t size : {1U, 63U, 64U, 65U, 500U, 14U * 64U})
        {
            FlashChips chips{geometry};
            if (geometry.has_bad_blocks)
            {
                chips.bad = {0, 5};
            }
            const Bytes image = image_of(size);
            const auto target = target_on(chips);
            CHECK_FALSE(target->replaces_at_once());
            REQUIRE(write(*target, image).has_value());
            CHECK(read_image(chips, size) == image);
            CHECK(target->done() == 2 * size);
            CHECK(target->total() == 2 * size);
            CHECK_FALSE(target->holds_neither());
            CHECK(chips.order.back() == (geometry.has_bad_blocks ? 1 : 0));
            CHECK(std::ranges::count(chips.order, chips.order.back()) == 1);
            if (geometry.has_bad_blocks && size == 500)
            {
                // 500 bytes are 7 blocks and 52 bytes: 7 pages of the last block, the rest of them stays erased.
                CHECK(chips.bytes[9 * 64 + 52] == 0xFF);
                CHECK(chips.programmed[9 * 8 + 6]);
                CHECK_FALSE(chips.programmed[9 * 8 + 7]);
            }
        }
    }
}

TEST_CASE("blocks that are the same already are neither erased nor written, and counted")
{
    FlashChips chips{nand};
    Bytes image = image_of(500);
    const auto target = target_on(chips);
    REQUIRE(write(*target, image).has_value());
    CHECK(target->remark() == "0 of 8 blocks were the same already");
    const std::uint64_t before = chips.erased;
    image[200] ^= 1;
    REQUIRE(write(*target, image).has_value());
    CHECK(target->remark() == "6 of 8 blocks were the same already");
    CHECK(chips.erased == before + 3); // the first one to clear it and again to write it, and the one with byte 200
    CHECK(read_image(chips, 500) == image);
}

TEST_CASE("erased pages at a block's end are left erased, an erased block is not programmed")
{
    FlashChips chips{nand};
    Bytes image(3 * 64, 0xFF);
    image[64 + 9] = 1;
    image[0] = 2;
    const auto target = target_on(chips);
    REQUIRE(write(*target, image).has_value());
    CHECK(read_image(chips, image.size()) == image);
    CHECK(chips.programmed[8 + 1]);
    CHECK_FALSE(chips.programmed[8 + 2]);
    CHECK_FALSE(chips.programmed[16]);
}

TEST_CASE("blocks that wear out at an erasure or a write are marked, and the image goes round them")
{
    const Bytes image = image_of(500);
    for (std::uint64_t block = 0; block < 10; ++block)
    {
        for (const bool page : {false, true})
        {
            for (const int erasures : {0, 1})
            {
                FlashChips chips{nand};
                chips.bad = {3};
                if (page)
                {
                    chips.weak_pages = {block * 8 + 2};
                }
                else
                {
                    chips.erasures_left = {{block, erasures}};
                }
                const auto target = target_on(chips);
                REQUIRE(write(*target, image).has_value());
                CHECK(read_image(chips, image.size()) == image);
                CHECK(target->done() == target->total());
                const bool wears = block < 9 && block != 3 && (page || erasures == 0 || block == 0);
                CHECK(chips.bad.contains(block) == (wears || block == 3));
                CHECK((target->remark().find("1 worn out and marked bad") != std::string::npos) == wears);
            }
        }
    }
}

TEST_CASE("several blocks wear out, among them the first of all")
{
    FlashChips chips{nand};
    chips.weak_pages = {0, 1 * 8 + 7, 2 * 8, 6 * 8 + 3, 7 * 8};
    const Bytes image = image_of(500);
    const auto target = target_on(chips);
    REQUIRE(write(*target, image).has_value());
    CHECK(read_image(chips, image.size()) == image);
    CHECK(chips.bad == std::set<std::uint64_t>{0, 1, 2, 6, 7});
}

TEST_CASE("an image that the good blocks can't take is refused before the first erasure")
{
    FlashChips chips{nand};
    chips.bad = {1, 2};
    const auto target = target_on(chips);
    const auto refused = write(*target, image_of(14 * 64 + 1));
    REQUIRE(refused.has_error());
    CHECK(refused.error().kind == ErrorKind::no_space);
    CHECK(refused.error().text == "the image needs 15 blocks of 64 bytes, and mtd:bios has 14 good ones");
    CHECK(chips.erased == 0);
    CHECK_FALSE(target->holds_neither());
    CHECK(write(*target, {}).error().kind == ErrorKind::length);
    CHECK(chips.erased == 0);
}

TEST_CASE("when the good blocks run out on the way it is a failure, and the target holds neither image")
{
    FlashChips chips{nand};
    chips.weak_pages = {4 * 8};
    const auto target = target_on(chips);
    const auto failed = write(*target, image_of(16 * 64));
    REQUIRE(failed.has_error());
    CHECK(failed.error().kind == ErrorKind::no_space);
    CHECK(target->holds_neither());
    CHECK(write(*target, image_of(17 * 64)).has_error()); // refused at once, which changes nothing
    CHECK(target->holds_neither());
    REQUIRE(write(*target, image_of(500)).has_value());
    CHECK_FALSE(target->holds_neither());
}

TEST_CASE("blocks that fail one after the other are no wear: the update ends before all of them are marked")
{
    FlashGeometry large = nand;
    large.blocks = 600;
    FlashChips chips{large};
    for (std::uint64_t block = 0; block < large.blocks; ++block)
    {
        chips.weak_pages.insert(block * 8);
    }
    const auto failed = write(*target_on(chips), image_of(500));
    REQUIRE(failed.has_error());
    CHECK(failed.error().kind == ErrorKind::input_output);
    CHECK(failed.error().text.find("that is no wear; look at the flash") != std::string::npos);
    CHECK(chips.bad.size() == 12); // one in fifty
}

TEST_CASE("NOR that can't be written is told by its block; a block that can't be marked ends the update")
{
    FlashChips chips{nor};
    chips.erasures_left = {{2, 0}};
    const auto target = target_on(chips);
    auto failed = write(*target, image_of(500));
    REQUIRE(failed.has_error());
    CHECK(failed.error().text == "block 2 of mtd:bios can't be erased: the flash is worn out or write-protected");
    chips.erasures_left.clear();
    chips.weak_pages = {0};
    failed = write(*target, image_of(500));
    REQUIRE(failed.has_error());
    CHECK(failed.error().text.find("block 0 of mtd:bios can't be programmed") == 0);
    FlashChips other{nand};
    other.marks = false;
    other.weak_pages = {0};
    CHECK(write(*target_on(other), image_of(500)).error().text == "cannot mark a worn block");
}

TEST_CASE("bytes that are not the verified ones are never begun with their first block")
{
    FlashChips chips{nand};
    const Bytes image = image_of(500);
    const auto target = target_on(chips);
    REQUIRE(target->begin({package::memory_source(image), sha256(image_of(500, 9))}).has_value());
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        finished = target->step();
    }
    REQUIRE(finished.has_error());
    CHECK(finished.error().kind == ErrorKind::integrity);
    CHECK(finished.error().text.find("staged image changed") != std::string::npos);
    CHECK(target->holds_neither());
    CHECK(std::ranges::all_of(read_image(chips, 64), [](std::uint8_t byte) { return byte == 0xFF; }));
    CHECK(target->step().error().kind == ErrorKind::wrong_state);
}

TEST_CASE("what reads back differently is a failure, in the first block too")
{
    for (const std::size_t size : {500U, 30U})
    {
        FlashChips chips{nand};
        chips.reads_wrong = true;
        const auto target = target_on(chips);
        const auto failed = write(*target, image_of(size));
        REQUIRE(failed.has_error());
        CHECK(failed.error().kind == ErrorKind::integrity);
        CHECK(failed.error().text == "what was written to mtd:bios reads back differently; check the medium");
        CHECK(target->holds_neither());
    }
}

TEST_CASE("an image that can't be read before the first erasure leaves the old one whole")
{
    FlashChips chips{nand};
    const auto target = target_on(chips);
    package::ByteSource unreadable{
        500, [](std::uint64_t, MutableBytes) -> Result<void> { return fail(ErrorKind::input_output, "no disk"); }};
    REQUIRE(target->begin({std::move(unreadable), {}}).has_value());
    CHECK(target->step().error().text == "no disk");
    CHECK_FALSE(target->holds_neither());
    CHECK(chips.erased == 0);
}

TEST_CASE("an image in a package is approached anew when it has to be read a second time")
{
    FlashChips chips{nand};
    chips.weak_pages = {3}; // of the first block: known when everything else is written
    const Bytes image = image_of(500);
    std::uint64_t expected = 0;
    int approaches = 0;
    VerifiedImage stream{{500,
                          [&](std::uint64_t offset, MutableBytes out)
                          {
                              CHECK(offset == expected); // front to back only
                              expected = offset + out.size();
                              return package::memory_source(image).read(offset, out);
                          }},
                         sha256(image),
                         [&]() -> Result<bool>
                         {
                             expected = 0;
                             return ++approaches % 2 == 0;
                         }};
    const auto target = target_on(chips);
    REQUIRE(target->begin(std::move(stream)).has_value());
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        finished = target->step();
    }
    REQUIRE(finished.has_value());
    CHECK(approaches == 2);
    CHECK(read_image(chips, 500) == image);
    CHECK(chips.bad == std::set<std::uint64_t>{0});
}

TEST_CASE("power goes at every operation: nothing half-written begins as an image does, and the next update is whole")
{
    const Bytes old = image_of(700, 3);
    const Bytes image = image_of(500);
    for (std::uint64_t cut = 0;; ++cut)
    {
        FlashChips chips{nand};
        chips.bad = {2};
        chips.weak_pages = {5 * 8 + 1};
        REQUIRE(write(*target_on(chips), old).has_value());
        chips.power_until = chips.operations + cut;
        const auto target = target_on(chips);
        const auto finished = write(*target, image);
        const Bytes left = read_image(chips, 500);
        if (finished)
        {
            CHECK(left == image);
            CHECK(cut > 10);
            break;
        }
        CHECK(target->holds_neither());
        CHECK((left == image || !std::equal(left.begin(), left.begin() + 64, image.begin())));
        CHECK_FALSE(std::equal(left.begin(), left.begin() + 64, old.begin()));
        chips.power_until = UINT64_MAX;
        REQUIRE(write(*target_on(chips), image).has_value());
        CHECK(read_image(chips, 500) == image);
    }
}

TEST_CASE("the digest of what is installed is of as many bytes as the log tells, past the same bad blocks")
{
    FlashChips chips{nand};
    chips.bad = {0, 4};
    const Bytes image = image_of(500);
    const auto target = target_on(chips);
    REQUIRE(write(*target, image).has_value());
    InstalledDigest digest{*target};
    CHECK_FALSE(digest.wants_work());
    digest.expect(500);
    while (digest.wants_work())
    {
        digest.work();
    }
    REQUIRE(digest.get().has_value());
    CHECK(digest.get()->sha256 == sha256(image));
    CHECK(digest.get()->size == 500);
    digest.refresh();
    CHECK(digest.get().has_value());
    digest.expect(14 * 64 + 1);
    CHECK_FALSE(digest.wants_work());
    CHECK_FALSE(digest.get().has_value());
    digest.expect(std::nullopt);
    CHECK_FALSE(digest.get().has_value());
}
