#include "ipmitool-plugin/port/command_line.hpp"

#include "ipmitool-plugin/client/invocation.hpp"

#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

namespace fwupdate::plugin
{
namespace
{

constexpr std::string_view with_value = "IoHdPfUpCLAtTmzSlbBekyORND"; ///< ipmitool's options that take a value
constexpr std::string_view without_value = "46vcgsEKYaZ"; ///< the others, but for help (-h) and version (-V)
constexpr std::string_view secret = "Pky";                ///< those whose value is not repeated

/// What a secret is replaced by.
std::string place_holder(char option)
{
    return option == 'P' ? "'<password>'" : "'<key>'";
}

} // namespace

std::string command_line_of(std::span<const std::string> arguments)
{
    std::string line = arguments.empty() ? "ipmitool" : client::shell_quoted(arguments.front());
    for (std::size_t at = 1; at < arguments.size(); ++at)
    {
        const std::string& word = arguments[at];
        if (word == "--")
        {
            break;
        }
        if (word.size() < 2 || word[0] != '-')
        {
            continue; // the command and what belongs to it
        }
        // Letters without a value may be run together; the first one with a value takes the rest, or the next word.
        const std::size_t valued = word.find_first_of(with_value, 1);
        if (valued == std::string::npos)
        {
            line += " " + client::shell_quoted(word);
            continue;
        }
        std::string value = word.substr(valued + 1);
        if (value.empty() && at + 1 < arguments.size())
        {
            value = arguments[++at];
        }
        const char option = word[valued];
        line += " " + word.substr(0, valued + 1) + " " +
                (secret.find(option) == std::string_view::npos ? client::shell_quoted(value) : place_holder(option));
    }
    return line;
}

std::optional<CommandWords> command_words_of(std::span<const std::string> arguments)
{
    CommandWords found;
    bool options = true;
    for (std::size_t at = 1; at < arguments.size(); ++at)
    {
        const std::string& word = arguments[at];
        if (!options || word.size() < 2 || word[0] != '-')
        {
            found.words.push_back(word);
            continue;
        }
        if (word == "--")
        {
            options = false;
            continue;
        }
        const std::size_t last = std::min(word.find_first_not_of(without_value, 1), word.size());
        found.csv = found.csv || word.substr(1, last - 1).find('c') != std::string::npos;
        if (last == word.size())
        {
            continue;
        }
        const bool value_behind = last + 1 == word.size();
        if (with_value.find(word[last]) == std::string_view::npos || (value_behind && ++at == arguments.size()))
        {
            return std::nullopt;
        }
    }
    return found;
}

std::string own_command_line()
{
    std::ifstream stream{"/proc/self/cmdline", std::ios::binary};
    const std::string all{std::istreambuf_iterator<char>{stream}, {}};
    std::vector<std::string> arguments;
    for (std::size_t begin = 0; begin < all.size();)
    {
        const std::size_t end = std::min(all.find('\0', begin), all.size());
        arguments.push_back(all.substr(begin, end - begin));
        begin = end + 1;
    }
    return command_line_of(arguments);
}

} // namespace fwupdate::plugin
