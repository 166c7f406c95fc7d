// bmc-agent: the daemon's command line, signals and exit codes. Everything else is wired in daemon.cpp.
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/config/flash/flash_config.hpp"
#include "bmc-agent/daemon.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/process/signals.hpp"
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

// Documented in bmc-agent(8).
constexpr int success = 0;
constexpr int bad_configuration = 1;
constexpr int bad_usage = 2;
constexpr int cannot_start = 3; ///< the operating system refuses: port, directory, memory
constexpr int internal_failure = 4;

struct CommandLine
{
    std::string config{"/etc/bmc-agent.conf"};
    bool check{false};
    std::string log_level; ///< empty: the configuration's
};

/// An exit code when the process is to end here, or nothing.
std::optional<int> read(int argc, char** argv, CommandLine& out)
{
    CLI::App app{"Firmware updates of a BMC over IPMI: the agent that runs on the BMC. See bmc-agent(8).", "bmc-agent"};
    app.set_version_flag("--version", std::string{"bmc-agent "} + agent::version_text);
    app.add_option("--config", out.config, "configuration, see bmc-agent.conf(5)")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--check-config", out.check, "tell every mistake of the configuration, or what it means, and end");
    app.add_option("--log-level", out.log_level, "instead of the configuration's log_level")
        ->type_name("LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError& error)
    {
        return app.exit(error) == 0 ? success : bad_usage;
    }
    return std::nullopt;
}

/// What phosphor-ipmi-flash's configuration says, where ours names it. It is only checked: no blob is served from it.
config::flash::FlashConfig read_flash_config(const config::Config& config)
{
    auto flash =
        config.flash_config ? config::flash::load(config.flash_config->directories) : config::flash::FlashConfig{};
    for (const std::string& warning : flash.warnings)
    {
        std::cerr << "warning: " << warning << '\n';
    }
    for (const std::string& mistake : flash.mistakes)
    {
        std::cerr << mistake << '\n';
    }
    return flash;
}

/// Says too that the check is all there is, so that nobody waits for blobs.
std::string flash_summary(const config::flash::FlashConfig& flash)
{
    return "firmware blobs of phosphor-ipmi-flash, checked and not served by this agent: " +
           std::to_string(flash.blobs.size()) + "\n" + config::flash::summary(flash);
}

int check(const CommandLine& command_line)
{
    const auto config = config::load(command_line.config);
    if (!config)
    {
        std::cerr << config.error().text << '\n';
        return bad_configuration;
    }
    for (const std::string& warning : config->warnings)
    {
        std::cerr << "warning: " << warning << '\n';
    }
    if (const auto trust = agent::Trust::load(config->verification); !trust)
    {
        std::cerr << command_line.config << ": /verification: " << trust.error().text << '\n';
        return bad_configuration;
    }
    const auto flash = read_flash_config(*config);
    if (flash.mistakes.empty())
    {
        std::cout << "ok\n" << config::summary(*config);
    }
    if (config->flash_config)
    {
        std::cout << flash_summary(flash);
    }
    return flash.mistakes.empty() ? success : bad_configuration;
}

int serve(const config::Config& config, agent::Log& log)
{
    const auto daemon = agent::Daemon::create(config, log);
    if (!daemon)
    {
        log.event(agent::Level::error, "Cannot start", {{"reason", daemon.error().text}});
        return cannot_start;
    }
    (*daemon)->run();
    return success;
}

int run(const CommandLine& command_line)
{
    const auto config = config::load(command_line.config);
    if (!config)
    {
        std::cerr << config.error().text << '\n';
        return bad_configuration;
    }
    const std::string& word = command_line.log_level.empty() ? config->log_level : command_line.log_level;
    const auto log =
        agent::make_log(agent::level_from_name(word).value_or(agent::Level::info), agent::format_of_standard_error());
    for (const std::string& warning : config->warnings)
    {
        log->event(agent::Level::warning, "Configuration", {{"warning", warning}});
    }
    return serve(*config, *log);
}

} // namespace

int main(int argc, char** argv)
{
    try
    {
        CommandLine command_line;
        if (const auto code = read(argc, argv, command_line))
        {
            return *code;
        }
        agent::set_signal_actions();
        return command_line.check ? check(command_line) : run(command_line);
    }
    catch (const std::exception& error)
    {
        std::cerr << "bmc-agent: internal failure: " << error.what() << '\n';
        return internal_failure;
    }
}
