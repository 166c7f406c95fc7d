// The checksum over a package's payload, from slices: a package of any size takes a few bytes of memory to verify.
#pragma once

#include "common/bytes.hpp"
#include "common/package/crc32.hpp"
#include "common/package/package.hpp"
#include "common/result.hpp"

#include <cstdint>

namespace fwupdate::pldm
{

/// Feed it the package's bytes from Package::header_size() to Package::total_size(), in order, in slices of any size:
///     PayloadCheck check{package};
///     while (check.rest() > 0) { check.update(read_some(file, check.offset(), check.rest())); }
///     return check.verdict();
/// For packages without a payload checksum it says yes to all bytes; see Package::payload_check_needed().
class PayloadCheck
{
  public:
    explicit PayloadCheck(const Package& package);

    /// The next slice; bytes beyond the package's end count against it.
    void update(ConstBytes slice);

    /// Where the next slice starts, bytes from the package's start.
    [[nodiscard]] std::uint64_t offset() const
    {
        return offset_;
    }

    /// Bytes that are still to come.
    [[nodiscard]] std::uint64_t rest() const
    {
        return offset_ < end_ ? end_ - offset_ : 0;
    }

    /// After the last slice. Errors: ErrorKind::length (more or fewer bytes than the package has),
    /// ErrorKind::integrity (the checksum does not match).
    [[nodiscard]] Result<void> verdict() const;

  private:
    bool needed_;
    std::uint32_t expected_;
    std::uint64_t field_offset_; ///< of PackagePayloadChecksum
    std::uint64_t offset_;
    std::uint64_t end_;
    Crc32 crc_;
};

} // namespace fwupdate::pldm
