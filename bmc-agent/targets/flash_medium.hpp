// Flash as a medium. A chunk is an erase block; the image's chunks lie in the good blocks, in order. A block that turns
// out to be worn is marked bad, and its chunk goes to the next good one.
#pragma once

#include "bmc-agent/targets/flash.hpp"
#include "bmc-agent/targets/medium.hpp"

#include <memory>
#include <vector>

namespace fwupdate::agent
{

class FlashMedium final : public Medium
{
  public:
    explicit FlashMedium(std::shared_ptr<const FlashPlace> place);

    [[nodiscard]] Result<void> open(std::uint64_t size) override;
    void close() noexcept override;
    [[nodiscard]] std::size_t chunk_size() const override;
    [[nodiscard]] Result<Placed> clear_head() override;
    [[nodiscard]] Result<Placed> write(std::uint64_t index, ConstBytes chunk) override;
    [[nodiscard]] Result<void> flush() override;
    [[nodiscard]] Result<void> read(std::uint64_t index, MutableBytes out) override;
    [[nodiscard]] std::optional<InstalledContent> installed(std::uint64_t size) const override;
    [[nodiscard]] std::string remark() const override;
    [[nodiscard]] const std::string& name() const override
    {
        return place_->name();
    }

  private:
    [[nodiscard]] Result<void> check_space() const;
    [[nodiscard]] bool holds(std::uint64_t block, ConstBytes wanted);
    [[nodiscard]] std::size_t used_bytes(ConstBytes block) const;
    [[nodiscard]] Result<void> give_up(std::uint64_t index, const char* what);
    [[nodiscard]] Result<void> flush_now_and_then();

    std::shared_ptr<const FlashPlace> place_;
    std::unique_ptr<Flash> flash_;    ///< while open
    std::vector<std::uint64_t> good_; ///< blocks that are not bad, in order
    std::uint64_t needed_{};          ///< blocks
    Bytes block_;                     ///< what one is to hold
    Bytes present_;                   ///< what it holds
    std::uint64_t unflushed_{};       ///< bytes
    std::uint64_t written_{};         ///< blocks
    std::uint64_t unchanged_{};       ///< blocks
    std::uint64_t worn_{};            ///< blocks
};

} // namespace fwupdate::agent
