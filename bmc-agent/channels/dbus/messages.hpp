// The messages of IPMI over D-Bus, without D-Bus.
#pragma once

#include "common/bytes.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace fwupdate::agent::dbus_ipmi
{

/// An option's value; std::monostate stands for every other type, which is as good as none: types matter.
using OptionValue = std::variant<std::monostate, std::int32_t, std::uint32_t>;
using Options = std::map<std::string, OptionValue, std::less<>>;

/// execute(yyyaya{sv}) of xyz.openbmc_project.Ipmi.Server.
struct ExecuteRequest
{
    std::uint8_t net_fn{}; ///< 0..3Fh
    std::uint8_t lun{};
    std::uint8_t command{};
    Bytes data;
    Options options{};
};

/// Its answer, (yyyyay).
struct ExecuteReply
{
    std::uint8_t net_fn{}; ///< the request's, odd
    std::uint8_t lun{};
    std::uint8_t command{};
    std::uint8_t completion_code{};
    Bytes data; ///< without the completion code

    bool operator==(const ExecuteReply&) const = default;
};

/// The signal ReceivedMessage(yyyyay) of org.openbmc.HostIpmi.
struct ReceivedMessage
{
    std::uint8_t sequence{};
    std::uint8_t net_fn{};
    std::uint8_t lun{};
    std::uint8_t command{};
    Bytes data;
};

/// Its method sendMessage(yyyyyay).
struct SendMessage
{
    std::uint8_t sequence{};
    ExecuteReply reply;
};

} // namespace fwupdate::agent::dbus_ipmi
