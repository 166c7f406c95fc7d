// One open RMCP+ session.
#pragma once

#include "bmc-agent/channels/lan/duplicate_cache.hpp"
#include "bmc-agent/channels/lan/endpoint.hpp"
#include "bmc-agent/commands/command_table.hpp"
#include "common/rmcpplus/sequence_window.hpp"
#include "common/rmcpplus/session_cipher.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <optional>

namespace fwupdate::agent::lan
{

/// The RAKP 3 that opened a session and the value that answered it, kept until the session is used: the RAKP 4 may get
/// lost.
struct Opening
{
    Sha256 rakp3{}; ///< digest of RAKP 3 behind its message tag
    Bytes rakp4_value;
};

struct Session
{
    std::uint32_t id{};         ///< the BMC's
    std::uint32_t console_id{}; ///< the remote console's; what we send carries it
    std::uint8_t handle{};      ///< 1-based, the smallest free one (Get Session Info)
    Peer peer;                  ///< where its last authentic packet came from
    ipmi::Privilege limit{};    ///< the highest level Set Session Privilege Level can reach
    Caller caller;              ///< as the handlers see it, present privilege included
    rmcpplus::SessionCipher cipher;
    rmcpplus::SequenceWindow inbound;
    std::uint32_t newest_request{}; ///< session sequence number of the newest executed that is not idempotent; 0: none
    std::uint32_t outbound{};       ///< of the last packet sent
    DuplicateCache duplicates;
    std::optional<Opening> opening;
    TimePoint last_activity{};
    std::optional<TimePoint> closed; ///< nothing is served any more but a repeated Close Session

    /// Whether a request was sent before one that was executed already: a client goes on only when it has its answer,
    /// so this is a repetition that the network held back longer than the duplicates are remembered.
    [[nodiscard]] bool is_overtaken(std::uint32_t sequence) const
    {
        return newest_request != 0 && static_cast<std::int32_t>(sequence - newest_request) < 0;
    }

    /// The number of the next packet to send; never 0.
    std::uint32_t next_outbound()
    {
        outbound = outbound == ~std::uint32_t{0} ? 1 : outbound + 1;
        return outbound;
    }
};

} // namespace fwupdate::agent::lan
