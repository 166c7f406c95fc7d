#include "common/package/version/floor.hpp"

#include "common/bytes.hpp"
#include "common/sha256.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <compare>
#include <optional>
#include <system_error>

namespace fwupdate::package
{
namespace
{

// The file: three lines and the SHA-256 of those, in hexadecimal, as a fourth. It finds damage, not attackers: whoever
// writes into the state directory owns the BMC.
constexpr std::string_view first_line = "fwupdate-floor 1\n";
constexpr std::string_view security_key = "security-version ";
constexpr std::string_view version_key = "version ";
constexpr std::string_view digest_key = "sha256 ";
constexpr std::size_t largest_file = 512; ///< bytes

Error system_error(const std::string& what, const std::filesystem::path& path)
{
    const int number = errno;
    const ErrorKind kind = number == ENOSPC || number == EDQUOT ? ErrorKind::no_space
                           : number == ENOENT                   ? ErrorKind::not_found
                                                                : ErrorKind::input_output;
    return fail(kind, "cannot " + what + " " + path.string() + ": " + std::generic_category().message(number));
}

/// A file descriptor that closes itself.
class Descriptor
{
  public:
    Descriptor(const std::filesystem::path& path, int flags)
        : number_{::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)}
    {
    }
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
    [[nodiscard]] bool is_open() const
    {
        return number_ >= 0;
    }

  private:
    int number_;
};

Result<std::string> read_whole(const std::filesystem::path& path)
{
    const Descriptor file{path, O_RDONLY};
    if (!file.is_open())
    {
        return system_error("open", path);
    }
    std::string text(largest_file + 1, '\0');
    std::size_t filled = 0;
    while (filled < text.size())
    {
        const ssize_t count = ::read(file.number(), text.data() + filled, text.size() - filled);
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
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return text;
}

Result<void> write_whole(const std::filesystem::path& path, std::string_view text)
{
    const Descriptor file{path, O_WRONLY | O_CREAT | O_TRUNC};
    if (!file.is_open())
    {
        return system_error("make", path);
    }
    while (!text.empty())
    {
        const ssize_t count = ::write(file.number(), text.data(), text.size());
        if (count < 0 && errno == EINTR)
        {
            continue;
        }
        if (count < 0)
        {
            return system_error("write", path);
        }
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return ::fsync(file.number()) == 0 ? Result<void>{} : system_error("sync", path);
}

/// Written beside, synced, put in place, directory synced.
Result<void> write_atomically(const std::filesystem::path& path, std::string_view text)
{
    const std::filesystem::path beside = path.string() + ".new";
    if (const auto written = write_whole(beside, text); !written)
    {
        return written.error();
    }
    if (::rename(beside.c_str(), path.c_str()) != 0)
    {
        return system_error("put in place", path);
    }
    const Descriptor directory{path.parent_path(), O_RDONLY | O_DIRECTORY};
    return directory.is_open() && ::fsync(directory.number()) == 0 ? Result<void>{}
                                                                   : system_error("sync", path.parent_path());
}

std::string serialize(const FloorLevel& level)
{
    std::string text{first_line};
    text.append(security_key).append(std::to_string(level.security_version)).append("\n");
    text.append(version_key).append(level.version).append("\n");
    text.append(digest_key).append(to_hex(sha256(as_bytes(text)))).append("\n");
    return text;
}

/// The value of the line at the front, if it has this key; cuts the line off.
std::optional<std::string_view> take_value(std::string_view& text, std::string_view key)
{
    const std::size_t end = text.find('\n');
    if (!text.starts_with(key) || end == std::string_view::npos)
    {
        return std::nullopt;
    }
    const std::string_view value = text.substr(key.size(), end - key.size());
    text.remove_prefix(end + 1);
    return value;
}

/// Only what `serialize` writes, to the last byte.
std::optional<FloorLevel> deserialize(const std::string& text)
{
    std::string_view rest = text;
    const auto format = take_value(rest, first_line.substr(0, first_line.size() - 1));
    const auto security = take_value(rest, security_key);
    const auto version = take_value(rest, version_key);
    if (!format || !security || !version)
    {
        return std::nullopt;
    }
    FloorLevel level{std::string{*version}, 0};
    std::from_chars(security->data(), security->data() + security->size(), level.security_version);
    return serialize(level) == text ? std::optional{level} : std::nullopt;
}

/// A floor that nothing can be compared with would end all updates; one with a line end would not be read again.
Result<void> check_usable(const std::string& version, const VersionScheme& scheme)
{
    if (printable(version) != version)
    {
        return fail(ErrorKind::unsupported, "a version with control characters cannot be the oldest that is installed");
    }
    const auto parsed = version.empty() ? Result<Version>{Version{}} : scheme.parse(version);
    return parsed ? Result<void>{} : Result<void>{parsed.error()};
}

bool is_plain(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '-' || letter == '_';
}

} // namespace

std::filesystem::path VersionFloor::file_of(const std::filesystem::path& directory, std::string_view target)
{
    std::string name = "floor-";
    for (const char letter : target)
    {
        const auto byte = static_cast<std::uint8_t>(letter);
        name += is_plain(letter) ? std::string(1, letter) : "%" + to_hex({&byte, 1});
    }
    return directory / name;
}

Result<VersionFloor> VersionFloor::load(const std::filesystem::path& directory, std::string_view target)
{
    VersionFloor floor{file_of(directory, target)};
    const auto text = read_whole(floor.file_);
    if (!text)
    {
        return text.error().kind == ErrorKind::not_found ? Result<VersionFloor>{std::move(floor)} : text.error();
    }
    auto level = deserialize(*text);
    if (!level)
    {
        return fail(ErrorKind::integrity,
                    "the version floor " + floor.file_.string() +
                        " is damaged: nothing is installed until it is begun anew with the version "
                        "that runs, or removed by hand");
    }
    floor.level_ = std::move(*level);
    return floor;
}

Result<VersionFloor> VersionFloor::begin_anew(const std::filesystem::path& directory, std::string_view target,
                                              const FloorLevel& running, const VersionScheme& scheme)
{
    VersionFloor floor{file_of(directory, target)};
    if (const auto usable = check_usable(running.version, scheme); !usable)
    {
        return usable.error();
    }
    if (const auto stored = floor.store(running); !stored)
    {
        return stored.error();
    }
    return floor;
}

Result<void> VersionFloor::check(const FloorLevel& image, const VersionScheme& scheme) const
{
    if (image.security_version < level_.security_version)
    {
        return fail(ErrorKind::denied, "the image's security version " + std::to_string(image.security_version) +
                                           " is below " + std::to_string(level_.security_version) +
                                           ", the lowest that this BMC still installs");
    }
    if (level_.version.empty())
    {
        return {};
    }
    const auto order = scheme.compare(image.version, level_.version);
    if (!order)
    {
        return order.error();
    }
    if (std::is_lt(*order))
    {
        return fail(ErrorKind::denied, "the image's version " + printable(image.version) + " is older than " +
                                           level_.version + ", the oldest that this BMC still installs");
    }
    return {};
}

Result<void> VersionFloor::raise(const FloorLevel& running, const VersionScheme& scheme)
{
    if (const auto usable = check_usable(running.version, scheme); !usable)
    {
        return usable.error();
    }
    FloorLevel raised = level_;
    raised.security_version = std::max(raised.security_version, running.security_version);
    if (level_.version.empty())
    {
        raised.version = running.version;
    }
    else if (!running.version.empty())
    {
        const auto order = scheme.compare(running.version, level_.version);
        if (!order)
        {
            return order.error();
        }
        raised.version = std::is_gt(*order) ? running.version : level_.version;
    }
    return raised == level_ ? Result<void>{} : store(raised);
}

Result<void> VersionFloor::store(const FloorLevel& level)
{
    if (const auto written = write_atomically(file_, serialize(level)); !written)
    {
        return written.error();
    }
    level_ = level;
    return {};
}

} // namespace fwupdate::package
