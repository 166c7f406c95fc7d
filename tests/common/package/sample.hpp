// Packages that the tests start from: small ones that use all areas, random ones, and the committed vectors.
#pragma once

#include "common/package/content.hpp"
#include "common/package/crc32.hpp"
#include "common/package/package.hpp"
#include "common/package/writer.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

namespace fwupdate::pldm::test
{

inline Bytes read_file(const std::string& name)
{
    std::ifstream file{std::string{SOURCE_DIR} + "/tests/common/package/vectors/" + name, std::ios::binary};
    REQUIRE_MESSAGE(file.good(), name);
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// Packages that OpenBMC's script has made; the first group is within the specification.
inline constexpr std::array<std::string_view, 6> clean_vectors{
    "ex1.0.0",
    "v01-ddmmyyyy-date",
    "v02-iso-T-date-libpldm-clean",
    "v03-minimal-1comp-1byte",
    "v04-9comp-16bit-bitmap",
    "v07-1.3-downstream-selfcontained",
};
inline constexpr std::array<std::string_view, 3> tolerated_vectors{"ex1.1.0", "ex1.2.0", "ex1.3.0"};

inline Bytes vector_package(std::string_view name)
{
    return read_file(std::string{name} + "/package.pldm");
}

/// Bytes as the generator goes.
class Dice
{
  public:
    explicit Dice(std::uint32_t seed) : generator_{seed} {}

    std::uint32_t roll(std::uint32_t least, std::uint32_t most)
    {
        return std::uniform_int_distribution<std::uint32_t>{least, most}(generator_);
    }
    template <class T> T word()
    {
        return static_cast<T>(generator_());
    }
    Bytes bytes(std::uint32_t most)
    {
        Bytes out(roll(0, most));
        for (std::uint8_t& byte : out)
        {
            byte = word<std::uint8_t>();
        }
        return out;
    }
    VersionString text(std::uint32_t most)
    {
        constexpr std::array<std::string_view, 6> letters{"a", "7", "\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                                          "."};
        const StringType type = string_types[roll(0, string_types.size() - 1)];
        std::string text;
        for (std::uint32_t left = roll(0, most); left > 0; --left)
        {
            text += letters[type == StringType::ascii ? roll(0, 1) : roll(0, letters.size() - 1)];
        }
        return from_utf8(type, text).value();
    }

  private:
    std::mt19937 generator_;
};

inline Descriptor random_descriptor(Dice& dice, bool first)
{
    const auto types = descriptor_types();
    const std::uint32_t which = dice.roll(0, first ? 6 : static_cast<std::uint32_t>(types.size()));
    if (which == types.size())
    {
        return {vendor_defined, dice.text(12), dice.bytes(20)};
    }
    Descriptor descriptor{types[which].value, {}, Bytes(types[which].size)};
    for (std::uint8_t& byte : descriptor.data)
    {
        byte = dice.word<std::uint8_t>();
    }
    return descriptor;
}

inline DeviceIdRecord random_record(Dice& dice, const Content& content, bool downstream)
{
    DeviceIdRecord record;
    record.update_option_flags = dice.roll(0, 1);
    record.version = dice.text(20);
    if (downstream && record.update_option_flags == self_contained_activation)
    {
        record.min_version_comparison_stamp = dice.word<std::uint32_t>();
    }
    for (std::uint16_t at = 0; at < content.components.size(); ++at)
    {
        if (dice.roll(0, 2) == 0)
        {
            record.applicable_components.push_back(at);
        }
    }
    for (std::uint32_t left = dice.roll(1, 5); left > 0; --left)
    {
        record.descriptors.push_back(random_descriptor(dice, record.descriptors.empty()));
    }
    record.package_data = dice.bytes(30);
    if (content.revision >= 4)
    {
        record.reference_manifest = dice.bytes(40);
    }
    return record;
}

inline ComponentImage random_component(Dice& dice, std::uint8_t revision)
{
    ComponentImage image;
    image.classification = dice.word<std::uint16_t>();
    image.identifier = dice.word<std::uint16_t>();
    image.comparison_stamp = dice.word<std::uint32_t>();
    image.options = dice.word<std::uint16_t>();
    image.requested_activation_method = dice.word<std::uint16_t>();
    image.size = dice.roll(0, 50);
    image.version = dice.text(20);
    if (revision >= 3)
    {
        image.opaque_data = dice.bytes(25);
    }
    return image;
}

/// A valid package's content, its images back to back; `total` becomes the package's size.
inline Content random_content(Dice& dice, std::uint8_t revision, std::uint32_t most_components, std::uint64_t& total)
{
    Content content;
    content.revision = revision;
    content.identifier = find_revision(revision)->identifier;
    content.release_date_time = {dice.word<std::uint16_t>(), {1, 2, 3}, 59, 58, 23, 31, 12, 2026, 0};
    content.version = dice.text(20);
    for (std::uint32_t left = dice.roll(1, most_components); left > 0; --left)
    {
        content.components.push_back(random_component(dice, revision));
    }
    content.component_bitmap_bit_length =
        static_cast<std::uint16_t>((content.components.size() + 7) / 8 * 8 + 8 * dice.roll(0, 1));
    for (std::uint32_t left = dice.roll(0, 4); left > 0; --left)
    {
        content.firmware_devices.push_back(random_record(dice, content, false));
    }
    for (std::uint32_t left = revision >= 2 ? dice.roll(0, 3) : 0; left > 0; --left)
    {
        content.downstream_devices.push_back(random_record(dice, content, true));
    }
    content.payload_checksum = revision >= 4 ? dice.word<std::uint32_t>() : 0;
    const auto placed = place_components(content);
    REQUIRE(placed);
    total = *placed;
    return content;
}

/// Makes PackageHeaderChecksum right again after a change.
inline void repair_checksum(Bytes& header, std::uint8_t revision)
{
    const std::size_t at = header.size() - (revision >= 4 ? 8 : 4);
    const std::uint32_t crc = crc32(ConstBytes{header}.first(at));
    for (std::size_t byte = 0; byte < 4; ++byte)
    {
        header[at + byte] = static_cast<std::uint8_t>(crc >> (8 * byte));
    }
}

/// Only the header of a package in one piece.
inline Bytes header_of(const Bytes& package)
{
    const auto size = header_size(package);
    REQUIRE(size);
    return {package.begin(), package.begin() + *size};
}

} // namespace fwupdate::pldm::test
