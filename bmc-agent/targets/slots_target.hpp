// A target with two slots: the one that does not run is written by a handler of its own, and only when it is written
// and read back is it chosen for the next boot. What runs is never touched, and is what is installed until the restart.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/selector.hpp"
#include "bmc-agent/targets/target_handler.hpp"
#include "common/sha256.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace fwupdate::agent
{

class SlotsTarget final : public TargetHandler, private SlotKeeper
{
  public:
    struct Slot
    {
        std::string name;
        std::unique_ptr<TargetHandler> handler;
        std::filesystem::path path; ///< where an image may gather
    };

    /// Two slots. `wake` is called whenever there is something to do or to see, but not before the constructor ends.
    /// `streams`: an image may gather in the other slot, each of which is a file or a block device then.
    SlotsTarget(std::string target, std::vector<Slot> slots, std::unique_ptr<Selector> selector,
                config::RunningSlot running, std::function<void()> wake, bool streams = false);
    ~SlotsTarget() override;

    // TargetHandler
    [[nodiscard]] Result<void> begin(VerifiedImage image) override;
    [[nodiscard]] Result<bool> step() override;
    void cancel() noexcept override;
    [[nodiscard]] std::uint64_t done() const override;
    [[nodiscard]] std::uint64_t total() const override;
    [[nodiscard]] bool wants_step() const override;
    [[nodiscard]] std::optional<InstalledContent> installed(std::optional<std::uint64_t> size) const override;
    [[nodiscard]] bool has_own_place() const override;
    [[nodiscard]] std::optional<InPlace> open_own_place() override;
    [[nodiscard]] Result<void> begin_in_place(VerifiedImage image) override;
    [[nodiscard]] SlotKeeper* slots() override
    {
        return this;
    }

  private:
    enum class Phase : std::uint8_t
    {
        stopped,
        giving_up, ///< the choice of a slot that an earlier update wrote and that has not booted yet
        writing,
        reading_back, ///< what has gathered in the slot
        switching,
    };

    // SlotKeeper
    [[nodiscard]] const std::optional<SlotState>& state() const override
    {
        return state_;
    }
    void look() override;
    [[nodiscard]] std::optional<Error> obstacle() const override;
    [[nodiscard]] std::string other_slot() const override;
    void confirm(Done done) override;
    void fall_back(Done done) override;

    void take(Result<SlotState> told);
    [[nodiscard]] Result<SlotState> checked(Result<SlotState> told) const;
    [[nodiscard]] const Slot* find(const std::string& name) const;
    [[nodiscard]] const Slot& other_than(const std::string& name) const;
    void set(SlotState state);
    void wake() const;
    [[nodiscard]] Done ends_phase();
    [[nodiscard]] Done ends_change(SlotState after, Done done);
    [[nodiscard]] Result<bool> work();
    [[nodiscard]] Result<void> start_writing();
    [[nodiscard]] Result<bool> read_back();
    void start_switching();

    std::string target_; ///< its name
    std::vector<Slot> slots_;
    std::unique_ptr<Selector> selector_;
    config::RunningSlot running_;
    std::function<void()> wake_;
    std::optional<SlotState> state_;
    std::string why_unknown_{"the boot selection has not been read yet; try again in a moment"};
    bool ready_{false};    ///< constructed
    bool changing_{false}; ///< confirm or fall_back is under way
    Phase phase_{};
    std::uint64_t round_{};             ///< of begin(): what an earlier one has started is none of the present one's
    std::optional<Result<void>> ended_; ///< of the selector's part of a phase
    TargetHandler* writer_{};           ///< of the slot that is written
    VerifiedImage image_;               ///< until it is handed on
    bool streams_{false};
    File streamed_;       ///< the slot that an image has gathered in, while it is read back
    Sha256Hasher hasher_; ///< of it
    Bytes slice_;
    std::uint64_t read_{};                                      ///< bytes of it
    std::uint64_t to_read_{};                                   ///< bytes; 0: another slot's handler writes
    std::shared_ptr<bool> alive_{std::make_shared<bool>(true)}; ///< answers that come later look at it
};

} // namespace fwupdate::agent
