// FAT through mtools, whose programs run beside the agent: it makes the drive's file system, and reads what a host
// wrote.
#pragma once

#include "common/result.hpp"
#include "transports/usb-mass-storage/engine/drive_path.hpp"
#include "transports/usb-mass-storage/engine/virtual_drive.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::usb
{

/// The programs' whole paths; exists only when all are there.
struct FatTools
{
    std::string mformat;
    std::string mdir;
    std::string mcopy;

    /// Looks them up where programs are. Errors: not_found, with what to install.
    [[nodiscard]] static Result<FatTools> find();

    /// Makes an empty file system on the file `image` of `drive.size` bytes, a file of ours that no host has seen.
    /// Blocks for some milliseconds. Errors: input_output, timeout.
    [[nodiscard]] Result<void> format(const std::string& image, const Drive& drive) const;

    // Command lines for a confined program, whose image is ConfinedRun's image_path.
    [[nodiscard]] std::vector<std::string> tell_size(const DrivePath& path) const;
    [[nodiscard]] std::vector<std::string> list_root() const;
    [[nodiscard]] std::vector<std::string> copy_out(const DrivePath& path) const;
};

/// The size of the one file that mdir has listed; none: it has listed something else, such as a directory.
[[nodiscard]] std::optional<std::uint64_t> size_of_listing(std::string_view listing);

/// The names out of a brief listing of the root, for a sentence: "a.bin, dir/ and 3 more".
[[nodiscard]] std::string names_of_listing(std::string_view listing);

} // namespace fwupdate::usb
