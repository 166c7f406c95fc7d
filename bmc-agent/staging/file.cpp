#include "bmc-agent/staging/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace fwupdate::agent
{

Error system_error(const char* what, const std::filesystem::path& path)
{
    const int number = errno;
    const ErrorKind kind = number == ENOSPC || number == EDQUOT || number == EFBIG ? ErrorKind::no_space
                           : number == ENOENT                                      ? ErrorKind::not_found
                           : number == EBUSY                                       ? ErrorKind::wrong_state
                                                                                   : ErrorKind::input_output;
    return fail(kind,
                std::string{"cannot "} + what + " " + path.string() + ": " + std::generic_category().message(number));
}

File::File(File&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, path_{std::exchange(other.path_, {})}
{
}

File& File::operator=(File&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    std::swap(path_, other.path_);
    return *this;
}

File::~File()
{
    close();
}

void File::close() noexcept
{
    if (descriptor_ >= 0)
    {
        ::close(std::exchange(descriptor_, -1));
    }
}

File File::adopt(int descriptor, std::filesystem::path name)
{
    File file;
    file.descriptor_ = descriptor;
    file.path_ = std::move(name);
    return file;
}

Result<File> File::open(const std::filesystem::path& path, int flags, mode_t mode)
{
    File file;
    file.path_ = path;
    file.descriptor_ = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file.descriptor_ < 0)
    {
        return system_error("open", path);
    }
    return file;
}

Result<void> File::write_at(std::uint64_t offset, ConstBytes bytes) const
{
    while (!bytes.empty())
    {
        const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
        {
            continue;
        }
        if (count < 0)
        {
            return system_error("write", path_);
        }
        offset += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> File::read_at(std::uint64_t offset, MutableBytes out) const
{
    while (!out.empty())
    {
        const ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
        {
            continue;
        }
        if (count < 0)
        {
            return system_error("read", path_);
        }
        if (count == 0)
        {
            return fail(ErrorKind::length, path_.string() + " ends at byte " + std::to_string(offset));
        }
        offset += static_cast<std::uint64_t>(count);
        out = out.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<struct ::stat> File::status() const
{
    struct ::stat status
    {
    };
    if (::fstat(descriptor_, &status) != 0)
    {
        return system_error("look at", path_);
    }
    return status;
}

Result<void> File::truncate(std::uint64_t size) const
{
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0)
    {
        return system_error("resize", path_);
    }
    return {};
}

Result<void> File::reserve(std::uint64_t size) const
{
    if (size != 0 && ::fallocate(descriptor_, 0, 0, static_cast<off_t>(size)) != 0 && errno != EOPNOTSUPP &&
        errno != ENOSYS)
    {
        return system_error("reserve space for", path_);
    }
    return {};
}

Result<void> File::sync() const
{
    if (::fsync(descriptor_) != 0)
    {
        return system_error("sync", path_);
    }
    return {};
}

void File::start_write_out(std::uint64_t offset, std::uint64_t size) const noexcept
{
    // Only an early start of what sync() or the kernel does anyway: its failure shows there.
    (void)::sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
}

void File::drop_cache() const noexcept
{
    (void)::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
}

Result<void> replace_file(const std::filesystem::path& from, const std::filesystem::path& to)
{
    if (::rename(from.c_str(), to.c_str()) != 0)
    {
        return system_error("put in place", to);
    }
    const std::filesystem::path parent = to.has_parent_path() ? to.parent_path() : std::filesystem::path{"."};
    const auto directory = File::open(parent, O_RDONLY | O_DIRECTORY);
    if (!directory)
    {
        return directory.error();
    }
    return directory->sync();
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view text, mode_t mode)
{
    const std::filesystem::path beside = path.string() + ".new";
    auto file = File::open(beside, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!file)
    {
        return file.error();
    }
    if (const auto written = file->write_at(0, as_bytes(text)); !written)
    {
        return written.error();
    }
    if (const auto synced = file->sync(); !synced)
    {
        return synced.error();
    }
    return replace_file(beside, path);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit)
{
    const auto file = File::open(path, O_RDONLY | O_NONBLOCK);
    if (!file)
    {
        return file.error();
    }
    std::string text(limit + 1, '\0');
    std::size_t filled = 0;
    while (filled < text.size())
    {
        const ssize_t count = ::read(file->descriptor(), text.data() + filled, text.size() - filled);
        if (count < 0)
        {
            return system_error("read", path);
        }
        if (count == 0)
        {
            text.resize(filled);
            return text;
        }
        filled += static_cast<std::size_t>(count);
    }
    return fail(ErrorKind::length, path.string() + " is longer than " + std::to_string(limit) + " bytes");
}

} // namespace fwupdate::agent
