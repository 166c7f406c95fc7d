// SHA-256 of bytes that lie elsewhere, a slice at a time.
#pragma once

#include "common/package/byte_source.hpp"
#include "common/sha256.hpp"

#include <optional>

namespace fwupdate::agent
{

class ContentDigest
{
  public:
    /// Starts on these bytes.
    void begin(package::ByteSource bytes);

    /// One slice. True: the end. Errors: the source's.
    [[nodiscard]] Result<bool> step();

    /// After the end.
    [[nodiscard]] Sha256 digest() const
    {
        return hasher_.digest();
    }

  private:
    package::ByteSource bytes_;
    Sha256Hasher hasher_;
    std::uint64_t offset_{};
    Bytes slice_;
};

} // namespace fwupdate::agent
