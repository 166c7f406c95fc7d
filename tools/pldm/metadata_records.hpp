// The records of a metadata file; inside of read_metadata().
#pragma once

#include "common/package/content.hpp"
#include "tools/pldm/metadata_object.hpp"

namespace fwupdate::tools
{

/// A string; its type from the key + "Type" where fields beyond the script's are asked for, else ASCII.
[[nodiscard]] pldm::VersionString read_string(MetadataObject& object, std::string_view key);

/// An entry of FirmwareDeviceIdentificationArea; `content` has revision and components already.
[[nodiscard]] pldm::DeviceIdRecord read_firmware_device(MetadataObject& object, const pldm::Content& content);

/// An entry of DownstreamDeviceIdentificationArea.
[[nodiscard]] pldm::DeviceIdRecord read_downstream_device(MetadataObject& object, const pldm::Content& content);

/// An entry of ComponentImageInformationArea.
[[nodiscard]] pldm::ComponentImage read_component(MetadataObject& object, const pldm::FormatRevision& revision);

} // namespace fwupdate::tools
