// Which session sequence numbers have been seen: duplicates and replays are refused, losses never wedge the session.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace fwupdate::rmcpplus
{

/// For authenticated packets only. IPMI 2.0 section 6.12.13 asks for a window of +15/-16; sixteen losses in a row would
/// shut such a session for ever. Here any jump forward is taken (it carries a good code), and 2048 numbers back are
/// remembered, enough for a stream whose packets overtake each other.
class SequenceWindow
{
  public:
    static constexpr std::size_t size = 2048; ///< numbers remembered, the highest included

    /// Takes a number once; false: zero, seen before, or too old to tell.
    [[nodiscard]] bool accept(std::uint32_t sequence);

  private:
    std::bitset<size> seen_; ///< at number modulo size
    std::uint32_t highest_{};
    bool started_{false};
};

} // namespace fwupdate::rmcpplus
