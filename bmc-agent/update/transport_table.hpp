// The table of transports that are more than messages: who fetches which scheme, and the virtual drive.
#pragma once

#include "protocol-spec/messages.hpp"
#include "transports/fetcher.hpp"
#include "transports/usb-mass-storage/engine/virtual_drive.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent
{

struct FetcherRow
{
    std::string_view scheme; ///< "usb"
    std::uint16_t bit{};     ///< in Get Capabilities: protocol::scheme_usb
    transports::Fetcher* fetcher{};
};

/// Exists before the update session and outlives it.
struct TransportTable
{
    usb::VirtualDrive* drive{nullptr}; ///< none: this BMC has no USB drive
    std::vector<FetcherRow> fetchers;

    /// The row of the URI's scheme, whatever its case; nullptr: nobody fetches it.
    [[nodiscard]] const FetcherRow* find(std::string_view uri) const;

    /// Whether anything but the drive is fetched.
    [[nodiscard]] bool fetches_uris() const
    {
        return (schemes() & ~protocol::scheme_usb) != 0;
    }

    /// All schemes' bits.
    [[nodiscard]] std::uint16_t schemes() const;

    /// For a sentence: "it fetches usb", "it fetches nothing".
    [[nodiscard]] std::string describe() const;
};

} // namespace fwupdate::agent
