// Makes a package from metadata and images.
#pragma once

#include "common/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fwupdate::tools
{

struct CreateRequest
{
    std::filesystem::path package;
    std::filesystem::path metadata;
    std::vector<std::filesystem::path> images; ///< in the order of ComponentImageInformationArea
    bool extended{};                           ///< see read_metadata()
};

/// What the maker of a package should know about one that was made.
struct Created
{
    std::vector<std::string> notes;    ///< about the metadata
    std::vector<std::string> warnings; ///< about the package
};

/// Writes the package beside its place and puts it there when it is whole: an error leaves what was there before.
/// Errors: as read_metadata() and encode_header(), ErrorKind::input_output; the text starts with "ERROR: ", but for the
/// one of the script that doesn't.
[[nodiscard]] Result<Created> create_package(const CreateRequest& request);

} // namespace fwupdate::tools
