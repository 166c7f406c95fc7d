// What the configuration wants done around an update: prepare, verify, update. One class per type of action; it runs
// beside the agent's loop and tells when something has changed.
#pragma once

#include "common/result.hpp"
#include "common/time.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// What an action is told about the update. A preparation knows no image yet: path and digest are empty.
struct ActionSubject
{
    std::string target;
    std::filesystem::path image;  ///< where it can be read; empty: nowhere
    std::uint64_t size{};         ///< bytes of the image; 0: not known
    std::optional<Sha256> sha256; ///< of what lies at `image`
    std::string version;          ///< of the image; empty: it has none
    std::uint16_t parameters{};   ///< protocol::parameter_*
};

enum class ActionState : std::uint8_t
{
    idle, ///< not started, or aborted
    running,
    succeeded,
    failed,
};

/// How far an action is.
struct ActionReport
{
    ActionState state{};
    std::optional<std::uint8_t> percent; ///< none: it does not tell
    std::string text;                    ///< failed: what, on what, what to do
};

class Action
{
  public:
    /// Called from the loop, never from within a call of the action.
    using Changed = std::function<void(TimePoint now)>;

    virtual ~Action() = default;

    /// Starts, anew if it ran before; what runs is aborted first. Afterwards it is running, or has ended at once: then
    /// `changed` is not called for it. What cannot start has failed. Every later change of report() is told.
    virtual void start(const ActionSubject& subject, Changed changed, TimePoint now) = 0;

    [[nodiscard]] virtual const ActionReport& report() const = 0;

    /// Stops what runs, as far as it can be stopped; idle afterwards, nothing is told any more.
    virtual void abort() noexcept = 0;
};

} // namespace fwupdate::agent
