// The words of OpenBMC's software interfaces: interfaces, services, paths, enumerators. Each stands here once.
#pragma once

#include "bmc-agent/config/software.hpp"
#include "bmc-agent/software/activation_table.hpp"
#include "common/package/tarball/manifest.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::agent::software
{

using config::ApplyTime;

namespace interfaces
{

inline constexpr std::string_view version = "xyz.openbmc_project.Software.Version";
inline constexpr std::string_view activation = "xyz.openbmc_project.Software.Activation";
inline constexpr std::string_view progress = "xyz.openbmc_project.Software.ActivationProgress";
inline constexpr std::string_view blocks_transition = "xyz.openbmc_project.Software.ActivationBlocksTransition";
inline constexpr std::string_view apply_time = "xyz.openbmc_project.Software.ApplyTime";
inline constexpr std::string_view extended_version = "xyz.openbmc_project.Software.ExtendedVersion";
inline constexpr std::string_view minimum_version = "xyz.openbmc_project.Software.MinimumVersion";
inline constexpr std::string_view priority = "xyz.openbmc_project.Software.RedundancyPriority";
inline constexpr std::string_view requested_priority = "xyz.openbmc_project.Software.RequestedRedundancyPriority";
inline constexpr std::string_view update = "xyz.openbmc_project.Software.Update";
inline constexpr std::string_view erase = "xyz.openbmc_project.Object.Delete";
inline constexpr std::string_view erase_all = "xyz.openbmc_project.Collection.DeleteAll";
inline constexpr std::string_view file_path = "xyz.openbmc_project.Common.FilePath";
inline constexpr std::string_view tftp = "xyz.openbmc_project.Common.TFTP";
inline constexpr std::string_view definitions = "xyz.openbmc_project.Association.Definitions";
inline constexpr std::string_view association = "xyz.openbmc_project.Association";
inline constexpr std::string_view compatible = "xyz.openbmc_project.Inventory.Decorator.Compatible";

} // namespace interfaces

inline constexpr std::string_view software_root = "/xyz/openbmc_project/software";
inline constexpr std::string_view apply_time_path = "/xyz/openbmc_project/software/apply_time";

/// Which service of OpenBMC an object belongs to. Under the current layout there is no image manager.
enum class Service : std::uint8_t
{
    image_manager,
    updater,
    download,
    settings,
};

/// The well-known name; empty: the layout has no such service.
[[nodiscard]] constexpr std::string_view bus_name(Service service, config::SoftwareLayout layout)
{
    const bool current = layout == config::SoftwareLayout::current;
    switch (service)
    {
    case Service::image_manager:
        return current ? "" : "xyz.openbmc_project.Software.Version";
    case Service::updater:
        return current ? "xyz.openbmc_project.Software.Manager" : "xyz.openbmc_project.Software.BMC.Updater";
    case Service::download:
        return "xyz.openbmc_project.Software.Download";
    case Service::settings:
        break;
    }
    return "xyz.openbmc_project.Settings";
}

/// An enumeration's text on D-Bus: prefix and word, the words in the enumerators' order.
template <class Enum> struct Words;

template <> struct Words<Activation>
{
    static constexpr std::string_view prefix = "xyz.openbmc_project.Software.Activation.Activations.";
    static constexpr std::array<std::string_view, 8> words{"NotReady", "Invalid", "Ready",  "Activating",
                                                           "Active",   "Failed",  "Staged", "Staging"};
};
template <> struct Words<RequestedActivation>
{
    static constexpr std::string_view prefix = "xyz.openbmc_project.Software.Activation.RequestedActivations.";
    static constexpr std::array<std::string_view, 2> words{"None", "Active"};
};
template <> struct Words<ApplyTime>
{
    static constexpr std::string_view prefix = "xyz.openbmc_project.Software.ApplyTime.RequestedApplyTimes.";
    static constexpr std::array<std::string_view, 3> words{"Immediate", "OnReset", "OnActivationRequest"};
};
template <> struct Words<package::Purpose>
{
    static constexpr std::string_view prefix = "xyz.openbmc_project.Software.Version.VersionPurpose.";
    static constexpr std::array<std::string_view, 6> words{"Unknown", "Other", "System", "BMC", "Host", "PSU"};
};

/// The enumerator's full text.
template <class Enum> [[nodiscard]] std::string to_dbus(Enum value)
{
    return std::string{Words<Enum>::prefix} + std::string{Words<Enum>::words.at(static_cast<std::size_t>(value))};
}

/// Nothing: none of the enumeration's texts.
template <class Enum> [[nodiscard]] constexpr std::optional<Enum> from_dbus(std::string_view text)
{
    if (!text.starts_with(Words<Enum>::prefix))
    {
        return std::nullopt;
    }
    text.remove_prefix(Words<Enum>::prefix.size());
    const auto& words = Words<Enum>::words;
    const auto* const found = std::ranges::find(words, text);
    return found == words.end() ? std::nullopt : std::optional{static_cast<Enum>(found - words.begin())};
}

} // namespace fwupdate::agent::software
