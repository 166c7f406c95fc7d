// ship-level-check: whether the host may start, for a unit's ExecCondition or ExecStartPre.
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/ship-level/inventory.hpp"
#include "bmc-agent/ship-level/service.hpp"
#include "bmc-agent/ship-level/ship_level.hpp"
#include "bmc-agent/ship-level/ship_level_setting.hpp"
#include "bmc-agent/version.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
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
    bool no_bus{false};
    unsigned wait{5}; ///< seconds for the bus
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
    app.add_flag("--no-bus", out.no_bus, "do not ask what inventory objects on D-Bus say of themselves");
    app.add_option("--wait", out.wait, "how long D-Bus may take")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 300))
        ->capture_default_str();
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

/// What the bus knows: the inventory and, where settingsd has it, the setting.
struct BusAnswers
{
    agent::ship_level::Reported reported;
    std::optional<bool> required;
};

/// Asks until everything is told, or the time is over: a bus that hangs keeps no host from starting for ever.
BusAnswers ask_bus(const config::ShipLevel& settings, unsigned seconds, agent::Log& log)
{
    boost::asio::io_context context;
    const auto bus = agent::dbus::make_bus(context);
    const auto inventory = agent::ship_level::make_inventory(bus.get());
    BusAnswers answers;
    if (bus == nullptr || inventory == nullptr)
    {
        return answers;
    }
    bool told = false;
    bool setting_told = !settings.foreign_setting;
    inventory->read(
        [&](agent::ship_level::Reported reported)
        {
            answers.reported = std::move(reported);
            told = true;
        });
    const auto watch = setting_told ? nullptr
                                    : agent::ship_level::watch_setting(
                                          context, *bus,
                                          [&](std::optional<bool> required)
                                          {
                                              answers.required = required;
                                              setting_told = true;
                                          },
                                          log);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
    while ((!told || !setting_told) && !context.stopped() && std::chrono::steady_clock::now() < end)
    {
        context.run_one_until(end);
    }
    if (!told)
    {
        answers.reported.trouble = "D-Bus does not answer within " + std::to_string(seconds) + " s";
    }
    if (watch != nullptr)
    {
        watch->stop();
    }
    return answers;
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
    const config::ShipLevel& ship_level = settings->ship_level;
    const BusAnswers bus = command_line.no_bus ? BusAnswers{} : ask_bus(ship_level, command_line.wait, *log);
    if (!bus.reported.trouble.empty())
    {
        std::cerr << "ship-level-check: warning: what inventory objects say is not known in full: "
                  << bus.reported.trouble << '\n';
    }
    const bool required = ship_level.foreign_setting && bus.required
                              ? *bus.required
                              : agent::ship_level::read_required(ship_level.settings, *log);
    const auto results =
        agent::ship_level::evaluate(settings->ship_level, settings->scheme, agent::ship_level::DiskView{});
    const auto verdict = agent::ship_level::judge(required, results, bus.reported.levels);
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
