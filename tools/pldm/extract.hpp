// Takes images out of a package.
#pragma once

#include "tools/pldm/package_file.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fwupdate::tools
{

struct ExtractRequest
{
    std::filesystem::path directory;     ///< made if it is not there
    std::vector<std::size_t> components; ///< indexes, in any order; none: all of them
    Existing existing{Existing::keep};
};

/// "component-0-class-000A-id-0064.bin": made of numbers alone, so that no package can choose another place.
[[nodiscard]] std::string image_name(std::size_t index, const pldm::ComponentImage& image);

/// Writes the images into the directory and gives their names. Errors: ErrorKind::out_of_range (no such component),
/// ErrorKind::wrong_state (a file is there already), ErrorKind::input_output. Of an image that failed nothing stays;
/// those before it stay.
[[nodiscard]] Result<std::vector<std::string>> extract(const PackageFile& package, const ExtractRequest& request);

} // namespace fwupdate::tools
