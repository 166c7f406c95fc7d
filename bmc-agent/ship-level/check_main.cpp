// ship-level-check: whether the host may start, for a unit's ExecCondition or ExecStartPre.
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/ship-level/ship_level.hpp"
#include "bmc-agent/ship-level/ship_level_setting.hpp"
#include "bmc-agent/version.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <exception>
#include <iostream>
#include <optional>
#include <string>

namespace
{

using namespace fwupdate;

// Documented in ship-level-check(8). To ExecCondition 1 to 254 mean that the unit is skipped, and 255 that it fails.
constexpr int met = 0;
constexpr int not_met = 1;
constexpr int broken = 255;

struct CommandLine
{
    std::string config{"/etc/bmc-agent.conf"};
    bool quiet{false};
};

/// An exit code when the process is to end here, or nothing.
std::optional<int> read(int argc, char** argv, CommandLine& out)
{
    CLI::App app{"Tells whether this machine meets its minimum ship level. See ship-level-check(8).",
                 "ship-level-check"};
    app.set_version_flag("--version", std::string{"ship-level-check "} + agent::version_text);
    app.add_option("--config", out.config, "configuration, see bmc-agent.conf(5)")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--quiet", out.quiet, "say nothing when it is met");
    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError& error)
    {
        return app.exit(error) == 0 ? met : broken;
    }
    return std::nullopt;
}

int check(const CommandLine& command_line)
{
    const auto settings = config::load_ship_level(command_line.config);
    if (!settings)
    {
        std::cerr << settings.error().text << '\n';
        return broken;
    }
    const auto log = agent::make_log(agent::Level::warning, agent::format_of_standard_error());
    const bool required = agent::ship_level::read_required(settings->ship_level.settings, *log);
    const auto results =
        agent::ship_level::evaluate(settings->ship_level, settings->scheme, agent::ship_level::DiskView{});
    const auto verdict = agent::ship_level::judge(required, results, {});
    for (const std::string& offender : verdict.offenders)
    {
        std::cout << offender << '\n';
    }
    if (!command_line.quiet || !verdict.met())
    {
        std::cout << (verdict.offenders.empty() ? "met"
                      : verdict.required        ? "not met: the host may not start"
                                                : "not met, and not required")
                  << '\n';
    }
    return verdict.met() ? met : not_met;
}

} // namespace

int main(int argc, char** argv)
{
    try
    {
        CommandLine command_line;
        const auto code = read(argc, argv, command_line);
        return code ? *code : check(command_line);
    }
    catch (const std::exception& error)
    {
        std::cerr << "ship-level-check: internal failure: " << error.what() << '\n';
        return broken;
    }
}
