#include "bmc-agent/targets/flash_medium.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::uint8_t erased = 0xFF;                   ///< what an erased byte reads as
constexpr std::uint64_t most_unflushed = 1024UL * 1024; ///< bytes

Result<std::vector<std::uint64_t>> find_good_blocks(Flash& flash)
{
    std::vector<std::uint64_t> good;
    for (std::uint64_t block = 0; block < flash.geometry().blocks; ++block)
    {
        const auto bad = flash.geometry().has_bad_blocks ? flash.is_bad(block) : Result<bool>{false};
        if (!bad)
        {
            return bad.error();
        }
        if (!*bad)
        {
            good.push_back(block);
        }
    }
    return good;
}

std::uint64_t blocks_for(std::uint64_t size, std::uint64_t block_size)
{
    return size / block_size + (size % block_size != 0 ? 1 : 0);
}

/// What lies in the good blocks.
struct Contents
{
    std::unique_ptr<Flash> flash;
    std::vector<std::uint64_t> good;

    [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const
    {
        const std::uint64_t block_size = flash->geometry().block_size;
        while (!out.empty())
        {
            const std::uint64_t within = offset % block_size;
            const std::size_t count = std::min<std::uint64_t>(out.size(), block_size - within);
            if (auto read = flash->read(good.at(offset / block_size), within, out.first(count)); !read)
            {
                return read;
            }
            offset += count;
            out = out.subspan(count);
        }
        return {};
    }
};

Result<package::ByteSource> open_contents(const FlashPlace& place, std::uint64_t size)
{
    auto flash = place.open(FlashPlace::Access::reading);
    if (!flash)
    {
        return flash.error();
    }
    auto good = find_good_blocks(**flash);
    if (!good)
    {
        return good.error();
    }
    if (good->size() < blocks_for(size, (*flash)->geometry().block_size))
    {
        return fail(ErrorKind::length, place.name() + " is shorter than " + std::to_string(size) + " bytes");
    }
    const auto contents = std::make_shared<Contents>(Contents{std::move(*flash), std::move(*good)});
    return package::ByteSource{size, [contents](std::uint64_t offset, MutableBytes out)
                               { return contents->read(offset, out); }};
}

} // namespace

FlashMedium::FlashMedium(std::shared_ptr<const FlashPlace> place) : place_{std::move(place)} {}

Result<void> FlashMedium::open(std::uint64_t size)
{
    auto flash = place_->open(FlashPlace::Access::writing);
    if (!flash)
    {
        return flash.error();
    }
    auto good = find_good_blocks(**flash);
    if (!good)
    {
        return good.error();
    }
    flash_ = std::move(*flash);
    good_ = std::move(*good);
    needed_ = blocks_for(size, chunk_size());
    unflushed_ = 0;
    written_ = 0;
    unchanged_ = 0;
    worn_ = 0;
    return check_space();
}

Result<void> FlashMedium::check_space() const
{
    if (needed_ <= good_.size())
    {
        return {};
    }
    return fail(ErrorKind::no_space, "the image needs " + std::to_string(needed_) + " blocks of " +
                                         std::to_string(chunk_size()) + " bytes, and " + name() + " has " +
                                         std::to_string(good_.size()) + " good ones");
}

void FlashMedium::close() noexcept
{
    flash_.reset();
    good_.clear();
    block_ = {};
    present_ = {};
}

std::size_t FlashMedium::chunk_size() const
{
    return flash_->geometry().block_size;
}

Result<Placed> FlashMedium::clear_head()
{
    const auto cleared = flash_->erase(good_.front());
    if (!cleared)
    {
        return cleared.error();
    }
    const auto ended = *cleared ? flash_->flush() : give_up(0, "erased");
    if (!ended)
    {
        return ended.error();
    }
    return *cleared ? Placed::written : Placed::again;
}

Result<Placed> FlashMedium::write(std::uint64_t index, ConstBytes chunk)
{
    const std::uint64_t block = good_.at(index);
    block_.assign(chunk.begin(), chunk.end());
    block_.resize(chunk_size(), erased);
    if (holds(block, block_))
    {
        ++unchanged_;
        return Placed::written;
    }
    const auto cleared = flash_->erase(block);
    if (!cleared)
    {
        return cleared.error();
    }
    const auto programmed =
        *cleared ? flash_->program(block, ConstBytes{block_}.first(used_bytes(block_))) : Result<bool>{false};
    if (!programmed)
    {
        return programmed.error();
    }
    if (!*programmed)
    {
        const auto given_up = give_up(index, *cleared ? "programmed" : "erased");
        return !given_up    ? Result<Placed>{given_up.error()}
               : index == 0 ? Result<Placed>{Placed::moved}
                            : Result<Placed>{Placed::again};
    }
    ++written_;
    const auto flushed = flush_now_and_then();
    return flushed ? Result<Placed>{Placed::written} : Result<Placed>{flushed.error()};
}

/// Flash that is not written does not wear, and is faster. A block that can't be read is another one.
bool FlashMedium::holds(std::uint64_t block, ConstBytes wanted)
{
    present_.resize(wanted.size());
    return flash_->read(block, 0, present_) && std::ranges::equal(present_, wanted);
}

/// Pages at the end that an erased block has already are not programmed, as UBI's need to be.
std::size_t FlashMedium::used_bytes(ConstBytes block) const
{
    const auto last =
        std::find_if(block.rbegin(), block.rend(), [](std::uint8_t value) { return value != erased; }).base();
    const auto bytes = static_cast<std::uint64_t>(last - block.begin());
    const std::uint64_t page = flash_->geometry().page_size;
    return static_cast<std::size_t>(blocks_for(bytes, page) * page);
}

/// A worn block of NAND is marked, so that readers skip it too, and is one of the good ones no longer.
Result<void> FlashMedium::give_up(std::uint64_t index, const char* what)
{
    const std::uint64_t block = good_.at(index);
    if (!flash_->geometry().has_bad_blocks)
    {
        return fail(ErrorKind::input_output, "block " + std::to_string(block) + " of " + name() + " can't be " + what +
                                                 ": the flash is worn out or write-protected");
    }
    // Marks are for good: more of them in one update than wear explains are a fault of the chip, its supply or driver.
    constexpr std::uint64_t least_limit = 8;
    if (worn_ >= std::max(least_limit, flash_->geometry().blocks / 50))
    {
        return fail(ErrorKind::input_output,
                    "block " + std::to_string(block) + " of " + name() + " can't be " + what + ", as " +
                        std::to_string(worn_) +
                        " before it: that is no wear; look at the flash, its power and its driver");
    }
    if (auto marked = flash_->mark_bad(block); !marked)
    {
        return marked;
    }
    good_.erase(good_.begin() + static_cast<std::ptrdiff_t>(index));
    ++worn_;
    return check_space();
}

/// So that the last flush does not take long.
Result<void> FlashMedium::flush_now_and_then()
{
    unflushed_ += chunk_size();
    return unflushed_ >= most_unflushed ? flush() : Result<void>{};
}

Result<void> FlashMedium::flush()
{
    unflushed_ = 0;
    return flash_->flush();
}

Result<void> FlashMedium::read(std::uint64_t index, MutableBytes out)
{
    return flash_->read(good_.at(index), 0, out);
}

std::optional<InstalledContent> FlashMedium::installed(std::uint64_t size) const
{
    const auto identity = place_->identity();
    if (!identity)
    {
        return std::nullopt;
    }
    return InstalledContent{{*identity, 0, size, 0, 0}, [place = place_, size] { return open_contents(*place, size); }};
}

std::string FlashMedium::remark() const
{
    std::string text =
        std::to_string(unchanged_) + " of " + std::to_string(unchanged_ + written_) + " blocks were the same already";
    return worn_ == 0 ? text : text + ", " + std::to_string(worn_) + " worn out and marked bad";
}

} // namespace fwupdate::agent
