// The file behind a virtual drive.
#pragma once

#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace fwupdate::usb
{

class DriveImage
{
  public:
    /// Makes a sparse file of `size` bytes that only we may open. Errors: input_output, no_space (the file system can't
    /// hold a file that large).
    [[nodiscard]] static Result<std::shared_ptr<DriveImage>> create(const std::filesystem::path& path,
                                                                    std::uint64_t size);

    DriveImage(int descriptor, std::filesystem::path path) : descriptor_{descriptor}, path_{std::move(path)} {}
    DriveImage(const DriveImage&) = delete;
    DriveImage& operator=(const DriveImage&) = delete;

    /// Removes the file.
    ~DriveImage();

    [[nodiscard]] int descriptor() const
    {
        return descriptor_;
    }
    [[nodiscard]] std::string path() const
    {
        return path_.string();
    }

    /// When the file was written last, in nanoseconds of the wall clock; only equality means something.
    [[nodiscard]] std::int64_t written() const;

    /// Clears what mformat leaves where a partition table would be: the host would look for partitions. Errors:
    /// input_output.
    [[nodiscard]] Result<void> clear_partition_table() const;

    /// Whether a host has mounted the file system and not unmounted it: the mark that Linux and Windows leave there.
    /// What other hosts do not mark is not dirty.
    [[nodiscard]] bool is_dirty() const;

    /// Waits until the file's bytes are on the medium, and makes it read-only: its mode, and our own descriptor, which
    /// becomes another one. Errors: input_output, no_space.
    [[nodiscard]] Result<void> seal();

  private:
    int descriptor_;
    std::filesystem::path path_;
};

} // namespace fwupdate::usb
