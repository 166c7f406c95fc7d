#include "transports/stream/host/image_reader.hpp"

#include "protocol-spec/messages.hpp"
#include "transports/stream/engine/block_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

namespace fwupdate::stream
{
namespace
{

constexpr std::uint32_t no_block = std::numeric_limits<std::uint32_t>::max();

std::string reason()
{
    return std::error_code{errno, std::generic_category()}.message();
}

bool is_uniform(ConstBytes bytes)
{
    return bytes.size() > 1 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

} // namespace

ImageReader::Descriptor::Descriptor(Descriptor&& other) noexcept : value_{std::exchange(other.value_, -1)} {}

ImageReader::Descriptor& ImageReader::Descriptor::operator=(Descriptor&& other) noexcept
{
    std::swap(value_, other.value_);
    return *this;
}

ImageReader::Descriptor::~Descriptor()
{
    if (value_ >= 0)
    {
        ::close(value_);
    }
}

ImageReader::ImageReader(std::filesystem::path file, Descriptor descriptor, std::uint64_t size,
                         std::size_t cached_blocks)
    : file_{std::move(file)},
      descriptor_{std::move(descriptor)},
      size_{size},
      limit_{std::max<std::size_t>(cached_blocks, 1)}
{
}

Result<ImageReader> ImageReader::open(const std::filesystem::path& file, std::size_t cached_blocks)
{
    Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status
    {
    };
    if (descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0)
    {
        return fail(ErrorKind::input_output, "The image " + file.string() + " cannot be opened: " + reason() + ".");
    }
    if (!S_ISREG(status.st_mode))
    {
        return fail(ErrorKind::input_output, "The image " + file.string() + " is not a regular file.");
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size == 0 || size > protocol::largest_image)
    {
        return fail(ErrorKind::out_of_range, "The image " + file.string() + " has " + std::to_string(size) +
                                                 " bytes: 1 byte to 4 GiB can be streamed.");
    }
    return ImageReader{file, std::move(descriptor), size, cached_blocks};
}

Result<const ImageBlock*> ImageReader::block(std::uint32_t number)
{
    const auto found =
        std::ranges::find_if(cache_, [&](const Cached& cached) { return cached.block.number == number; });
    Cached& cached = found != cache_.end() ? *found : slot();
    cached.used = ++uses_;
    if (cached.block.number != number)
    {
        cached.block.number = no_block;
        if (const auto done = read(number, cached.block); !done)
        {
            return done.error();
        }
    }
    return &cached.block;
}

/// A free place, or the one that was not asked for the longest.
ImageReader::Cached& ImageReader::slot()
{
    if (cache_.size() < limit_)
    {
        cache_.emplace_back().block.number = no_block;
        return cache_.back();
    }
    return *std::ranges::min_element(cache_, {}, &Cached::used);
}

Result<void> ImageReader::read(std::uint32_t number, ImageBlock& block)
{
    const std::uint64_t start = std::uint64_t{number} * protocol::block_size;
    if (start >= size_)
    {
        return fail(ErrorKind::out_of_range,
                    "The image " + file_.string() + " has no block " + std::to_string(number) + ".");
    }
    block.bytes.resize(std::min<std::uint64_t>(protocol::block_size, size_ - start));
    for (std::size_t done = 0; done < block.bytes.size();)
    {
        const ssize_t got = ::pread(descriptor_.get(), block.bytes.data() + done, block.bytes.size() - done,
                                    static_cast<off_t>(start + done));
        if (got < 0 && errno == EINTR)
        {
            continue;
        }
        if (got <= 0)
        {
            return fail(ErrorKind::input_output, "The image " + file_.string() + " cannot be read: " +
                                                     (got < 0 ? reason() : "it has become shorter") + ".");
        }
        done += static_cast<std::size_t>(got);
    }
    block.check = block_check(block.bytes);
    block.uniform = is_uniform(block.bytes);
    block.number = number;
    return {};
}

} // namespace fwupdate::stream
