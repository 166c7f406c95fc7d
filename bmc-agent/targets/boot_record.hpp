// What the agent tells a boot loader, or the script of an initramfs, and what that tells the agent: one line of text
// that a shell can read and check. bmc-agent/targets/SLOTS.md defines it for those who write the other side.
#pragma once

#include "common/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fwupdate::agent
{

struct BootRecord
{
    static constexpr std::size_t longest = 512; ///< bytes of the line with its end; a copy takes as many

    std::uint64_t sequence{}; ///< one more with every change
    std::string chosen;       ///< the slot that boots next
    std::string good;         ///< the slot that has proved itself; another one than `chosen`: that one is on trial
    std::uint32_t tries{};    ///< starts of the chosen slot that are left to it

    bool operator==(const BootRecord&) const = default;

    /// "seq=7 chosen=b good=a tries=3 sum=0123456789abcdef" and a line feed.
    [[nodiscard]] std::string line() const;

    /// Reads the first line of `text`; words it does not know are left to others. Errors: integrity (no record, a wrong
    /// sum).
    [[nodiscard]] static Result<BootRecord> parse(std::string_view text);
};

} // namespace fwupdate::agent
