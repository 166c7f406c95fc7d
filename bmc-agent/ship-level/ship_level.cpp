#include "bmc-agent/ship-level/ship_level.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <regex>
#include <utility>

namespace fwupdate::agent::ship_level
{
namespace
{

constexpr std::size_t longest_line = 256; ///< bytes that a pattern is tried on

/// Whether it is met, and a sentence that goes on behind the rule's name.
struct Opinion
{
    bool met{};
    std::string text;
};

/// Without blanks and NULs at its end: device tree texts end with a NUL.
std::string first_line(const std::string& text)
{
    std::string line = text.substr(0, std::min(text.find('\n'), longest_line));
    constexpr std::string_view trailing{" \t\r\0", 4};
    const std::size_t last = line.find_last_not_of(trailing);
    line.resize(last == std::string::npos ? 0 : last + 1);
    return line;
}

std::string quoted(const std::string& text)
{
    return "\"" + printable(text) + "\"";
}

/// Decimal, or hexadecimal with 0x.
std::optional<std::uint64_t> number_in(std::string_view text)
{
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    text.remove_prefix(hexadecimal ? 2 : 0);
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, hexadecimal ? 16 : 10);
    return error == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

class Evaluation
{
  public:
    Evaluation(const config::ShipLevel& settings, const package::VersionScheme& scheme, const MachineView& machine)
        : settings_{settings}, scheme_{scheme}, machine_{machine}
    {
    }

    Opinion operator()(const config::VersionAtLeast& rule) const
    {
        return with_line(rule.file,
                         [&](const std::string& version) -> Opinion
                         {
                             const auto order = scheme_.compare(version, rule.at_least);
                             if (!order)
                             {
                                 return {false, order.error().text};
                             }
                             const bool met = std::is_gteq(*order);
                             return {met, "version " + printable(version) +
                                              (met ? " is new enough" : " is older than " + rule.at_least)};
                         });
    }

    Opinion operator()(const config::FilePresent& rule) const
    {
        const bool met = machine_.exists(rule.file);
        return {met, rule.file.string() + (met ? " is there" : " is not there")};
    }

    Opinion operator()(const config::SensorsPresent& rule) const
    {
        std::string missing;
        for (const std::filesystem::path& device : machine_.list(settings_.hwmon))
        {
            const auto name = machine_.read(device / "name");
            if (!name || first_line(*name) != rule.driver)
            {
                continue;
            }
            const auto lacks = [&](const std::string& sensor) { return !machine_.exists(device / sensor); };
            const auto lost = std::ranges::find_if(rule.sensors, lacks);
            if (lost == rule.sensors.end())
            {
                return {true, rule.driver + " is there with all of its sensors"};
            }
            missing = *lost;
        }
        return {false, missing.empty() ? "no hwmon device " + rule.driver + " is there"
                                       : "the hwmon device " + rule.driver + " has no " + missing};
    }

    Opinion operator()(const config::TextMatches& rule) const
    {
        return with_line(rule.file,
                         [&](const std::string& text) -> Opinion
                         {
                             try
                             {
                                 const bool met = std::regex_match(text, std::regex{rule.pattern});
                                 return {met, quoted(text) + " in " + rule.file.string() +
                                                  (met ? " is what it must be" : " does not match " + rule.pattern)};
                             }
                             catch (const std::regex_error& error)
                             {
                                 return {false, "the pattern " + rule.pattern + " can't be used: " + error.what()};
                             }
                         });
    }

    Opinion operator()(const config::RegisterValue& rule) const
    {
        return with_line(
            rule.file,
            [&](const std::string& text) -> Opinion
            {
                const auto number = number_in(text);
                if (!number)
                {
                    return {false, quoted(text) + " in " + rule.file.string() + " is not a number"};
                }
                const std::uint64_t value = *number & rule.mask;
                const bool met = (!rule.at_least || value >= *rule.at_least) && (!rule.equals || value == *rule.equals);
                return {met, rule.file.string() + " has " + std::to_string(value) + (met ? "" : ", " + wanted(rule))};
            });
    }

  private:
    template <class Use> Opinion with_line(const std::filesystem::path& file, Use use) const
    {
        const auto text = machine_.read(file);
        return text ? use(first_line(*text)) : Opinion{false, file.string() + " " + text.error().text};
    }

    static std::string wanted(const config::RegisterValue& rule)
    {
        return rule.equals ? "not " + std::to_string(*rule.equals)
                           : "less than " + std::to_string(rule.at_least.value_or(0));
    }

    const config::ShipLevel& settings_;
    const package::VersionScheme& scheme_;
    const MachineView& machine_;
};

} // namespace

std::vector<RuleResult> evaluate(const config::ShipLevel& settings, const package::VersionScheme& scheme,
                                 const MachineView& machine)
{
    std::vector<RuleResult> results;
    for (const config::ShipLevelRule& rule : settings.rules)
    {
        const Opinion opinion = std::visit(Evaluation{settings, scheme, machine}, rule.requirement);
        const std::string remedy = opinion.met || rule.remedy.empty() ? "" : "; " + rule.remedy;
        results.push_back({rule.name, rule.inventory, opinion.met, rule.name + ": " + opinion.text + remedy});
    }
    return results;
}

InventoryLevels inventory_levels(const std::vector<RuleResult>& results)
{
    InventoryLevels levels;
    for (const RuleResult& result : results)
    {
        if (!result.inventory.empty())
        {
            bool& level = levels.try_emplace(result.inventory, true).first->second;
            level = level && result.met;
        }
    }
    return levels;
}

Verdict judge(bool required, const std::vector<RuleResult>& results, const InventoryLevels& reported)
{
    Verdict verdict{required, {}};
    for (const RuleResult& result : results)
    {
        if (!result.met)
        {
            verdict.offenders.push_back(result.text);
        }
    }
    const InventoryLevels ours = inventory_levels(results);
    for (const auto& [path, met] : reported)
    {
        if (!met && !ours.contains(path))
        {
            verdict.offenders.push_back(printable(path) + " says that it does not meet the minimum ship level");
        }
    }
    return verdict;
}

std::string describe(const Verdict& verdict)
{
    if (verdict.offenders.empty())
    {
        return "the minimum ship level is met";
    }
    std::string text = verdict.required ? "the minimum ship level is not met, so the host may not start: "
                                        : "the minimum ship level is not met, and not required: ";
    for (const std::string& offender : verdict.offenders)
    {
        text += (&offender == &verdict.offenders.front() ? "" : "; ") + offender;
    }
    return text;
}

} // namespace fwupdate::agent::ship_level
