#include "tools/fwsign/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

namespace fwupdate::fwsign
{
namespace
{

constexpr std::size_t slice = 65536; ///< bytes

Error system_error(const std::string& what, const std::filesystem::path& path)
{
    const int number = errno;
    const ErrorKind kind = number == ENOENT                       ? ErrorKind::not_found
                           : number == ENOSPC || number == EDQUOT ? ErrorKind::no_space
                                                                  : ErrorKind::input_output;
    return fail(kind, "cannot " + what + " " + path.string() + ": " + std::generic_category().message(number));
}

/// A descriptor that closes itself.
class Descriptor
{
  public:
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor()
    {
        if (number_ >= 0)
        {
            ::close(number_);
        }
    }
    [[nodiscard]] int number() const
    {
        return number_;
    }

  private:
    int number_;
};

Result<void> read_at(const Descriptor& file, const std::filesystem::path& path, std::uint64_t offset, MutableBytes out)
{
    while (!out.empty())
    {
        const ssize_t count = ::pread(file.number(), out.data(), out.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
        {
            continue;
        }
        if (count < 0)
        {
            return system_error("read", path);
        }
        if (count == 0)
        {
            return fail(ErrorKind::input_output, path.string() + " became shorter while it was read");
        }
        offset += static_cast<std::uint64_t>(count);
        out = out.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> append(const Descriptor& file, const std::filesystem::path& path, ConstBytes bytes)
{
    while (!bytes.empty())
    {
        const ssize_t count = ::write(file.number(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
        {
            continue;
        }
        if (count < 0)
        {
            return system_error("write", path);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> write_all(const Descriptor& file, const std::filesystem::path& path, const package::ByteSource& content,
                       ConstBytes behind)
{
    Bytes buffer(slice);
    for (std::uint64_t at = 0; at < content.size;)
    {
        const MutableBytes part{buffer.data(), std::min<std::uint64_t>(slice, content.size - at)};
        if (const auto read = content.read(at, part); !read)
        {
            return read.error();
        }
        if (const auto written = append(file, path, part); !written)
        {
            return written.error();
        }
        at += part.size();
    }
    if (const auto written = append(file, path, behind); !written)
    {
        return written.error();
    }
    return ::fsync(file.number()) == 0 ? Result<void>{} : system_error("sync", path);
}

} // namespace

Result<package::ByteSource> open_file(const std::filesystem::path& path)
{
    const auto file = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct ::stat status
    {
    };
    if (file->number() < 0 || ::fstat(file->number(), &status) != 0)
    {
        return system_error("open", path);
    }
    if (!S_ISREG(status.st_mode))
    {
        return fail(ErrorKind::input_output, path.string() + " is not a regular file");
    }
    return package::ByteSource{static_cast<std::uint64_t>(status.st_size),
                               [file, path](std::uint64_t offset, MutableBytes out)
                               { return read_at(*file, path, offset, out); }};
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit)
{
    const auto file = open_file(path);
    if (!file)
    {
        return file.error();
    }
    if (file->size > limit)
    {
        return fail(ErrorKind::length, path.string() + " is longer than " + std::to_string(limit) + " bytes");
    }
    Bytes bytes(file->size);
    if (const auto read = file->read(0, bytes); !read)
    {
        return read.error();
    }
    return bytes;
}

Result<void> write_file(const std::filesystem::path& path, const package::ByteSource& content, ConstBytes behind)
{
    std::string beside = path.string() + ".XXXXXX";
    const Descriptor file{::mkostemp(beside.data(), O_CLOEXEC)};
    if (file.number() < 0)
    {
        return system_error("write", path);
    }
    auto written = write_all(file, beside, content, behind);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (written && (::fchmod(file.number(), 0666 & ~mask) != 0 || ::rename(beside.c_str(), path.c_str()) != 0))
    {
        written = system_error("put in place", path);
    }
    if (!written)
    {
        ::unlink(beside.c_str());
    }
    return written;
}

} // namespace fwupdate::fwsign
