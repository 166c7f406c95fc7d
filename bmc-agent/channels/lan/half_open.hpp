// Sessions on their way: from Open Session to RAKP 3, three seconds at most, few at a time.
#pragma once

#include "bmc-agent/channels/lan/endpoint.hpp"
#include "bmc-agent/channels/lan/user_directory.hpp"
#include "common/rmcpplus/handshake.hpp"
#include "common/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent::lan
{

/// What RAKP 1 added. Its sender has seen our Open Session Response: the address is no forgery.
struct Claim
{
    rmcpplus::Random16 console_random{};
    std::uint8_t role{};
    std::string user_name;
    UserDirectory::Entry user;
};

struct HalfOpen
{
    std::uint32_t id{}; ///< the BMC's session id
    std::uint32_t console_id{};
    Peer peer;
    TimePoint opened{};
    rmcpplus::CipherSuite suite;
    std::uint8_t asked_privilege{}; ///< as answered; never 0
    rmcpplus::Random16 bmc_random{};
    Bytes request; ///< the Open Session Request: a retry gets the same session id
    std::optional<Claim> claim;
};

class HalfOpenTable
{
  public:
    static constexpr Duration life = std::chrono::seconds{3};

    /// `capacity` in all; half of them, four at least, for one address group.
    explicit HalfOpenTable(std::size_t capacity);

    /// A place for a new one; nullptr: no room. In a full table the address group that holds most makes room: a flood
    /// pushes itself out, even by people who know a user's name. Whoever has not sent RAKP 1 yet goes before who has.
    /// `dice` is any random number.
    [[nodiscard]] HalfOpen* add(HalfOpen entry, std::uint32_t dice);

    [[nodiscard]] HalfOpen* find(std::uint32_t id);
    [[nodiscard]] HalfOpen* find_retry(const Peer& peer, ConstBytes request);
    void remove(std::uint32_t id);

    /// Forgets those whose time is up; gives how many of them had got as far as RAKP 1.
    std::size_t reap(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

    [[nodiscard]] std::size_t size() const
    {
        return entries_.size();
    }

  private:
    [[nodiscard]] std::size_t count(const AddressGroup& group) const;
    [[nodiscard]] bool make_room(const AddressGroup& group, std::uint32_t dice);
    [[nodiscard]] bool drop_one_of(const std::function<bool(const HalfOpen&)>& candidate, std::uint32_t dice,
                                   bool claims_too);

    std::size_t capacity_;
    std::size_t capacity_per_group_;
    std::vector<HalfOpen> entries_; ///< oldest first
};

} // namespace fwupdate::agent::lan
