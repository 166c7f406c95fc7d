// What a descriptor of a device is about (DSP0267, descriptor types).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fwupdate::pldm
{

struct DescriptorType
{
    std::uint16_t value{};
    std::string_view name; ///< the specification's
    std::uint16_t size{};  ///< bytes of DescriptorData

    /// It may stand first in a record (InitialDescriptorType).
    [[nodiscard]] constexpr bool is_initial() const
    {
        return value < 0x0100;
    }
};

inline constexpr std::uint16_t vendor_defined = 0xFFFF; ///< has a title and any size

/// Every type of a fixed size, ascending.
[[nodiscard]] std::span<const DescriptorType> descriptor_types();

/// nullptr: vendor defined, or unknown.
[[nodiscard]] const DescriptorType* find_descriptor_type(std::uint16_t value);

} // namespace fwupdate::pldm
