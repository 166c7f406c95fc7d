// One version of a device's firmware: installed, or uploaded and waiting.
#pragma once

#include "bmc-agent/software/activation_table.hpp"
#include "bmc-agent/software/names.hpp"
#include "bmc-agent/staging/file.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::software
{

/// Versions of one device compete for its priorities and its space. OpenBMC's roots are named after them.
enum class Device : std::uint8_t
{
    bmc,  ///< purposes BMC and System, and what has none of its own
    host, ///< purpose Host
    psu,  ///< purpose PSU
};

[[nodiscard]] constexpr Device device_of(package::Purpose purpose)
{
    return purpose == package::Purpose::host  ? Device::host
           : purpose == package::Purpose::psu ? Device::psu
                                              : Device::bmc;
}

/// The image that waits. Both empty: there is none (any more).
struct StagedImage
{
    std::filesystem::path directory;        ///< of the upload; Common.FilePath
    std::filesystem::path file;             ///< in it
    std::shared_ptr<const File> descriptor; ///< StartUpdate's; it doesn't outlive the agent
};

/// What is known of an image once somebody has looked into it.
struct ImageFacts
{
    std::string version;
    package::Purpose purpose{};
    std::string extended_version;
    std::vector<std::string> compatible_names;
    bool complete{true}; ///< has a whole set of images

    bool operator==(const ImageFacts&) const = default;
};

struct Version
{
    std::string id;
    ImageFacts facts; ///< without a version: nobody has looked into it yet
    StagedImage image;
    Activation activation{};
    RequestedActivation requested{};
    std::optional<std::uint8_t> priority; ///< while active
    std::uint8_t requested_priority{};    ///< what it gets when it becomes active
    std::optional<std::uint8_t> progress; ///< percent; none: not shown
    bool blocks_transition{false};
    bool functional{false}; ///< it runs
    bool updateable{false};
    bool elsewhere{false};               ///< stands for somebody else's update
    std::optional<ApplyTime> apply_time; ///< of its StartUpdate; none: the machine's

    [[nodiscard]] Device device() const
    {
        return device_of(facts.purpose);
    }
    [[nodiscard]] std::string path() const
    {
        return std::string{software_root} + "/" + id;
    }
};

/// What runs on one device, as a target tells.
struct Running
{
    std::string version;
    package::Purpose purpose{};
    std::string extended_version;
    std::string location; ///< in the flash; for IdRule::location

    bool operator==(const Running&) const = default;
};

} // namespace fwupdate::agent::software
