// How the versions of this machine's firmware are shown on D-Bus, and what may be activated from there.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::config
{

/// Which OpenBMC it looks like: names of the services, roots of the associations, what stays after a failure.
enum class SoftwareLayout : std::uint8_t
{
    era_2020, ///< October 2020 to about 2022: an image manager and an updater
    current,  ///< one service, StartUpdate, a root for each device
};

/// How the last part of a version's object path is made.
enum class IdRule : std::uint8_t
{
    readme,         ///< SHA-512 of "VERSION PURPOSE\n", the purpose in full, as phosphor's README has it
    readme_purpose, ///< the same with the purpose's last word alone
    version,        ///< SHA-512 of the version, as the code of 2020 has it
    salted,         ///< SHA-512 of the version and a random number: another one for each upload
    location,       ///< SHA-512 of the version and where it lies in the flash
    random,         ///< SHA-512 of a random number: the version need not be known
    named,          ///< a configured name, '_', a random number below 10000
};

/// xyz.openbmc_project.Software.ApplyTime.RequestedApplyTimes, in its order.
enum class ApplyTime : std::uint8_t
{
    immediate,
    on_reset,
    on_activation_request,
};

/// The least version of a BMC image (bmc-msl and regex-bmc-msl of phosphor-bmc-code-mgmt).
struct LeastBmcVersion
{
    std::string version;
    std::string pattern; ///< POSIX extended; its groups 2, 3 and 4 are major, minor and revision
};

struct Software
{
    SoftwareLayout layout{SoftwareLayout::current};
    IdRule upload_id{IdRule::version};
    IdRule installed_id{IdRule::version}; ///< version or location
    std::string id_name{"bmc"};           ///< of IdRule::named: letters, digits and '_'
    std::filesystem::path upload_directory{"/tmp/images"};
    std::string inventory;        ///< object path of the BMC's inventory item; empty: none
    bool own_associations{false}; ///< the association objects are published too: there is no mapper
    std::uint8_t most_active{1};  ///< versions of one device that are kept
    std::vector<ApplyTime> apply_times{ApplyTime::immediate, ApplyTime::on_reset}; ///< that StartUpdate takes
    std::vector<std::vector<std::string>> image_sets{
        {"image-bmc"},
        {"image-kernel", "image-rofs", "image-rwfs", "image-u-boot"}}; ///< one must be whole in a BMC's tarball
    std::optional<LeastBmcVersion> least_bmc_version;                  ///< none: any
    bool foreign_settings{false};                                      ///< phosphor-settingsd has the apply time
    bool reboot_guard{true};                                           ///< units keep restarts off while an update runs
};

} // namespace fwupdate::config
