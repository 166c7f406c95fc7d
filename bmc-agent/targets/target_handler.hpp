// How a verified image gets into its place: one handler per kind of target. The work is done in slices, so that the
// agent goes on answering.
#pragma once

#include "bmc-agent/actions/action.hpp"
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/process/command_runner.hpp"
#include "bmc-agent/staging/in_place.hpp"
#include "bmc-agent/targets/installed_content.hpp"
#include "bmc-agent/targets/slot_keeper.hpp"
#include "bmc-agent/targets/verified_image.hpp"
#include "common/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// What is installed.
struct Installed
{
    std::uint64_t size{}; ///< bytes
    Sha256 sha256{};

    bool operator==(const Installed&) const = default;
};

/// Follows the name of a target for which holds_neither() is true.
inline constexpr const char* holds_neither_now =
    " now holds neither the old nor the new image: program it again before it restarts";

class TargetHandler
{
  public:
    virtual ~TargetHandler() = default;

    /// Prepares to write an image, whose bytes can be read until it is written or cancelled. Nothing bootable changes
    /// yet.
    [[nodiscard]] virtual Result<void> begin(VerifiedImage image) = 0;

    /// Does one slice (at most a few hundred KiB, or one erase block). True: written, read back, in place. An error
    /// leaves what was installed before, or holds_neither(). Errors: integrity (not the verified bytes), no_space,
    /// input_output.
    [[nodiscard]] virtual Result<bool> step() = 0;

    /// Stops; what was installed before stays, or holds_neither().
    virtual void cancel() noexcept = 0;

    /// Bytes written and read back so far, and how many there will be.
    [[nodiscard]] virtual std::uint64_t done() const = 0;
    [[nodiscard]] virtual std::uint64_t total() const = 0;

    /// Whether step() has something to do now. If not, the handler waits, and calls its wake when that is over.
    [[nodiscard]] virtual bool wants_step() const
    {
        return true;
    }

    /// What is installed, for its digest. A device is longer than what is installed on it: `size` is how many bytes
    /// that is, none: not known. None: nothing can be read, or nothing tells how much of it.
    [[nodiscard]] virtual std::optional<InstalledContent> installed(std::optional<std::uint64_t> size) const = 0;

    /// Whether an error, a stopped agent or a power cut in the middle of writing leaves what was installed before. If
    /// not, people are told that the target holds neither.
    [[nodiscard]] virtual bool replaces_at_once() const
    {
        return true;
    }

    /// Whether the last image was written in part: neither it nor what was installed before is whole.
    [[nodiscard]] virtual bool holds_neither() const
    {
        return false;
    }

    /// What is worth telling of how the last image was written; empty: nothing.
    [[nodiscard]] virtual std::string remark() const
    {
        return {};
    }

    /// Whether its work is done before programming: the image is put where the configured actions find it, one of which
    /// verifies it, another one programs.
    [[nodiscard]] virtual bool hands_over() const
    {
        return false;
    }

    /// Takes away what was handed over, as it will not be programmed.
    virtual void withdraw() noexcept {}

    /// Where the next image may gather while it comes, so that it needs no staging; asked for at the beginning of a
    /// transfer. What lies there can't boot from then on until an update has ended well. None: nowhere, stage it.
    [[nodiscard]] virtual std::optional<InPlace> open_own_place()
    {
        return std::nullopt;
    }

    /// Whether open_own_place may give one.
    [[nodiscard]] virtual bool has_own_place() const
    {
        return false;
    }

    /// As begin(), of an image that has gathered in its own place and was verified there: step() reads it from the
    /// medium, compares, and puts it in force.
    [[nodiscard]] virtual Result<void> begin_in_place(VerifiedImage /*image*/)
    {
        return fail(ErrorKind::unsupported, "this target takes images from staging only");
    }

    /// Its two slots; nullptr: there is one place only.
    [[nodiscard]] virtual SlotKeeper* slots()
    {
        return nullptr;
    }
};

/// What handlers work with; outlives them.
struct HandlerParts
{
    CommandRunner* runner{};    ///< nullptr: none of the targets needs one
    std::function<void()> wake; ///< a handler that waited can go on, or its slots are others

    /// Makes an action; the second is how long it may be without progress. Empty: all but skips fail.
    std::function<std::unique_ptr<Action>(const config::Action&, std::chrono::seconds)> make_action;
};

/// Makes the handler that config::Target::type names; the configuration has been checked. nullptr: unknown type.
[[nodiscard]] std::unique_ptr<TargetHandler> make_handler(const config::Target& target, const HandlerParts& parts);

/// Whether a handler of this name exists (for the configuration's check).
[[nodiscard]] bool is_handler_type(std::string_view type);

} // namespace fwupdate::agent
