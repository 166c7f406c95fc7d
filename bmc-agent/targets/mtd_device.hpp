// The kernel's MTD character device: the ioctls of mtd/mtd-user.h, and nothing but them.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/flash.hpp"

#include <filesystem>

namespace fwupdate::agent
{

class MtdDevice final : public Flash
{
  public:
    /// Errors: invalid_field (no flash that can be erased, or read-only), input_output.
    [[nodiscard]] static Result<std::unique_ptr<MtdDevice>> open(const std::filesystem::path& path,
                                                                 FlashPlace::Access access);

    [[nodiscard]] const FlashGeometry& geometry() const override
    {
        return geometry_;
    }
    [[nodiscard]] Result<bool> is_bad(std::uint64_t block) override;
    [[nodiscard]] Result<bool> erase(std::uint64_t block) override;
    [[nodiscard]] Result<bool> program(std::uint64_t block, ConstBytes pages) override;
    [[nodiscard]] Result<void> mark_bad(std::uint64_t block) override;
    [[nodiscard]] Result<void> read(std::uint64_t block, std::uint64_t offset, MutableBytes out) override;
    [[nodiscard]] Result<void> flush() override;

  private:
    explicit MtdDevice(File file) : file_{std::move(file)} {}

    [[nodiscard]] Result<void> ask_geometry(FlashPlace::Access access);
    [[nodiscard]] std::uint64_t start_of(std::uint64_t block) const
    {
        return block * geometry_.block_size;
    }
    [[nodiscard]] int erase_range(std::uint64_t start) const;

    File file_;
    FlashGeometry geometry_;
    bool overwrites_{false}; ///< needs no erasing: RAM
    bool wide_erase_{true};  ///< the driver knows MEMERASE64
};

/// "/dev/mtdN" or "mtd:NAME".
class MtdPlace final : public FlashPlace
{
  public:
    explicit MtdPlace(std::filesystem::path path) : path_{std::move(path)}, name_{path_.string()} {}

    [[nodiscard]] Result<std::unique_ptr<Flash>> open(Access access) const override;
    [[nodiscard]] std::optional<std::uint64_t> identity() const override;
    [[nodiscard]] const std::string& name() const override
    {
        return name_;
    }

  private:
    std::filesystem::path path_;
    std::string name_;
};

} // namespace fwupdate::agent
