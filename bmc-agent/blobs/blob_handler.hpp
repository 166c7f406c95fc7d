// What serves blobs: named things that are opened, written, committed. One handler serves one family of names.
#pragma once

#include "bmc-agent/blobs/messages.hpp"
#include "bmc-agent/commands/command_table.hpp"
#include "common/time.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::blobs
{

using SessionId = std::uint16_t;

/// What is to be opened, as what.
struct OpenOrder
{
    SessionId session{};   ///< not in use by anybody
    std::uint16_t flags{}; ///< open_read, open_write or both; own_flags
    std::string_view id;   ///< one that the handler serves
};

/// The manager asks for nothing but ids that the handler serves and sessions that it knows, and hands on no read or
/// write that the session was not opened for. Every error is a refusal (FFh); its sentence goes into the log.
class BlobHandler
{
  public:
    virtual ~BlobHandler() = default;

    /// Before every request: the handler lets go of what has ended without it.
    virtual void refresh() {}

    /// The ids in the order of their enumeration.
    [[nodiscard]] virtual std::vector<std::string> ids() const = 0;

    [[nodiscard]] bool serves(std::string_view id) const
    {
        const auto served = ids();
        return std::ranges::find(served, id) != served.end();
    }

    /// Whether the session is open. One that the handler has closed by itself is forgotten by the manager too.
    [[nodiscard]] virtual bool knows(SessionId session) const = 0;

    [[nodiscard]] virtual Result<void> open(const OpenOrder& order, const Caller& caller, TimePoint now) = 0;
    [[nodiscard]] virtual Result<void> write(SessionId session, std::uint32_t offset, ConstBytes data,
                                             const Caller& caller, TimePoint now) = 0;
    [[nodiscard]] virtual Result<void> write_meta(SessionId session, std::uint32_t offset, ConstBytes data) = 0;
    [[nodiscard]] virtual Result<void> commit(SessionId session, ConstBytes data, const Caller& caller,
                                              TimePoint now) = 0;
    [[nodiscard]] virtual Result<void> close(SessionId session, const Caller& caller, TimePoint now) = 0;

    /// At most `size` bytes from `offset` on; no bytes where there are none.
    [[nodiscard]] virtual Result<Bytes> read(SessionId session, std::uint32_t offset, std::uint32_t size) = 0;

    /// Delete; no session has this id open.
    [[nodiscard]] virtual Result<void> remove(std::string_view id, const Caller& caller, TimePoint now) = 0;

    [[nodiscard]] virtual Result<StatResponse> stat(std::string_view id) const = 0;

    /// Not const: whoever asks for the end of something is the one who learns of it.
    [[nodiscard]] virtual Result<StatResponse> stat(SessionId session) = 0;

    /// Nobody has used the session for long: it ends.
    virtual void expire(SessionId session, TimePoint now) = 0;
};

} // namespace fwupdate::agent::blobs
