// A target that is a file, replaced atomically: written beside, synced, read back, renamed, directory synced.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/target_handler.hpp"
#include "common/sha256.hpp"

namespace fwupdate::agent
{

class FileTarget final : public TargetHandler
{
  public:
    /// Removes what a stopped agent may have left beside `path`.
    explicit FileTarget(std::filesystem::path path);
    ~FileTarget() override;

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
    [[nodiscard]] std::optional<InstalledContent> installed(std::optional<std::uint64_t> /*size*/) const override
    {
        return file_content(path_);
    }

  private:
    enum class Phase : std::uint8_t
    {
        stopped,
        writing,
        reading_back,
    };

    [[nodiscard]] Result<void> make_file(std::uint64_t size);
    [[nodiscard]] Result<bool> work();
    [[nodiscard]] Result<void> write_slice();
    [[nodiscard]] Result<void> start_reading_back();
    [[nodiscard]] Result<void> read_back_slice();
    [[nodiscard]] std::size_t next_slice();
    [[nodiscard]] Result<void> put_in_place();

    std::filesystem::path path_;
    Phase phase_{};
    VerifiedImage image_; ///< while working
    File file_;
    Sha256Hasher hasher_;
    Bytes slice_;
    std::uint64_t offset_{}; ///< bytes into the present phase
    std::uint64_t done_{};
    std::uint64_t total_{};
};

} // namespace fwupdate::agent
