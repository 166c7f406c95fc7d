#include "bmc-agent/channels/lan/channel_data.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::agent::lan
{
namespace
{

constexpr std::uint8_t tag_integrity = 0x40;       // of an algorithm in a cipher suite record
constexpr std::uint8_t tag_confidentiality = 0x80; // the same
constexpr std::uint8_t record_standard = 0xC0;     // starts the record of a standard suite
constexpr std::size_t most_sessions = 63;          // fits the fields of 6 bits

std::uint8_t six_bits(std::size_t count)
{
    return static_cast<std::uint8_t>(std::min(count, most_sessions));
}

} // namespace

Bytes authentication_capabilities_data(const config::Lan& lan, bool wants_2_0)
{
    constexpr std::uint8_t extended_data = 0x80; // with no IPMI 1.5 authentication type beside it
    constexpr std::uint8_t bmc_key_set = 0x20;   // K_G is not zero: clients must know it
    constexpr std::uint8_t named_users = 0x04;   // non-null user names only: no null user, no anonymous log-in
    constexpr std::uint8_t supports_2_0 = 0x02;  // and not 1.5
    const auto status = static_cast<std::uint8_t>(named_users | (lan.k_g && wants_2_0 ? bmc_key_set : 0U));
    return {lan.channel,
            wants_2_0 ? extended_data : std::uint8_t{0},
            status,
            wants_2_0 ? supports_2_0 : std::uint8_t{0},
            0, // OEM id, three bytes, and OEM data: none
            0,
            0,
            0};
}

Bytes cipher_suite_records(const config::Lan& lan, bool by_suite)
{
    std::vector<std::uint8_t> ids = lan.cipher_suites;
    std::ranges::sort(ids);
    Bytes records;
    Bytes algorithms;
    for (const std::uint8_t id : ids)
    {
        const auto suite = rmcpplus::find_cipher_suite(id);
        if (!suite)
        {
            continue;
        }
        const auto& parts = suite->algorithms;
        const Bytes tagged{
            static_cast<std::uint8_t>(parts.authentication),
            static_cast<std::uint8_t>(tag_integrity | static_cast<unsigned>(parts.integrity)),
            static_cast<std::uint8_t>(tag_confidentiality | static_cast<unsigned>(parts.confidentiality))};
        records.insert(records.end(), {record_standard, id});
        records.insert(records.end(), tagged.begin(), tagged.end());
        algorithms.insert(algorithms.end(), tagged.begin(), tagged.end());
    }
    std::ranges::sort(algorithms); // the tags keep the kinds together
    algorithms.erase(std::unique(algorithms.begin(), algorithms.end()), algorithms.end());
    return by_suite ? records : algorithms;
}

Bytes session_info_data(const SessionTable& sessions, const Session* session)
{
    constexpr std::uint8_t protocol_2_0 = 0x10; // bits 7:4 beside the channel number
    Bytes data;
    data.reserve(18);
    data.push_back(session != nullptr ? session->handle : std::uint8_t{0});
    data.push_back(six_bits(sessions.capacity()));
    data.push_back(six_bits(sessions.active()));
    if (session == nullptr)
    {
        return data;
    }
    data.push_back(session->caller.user_id);
    data.push_back(static_cast<std::uint8_t>(session->caller.privilege));
    data.push_back(static_cast<std::uint8_t>(protocol_2_0 | session->caller.channel));
    // The field holds an IPv4 address; an IPv6 one does not fit and is left zero. The MAC address is not known here.
    const Peer& peer = session->peer;
    std::array<std::uint8_t, 10> addresses{};
    if (!peer.ipv6)
    {
        std::copy_n(peer.address.begin(), 4, addresses.begin());
    }
    data.insert(data.end(), addresses.begin(), addresses.end());
    data.push_back(static_cast<std::uint8_t>(peer.port));
    data.push_back(static_cast<std::uint8_t>(peer.port >> 8));
    return data;
}

Bytes channel_access_data()
{
    constexpr std::uint8_t alerting_off = 0x20;
    constexpr std::uint8_t always_available = 0x02;
    return {alerting_off | always_available, static_cast<std::uint8_t>(ipmi::Privilege::administrator)};
}

Bytes lan_channel_info_data(std::uint8_t channel, std::size_t active_sessions)
{
    constexpr std::uint8_t medium_lan = 0x04;    // 802.3 LAN
    constexpr std::uint8_t protocol_ipmb = 0x01; // IPMB-1.0: what LAN messages are made like
    constexpr unsigned multi_session = 0x80;
    return {channel, medium_lan, protocol_ipmb, static_cast<std::uint8_t>(multi_session | six_bits(active_sessions)),
            0xF2, // vendor: the IPMI forum, 7154
            0x1B,    0x00,
            0x00, // auxiliary information: none
            0x00};
}

Bytes system_interface_info_data(std::uint8_t channel, HostInterface host_interface)
{
    constexpr std::uint8_t medium_system_interface = 0x0C;
    constexpr std::uint8_t protocol_kcs = 0x05;
    constexpr std::uint8_t protocol_bt = 0x08;  // BT-15: as of IPMI 1.5
    constexpr std::uint8_t no_interrupt = 0xFF; // for messages, for events
    return {channel,
            medium_system_interface,
            host_interface == HostInterface::bt ? protocol_bt : protocol_kcs,
            0x00,
            0xF2,
            0x1B,
            0x00,
            no_interrupt,
            no_interrupt};
}

Bytes user_access_data(std::uint8_t users, const config::User& user)
{
    constexpr std::uint8_t enabled = 0x40;   // by its password
    constexpr std::uint8_t messaging = 0x10; // IPMI messages in sessions
    const std::uint8_t count = six_bits(users);
    return {count, static_cast<std::uint8_t>(enabled | count), count, // all names are fixed
            static_cast<std::uint8_t>(messaging | static_cast<unsigned>(user.limit))};
}

} // namespace fwupdate::agent::lan
