// A target with two slots: where they are, what chooses between them at boot, and how a new version proves itself.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace fwupdate::config
{

/// One of the two places; a handler of its own writes it.
struct Slot
{
    std::string name; ///< 1..16 bytes of letters, digits, '-' and '_': the boot loader's word for it
    std::string type; ///< handler
    std::filesystem::path path;
};

/// "file": a boot record in a small file, replaced as a whole.
struct FileSelector
{
    std::filesystem::path path;
    std::uint8_t tries{3}; ///< how often the boot loader starts a slot that is on trial
};

/// "redundant": two copies of a boot record at fixed places of a device or file; the older one is written.
struct RedundantSelector
{
    std::filesystem::path path;
    std::array<std::uint64_t, 2> offsets{0, 4096}; ///< bytes; each copy takes 512
    std::uint8_t tries{3};
};

/// "command": programs of this machine. `get` prints lines: chosen=SLOT, running=SLOT, provisional=0 or 1.
struct CommandSelector
{
    std::vector<std::string> get;
    std::vector<std::string> try_slot; ///< gets the slot's name behind its arguments
    std::vector<std::string> confirm;
    std::vector<std::string> fall_back;
};

/// "uboot": variables of U-Boot's environment, by fw_printenv and fw_setenv of libubootenv.
struct UbootSelector
{
    std::filesystem::path config{"/etc/fw_env.config"};
    std::string slot_variable{"bootslot"};           ///< the slot that boots next
    std::string trial_variable{"upgrade_available"}; ///< 1: it is on trial
    std::string count_variable{"bootcount"};         ///< starts of it so far
};

using Selector = std::variant<FileSelector, RedundantSelector, CommandSelector, UbootSelector>;

/// What tells the slot that runs. Both empty: the selector does, a command.
struct RunningSlot
{
    std::string kernel_argument; ///< NAME of NAME=SLOT on the kernel's command line
    std::filesystem::path file;  ///< its first line
};

/// What ends the trial of a new version well.
enum class ConfirmBy : std::uint8_t
{
    client, ///< Confirm Update (4Fh)
    health, ///< the health command's success
    start,  ///< that the agent starts
};

struct Probation
{
    ConfirmBy confirm{ConfirmBy::client};
    std::chrono::seconds time{std::chrono::minutes{10}}; ///< since the agent first saw the new version run
    std::vector<std::string> health_command;             ///< argv; empty: none
};

struct Slots
{
    std::vector<Slot> places; ///< two
    Selector selector;
    RunningSlot running;
    Probation probation;
    bool stream{false}; ///< images gather in the other slot, not in staging
};

} // namespace fwupdate::config
