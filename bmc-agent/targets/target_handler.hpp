// How a verified image gets into its place: one handler per kind of target. The work is done in slices, so that the
// agent goes on answering.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "bmc-agent/targets/verified_image.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <memory>

namespace fwupdate::agent
{

/// What is installed.
struct Installed
{
    std::uint64_t size{}; ///< bytes
    Sha256 sha256{};

    bool operator==(const Installed&) const = default;
};

class TargetHandler
{
  public:
    virtual ~TargetHandler() = default;

    /// Prepares to write an image, whose bytes can be read until it is written or cancelled. Nothing bootable changes
    /// yet.
    [[nodiscard]] virtual Result<void> begin(VerifiedImage image) = 0;

    /// Does one slice (at most a few hundred KiB). True: written, read back, in place. An error leaves what was
    /// installed before. Errors: integrity (not the verified bytes), no_space, input_output.
    [[nodiscard]] virtual Result<bool> step() = 0;

    /// Stops; what was installed before stays.
    virtual void cancel() noexcept = 0;

    /// Bytes written and read back so far, and how many there will be.
    [[nodiscard]] virtual std::uint64_t done() const = 0;
    [[nodiscard]] virtual std::uint64_t total() const = 0;

    /// Where what is installed can be read; for its digest.
    [[nodiscard]] virtual const std::filesystem::path& installed_path() const = 0;
};

/// Makes the handler that config::Target::type names; the configuration has been checked. nullptr: unknown type.
[[nodiscard]] std::unique_ptr<TargetHandler> make_handler(const config::Target& target);

/// Whether a handler of this name exists (for the configuration's check).
[[nodiscard]] bool is_handler_type(std::string_view type);

} // namespace fwupdate::agent
