// The metadata file of pldm-fwup-pkg-creator: what OpenBMC's pldm_fwup_pkg_creator.py takes, and, when asked for, the
// rest of DSP0267 under the specification's names. See pldm-fwup-pkg-creator(1).
#pragma once

#include "common/package/content.hpp"
#include "common/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::tools
{

struct Metadata
{
    pldm::Content content;          ///< sizes and places of the images are not in it yet
    std::vector<std::string> notes; ///< what was ignored, or understood in another way than written
};

/// Reads metadata for that many images. `extended`: fields beyond the script's are written, and nothing that the
/// specification doesn't allow. Errors: ErrorKind::invalid_field; the text starts with the script's words, if it has
/// some for the mistake, and goes on with the place and what to do.
[[nodiscard]] Result<Metadata> read_metadata(std::string_view text, std::size_t images, bool extended);

} // namespace fwupdate::tools
