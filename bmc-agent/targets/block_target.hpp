// A target that is a block device or a partition, written in place. It cannot be replaced at once: what says that it is
// whole, its first bytes, goes first and comes back last, so that what is half written does not look like an image.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/target_handler.hpp"
#include "common/sha256.hpp"

namespace fwupdate::agent
{

class BlockTarget final : public TargetHandler
{
  public:
    static constexpr std::size_t head_size = 64UL * 1024; ///< bytes that are written last

    /// A block device, a link to one, or a file that stands for one: its size does not change.
    explicit BlockTarget(std::filesystem::path path) : path_{std::move(path)} {}

    [[nodiscard]] Result<void> begin(VerifiedImage image) override;
    [[nodiscard]] Result<bool> step() override;
    void cancel() noexcept override;
    [[nodiscard]] std::uint64_t done() const override
    {
        return done_;
    }
    [[nodiscard]] std::uint64_t total() const override
    {
        return 2 * image_size_;
    }
    [[nodiscard]] const std::filesystem::path& installed_path() const override
    {
        return path_;
    }
    [[nodiscard]] Result<package::ByteSource> installed_bytes(std::uint64_t size) const override;
    [[nodiscard]] bool replaces_at_once() const override
    {
        return false;
    }

  private:
    enum class Phase : std::uint8_t
    {
        stopped,
        taking_head, ///< the image's first bytes are kept, the device's are cleared
        writing,
        writing_head,
        reading_back,
    };

    [[nodiscard]] Result<bool> work();
    [[nodiscard]] Result<void> take_head();
    [[nodiscard]] Result<void> write_slice();
    [[nodiscard]] Result<void> write_head();
    [[nodiscard]] Result<void> read_back_slice();

    std::filesystem::path path_;
    Phase phase_{};
    VerifiedImage image_; ///< while working
    std::uint64_t image_size_{};
    File device_;
    Sha256Hasher hasher_;
    Bytes head_;
    Bytes slice_;
    std::uint64_t offset_{}; ///< bytes into the present phase
    std::uint64_t done_{};
};

/// Bytes a block device has, or a file. Errors: input_output, invalid_field (it is neither).
[[nodiscard]] Result<std::uint64_t> capacity_of(const File& device);

/// Opens a block device for writing, by nobody else: a mounted one is refused. Links are followed. Errors: wrong_state
/// (in use), not_found, input_output, invalid_field (neither a block device nor a file).
[[nodiscard]] Result<File> open_exclusively(const std::filesystem::path& path);

} // namespace fwupdate::agent
