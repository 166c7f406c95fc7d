#include "bmc-agent/software/interface_table.hpp"

#include "bmc-agent/software/names.hpp"

namespace fwupdate::agent::software
{

using dbus::InterfaceInfo;

/// What can be written here is what a client has a word in; phosphor's daemons let everything be written.
std::vector<InterfaceInfo> interface_table()
{
    return {
        {interfaces::version, {{"Version", "s"}, {"Purpose", "s"}}, {}},
        {interfaces::activation, {{"Activation", "s"}, {"RequestedActivation", "s", true}}, {}},
        {interfaces::progress, {{"Progress", "y"}}, {}},
        {interfaces::blocks_transition, {}, {}},
        {interfaces::apply_time, {{"RequestedApplyTime", "s", true}}, {}},
        {interfaces::extended_version, {{"ExtendedVersion", "s"}}, {}},
        {interfaces::minimum_version, {{"MinimumVersion", "s"}}, {}},
        {interfaces::priority, {{"Priority", "y", true}}, {}},
        {interfaces::requested_priority, {{"Priority", "y", true}}, {}},
        {interfaces::update,
         {{"AllowedApplyTimes", "as", false, true}},
         {{"StartUpdate", "hs", {"Image", "ApplyTime"}, "o", {"ObjectPath"}}}},
        {interfaces::erase, {}, {{"Delete", "", {}, "", {}}}},
        {interfaces::erase_all, {}, {{"DeleteAll", "", {}, "", {}}}},
        {interfaces::file_path, {{"Path", "s"}}, {}},
        {interfaces::tftp, {}, {{"DownloadViaTFTP", "ss", {"FileName", "ServerAddress"}, "", {}}}},
        {interfaces::definitions, {{"Associations", "a(sss)"}}, {}},
        {interfaces::association, {{"endpoints", "as"}}, {}},
        {interfaces::compatible, {{"Names", "as"}}, {}},
    };
}

} // namespace fwupdate::agent::software
