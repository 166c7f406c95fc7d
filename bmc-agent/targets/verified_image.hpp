// What a target is programmed with: bytes that passed every check, and their digest.
#pragma once

#include "common/bytes.hpp"
#include "common/package/byte_source.hpp"

#include <functional>

namespace fwupdate::agent
{

/// The bytes lie where the whole image is staged; who writes them hashes them again, so that nothing can have changed
/// since they were verified.
struct VerifiedImage
{
    package::ByteSource bytes;
    Sha256 sha256{};
    /// One slice of work towards the first byte, such as unpacking what stands before it. True: there. Empty: the bytes
    /// can be read at once. Errors: the source's.
    std::function<Result<bool>()> approach{};
};

} // namespace fwupdate::agent
