// What rules look at: files and directories, as the disk has them or as a test says.
#pragma once

#include "common/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fwupdate::agent::ship_level
{

class MachineView
{
  public:
    virtual ~MachineView() = default;

    /// A small text; at most 64 KiB. Errors: the text goes on behind the file's name.
    [[nodiscard]] virtual Result<std::string> read(const std::filesystem::path& file) const = 0;
    [[nodiscard]] virtual bool exists(const std::filesystem::path& file) const = 0;

    /// The entries, sorted; none when the directory is not there.
    [[nodiscard]] virtual std::vector<std::filesystem::path> list(const std::filesystem::path& directory) const = 0;
};

/// The machine itself; follows symbolic links, as sysfs is made of them.
class DiskView final : public MachineView
{
  public:
    [[nodiscard]] Result<std::string> read(const std::filesystem::path& file) const override;
    [[nodiscard]] bool exists(const std::filesystem::path& file) const override;
    [[nodiscard]] std::vector<std::filesystem::path> list(const std::filesystem::path& directory) const override;
};

} // namespace fwupdate::agent::ship_level
