// A package in a file: only its header is ever in memory.
#pragma once

#include "common/package/package.hpp"
#include "tools/pldm/file.hpp"

#include <filesystem>

namespace fwupdate::tools
{

struct PackageFile
{
    InputFile file;
    pldm::Package package;
};

/// Opens a package and checks its header. Errors: ErrorKind::input_output (the file), or as Package::parse().
[[nodiscard]] Result<PackageFile> open_package(const std::filesystem::path& path, pldm::Tolerance tolerance);

/// Reads the payload through and compares its checksum, if the package has one. Errors: ErrorKind::input_output, or as
/// PayloadCheck::verdict().
[[nodiscard]] Result<void> check_payload(const PackageFile& package);

} // namespace fwupdate::tools
