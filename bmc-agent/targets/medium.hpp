// Where an image goes that can't be replaced at once: a device, written in place, in chunks. The order in which chunks
// are written is MediumTarget's; what a chunk needs is the medium's.
#pragma once

#include "bmc-agent/targets/installed_content.hpp"
#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// What became of a chunk.
enum class Placed : std::uint8_t
{
    written, ///< or it was there already
    again,   ///< its place is worn out, it has another one now: once more
    moved,   ///< the same, and all chunks have other places now: once more from the first
};

class Medium
{
  public:
    virtual ~Medium() = default;

    /// Takes the medium for writing an image of `size` bytes; changes nothing. Errors: no_space (it can't hold that
    /// many), wrong_state (in use), not_found, invalid_field (it is something else), input_output.
    [[nodiscard]] virtual Result<void> open(std::uint64_t size) = 0;

    /// Gives it back.
    virtual void close() noexcept = 0;

    /// Bytes; while open.
    [[nodiscard]] virtual std::size_t chunk_size() const = 0;

    /// Makes chunk 0 one that nobody takes for the start of an image, on the medium itself. Errors: input_output,
    /// no_space.
    [[nodiscard]] virtual Result<Placed> clear_head() = 0;

    /// Writes a chunk; only the image's last one is shorter than a chunk. Errors: input_output, no_space.
    [[nodiscard]] virtual Result<Placed> write(std::uint64_t index, ConstBytes chunk) = 0;

    /// Waits until what was written is on the medium; what is read from then on comes from there. Errors: input_output.
    [[nodiscard]] virtual Result<void> flush() = 0;

    /// Errors: input_output.
    [[nodiscard]] virtual Result<void> read(std::uint64_t index, MutableBytes out) = 0;

    /// Its first `size` bytes; none: nothing that can be read is there.
    [[nodiscard]] virtual std::optional<InstalledContent> installed(std::uint64_t size) const = 0;

    /// What is worth telling of the last image: "3 of 8 blocks were the same already". Empty: nothing.
    [[nodiscard]] virtual std::string remark() const = 0;

    /// For sentences.
    [[nodiscard]] virtual const std::string& name() const = 0;
};

} // namespace fwupdate::agent
