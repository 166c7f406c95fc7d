#include "common/package/descriptor_type.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::pldm
{
namespace
{

constexpr std::array<DescriptorType, 19> types{{
    {0x0000, "PCI Vendor ID", 2},
    {0x0001, "IANA Enterprise ID", 4},
    {0x0002, "UUID", 16},
    {0x0003, "PnP Vendor ID", 3},
    {0x0004, "ACPI Vendor ID", 4},
    {0x0005, "IEEE Assigned Company ID", 3},
    {0x0006, "SCSI Vendor ID", 8},
    {0x0100, "PCI Device ID", 2},
    {0x0101, "PCI Subsystem Vendor ID", 2},
    {0x0102, "PCI Subsystem ID", 2},
    {0x0103, "PCI Revision ID", 1},
    {0x0104, "PnP Product Identifier", 4},
    {0x0105, "ACPI Product Identifier", 4},
    {0x0106, "ASCII Model Number (Long String)", 40},
    {0x0107, "ASCII Model Number (Short String)", 10},
    {0x0108, "SCSI Product ID", 16},
    {0x0109, "UBM Controller Device Code", 4},
    {0x010A, "IEEE EUI-64 ID", 8},
    {0x010B, "PCI Revision ID Range", 2},
}};

} // namespace

std::span<const DescriptorType> descriptor_types()
{
    return types;
}

const DescriptorType* find_descriptor_type(std::uint16_t value)
{
    const auto* const found = std::ranges::find(types, value, &DescriptorType::value);
    return found == types.end() ? nullptr : found;
}

} // namespace fwupdate::pldm
