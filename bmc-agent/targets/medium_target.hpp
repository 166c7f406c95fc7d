// A target that is written in place. Until the last step it does not begin as an image does: the first chunk is cleared
// before anything else is written, and written when all others have been read back. Whoever boots from it after a power
// cut finds nothing that looks whole.
#pragma once

#include "bmc-agent/targets/medium.hpp"
#include "bmc-agent/targets/target_handler.hpp"
#include "common/sha256.hpp"

#include <memory>

namespace fwupdate::agent
{

class MediumTarget final : public TargetHandler
{
  public:
    explicit MediumTarget(std::unique_ptr<Medium> medium);
    ~MediumTarget() override;

    [[nodiscard]] Result<void> begin(VerifiedImage image) override;
    [[nodiscard]] Result<bool> step() override;
    void cancel() noexcept override;
    [[nodiscard]] std::uint64_t done() const override
    {
        return done_;
    }
    [[nodiscard]] std::uint64_t total() const override
    {
        return total_;
    }
    [[nodiscard]] std::optional<InstalledContent> installed(std::optional<std::uint64_t> size) const override;
    [[nodiscard]] bool replaces_at_once() const override
    {
        return false;
    }
    [[nodiscard]] bool holds_neither() const override
    {
        return torn_;
    }
    [[nodiscard]] std::string remark() const override
    {
        return medium_->remark();
    }

  private:
    enum class Phase : std::uint8_t
    {
        stopped,
        approaching, ///< the image is read once more, and something stands before its first byte
        starting,
        clearing,
        writing,
        reading_back,
        writing_head,
        reading_head,
    };

    [[nodiscard]] Result<bool> work();
    [[nodiscard]] Result<void> advance();
    [[nodiscard]] Result<void> approach();
    [[nodiscard]] Result<void> start();
    [[nodiscard]] Result<void> clear();
    [[nodiscard]] Result<void> write_chunk();
    [[nodiscard]] Result<void> end_writing();
    [[nodiscard]] Result<void> read_chunk_back();
    [[nodiscard]] Result<void> write_head();
    [[nodiscard]] Result<void> read_head_back();
    void start_again();
    void rewind_to_second_chunk();
    [[nodiscard]] std::size_t next_chunk();
    void advance_by(std::size_t size);
    [[nodiscard]] Error reads_back_differently() const;

    std::unique_ptr<Medium> medium_;
    Phase phase_{};
    VerifiedImage image_; ///< while working
    Sha256Hasher hasher_;
    Bytes head_;             ///< chunk 0
    Bytes slice_;            ///< the chunk that is worked on
    bool slice_read_{false}; ///< it holds the image's bytes already
    std::uint64_t offset_{}; ///< bytes into the image
    std::uint64_t done_{};
    std::uint64_t total_{};
    bool torn_{false}; ///< something was written, and not all of it
};

} // namespace fwupdate::agent
