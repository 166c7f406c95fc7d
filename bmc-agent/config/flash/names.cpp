#include "bmc-agent/config/flash/names.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace fwupdate::config::flash
{
namespace
{

constexpr std::size_t longest_unit_name = 255; ///< bytes
constexpr std::array<std::string_view, 11> unit_types{"automount", "device", "mount", "path",   "scope", "service",
                                                      "slice",     "socket", "swap",  "target", "timer"};

bool is_unit_letter(char letter)
{
    constexpr std::string_view others = ":-_.\\@";
    const bool alphanumeric =
        (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
    return alphanumeric || others.find(letter) != std::string_view::npos;
}

} // namespace

bool is_unit_name(std::string_view name)
{
    const std::size_t dot = name.rfind('.');
    if (name.size() > longest_unit_name || dot == std::string_view::npos || dot == 0)
    {
        return false;
    }
    const std::string_view stem = name.substr(0, dot);
    return std::ranges::find(unit_types, name.substr(dot + 1)) != unit_types.end() &&
           std::ranges::all_of(stem, is_unit_letter) && stem.front() != '@' && stem.back() != '@';
}

std::vector<std::string_view> job_modes()
{
    return {
        "replace", "fail", "replace-irreversibly", "isolate", "flush", "ignore-dependencies", "ignore-requirements"};
}

} // namespace fwupdate::config::flash
