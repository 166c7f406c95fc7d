// The areas of a package header, one function each; inside of Package::parse.
#pragma once

#include "common/package/cursor.hpp"

#include <cstdint>
#include <vector>

namespace fwupdate::pldm
{

/// The records of one identification area, and where the bitmap of each stands.
struct DeviceRecords
{
    std::vector<DeviceIdRecord> records;
    std::vector<Place> applicable_components;
};

/// Head: wire::FirmwareDevice or wire::DownstreamDevice.
template <class Head>
[[nodiscard]] DeviceRecords read_device_records(Cursor& cursor, const FormatRevision& revision,
                                                std::uint16_t component_bitmap_bit_length);

/// Where images may lie: bytes from the package's start.
struct Payload
{
    std::uint64_t begin{};
    std::uint64_t end{};
};

[[nodiscard]] std::vector<ComponentImage> read_components(Cursor& cursor, const FormatRevision& revision,
                                                          Payload payload);

/// Refuses records that name a component which doesn't exist.
void check_applicable(const DeviceRecords& devices, std::size_t components, Report& report);

} // namespace fwupdate::pldm
