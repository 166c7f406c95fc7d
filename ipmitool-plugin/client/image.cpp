#include "ipmitool-plugin/client/image.hpp"

#include "common/package/signature/self_contained.hpp"
#include "common/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace fwupdate::client
{
namespace
{

std::string reason(int error)
{
    return std::generic_category().message(error);
}

} // namespace

Image::Image(std::filesystem::path file, int descriptor, std::uint64_t size)
    : file_{std::move(file)}, descriptor_{descriptor}, size_{size}
{
}

Image::Image(Image&& other) noexcept
    : file_{std::move(other.file_)},
      descriptor_{std::exchange(other.descriptor_, -1)},
      size_{other.size_},
      sha256_{other.sha256_},
      content_sha256_{other.content_sha256_}
{
}

Image::~Image()
{
    if (descriptor_ >= 0)
    {
        ::close(descriptor_);
    }
}

Result<Image> Image::open(const std::filesystem::path& file)
{
    // O_NONBLOCK: a pipe without a writer must not hang us; regular files don't care.
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
    {
        return fail(errno == ENOENT ? ErrorKind::not_found : ErrorKind::input_output,
                    "cannot read " + file.string() + ": " + reason(errno));
    }
    Image image{file, descriptor, 0};
    struct stat facts
    {
    };
    if (::fstat(descriptor, &facts) != 0)
    {
        return fail(ErrorKind::input_output, "cannot read " + file.string() + ": " + reason(errno));
    }
    if (!S_ISREG(facts.st_mode))
    {
        return fail(ErrorKind::invalid_field, file.string() + " is " +
                                                  (S_ISDIR(facts.st_mode) ? "a directory" : "not a regular file") +
                                                  ": name the image file itself");
    }
    if (facts.st_size == 0)
    {
        return fail(ErrorKind::invalid_field, file.string() + " is empty: there is nothing to install");
    }
    image.size_ = static_cast<std::uint64_t>(facts.st_size);
    if (const Result<void> hashed = image.hash(); !hashed)
    {
        return hashed.error();
    }
    return image;
}

/// Bytes before the trailer with a signature; all where there is none.
Result<std::uint64_t> Image::content_size() const
{
    const auto trailer = package::find_trailer({size_,
                                                [this](std::uint64_t offset, MutableBytes out) -> Result<void>
                                                {
                                                    const Result<Bytes> bytes = read(offset, out.size());
                                                    if (!bytes)
                                                    {
                                                        return bytes.error();
                                                    }
                                                    std::ranges::copy(*bytes, out.begin());
                                                    return {};
                                                }});
    if (!trailer)
    {
        return fail(trailer.error().kind, file_.string() + ": " + trailer.error().text);
    }
    return *trailer ? (*trailer)->content_size : size_;
}

Result<void> Image::hash()
{
    constexpr std::size_t piece = 1U << 20;
    const Result<std::uint64_t> content = content_size();
    if (!content)
    {
        return content.error();
    }
    Sha256Hasher hasher;
    for (std::uint64_t offset = 0; offset < size_;)
    {
        // Up to the content's end, then on.
        const std::uint64_t end = offset < *content ? *content : size_;
        const Result<Bytes> bytes =
            read(offset, static_cast<std::size_t>(std::min<std::uint64_t>(piece, end - offset)));
        if (!bytes)
        {
            return bytes.error();
        }
        hasher.update(*bytes);
        offset += bytes->size();
        if (offset == *content)
        {
            content_sha256_ = hasher.digest();
        }
    }
    sha256_ = hasher.digest();
    return {};
}

Result<Bytes> Image::read(std::uint64_t offset, std::size_t count) const
{
    Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(count, size_ - std::min(offset, size_))));
    std::size_t filled = 0;
    while (filled < bytes.size())
    {
        const ssize_t got =
            ::pread(descriptor_, bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(offset + filled));
        if (got < 0 && errno == EINTR)
        {
            continue;
        }
        if (got <= 0)
        {
            return fail(ErrorKind::input_output, "cannot read " + file_.string() + ": " +
                                                     (got < 0 ? reason(errno) : "it became shorter meanwhile"));
        }
        filled += static_cast<std::size_t>(got);
    }
    return bytes;
}

} // namespace fwupdate::client
