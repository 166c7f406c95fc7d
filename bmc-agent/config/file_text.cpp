#include "bmc-agent/config/file_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace fwupdate::config
{
namespace
{

/// An open file that closes itself.
class Descriptor
{
  public:
    explicit Descriptor(int number) : number_{number} {}
    ~Descriptor()
    {
        if (number_ >= 0)
        {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const
    {
        return number_;
    }

  private:
    int number_;
};

std::string reason_of(int error)
{
    return std::system_category().message(error);
}

std::string size_text(std::size_t bytes)
{
    constexpr std::size_t mebi = 1U << 20U;
    return bytes % mebi == 0 ? std::to_string(bytes / mebi) + " MiB" : std::to_string(bytes >> 10U) + " KiB";
}

} // namespace

// O_NONBLOCK: opening a FIFO must not hang the start.
Result<FileText> read_file_text(const std::filesystem::path& file, std::size_t largest)
{
    const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat status
    {
    };
    if (descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0)
    {
        return fail(ErrorKind::input_output, "can't be read: " + reason_of(errno));
    }
    if (!S_ISREG(status.st_mode))
    {
        return fail(ErrorKind::invalid_field, "is not a regular file");
    }
    FileText result{{}, status.st_mode};
    std::array<char, 4096> buffer{};
    for (;;)
    {
        const ssize_t count = ::read(descriptor.get(), buffer.data(), buffer.size());
        if (count == 0)
        {
            return result;
        }
        if (count < 0)
        {
            return fail(ErrorKind::input_output, "can't be read: " + reason_of(errno));
        }
        result.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (result.text.size() > largest)
        {
            return fail(ErrorKind::no_space, "is larger than " + size_text(largest) + ": not a file of this kind");
        }
    }
}

} // namespace fwupdate::config
