// Which action does what the configuration wants.
#pragma once

#include "bmc-agent/actions/action.hpp"
#include "bmc-agent/config/actions.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>

namespace fwupdate::agent::dbus
{
class Bus;
}

namespace fwupdate::agent
{

/// What actions work with; outlives them.
struct ActionParts
{
    boost::asio::io_context* context{};
    dbus::Bus* bus{};                                        ///< nullptr: no D-Bus; what needs it fails
    std::chrono::seconds patience{std::chrono::minutes{30}}; ///< config::Actions::patience
};

/// Makes the action of a type; the configuration has been checked.
[[nodiscard]] std::unique_ptr<Action> make_action(const config::Action& action, const ActionParts& parts);

} // namespace fwupdate::agent
