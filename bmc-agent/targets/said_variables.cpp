#include "bmc-agent/targets/said_variables.hpp"

#include "common/bytes.hpp"

namespace fwupdate::agent
{

std::optional<std::string> said_value(std::string_view output, std::string_view name)
{
    while (!output.empty())
    {
        const std::size_t end = output.find('\n');
        std::string_view line = output.substr(0, end);
        output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
        if (line.ends_with('\r'))
        {
            line.remove_suffix(1);
        }
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=')
        {
            return std::string{line.substr(name.size() + 1)};
        }
    }
    return std::nullopt;
}

Result<bool> said_flag(std::string_view output, std::string_view name)
{
    const std::string value = said_value(output, name).value_or("");
    if (value == "1")
    {
        return true;
    }
    if (value.empty() || value == "0")
    {
        return false;
    }
    return fail(ErrorKind::integrity, std::string{name} + " is \"" + printable(value) + "\", neither 0 nor 1");
}

Result<void> outcome_of(const std::vector<std::string>& argv, const CommandResult& result)
{
    return result.success
               ? Result<void>{}
               : fail(ErrorKind::input_output, argv.front() + " did not change the boot selection: " + result.failure);
}

} // namespace fwupdate::agent
