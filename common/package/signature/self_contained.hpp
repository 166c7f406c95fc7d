// Self-contained signed images: an image with its detached CMS signature behind it, in one file, for every way that
// carries one file only (the base profile, the USB drive). protocol-spec/signed-images.md describes the form:
// content, signature (DER), length of the signature (u32, little-endian), "FWUPSIG1".
//
// Use: `find_trailer` on the staged image. None: it carries no signature. Else verify `signature` over the first
// `content_size` bytes (`first_bytes`), and take those, not the whole file, as the image or package.
#pragma once

#include "common/package/byte_source.hpp"
#include "common/package/signature/cms.hpp"

#include <cstdint>
#include <optional>

namespace fwupdate::package
{

/// Length and magic.
inline constexpr std::size_t trailer_end_size = 12;

/// A whole trailer at most.
inline constexpr std::size_t largest_trailer = largest_signature + trailer_end_size;

struct SignedImage
{
    std::uint64_t content_size{}; ///< bytes from the beginning; never 0
    Bytes signature;              ///< DER, 1..largest_signature bytes
};

/// Looks at the file's end. None: no magic there, so no trailer. Errors: invalid_field (a magic, but no valid trailer
/// in front of it), the source's.
[[nodiscard]] Result<std::optional<SignedImage>> find_trailer(const ByteSource& image);

/// What goes behind the content. Errors: length (the signature is empty or longer than largest_signature).
[[nodiscard]] Result<Bytes> make_trailer(ConstBytes signature);

} // namespace fwupdate::package
