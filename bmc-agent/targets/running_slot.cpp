#include "bmc-agent/targets/running_slot.hpp"

#include "bmc-agent/staging/file.hpp"

namespace fwupdate::agent
{
namespace
{

constexpr auto command_line_file = "/proc/cmdline";    ///< proc(5)
constexpr std::size_t longest_command_line = 64 << 10; ///< bytes; kernels take 4096 at most today
constexpr std::size_t longest_file = 4096;

} // namespace

std::optional<std::string> argument_in(std::string_view command_line, std::string_view name)
{
    constexpr std::string_view blanks = " \t\n";
    std::optional<std::string> value;
    while (true)
    {
        command_line.remove_prefix(std::min(command_line.find_first_not_of(blanks), command_line.size()));
        if (command_line.empty())
        {
            return value;
        }
        const std::string_view word = command_line.substr(0, command_line.find_first_of(blanks));
        command_line.remove_prefix(word.size());
        if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
        {
            value = word.substr(name.size() + 1);
        }
    }
}

Result<std::string> running_slot(const config::RunningSlot& configuration)
{
    if (!configuration.file.empty())
    {
        const auto text = read_file(configuration.file, longest_file);
        return text ? Result<std::string>{text->substr(0, text->find_first_of("\r\n"))}
                    : Result<std::string>{text.error()};
    }
    if (configuration.kernel_argument.empty())
    {
        return std::string{};
    }
    const auto command_line = read_file(command_line_file, longest_command_line);
    if (!command_line)
    {
        return command_line.error();
    }
    const auto value = argument_in(*command_line, configuration.kernel_argument);
    return value ? Result<std::string>{*value}
                 : fail(ErrorKind::not_found, "the kernel's command line has no " + configuration.kernel_argument +
                                                  "=; let the boot loader add it");
}

} // namespace fwupdate::agent
