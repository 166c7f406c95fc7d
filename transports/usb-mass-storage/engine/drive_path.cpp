#include "transports/usb-mass-storage/engine/drive_path.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace fwupdate::usb
{
namespace
{

constexpr std::size_t longest_name = 255; ///< of a file; FAT counts UTF-16 units, which are never more than bytes

/// What is wrong with one name of the path.
std::optional<std::string> find_mistake(std::string_view name)
{
    constexpr std::string_view forbidden = R"(\:*?"<>|)"; // in FAT's long names
    if (name.empty())
    {
        return "has an empty name in it";
    }
    if (name == "." || name == "..")
    {
        return "must not contain \"" + std::string{name} + "\"";
    }
    if (name.size() > longest_name)
    {
        return "has a name that is too long for the drive";
    }
    const std::size_t place = name.find_first_of(forbidden);
    if (place != std::string_view::npos)
    {
        return "contains '" + std::string{name[place]} + "', which no file on the drive can have in its name";
    }
    return std::nullopt;
}

} // namespace

Result<DrivePath> DrivePath::parse(std::string_view uri)
{
    const auto refuse = [&](const std::string& why)
    {
        return fail(ErrorKind::invalid_field,
                    "\"" + printable(uri) + "\" " + why + "; write the path on the drive, like usb://image.bin");
    };
    const bool ours = uri.size() >= scheme.size() && std::ranges::equal(uri.substr(0, scheme.size()), scheme,
                                                                        [](unsigned char one, unsigned char other)
                                                                        { return std::tolower(one) == other; });
    if (!ours)
    {
        return refuse("does not begin with usb://");
    }
    std::string_view path = uri.substr(scheme.size());
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    if (printable(path) != path)
    {
        return refuse("contains characters that are not printable, or not UTF-8");
    }
    for (std::string_view rest = path;;)
    {
        const std::size_t slash = rest.find('/');
        if (const auto mistake = find_mistake(rest.substr(0, slash)))
        {
            return refuse(*mistake);
        }
        if (slash == std::string_view::npos)
        {
            return DrivePath{std::string{path}};
        }
        rest.remove_prefix(slash + 1);
    }
}

std::string DrivePath::pattern() const
{
    std::string pattern;
    for (const char character : text_)
    {
        if (character == '[' || character == ']')
        {
            pattern += '\\';
        }
        pattern += character;
    }
    return pattern;
}

} // namespace fwupdate::usb
