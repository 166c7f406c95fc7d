// The responses a session has given lately: a request that is sent again because its response was lost gets the same
// response and is not executed twice.
#pragma once

#include "common/bytes.hpp"
#include "common/ipmi/message.hpp"
#include "common/rmcpplus/lan_message.hpp"
#include "common/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace fwupdate::agent::lan
{

/// What makes two requests of one session the same. The 6-bit requester sequence wraps every 64 requests: without the
/// digest a new request would be swallowed.
struct RequestKey
{
    std::uint8_t requester_address{};
    std::uint8_t requester_lun{};
    ipmi::NetFn net_fn{};
    std::uint8_t command{};
    std::uint8_t requester_sequence{};
    Sha256 digest{}; ///< of the request's data

    bool operator==(const RequestKey&) const = default;
};

[[nodiscard]] RequestKey key_of(const rmcpplus::LanRequest& request);

/// Keeps 32 responses of at most 900 bytes for 15 s (ipmitool's retries come after 1, 3 and 6 s), and the last answer
/// to FW Image Write Data (NetFn 08h, 2Ch) until a different request comes: it must never be appended twice.
class DuplicateCache
{
  public:
    static constexpr Duration life = std::chrono::seconds{15};
    static constexpr std::size_t capacity = 32;
    /// A poll that repeats the same request comes round to its sequence number after 64 requests: older answers than
    /// this many requests are stale, not lost.
    static constexpr std::uint64_t reach = 48;

    /// The response that this very request got; nullptr: it is new.
    [[nodiscard]] const ipmi::Response* find(const RequestKey& key, TimePoint now) const;

    /// A new request was answered.
    void remember(const RequestKey& key, const ipmi::Response& response, TimePoint now);

    /// A request that is never kept (idempotent, or unknown) was served.
    void pass();

    /// Forgets everything: the session is closed.
    void clear();

  private:
    struct Entry
    {
        RequestKey key;
        ipmi::Response response;
        TimePoint at{};
        std::uint64_t number{};
    };

    std::deque<Entry> entries_; ///< oldest first
    std::optional<Entry> last_write_;
    std::uint64_t requests_{};
};

} // namespace fwupdate::agent::lan
