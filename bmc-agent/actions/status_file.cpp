#include "bmc-agent/actions/status_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace fwupdate::agent
{
namespace
{

constexpr mode_t permissions = 0644;

/// A descriptor, closed with its scope; only of a regular file.
class RegularFile
{
  public:
    /// O_NONBLOCK: a FIFO in its place must not hold the agent.
    RegularFile(const std::filesystem::path& file, int flags)
        : descriptor_{::open(file.c_str(), flags | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, permissions)},
          error_{descriptor_ < 0 ? errno : 0}
    {
        struct stat facts
        {
        };
        if (descriptor_ >= 0 && (::fstat(descriptor_, &facts) != 0 || !S_ISREG(facts.st_mode)))
        {
            error_ = EINVAL;
        }
    }
    RegularFile(const RegularFile&) = delete;
    RegularFile& operator=(const RegularFile&) = delete;
    ~RegularFile()
    {
        if (descriptor_ >= 0)
        {
            ::close(descriptor_);
        }
    }

    [[nodiscard]] int error() const
    {
        return error_;
    }
    [[nodiscard]] int get() const
    {
        return descriptor_;
    }

  private:
    int descriptor_;
    int error_; ///< errno's number; 0: it is open
};

} // namespace

Result<void> reset_status(const std::filesystem::path& file)
{
    constexpr std::string_view text = "unknown";
    const RegularFile out{file, O_WRONLY | O_CREAT};
    int error = out.error();
    if (error == 0 && (::ftruncate(out.get(), 0) != 0 ||
                       ::write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())))
    {
        error = errno;
    }
    if (error != 0)
    {
        return fail(ErrorKind::input_output, "cannot write the status file " + file.string() + ": " +
                                                 std::generic_category().message(error) +
                                                 "; it must be a regular file where the agent may write");
    }
    return {};
}

std::optional<std::string> read_status(const std::filesystem::path& file)
{
    const RegularFile in{file, O_RDONLY};
    std::array<char, longest_status> text{};
    const ssize_t count = in.error() == 0 ? ::read(in.get(), text.data(), text.size()) : -1;
    return count < 0 ? std::nullopt : std::optional{std::string{text.data(), static_cast<std::size_t>(count)}};
}

Status status_of(const std::string& text)
{
    constexpr std::string_view spaces = " \t\n\v\f\r";
    const std::size_t begin = std::min(text.find_first_not_of(spaces), text.size());
    const std::string_view word = std::string_view{text}.substr(begin, text.find_first_of(spaces, begin) - begin);
    return word == "running"   ? Status::running
           : word == "success" ? Status::success
           : word == "failed"  ? Status::failed
                               : Status::unknown;
}

} // namespace fwupdate::agent
