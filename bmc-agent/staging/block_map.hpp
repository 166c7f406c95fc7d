// The durable block map: which blocks of a named image are staged, and the CRC-32 each had when it was written.
// A record proves itself: torn, zero or foreign bytes are "not staged". Nothing depends on the order in which the
// kernel writes the image and the map out, because a block is believed only once its bytes match its record.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent
{

/// What names a transfer and lets it be resumed: for which target, how long, which bytes.
struct TransferName
{
    std::string target; ///< the target's name: its number may change with the configuration
    std::uint64_t size{};
    Sha256 sha256{};

    bool operator==(const TransferName&) const = default;
};

class BlockMap
{
  public:
    /// Makes an empty map for an image of `blocks` blocks, replacing what is at `path`.
    [[nodiscard]] static Result<BlockMap> create(const std::filesystem::path& path, const TransferName& name,
                                                 std::uint32_t blocks);

    /// Reads a map left behind. Errors: not_found, integrity (not a map, damaged header).
    [[nodiscard]] static Result<BlockMap> load(const std::filesystem::path& path, std::uint32_t largest_block_count);

    [[nodiscard]] const TransferName& name() const
    {
        return name_;
    }
    [[nodiscard]] std::uint32_t blocks() const
    {
        return static_cast<std::uint32_t>(present_.size());
    }
    [[nodiscard]] std::uint32_t blocks_present() const
    {
        return blocks_present_;
    }
    [[nodiscard]] bool has(std::uint32_t block) const
    {
        return block < present_.size() && present_[block];
    }

    /// The CRC-32 a block must have.
    [[nodiscard]] Result<std::uint32_t> check(std::uint32_t block) const;

    /// Notes that the block is written.
    [[nodiscard]] Result<void> set(std::uint32_t block, std::uint32_t crc);

    /// Forgets the block: its bytes turned out to be damaged.
    void clear(std::uint32_t block);

  private:
    BlockMap(File file, TransferName name, std::uint32_t blocks);
    [[nodiscard]] Result<void> read_records();

    File file_;
    TransferName name_;
    std::uint64_t records_at_{}; ///< bytes; where the records begin
    std::vector<bool> present_;
    std::uint32_t blocks_present_{};
};

} // namespace fwupdate::agent
