// What a virtual drive is made like: its names, and how large it is.
#pragma once

#include "common/random.hpp"
#include "transports/usb-mass-storage/engine/virtual_drive.hpp"

#include <cstdint>

namespace fwupdate::usb
{

inline constexpr std::size_t serial_length = 16;           ///< digits
inline constexpr std::uint64_t largest_file = 0xFFFF'FFFF; ///< bytes, of a file on FAT
inline constexpr std::uint64_t smallest_drive = 4U << 20;  ///< bytes
inline constexpr std::uint32_t sector_size = 512;          ///< bytes
inline constexpr std::uint32_t cluster_sectors = 8;        ///< 4 KiB: three times the speed of 512 bytes on Linux

/// Serial number and label; nobody can predict them.
[[nodiscard]] DriveIdentity make_identity(RandomSource& random);

/// Bytes of a drive that has room for a file of `image_size` bytes and what a host adds of its own: whole MiB. Above
/// largest_file: as for largest_file.
[[nodiscard]] std::uint64_t drive_size(std::uint64_t image_size);

} // namespace fwupdate::usb
