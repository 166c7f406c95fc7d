#include "common/package/tarball/member_name.hpp"

#include <algorithm>

namespace fwupdate::package
{
namespace
{

Result<void> check_parts(std::string_view name, std::uint32_t depth)
{
    std::uint32_t parts = 0;
    while (true)
    {
        const std::size_t slash = name.find('/');
        const std::string_view part = name.substr(0, slash);
        if (part.empty() || part == "." || part == "..")
        {
            return fail(ErrorKind::denied, "its name leads out of the tarball or is not written plainly");
        }
        if (++parts > depth)
        {
            return fail(ErrorKind::denied, "it lies too deep in directories");
        }
        if (slash == std::string_view::npos)
        {
            return {};
        }
        name.remove_prefix(slash + 1);
    }
}

} // namespace

std::string plain_member_name(std::string_view path)
{
    if (path == "./")
    {
        return ".";
    }
    if (path.starts_with("./"))
    {
        path.remove_prefix(2);
    }
    if (path.ends_with('/'))
    {
        path.remove_suffix(1);
    }
    return std::string{path};
}

Result<void> check_member_name(std::string_view name, const NameLimits& limits)
{
    if (name.empty() || name.size() > limits.length)
    {
        return fail(ErrorKind::denied, "its name is empty or longer than " + std::to_string(limits.length) + " bytes");
    }
    if (!std::ranges::all_of(name, [](char letter) { return letter > ' ' && letter < 0x7F && letter != '\\'; }))
    {
        return fail(ErrorKind::denied, "its name has characters other than plain ASCII");
    }
    if (name.front() == '/')
    {
        return fail(ErrorKind::denied, "its name is an absolute path");
    }
    return check_parts(name, limits.depth);
}

} // namespace fwupdate::package
