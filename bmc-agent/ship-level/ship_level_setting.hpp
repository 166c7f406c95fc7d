// The setting MinimumShipLevelRequired: whether the user wants the minimum ship level enforced.
#pragma once

#include "bmc-agent/log/log.hpp"
#include "common/result.hpp"

#include <filesystem>
#include <string_view>

namespace fwupdate::agent::ship_level
{

inline constexpr std::string_view setting_path = "/xyz/openbmc_project/control/minimum_ship_level_required";
inline constexpr std::string_view setting_interface = "xyz.openbmc_project.Control.MinimumShipLevel";
inline constexpr std::string_view setting_property = "MinimumShipLevelRequired";
inline constexpr std::string_view decorator_interface = "xyz.openbmc_project.Inventory.Decorator.MeetsMinimumShipLevel";
inline constexpr std::string_view decorator_property = "MeetsMinimumShipLevel";

/// Reads it without changing anything: for programs beside the agent. True, the default, is what holds when there is no
/// file, or none that can be understood; that is told to the log.
[[nodiscard]] bool read_required(const std::filesystem::path& root, Log& log);

class ShipLevelSetting
{
  public:
    /// Reads the file below settingsd's root. One that is damaged is told, removed, and the default holds; one of the
    /// older version is written anew. The default alone is not written.
    ShipLevelSetting(const std::filesystem::path& root, Log& log);

    [[nodiscard]] bool required() const
    {
        return required_;
    }

    /// True: it is another value, is written, and is to be signalled; false: it was so already. Errors: input_output,
    /// no_space; the value is then as before.
    [[nodiscard]] Result<bool> set(bool required);

  private:
    [[nodiscard]] Result<void> write(bool required) const;

    std::filesystem::path file_;
    Log* log_;
    bool required_{true};
};

} // namespace fwupdate::agent::ship_level
