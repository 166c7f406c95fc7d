// A block device, or a part of it, as a medium.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/medium.hpp"

#include <filesystem>

namespace fwupdate::agent
{

/// A part of a device.
struct DevicePart
{
    std::uint64_t offset{}; ///< bytes
    std::uint64_t size{};   ///< bytes; 0: to the end
};

class BlockMedium final : public Medium
{
  public:
    static constexpr std::size_t chunk = 256UL * 1024; ///< bytes

    /// `path` may be a link: it is followed anew each time.
    BlockMedium(std::filesystem::path path, DevicePart part);

    [[nodiscard]] Result<void> open(std::uint64_t size) override;
    void close() noexcept override;
    [[nodiscard]] std::size_t chunk_size() const override
    {
        return chunk;
    }
    [[nodiscard]] Result<Placed> clear_head() override;
    [[nodiscard]] Result<Placed> write(std::uint64_t index, ConstBytes bytes) override;
    [[nodiscard]] Result<void> flush() override;
    [[nodiscard]] Result<void> read(std::uint64_t index, MutableBytes out) override;
    [[nodiscard]] std::optional<InstalledContent> installed(std::uint64_t size) const override;
    [[nodiscard]] std::string remark() const override
    {
        return {};
    }
    [[nodiscard]] const std::string& name() const override
    {
        return name_;
    }

  private:
    [[nodiscard]] Result<void> find_room(std::uint64_t size);

    std::filesystem::path path_;
    std::string name_;
    DevicePart part_;
    File device_;              ///< while open
    std::uint64_t room_{};     ///< bytes of the part
    std::uint64_t unsynced_{}; ///< bytes
};

} // namespace fwupdate::agent
