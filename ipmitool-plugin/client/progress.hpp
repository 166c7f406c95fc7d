// How far it is: measured and put into words. No stream, no clock.
#pragma once

#include "common/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::client
{

enum class Phase : std::uint8_t
{
    transfer,
    fetch, ///< the BMC reads it from where it is
    verify,
    program,
    restart,
};

[[nodiscard]] std::string_view name_of(Phase phase);

struct Progress
{
    Phase phase{};
    std::uint8_t percent{};
    std::uint64_t done{};  ///< bytes; 0 with total 0: unknown
    std::uint64_t total{}; ///< bytes; 0: unknown
    double rate{};         ///< bytes per second of late; 0: unknown
    std::optional<std::chrono::seconds> remaining;
};

/// Turns counters into progress: rate over the last seconds, and the time that remains.
class ProgressMeter
{
  public:
    /// `done` of `total` bytes in this phase. A smaller `done` (a restart, a resume) starts the rate again.
    Progress update(Phase phase, std::uint64_t done, std::uint64_t total, TimePoint now);

    /// The same where only a percentage is known.
    Progress update_percent(Phase phase, std::uint8_t percent, TimePoint now);

    /// Whether any byte was ever done.
    [[nodiscard]] bool moved() const
    {
        return moved_;
    }

  private:
    void measure(Phase phase, std::uint64_t done, TimePoint now);

    std::optional<Phase> phase_;
    std::uint64_t mark_{};
    std::uint64_t last_{};
    TimePoint marked_{};
    double rate_{};
    bool moved_{false};
};

/// "transfer   42 %  13.4 of 32.0 MiB  11.2 MB/s  0:02 left"
[[nodiscard]] std::string to_text(const Progress& progress);

/// "1.5 MiB"
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// "1:02:03", "2:03"
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);

/// "5 min"
[[nodiscard]] std::string minutes_text(std::chrono::seconds duration);

/// Decides which progress becomes a plain line: at every 10 %, every 5 s, and when the phase changes.
class PlainPacer
{
  public:
    [[nodiscard]] bool due(const Progress& progress, TimePoint now);

  private:
    std::optional<Phase> phase_;
    unsigned tenth_{};
    TimePoint last_{};
};

} // namespace fwupdate::client
