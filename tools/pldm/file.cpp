#include "tools/pldm/file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fwupdate::tools
{
namespace
{

Error system_failure(const std::string& what, const std::string& name)
{
    return fail(ErrorKind::input_output, what + " " + name + ": " + std::strerror(errno));
}

} // namespace

Descriptor::~Descriptor()
{
    if (number_ >= 0)
    {
        ::close(number_);
    }
}

bool Descriptor::close()
{
    return ::close(std::exchange(number_, -1)) == 0;
}

Result<InputFile> InputFile::open(const std::filesystem::path& path)
{
    const std::string name = printable(path.string());
    // Without O_NONBLOCK a named pipe would be waited for.
    Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (descriptor.number() < 0)
    {
        return system_failure("cannot open", name);
    }
    struct stat status
    {
    };
    if (::fstat(descriptor.number(), &status) != 0)
    {
        return system_failure("cannot look at", name);
    }
    if (!S_ISREG(status.st_mode))
    {
        return fail(ErrorKind::input_output, name + " is not a regular file; copy what it holds into one");
    }
    return InputFile{std::move(descriptor), name, static_cast<std::uint64_t>(status.st_size)};
}

Result<void> InputFile::read(std::uint64_t offset, MutableBytes out) const
{
    while (!out.empty())
    {
        const ssize_t count = ::pread(descriptor_.number(), out.data(), out.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
        {
            continue;
        }
        if (count < 0)
        {
            return system_failure("cannot read", name_);
        }
        if (count == 0)
        {
            return fail(ErrorKind::input_output,
                        name_ + " ended at byte " + std::to_string(offset) + ": it became shorter meanwhile");
        }
        offset += static_cast<std::uint64_t>(count);
        out = out.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<OutputFile> OutputFile::create(int directory, std::string name, std::string shown, Existing existing)
{
    OutputFile file;
    file.directory_ = directory;
    file.name_ = std::move(name);
    file.shown_ = std::move(shown);
    const std::string present =
        existing == Existing::replace ? file.name_ + "." + std::to_string(::getpid()) + ".part" : file.name_;
    constexpr mode_t permissions = 0666; // less what the umask takes
    file.descriptor_ = Descriptor{
        ::openat(directory, present.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions)};
    if (file.descriptor_.number() < 0)
    {
        return errno == EEXIST ? fail(ErrorKind::wrong_state, file.shown_ + " exists already; it was left alone")
                               : file.failure("cannot create");
    }
    file.present_ = present;
    return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : descriptor_{std::move(other.descriptor_)},
      directory_{other.directory_},
      name_{std::move(other.name_)},
      shown_{std::move(other.shown_)},
      present_{std::exchange(other.present_, {})},
      size_{other.size_}
{
}

OutputFile::~OutputFile()
{
    if (!present_.empty())
    {
        ::unlinkat(directory_, present_.c_str(), 0);
    }
}

Error OutputFile::failure(const char* what) const
{
    return system_failure(what, shown_);
}

Result<void> OutputFile::append(ConstBytes bytes)
{
    auto result = write(size_, bytes);
    size_ += bytes.size();
    return result;
}

Result<void> OutputFile::write(std::uint64_t offset, ConstBytes bytes)
{
    while (!bytes.empty())
    {
        const ssize_t count = ::pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
        {
            continue;
        }
        if (count < 0)
        {
            return failure("cannot write");
        }
        offset += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> OutputFile::commit()
{
    if (!descriptor_.close())
    {
        return failure("cannot write");
    }
    if (present_ != name_ && ::renameat(directory_, present_.c_str(), directory_, name_.c_str()) != 0)
    {
        return failure("cannot put in place");
    }
    present_.clear();
    return {};
}

} // namespace fwupdate::tools
