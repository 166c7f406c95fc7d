// The C++ side of the shim: puts the client together and runs it.
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/run.hpp"
#include "ipmitool-plugin/port/command_line.hpp"
#include "ipmitool-plugin/port/shim_port.hpp"
#include "ipmitool-plugin/shim/fwupdate_shim.h"

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace fwupdate::plugin
{
namespace
{

class Terminal final : public client::Environment
{
  public:
    [[nodiscard]] TimePoint now() const override
    {
        return Clock::now();
    }

    void sleep_for(Duration duration) override
    {
        std::this_thread::sleep_for(duration);
    }

    [[nodiscard]] bool interrupted() const override
    {
        return fwupdate_shim_interrupted() != 0;
    }

    [[nodiscard]] bool can_ask() const override
    {
        return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    }

    bool ask(const std::string& question) override
    {
        std::cerr << question << " [y/N] " << std::flush;
        std::string answer;
        std::getline(std::cin, answer);
        return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes";
    }
};

client::Surroundings surroundings(bool csv, usb::HostDrives& drives)
{
    return {std::cout,
            std::cerr,
            csv,
            ::isatty(STDERR_FILENO) == 1,
            client::note_directory(std::getenv("XDG_STATE_HOME"), std::getenv("HOME")),
            drives};
}

int run(fwupdate_interface* interface, const std::vector<std::string>& arguments)
{
    fwupdate_facts facts{};
    fwupdate_shim_facts(interface, &facts);
    ShimPort port{interface};
    Terminal terminal;
    usb::SystemDrives drives;
    return client::run(arguments, port, terminal, surroundings(facts.csv != 0, drives));
}

int run_locally(const std::vector<std::string>& all)
{
    const std::optional<CommandWords> words = command_words_of(all);
    if (!words || words->words.empty() || words->words.front() != "fwupdate")
    {
        return FWUPDATE_GO_ON;
    }
    const std::span<const std::string> arguments = std::span{words->words}.subspan(1);
    usb::SystemDrives drives;
    return client::run_locally(arguments, surroundings(words->csv, drives)).value_or(FWUPDATE_GO_ON);
}

} // namespace
} // namespace fwupdate::plugin

int fwupdate_plugin_early(int argc, char** argv)
{
    try
    {
        return fwupdate::plugin::run_locally({argv, argv + argc});
    }
    catch (const std::exception& error)
    {
        fwupdate_shim_log(FWUPDATE_LOG_ERROR, error.what());
        return 1;
    }
}

int fwupdate_plugin_main(fwupdate_interface* interface, int argc, char** argv)
{
    try
    {
        return fwupdate::plugin::run(interface, {argv, argv + argc});
    }
    catch (const std::exception& error)
    {
        fwupdate_shim_log(FWUPDATE_LOG_ERROR, error.what());
        return 1;
    }
}
