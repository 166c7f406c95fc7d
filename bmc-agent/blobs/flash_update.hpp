// What the flash blobs do to the world. The agent's update session stands behind it (README, "Onto the update
// session"); tests play it.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <string_view>

namespace fwupdate::agent::blobs
{

/// Of verification or programming, as it travels.
enum class FlashStatus : std::uint8_t
{
    running = 0,
    success = 1,
    failed = 2,
    unknown = 3, ///< not asked for yet
};

/// One update at a time. The first begin_image or begin_signature takes the update for its caller, or is refused and
/// takes nothing; it is held until abort, detach or finish, or until somebody takes it away.
class FlashUpdate
{
  public:
    virtual ~FlashUpdate() = default;

    /// Whether the update that the blobs have begun is still theirs: not taken over, aborted or expired.
    [[nodiscard]] virtual bool is_held() const = 0;

    /// Whether the caller may change the update: it holds it, or nobody does, by whatever protocol.
    [[nodiscard]] virtual bool admits(const Caller& caller, TimePoint now) const = 0;

    /// Begins the image for the blob; what was written of one before is gone. Errors: wrong_state (somebody else
    /// holds the update), not_found (nothing is updated through this blob), no_space, input_output.
    [[nodiscard]] virtual Result<void> begin_image(std::string_view id, const Caller& caller, TimePoint now) = 0;

    /// The next bytes of the image. Errors: wrong_state, no_space, input_output.
    [[nodiscard]] virtual Result<void> append(ConstBytes bytes, const Caller& caller, TimePoint now) = 0;

    /// A signature is about to come; an earlier one does not count any more. Errors: wrong_state.
    [[nodiscard]] virtual Result<void> begin_signature(const Caller& caller, TimePoint now) = 0;

    /// The whole signature, at least one byte. Errors: wrong_state, no_space (too long).
    [[nodiscard]] virtual Result<void> set_signature(ConstBytes signature, const Caller& caller, TimePoint now) = 0;

    /// Verifies what was appended, and goes no further. Errors: wrong_state, length (there is no image).
    [[nodiscard]] virtual Result<void> start_verification(const Caller& caller, TimePoint now) = 0;

    /// Programs what was verified. Errors: wrong_state.
    [[nodiscard]] virtual Result<void> start_update(const Caller& caller, TimePoint now) = 0;

    /// Of what was started last.
    [[nodiscard]] virtual FlashStatus status() const = 0;

    /// Gives everything up. Never called between start_update and its end.
    virtual void abort(TimePoint now) = 0;

    /// Nobody will ask any more: what is being programmed goes on to its end, and then ends as with finish.
    virtual void detach(TimePoint now) = 0;

    /// The update has ended, well or not; what was programmed may begin to run.
    virtual void finish(TimePoint now) = 0;

    /// Removes what former updates have left; nothing that an update under way needs.
    virtual void clean_up(TimePoint now) = 0;
};

} // namespace fwupdate::agent::blobs
