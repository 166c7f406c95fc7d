// PLDM firmware update packages (DSP0267), header format revisions 1 to 4: the writer. It makes headers; images follow
// them in the file as they are.
#pragma once

#include "common/bytes.hpp"
#include "common/package/content.hpp"
#include "common/package/package.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fwupdate::pldm
{

/// Places the images back to back behind the header, in order of the components: sets every location_offset from
/// ComponentImage::size. Gives the bytes of the whole package. Errors: as encode_header().
[[nodiscard]] Result<std::uint64_t> place_components(Content& content);

struct EncodedHeader
{
    Bytes bytes;
    std::vector<std::string> warnings; ///< Package::warnings() of what was written
};

/// The header of a package. `total_size`: bytes of the whole package. Nothing comes out that Package::parse() with the
/// same tolerance would refuse, or read as anything but `content`. Errors: as Package::parse(), and ErrorKind::length
/// for what is too long or too many for its field.
[[nodiscard]] Result<EncodedHeader> encode_header(const Content& content, std::uint64_t total_size,
                                                  Tolerance tolerance = Tolerance::none);

} // namespace fwupdate::pldm
