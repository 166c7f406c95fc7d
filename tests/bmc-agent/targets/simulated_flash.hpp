// Flash that behaves worse than a real one: programming ANDs, a page is programmed once between two erasures, blocks
// are bad or wear out, and power goes at any operation, which then is done by half.
#pragma once

#include "bmc-agent/targets/flash.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace fwupdate::agent::test
{

/// The chips; they outlive the devices opened on them.
struct FlashChips
{
    explicit FlashChips(FlashGeometry with)
        : geometry{with},
          bytes(with.blocks * with.block_size, 0xA5),
          programmed(with.blocks * with.block_size / with.page_size, true)
    {
    }

    FlashGeometry geometry;
    Bytes bytes;
    std::vector<bool> programmed; ///< pages, since their block was erased
    std::set<std::uint64_t> bad;
    std::map<std::uint64_t, int> erasures_left; ///< of weak blocks
    std::set<std::uint64_t> weak_pages;         ///< that can't be programmed
    bool marks{true};                           ///< blocks can be marked bad
    bool reads_wrong{false};
    std::uint64_t operations{};
    std::uint64_t power_until{UINT64_MAX}; ///< operations
    std::uint64_t erased{};                ///< blocks
    std::uint64_t flushed{};
    std::vector<std::uint64_t> order; ///< blocks as they were programmed
};

class SimulatedFlash final : public Flash
{
  public:
    explicit SimulatedFlash(FlashChips& chips) : chips_{&chips} {}

    [[nodiscard]] const FlashGeometry& geometry() const override
    {
        return chips_->geometry;
    }
    [[nodiscard]] Result<bool> is_bad(std::uint64_t block) override
    {
        return chips_->bad.contains(block);
    }
    [[nodiscard]] Result<bool> erase(std::uint64_t block) override
    {
        CHECK_FALSE(chips_->bad.contains(block));
        const bool whole = ++chips_->operations <= chips_->power_until;
        const auto left = chips_->erasures_left.find(block);
        if (left != chips_->erasures_left.end() && left->second-- <= 0)
        {
            return false;
        }
        const std::uint64_t size = chips_->geometry.block_size;
        const auto start = chips_->bytes.begin() + static_cast<std::ptrdiff_t>(block * size);
        std::fill_n(start, whole ? size : size / 2, std::uint8_t{0xFF});
        const std::uint64_t pages = size / chips_->geometry.page_size;
        std::fill_n(chips_->programmed.begin() + static_cast<std::ptrdiff_t>(block * pages), pages, !whole);
        ++chips_->erased;
        return powered(whole, true);
    }
    [[nodiscard]] Result<bool> program(std::uint64_t block, ConstBytes pages) override
    {
        CHECK_FALSE(chips_->bad.contains(block));
        const std::uint64_t page_size = chips_->geometry.page_size;
        CHECK(pages.size() % page_size == 0);
        CHECK(pages.size() <= chips_->geometry.block_size);
        chips_->order.push_back(block);
        const std::uint64_t first = block * chips_->geometry.block_size / page_size;
        const bool whole = ++chips_->operations <= chips_->power_until;
        const std::uint64_t count = pages.size() / page_size / (whole ? 1 : 2);
        for (std::uint64_t page = 0; page < count; ++page)
        {
            if (chips_->weak_pages.contains(first + page))
            {
                return false;
            }
            CHECK_FALSE(chips_->programmed[first + page]);
            chips_->programmed[first + page] = true;
            for (std::uint64_t at = 0; at < page_size; ++at)
            {
                auto& byte = chips_->bytes[(first + page) * page_size + at];
                byte = static_cast<std::uint8_t>(byte & pages[page * page_size + at]);
            }
        }
        return powered(whole, true);
    }
    [[nodiscard]] Result<void> mark_bad(std::uint64_t block) override
    {
        if (!chips_->marks)
        {
            return fail(ErrorKind::input_output, "cannot mark a worn block");
        }
        chips_->bad.insert(block);
        return {};
    }
    [[nodiscard]] Result<void> read(std::uint64_t block, std::uint64_t offset, MutableBytes out) override
    {
        CHECK(offset + out.size() <= chips_->geometry.block_size);
        const auto place = static_cast<std::ptrdiff_t>(block * chips_->geometry.block_size + offset);
        std::copy_n(chips_->bytes.begin() + place, out.size(), out.begin());
        out[0] = static_cast<std::uint8_t>(out[0] ^ (chips_->reads_wrong ? 1 : 0));
        return powered(chips_->operations < chips_->power_until, Result<void>{});
    }
    [[nodiscard]] Result<void> flush() override
    {
        ++chips_->flushed;
        return powered(chips_->operations < chips_->power_until, Result<void>{});
    }

  private:
    template <class T> static T powered(bool on, T value)
    {
        return on ? std::move(value) : fail(ErrorKind::input_output, "no power");
    }
    static Result<bool> powered(bool on, bool value)
    {
        return on ? Result<bool>{value} : Result<bool>{fail(ErrorKind::input_output, "no power")};
    }

    FlashChips* chips_;
};

class SimulatedPlace final : public FlashPlace
{
  public:
    explicit SimulatedPlace(FlashChips& chips) : chips_{&chips} {}

    [[nodiscard]] Result<std::unique_ptr<Flash>> open(Access /*access*/) const override
    {
        return std::unique_ptr<Flash>{new SimulatedFlash{*chips_}};
    }
    [[nodiscard]] std::optional<std::uint64_t> identity() const override
    {
        return 7;
    }
    [[nodiscard]] const std::string& name() const override
    {
        return name_;
    }

  private:
    FlashChips* chips_;
    std::string name_{"mtd:bios"};
};

} // namespace fwupdate::agent::test
