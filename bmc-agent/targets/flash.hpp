// Flash as its chips have it: erased in blocks, programmed in pages, and with NAND some blocks are bad. Blocks are
// numbered as on the device, bad ones included.
#pragma once

#include "bmc-agent/targets/installed_content.hpp"
#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::agent
{

struct FlashGeometry
{
    std::uint64_t blocks{};
    std::uint32_t block_size{}; ///< bytes that are erased together
    std::uint32_t page_size{};  ///< bytes that are programmed together; divides block_size
    bool has_bad_blocks{false}; ///< NAND
};

class Flash
{
  public:
    virtual ~Flash() = default;

    [[nodiscard]] virtual const FlashGeometry& geometry() const = 0;

    /// Errors: input_output.
    [[nodiscard]] virtual Result<bool> is_bad(std::uint64_t block) = 0;

    /// False: the device says that it did not succeed (EIO). Errors: input_output.
    [[nodiscard]] virtual Result<bool> erase(std::uint64_t block) = 0;

    /// Programs an erased block from its start; whole pages. Results as erase().
    [[nodiscard]] virtual Result<bool> program(std::uint64_t block, ConstBytes pages) = 0;

    /// For good. Errors: input_output.
    [[nodiscard]] virtual Result<void> mark_bad(std::uint64_t block) = 0;

    /// From `offset` (bytes) into the block, within it. Errors: input_output.
    [[nodiscard]] virtual Result<void> read(std::uint64_t block, std::uint64_t offset, MutableBytes out) = 0;

    /// Waits until everything is in the chips. Errors: input_output.
    [[nodiscard]] virtual Result<void> flush() = 0;
};

/// Where flash is found, and how it is opened.
class FlashPlace
{
  public:
    virtual ~FlashPlace() = default;

    enum class Access : std::uint8_t
    {
        reading,
        writing,
    };

    /// Errors: not_found, wrong_state (in use), invalid_field (it is something else), input_output.
    [[nodiscard]] virtual Result<std::unique_ptr<Flash>> open(Access access) const = 0;

    /// What tells one device from another; none: nothing is there.
    [[nodiscard]] virtual std::optional<std::uint64_t> identity() const = 0;

    /// For sentences.
    [[nodiscard]] virtual const std::string& name() const = 0;
};

} // namespace fwupdate::agent
