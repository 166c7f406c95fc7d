// The one table of actions. Adding one: a file, a type in config::Action, and a row here.
#include "bmc-agent/actions/action_table.hpp"

#include "bmc-agent/actions/command_action.hpp"
#include "bmc-agent/actions/file_systemd_action.hpp"
#include "bmc-agent/actions/skip_action.hpp"
#include "bmc-agent/actions/systemd_action.hpp"

#include <tuple>
#include <type_traits>

namespace fwupdate::agent
{
namespace
{

using config::flash::FileSystemd;
using config::flash::Reboot;
using config::flash::Skip;
using config::flash::Systemd;

/// One type of the configuration, and its maker.
template <class Type> using Row = std::unique_ptr<Action> (*)(const Type&, const ActionParts&);

std::unique_ptr<Action> make_skip(const Skip& /*action*/, const ActionParts& /*parts*/)
{
    return std::make_unique<SkipAction>();
}
std::unique_ptr<Action> make_systemd(const Systemd& action, const ActionParts& parts)
{
    return std::make_unique<SystemdAction>(action, parts);
}
std::unique_ptr<Action> make_file_systemd(const FileSystemd& action, const ActionParts& parts)
{
    return std::make_unique<FileSystemdAction>(action, parts);
}
std::unique_ptr<Action> make_reboot(const Reboot& /*action*/, const ActionParts& parts)
{
    return std::make_unique<SystemdAction>(Systemd{std::string{Reboot::unit}, std::string{Reboot::mode}}, parts);
}
std::unique_ptr<Action> make_command(const config::Command& action, const ActionParts& parts)
{
    return std::make_unique<CommandAction>(action, parts);
}

constexpr std::tuple actions{
    Row<Skip>{make_skip},     Row<Systemd>{make_systemd},         Row<FileSystemd>{make_file_systemd},
    Row<Reboot>{make_reboot}, Row<config::Command>{make_command},
};

} // namespace

std::unique_ptr<Action> make_action(const config::Action& action, const ActionParts& parts)
{
    return std::visit([&](const auto& type)
                      { return std::get<Row<std::remove_cvref_t<decltype(type)>>>(actions)(type, parts); },
                      action);
}

} // namespace fwupdate::agent
