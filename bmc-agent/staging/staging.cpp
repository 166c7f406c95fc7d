#include "bmc-agent/staging/staging.hpp"

#include "protocol-spec/messages.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::uint64_t write_out_every = 1 << 20; ///< bytes

std::filesystem::path image_path(const std::filesystem::path& directory)
{
    return directory / "image";
}

std::filesystem::path debug_path(const std::filesystem::path& directory)
{
    return directory / "debug-image";
}

/// Bytes a file takes of its file system; 0: there is none.
std::uint64_t space_of(const std::filesystem::path& file)
{
    struct ::stat status
    {
    };
    const bool any = ::stat(file.c_str(), &status) == 0;
    return any ? static_cast<std::uint64_t>(status.st_blocks) * 512 : 0; // stat(2)'s unit
}

std::filesystem::path map_path(const std::filesystem::path& directory)
{
    return directory / "image.map";
}

std::uint32_t block_count(std::uint64_t size)
{
    return static_cast<std::uint32_t>((size + protocol::block_size - 1) / protocol::block_size);
}

std::uint32_t crc_of(ConstBytes bytes)
{
    return static_cast<std::uint32_t>(::crc32(0, bytes.data(), static_cast<uInt>(bytes.size())));
}

Error too_large(std::uint64_t size, std::uint64_t limit)
{
    return fail(ErrorKind::no_space, "the image has " + std::to_string(size) + " bytes; this BMC takes at most " +
                                         std::to_string(limit) + " (staging.max_image_size)");
}

} // namespace

Staging::Staging(std::filesystem::path directory, std::uint64_t max_image_size)
    : directory_{std::move(directory)}, max_image_size_{std::min(max_image_size, protocol::largest_image)}
{
}

Result<Staging> Staging::open(std::filesystem::path directory, std::uint64_t max_image_size)
{
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error || ::access(directory.c_str(), R_OK | W_OK | X_OK) != 0)
    {
        const std::string why = error ? error.message() : std::generic_category().message(errno);
        return fail(ErrorKind::input_output, "cannot use the staging directory " + directory.string() + ": " + why);
    }
    return Staging{std::move(directory), max_image_size};
}

Result<void> Staging::begin_named(const TransferName& name, bool discard_first, const std::optional<InPlace>& place)
{
    close();
    if (name.size > max_image_size_)
    {
        return too_large(name.size, max_image_size_);
    }
    in_place_ = place;
    if (!discard_first && resume(name))
    {
        return {};
    }
    discard();
    drop_set_aside();
    in_place_ = place;
    if (const auto space = require_room(name.size); !space)
    {
        in_place_.reset();
        return space.error();
    }
    if (const auto opened = open_image(name.size); !opened)
    {
        discard();
        return opened.error();
    }
    auto map = BlockMap::create(map_path(directory_), name, block_count(name.size));
    if (!map)
    {
        discard();
        return map.error();
    }
    map_ = std::move(*map);
    return {};
}

bool Staging::resume(const TransferName& name)
{
    auto map = BlockMap::load(map_path(directory_), block_count(max_image_size_));
    if (!map || map->name() != name)
    {
        return false;
    }
    auto image = File::open(in_place_ ? in_place_->path : image_path(directory_), O_RDWR);
    const auto status = image ? image->status() : Result<struct ::stat>{image.error()};
    const bool device = status && S_ISBLK(status->st_mode); // the blocks' checksums tell whether they are still there
    if (!status || (!device && static_cast<std::uint64_t>(status->st_size) != name.size))
    {
        return false;
    }
    image_ = std::move(*image);
    map_ = std::move(*map);
    return true;
}

Result<void> Staging::begin_unnamed(std::uint64_t limit, const std::optional<InPlace>& place)
{
    discard();
    drop_set_aside();
    in_place_ = place;
    limit_ = std::min({limit, max_image_size_, place ? place->capacity : max_image_size_});
    return open_image(0);
}

/// Bytes that lie where they belong already are kept: what a block map knows of them may still be true.
Result<void> Staging::open_in_place(std::uint64_t size)
{
    auto image = File::open(in_place_->path, O_RDWR | O_CREAT);
    const auto status = image ? image->status() : Result<struct ::stat>{image.error()};
    if (!status)
    {
        return status.error();
    }
    image_ = std::move(*image);
    return S_ISBLK(status->st_mode) ? Result<void>{} : image_.truncate(size);
}

Result<void> Staging::open_image(std::uint64_t size)
{
    if (in_place_)
    {
        return open_in_place(size);
    }
    auto image = File::open(image_path(directory_), O_RDWR | O_CREAT | O_TRUNC);
    if (!image)
    {
        return image.error();
    }
    image_ = std::move(*image);
    if (const auto reserved = image_.reserve(size); !reserved)
    {
        return reserved.error();
    }
    return image_.truncate(size);
}

Result<void> Staging::write_block(std::uint32_t block, ConstBytes bytes)
{
    if (!map_ || block >= map_->blocks() || bytes.size() != block_length(block))
    {
        return fail(ErrorKind::out_of_range, "block " + std::to_string(block) + " is not of this image");
    }
    if (map_->has(block))
    {
        return {}; // what is hashed must not change any more
    }
    const std::uint64_t offset = std::uint64_t{block} * protocol::block_size;
    if (const auto written = image_.write_at(offset, bytes); !written)
    {
        return written.error();
    }
    if (const auto noted = map_->set(block, crc_of(bytes)); !noted)
    {
        return noted.error();
    }
    if (offset == hashed_)
    {
        hash(bytes);
    }
    if ((offset + bytes.size()) % write_out_every == 0)
    {
        image_.start_write_out(offset + bytes.size() - write_out_every, write_out_every);
    }
    return {};
}

Result<void> Staging::append(ConstBytes bytes)
{
    if (bytes.size() > limit_ - appended_)
    {
        return fail(ErrorKind::out_of_range, too_large(appended_ + bytes.size(), limit_).text);
    }
    if (const auto written = image_.write_at(appended_, bytes); !written)
    {
        return written.error();
    }
    appended_ += bytes.size();
    hash(bytes);
    return {};
}

std::uint64_t Staging::length() const
{
    return map_ ? map_->name().size : appended_;
}

std::uint64_t Staging::received() const
{
    if (!map_)
    {
        return appended_;
    }
    const std::uint64_t whole = std::uint64_t{map_->blocks_present()} * protocol::block_size;
    const std::uint32_t last = map_->blocks() - 1;
    return map_->has(last) ? whole - protocol::block_size + block_length(last) : whole;
}

bool Staging::is_complete() const
{
    return image_.is_open() && (map_ ? map_->blocks_present() == map_->blocks() : appended_ != 0);
}

std::uint32_t Staging::block_length(std::uint32_t block) const
{
    const std::uint64_t offset = std::uint64_t{block} * protocol::block_size;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(protocol::block_size, length() - offset));
}

std::uint32_t Staging::next_to_hash() const
{
    return static_cast<std::uint32_t>(hashed_ / protocol::block_size);
}

bool Staging::can_hash() const
{
    return map_ && hashed_ < map_->name().size && map_->has(next_to_hash());
}

Result<void> Staging::hash_next()
{
    const std::uint32_t block = next_to_hash();
    block_.resize(block_length(block));
    const auto read = image_.read_at(std::uint64_t{block} * protocol::block_size, block_);
    const auto check = map_->check(block);
    if (!read || !check || *check != crc_of(block_))
    {
        map_->clear(block);
        return fail(ErrorKind::integrity, "staged block " + std::to_string(block) +
                                              " no longer matches its checksum; it has to be sent again");
    }
    hash(block_);
    return {};
}

void Staging::hash(ConstBytes bytes)
{
    hasher_.update(bytes);
    seal_.update(bytes);
    hashed_ += bytes.size();
}

std::optional<Sha256> Staging::digest() const
{
    return is_complete() && hashed_ == length() ? std::optional{hasher_.digest()} : std::nullopt;
}

Result<void> Staging::read_sealed(std::uint32_t block, Bytes& out) const
{
    const std::uint64_t offset = std::uint64_t{block} * protocol::block_size;
    if (offset >= length())
    {
        return fail(ErrorKind::out_of_range, "block " + std::to_string(block) + " is not of this image");
    }
    out.resize(block_length(block));
    if (const auto read = image_.read_at(offset, out); !read)
    {
        return read.error();
    }
    return seal_.holds(block, out)
               ? Result<void>{}
               : fail(ErrorKind::input_output, "the staged image changed after it had arrived (block " +
                                                   std::to_string(block) + "); send it again");
}

void Staging::close()
{
    const bool keep = map_.has_value();
    const bool was_open = image_.is_open();
    image_.close();
    in_place_.reset();
    map_.reset();
    hasher_.reset();
    seal_.reset();
    hashed_ = 0;
    appended_ = 0;
    limit_ = 0;
    block_ = {};
    if (was_open && !keep)
    {
        discard();
    }
}

void Staging::discard()
{
    if (image_.is_open())
    {
        image_.close();
        close();
    }
    in_place_.reset();
    std::error_code ignored; // what can't be removed now is truncated by the next begin
    std::filesystem::remove(image_path(directory_), ignored);
    std::filesystem::remove(map_path(directory_), ignored);
}

Result<void> Staging::require_room(std::uint64_t size) const
{
    if (!in_place_)
    {
        return require_space(size);
    }
    if (size > in_place_->capacity)
    {
        return fail(ErrorKind::no_space, "the image has " + std::to_string(size) + " bytes; " +
                                             in_place_->path.string() + " holds " +
                                             std::to_string(in_place_->capacity));
    }
    return {};
}

Result<void> Staging::require_space(std::uint64_t size) const
{
    if (size > max_image_size_)
    {
        return too_large(size, max_image_size_);
    }
    struct ::statvfs status
    {
    };
    if (::statvfs(directory_.c_str(), &status) != 0)
    {
        return system_error("look at", directory_);
    }
    const std::uint64_t taken = space_of(image_path(directory_)) + space_of(debug_path(directory_));
    const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize + taken;
    if (size > free)
    {
        return fail(ErrorKind::no_space, "the image needs " + std::to_string(size) + " bytes; " + directory_.string() +
                                             " has " + std::to_string(free) + " left");
    }
    return {};
}

void Staging::set_aside()
{
    std::error_code ignored; // a help for debugging, no more
    if (!in_place_)          // else it lies where people find it
    {
        std::filesystem::rename(image_path(directory_), debug_path(directory_), ignored);
    }
    discard();
}

void Staging::drop_set_aside()
{
    std::error_code ignored; // what can't be removed now counts as taken
    std::filesystem::remove(debug_path(directory_), ignored);
}

void Staging::purge(TimePoint now, std::chrono::seconds retention)
{
    if (image_.is_open())
    {
        idle_since_.reset();
        return;
    }
    idle_since_ = idle_since_.value_or(now);
    if (now - *idle_since_ >= retention)
    {
        discard();
        drop_set_aside();
    }
}

} // namespace fwupdate::agent
