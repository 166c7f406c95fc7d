// bmc-agent: the daemon's command line, signals and exit codes. Everything else is wired in daemon.cpp.
#include "bmc-agent/config/bridged_channels.hpp"
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/config/flash/flash_config.hpp"
#include "bmc-agent/config/flash/targets.hpp"
#include "bmc-agent/daemon.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/process/signals.hpp"
#include "bmc-agent/version.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <exception>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// Both configurations as one.
struct Configuration
{
    config::Config own;                ///< with a target for each blob
    config::flash::FlashConfig flash;  ///< its mistakes cost their blobs only
    std::vector<std::string> mistakes; ///< that cost all
};

Result<Configuration> load(const std::string& file)
{
    auto own = config::load(file);
    if (!own)
    {
        return own.error();
    }
    Configuration whole{std::move(*own), {}, {}};
    if (whole.own.flash_config)
    {
        whole.flash = config::flash::load(whole.own.flash_config->directories);
        whole.mistakes = config::flash::add_targets(whole.flash, whole.own);
    }
    std::ranges::move(config::flash::check_blobs(whole.own), std::back_inserter(whole.mistakes));
    std::ranges::move(config::add_bridged_channels(whole.own), std::back_inserter(whole.mistakes));
    for (std::string& mistake : whole.mistakes)
    {
        mistake.insert(0, mistake.starts_with(file) ? "" : file + ": ");
    }
    return whole;
}

std::string flash_summary(const config::flash::FlashConfig& flash)
{
    return "firmware blobs of phosphor-ipmi-flash: " + std::to_string(flash.blobs.size()) + "\n" +
           config::flash::summary(flash);
}

void print(std::string_view word, const std::vector<std::string>& lines)
{
    for (const std::string& line : lines)
    {
        std::cerr << word << line << '\n';
    }
}

int check(const CommandLine& command_line)
{
    const auto config = load(command_line.config);
    if (!config)
    {
        std::cerr << config.error().text << '\n';
        return bad_configuration;
    }
    print("warning: ", config->own.warnings);
    if (const auto trust = agent::Trust::load(config->own.verification); !trust)
    {
        std::cerr << command_line.config << ": /verification: " << trust.error().text << '\n';
        return bad_configuration;
    }
    print("warning: ", config->flash.warnings);
    print("", config->flash.mistakes);
    print("", config->mistakes);
    const bool good = config->flash.mistakes.empty() && config->mistakes.empty();
    if (good)
    {
        std::cout << "ok\n" << config::summary(config->own);
    }
    if (config->own.flash_config)
    {
        std::cout << flash_summary(config->flash);
    }
    return good ? success : bad_configuration;
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
    const auto config = load(command_line.config);
    if (!config)
    {
        std::cerr << config.error().text << '\n';
        return bad_configuration;
    }
    if (!config->mistakes.empty())
    {
        print("", config->mistakes);
        return bad_configuration;
    }
    const std::string& word = command_line.log_level.empty() ? config->own.log_level : command_line.log_level;
    const auto log =
        agent::make_log(agent::level_from_name(word).value_or(agent::Level::info), agent::format_of_standard_error());
    for (const auto& lines : {config->own.warnings, config->flash.warnings, config->flash.mistakes})
    {
        for (const std::string& line : lines)
        {
            log->event(agent::Level::warning, "Configuration", {{"warning", line}});
        }
    }
    return serve(config->own, *log);
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
