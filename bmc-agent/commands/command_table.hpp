// The one table of commands: NetFn, command, least privilege, handler. Every channel dispatches through it.
#pragma once

#include "common/ipmi/message.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fwupdate::agent
{

enum class ChannelKind : std::uint8_t
{
    lan,              ///< RMCP+, sessions
    system_interface, ///< KCS, BT, SSIF: the host itself, no sessions
    bridged,          ///< over D-Bus: another server's sessions, IPMB, the BMC's own programs; one request at a time
};

/// What the host's driver speaks.
enum class HostInterface : std::uint8_t
{
    unknown, ///< the emulator's choice, or no host at all
    kcs,
    bt,
};

/// Who asks, over what.
struct Caller
{
    std::uint8_t channel{}; ///< channel number
    ChannelKind kind{};
    std::uint32_t session{};        ///< the BMC's session id; 0: outside of a session, or a channel without
    std::string user;               ///< empty on a system interface
    std::uint8_t user_id{};         ///< 1-based place in the configuration, bridged: the other server's; 0: none
    ipmi::Privilege privilege{};    ///< present level; a system interface has administrator
    std::uint16_t max_message{};    ///< request data bytes the channel carries without IP fragments
    std::uint16_t max_response{};   ///< response data bytes it carries
    HostInterface host_interface{}; ///< of a system interface
};

/// What a handler gives back: the response, or silence (only fragments of the extended profile on a LAN session).
struct Outcome
{
    ipmi::Response response;
    bool answer{true};
};

using Handler = std::function<Outcome(ConstBytes data, const Caller&, TimePoint now)>;

struct CommandRow
{
    ipmi::NetFn net_fn{};
    std::uint8_t command{};
    ipmi::Privilege least_privilege{};
    Handler handler;
    bool idempotent{false}; ///< never looked up in nor entered into the duplicate cache (Write Fragment)
};

class CommandTable
{
  public:
    void add(CommandRow row);

    /// The row; nullptr: not served (C1h).
    [[nodiscard]] const CommandRow* find(ipmi::NetFn net_fn, std::uint8_t command) const;

    /// Checks presence (C1h) and privilege (D4h), then runs the handler. NetFn must be a request's; LUN other than 0
    /// is answered C2h.
    [[nodiscard]] Outcome dispatch(const ipmi::Request& request, const Caller& caller, TimePoint now) const;

    [[nodiscard]] const std::vector<CommandRow>& rows() const
    {
        return rows_;
    }

  private:
    std::vector<CommandRow> rows_; ///< sorted by (NetFn, command)
};

/// An outcome that is a completion code alone.
[[nodiscard]] inline Outcome refuse(ipmi::CompletionCode code)
{
    return {{code, {}}, true};
}

/// A successful outcome.
[[nodiscard]] inline Outcome answer(Bytes data)
{
    return {{ipmi::CompletionCode::ok, std::move(data)}, true};
}

} // namespace fwupdate::agent
