#include "transports/usb-mass-storage/bmc/fat_tools.hpp"

#include "common/bytes.hpp"
#include "transports/usb-mass-storage/bmc/confined_run.hpp"
#include "transports/usb-mass-storage/engine/drive_layout.hpp"

#include <fcntl.h>
#include <iconv.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <system_error>

namespace fwupdate::usb
{
namespace
{

constexpr int format_limit = 2000; ///< milliseconds
constexpr std::uint32_t heads = 16;
constexpr std::uint32_t track_sectors = 63;
constexpr std::size_t most_names = 5; ///< of a listing, told to a person

Result<std::string> find_program(std::string_view name)
{
    constexpr auto places =
        std::to_array<std::string_view>({"/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/"});
    for (const std::string_view place : places)
    {
        std::string path = std::string{place} + std::string{name};
        if (::access(path.c_str(), X_OK) == 0)
        {
            return path;
        }
    }
    return fail(ErrorKind::not_found, std::string{name} + " is not installed; the USB drive needs mtools");
}

/// Small systems leave these modules of the C library out; mtools gives up without a word of use then.
bool converts_code_page()
{
    // iconv_open's failure is this value in every implementation.
    const auto failed = reinterpret_cast<iconv_t>(-1); // NOLINT(performance-no-int-to-ptr)
    const iconv_t converter = ::iconv_open("UTF-8", "CP850");
    return converter != failed && ::iconv_close(converter) == 0;
}

std::string errno_text(int error)
{
    return std::generic_category().message(error);
}

/// Waits for a child of ours; ends it when it takes too long. Gives its exit status; -1: signal, time-out.
int wait_for(pid_t pid)
{
    const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    pollfd end{descriptor, POLLIN, 0};
    if (descriptor < 0 || ::poll(&end, 1, format_limit) != 1)
    {
        ::kill(pid, SIGKILL);
    }
    if (descriptor >= 0)
    {
        ::close(descriptor);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
    {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Runs a program of ours that says nothing. Gives its exit status, or an error when it could not be started.
Result<int> run(std::vector<std::string> argv)
{
    std::vector<char*> arguments;
    for (std::string& argument : argv)
    {
        arguments.push_back(argument.data());
    }
    arguments.push_back(nullptr);
    std::string settings = "MTOOLSRC=/dev/null";
    std::array<char*, 2> environment{settings.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, arguments.front(), &actions, nullptr, arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
    {
        return fail(ErrorKind::input_output, "cannot start " + argv.front() + ": " + errno_text(error));
    }
    return wait_for(pid);
}

/// Takes the next line off the text.
std::string_view next_line(std::string_view& text)
{
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

} // namespace

Result<FatTools> FatTools::find()
{
    auto mformat = find_program("mformat");
    auto mdir = find_program("mdir");
    auto mcopy = find_program("mcopy");
    for (const auto* program : {&mformat, &mdir, &mcopy})
    {
        if (!*program)
        {
            return program->error();
        }
    }
    if (!converts_code_page())
    {
        return fail(ErrorKind::not_found, "the C library cannot convert code page 850, as mtools does for FAT's short "
                                          "names: install its converter (glibc-gconv-ibm850 on OpenBMC)");
    }
    return FatTools{*mformat, *mdir, *mcopy};
}

Result<void> FatTools::format(const std::string& image, const Drive& drive) const
{
    const auto status = run({mformat, "-i", image, "-v", drive.identity.label, "-N", drive.identity.serial.substr(0, 8),
                             "-T", std::to_string(drive.size / sector_size), "-h", std::to_string(heads), "-s",
                             std::to_string(track_sectors), "-c", std::to_string(cluster_sectors), "::"});
    if (!status)
    {
        return status.error();
    }
    if (*status != 0)
    {
        return fail(ErrorKind::input_output,
                    "mformat could not make a file system on " + image + ", status " + std::to_string(*status));
    }
    return {};
}

std::vector<std::string> FatTools::tell_size(const DrivePath& path) const
{
    return {mdir, "-a", "-i", image_path, "::" + path.pattern()};
}

std::vector<std::string> FatTools::list_root() const
{
    return {mdir, "-b", "-i", image_path, "::"};
}

std::vector<std::string> FatTools::copy_out(const DrivePath& path) const
{
    return {mcopy, "-n", "-i", image_path, "::" + path.pattern(), "-"};
}

std::optional<std::uint64_t> size_of_listing(std::string_view listing)
{
    constexpr std::string_view one = "1 file ";
    std::string digits;
    while (!listing.empty())
    {
        std::string_view line = next_line(listing);
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (!line.starts_with(one))
        {
            continue;
        }
        digits.clear(); // the last such line is mdir's own; what stands before it may be a host's
        for (const char character : line.substr(one.size(), line.find(" bytes") - one.size()))
        {
            digits += character == ' ' ? std::string{} : std::string{character};
        }
    }
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    return whole && size <= largest_file ? std::optional{size} : std::nullopt;
}

std::string names_of_listing(std::string_view listing)
{
    constexpr std::string_view root = "::/";
    std::string names;
    std::size_t count = 0;
    while (!listing.empty())
    {
        std::string_view line = next_line(listing);
        if (!line.starts_with(root))
        {
            continue;
        }
        line.remove_prefix(root.size());
        if (++count <= most_names)
        {
            names += (names.empty() ? "" : ", ") + printable(line.substr(0, 64));
        }
    }
    return count <= most_names ? names : names + " and " + std::to_string(count - most_names) + " more";
}

} // namespace fwupdate::usb
