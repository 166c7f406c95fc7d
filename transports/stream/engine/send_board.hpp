// What the sender knows of every fragment that matters now: those of the blocks the BMC is assembling.
#pragma once

#include "transports/stream/engine/acknowledgement.hpp"
#include "transports/stream/engine/geometry.hpp"
#include "transports/stream/engine/path_model.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace fwupdate::stream
{

enum class FragmentState : std::uint8_t
{
    unsent,
    travelling,
    lost, ///< to be sent again
    arrived,
};

/// One fragment of an open block.
struct SentFragment
{
    FragmentState state{FragmentState::unsent};
    std::uint8_t times_sent{};
    std::uint64_t sequence{}; ///< of its last transmission
    SendRecord record;        ///< of its last transmission
};

/// A block that is begun and not yet known to be in the BMC's staging.
struct OpenBlock
{
    std::uint32_t block{};
    bool fill{false}; ///< travels as one fragment that says the value
    std::uint32_t check_failures{};
    std::uint32_t next_unsent{}; ///< none before it is unsent
    std::uint32_t settled{};     ///< fragments at its begin that have arrived
    std::uint32_t lost{};        ///< fragments to be sent again
    std::vector<SentFragment> fragments;
};

/// What an acknowledgement changed.
struct BoardChange
{
    std::vector<SentFragment> arrived; ///< as they were before
};

/// Tells whether every byte of a block has the same value.
using FillTest = std::function<bool(std::uint32_t block)>;

class SendBoard
{
  public:
    /// `present`: blocks that need not travel. `window_blocks`: blocks open at a time. `is_fill` may be empty.
    SendBoard(const Geometry& geometry, std::vector<bool> present, std::uint32_t window_blocks, FillTest is_fill);

    /// The fragment to send next: the lowest lost one, else the next new one. Opens blocks as the window allows.
    [[nodiscard]] std::optional<Place> pick();
    /// A fragment that has arrived stays so: it was sent to be answered.
    void mark_sent(Place place, std::uint64_t sequence, const SendRecord& record);
    void mark_lost(Place place);
    /// The BMC dropped the block: everything of it travels again. Returns how often that has happened to it.
    std::uint32_t restart_block(std::uint32_t block, const std::function<void(const SentFragment&)>& on_dropped);

    /// Enters what an acknowledgement says. An outdated one (`fresh` false) only adds arrivals.
    const BoardChange& apply(const Acknowledgement& acknowledgement, bool fresh);

    /// Fewer blocks at a time than the BMC said.
    void shrink_window();

    /// nullptr: not in an open block.
    [[nodiscard]] SentFragment* find(Place place);
    [[nodiscard]] const SentFragment* find(Place place) const;
    [[nodiscard]] const OpenBlock* find_block(std::uint32_t block) const;
    /// The last fragment of the lowest open block, often the smallest of all; none if it waits to be
    /// sent anyway.
    [[nodiscard]] std::optional<Place> lowest_block_end() const;

    [[nodiscard]] bool complete() const
    {
        return remaining_ == 0;
    }
    [[nodiscard]] std::uint32_t travelling() const
    {
        return travelling_;
    }
    /// Image bytes known to be on the BMC, open blocks' fragments included.
    [[nodiscard]] std::uint64_t bytes_arrived() const
    {
        return bytes_arrived_;
    }
    [[nodiscard]] const Geometry& geometry() const
    {
        return geometry_;
    }

  private:
    [[nodiscard]] OpenBlock* find_open(std::uint32_t block);
    [[nodiscard]] bool open_next();
    [[nodiscard]] std::optional<Place> within_horizon(Place place) const;
    void move_horizon(std::uint32_t first_missing);
    void skip_present(std::uint32_t first_missing);
    [[nodiscard]] OpenBlock make_block(std::uint32_t block);
    void reopen(std::uint32_t block);
    /// Whether the acknowledgement alone shows that the block is whole.
    [[nodiscard]] bool apply_to(OpenBlock& open, const Acknowledgement& acknowledgement, bool fresh);
    void set_state(OpenBlock& open, std::uint32_t index, FragmentState state);
    [[nodiscard]] std::uint32_t fragment_bytes(const OpenBlock& open, std::uint32_t index) const;

    Geometry geometry_;
    std::vector<bool> done_;
    std::uint32_t remaining_{}; ///< blocks not done
    std::uint32_t window_blocks_;
    FillTest is_fill_;
    std::deque<OpenBlock> open_; ///< ascending
    std::uint32_t next_block_{}; ///< lowest block never opened
    std::uint64_t horizon_;      ///< no fragment from here on is sent: no acknowledgement could show it
    std::uint32_t lost_{};
    std::uint32_t travelling_{};
    std::uint64_t bytes_arrived_{};
    BoardChange change_;
};

} // namespace fwupdate::stream
