#include "transports/usb-mass-storage/engine/drive_layout.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace fwupdate::usb
{
namespace
{

constexpr std::uint64_t mebibyte = 1U << 20;
constexpr std::uint64_t host_room = 2 * mebibyte; ///< directories and index files that desktops leave on a drive
constexpr std::size_t serial_bytes = 8;
constexpr std::size_t label_length = 11; ///< FAT's

/// Both file allocation tables with 4 bytes for each cluster of 4 KiB take less than this part of the drive.
constexpr std::uint64_t table_part = 256;

std::string upper_hex(ConstBytes bytes)
{
    std::string text = to_hex(bytes);
    std::ranges::transform(text, text.begin(), [](unsigned char digit) { return std::toupper(digit); });
    return text;
}

} // namespace

DriveIdentity make_identity(RandomSource& random)
{
    std::array<std::uint8_t, 2 * serial_bytes> bytes{};
    random.fill(bytes);
    const ConstBytes all{bytes};
    return {upper_hex(all.first(serial_bytes)), ("FW" + upper_hex(all.subspan(serial_bytes))).substr(0, label_length)};
}

std::uint64_t drive_size(std::uint64_t image_size)
{
    const std::uint64_t file = std::min(image_size, largest_file);
    const std::uint64_t size = file + file / table_part + host_room;
    return std::max(smallest_drive, (size + mebibyte - 1) / mebibyte * mebibyte);
}

} // namespace fwupdate::usb
