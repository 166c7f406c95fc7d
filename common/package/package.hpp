// PLDM firmware update packages (DSP0267), header format revisions 1 to 4: the reader.
//
// The images of a package may be far larger than a BMC's memory, so nothing here takes a whole package. A verifier
//   1. reads the file's first header_prefix_size bytes and asks header_size() how long the header is (at most 64 KiB);
//   2. hands these bytes and the file's size to Package::parse(): a Package that exists has a header whose checksum
//      and every field are right, and images that lie inside of the file, apart from each other;
//   3. where payload_check_needed(), reads the rest of the file in slices of any size into a PayloadCheck
//      (payload_check.hpp), in order from header_size() to total_size(), and asks it for the verdict;
//   4. finds what is meant for its device in content(): a record whose descriptors it has all, then the components
//      that applicable_components names, each with the place of its image in the file.
// Checksums find damage, not forgery: who may write a package is for a signature to say.
#pragma once

#include "common/bytes.hpp"
#include "common/package/content.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fwupdate::pldm
{

/// Bytes at a package's start that tell how long its header is.
inline constexpr std::size_t header_prefix_size = 19;

/// No header is longer, as its size is a field of 16 bits.
inline constexpr std::size_t largest_header = 0xFFFF;

/// What to do with packages that OpenBMC's pldm_fwup_pkg_creator.py makes and the specification doesn't allow: an
/// identifier of another revision, downstream devices with a string of type 0, records without descriptors.
enum class Tolerance : bool
{
    none,   ///< refuse them: what decides about an update
    script, ///< a warning: what makes them, and what shows packages to people
};

/// Bytes of the header of the package that starts like this. Errors: ErrorKind::length (fewer than header_prefix_size
/// bytes, or an impossible size), ErrorKind::unsupported (no package of a known revision).
[[nodiscard]] Result<std::uint16_t> header_size(ConstBytes start);

/// A package whose header is whole and right.
class Package
{
  public:
    /// Reads a header. `bytes` start where the package starts and hold at least the header; what follows it is not
    /// looked at. `total_size`: bytes of the whole package, the images included.
    ///
    /// Errors say which field is wrong, at which offset, and why: "ComponentImageInformation[1].ComponentSize at offset
    /// 177: ...". ErrorKind::length (truncated, or lengths and counts that contradict each other), invalid_field,
    /// out_of_range (images outside of the package or over each other, components that don't exist), integrity (the
    /// header's checksum), unsupported (no package of a known revision).
    [[nodiscard]] static Result<Package> parse(ConstBytes bytes, std::uint64_t total_size,
                                               Tolerance tolerance = Tolerance::none);

    [[nodiscard]] const Content& content() const
    {
        return content_;
    }

    /// What the revision is called and has.
    [[nodiscard]] const FormatRevision& revision() const;

    /// Bytes, checksums included; the payload starts there.
    [[nodiscard]] std::uint16_t header_size() const
    {
        return header_size_;
    }
    [[nodiscard]] std::uint64_t total_size() const
    {
        return total_size_;
    }
    [[nodiscard]] std::uint32_t header_checksum() const
    {
        return header_checksum_;
    }

    /// The package has a checksum over its payload (revision 4): see PayloadCheck.
    [[nodiscard]] bool payload_check_needed() const
    {
        return revision().has_payload_checksum();
    }

    /// What is allowed or tolerated but odd, or refused by readers that others wrote; one sentence each, with field and
    /// offset.
    [[nodiscard]] const std::vector<std::string>& warnings() const
    {
        return warnings_;
    }

  private:
    Package() = default;

    Content content_;
    std::uint16_t header_size_{};
    std::uint64_t total_size_{};
    std::uint32_t header_checksum_{};
    std::vector<std::string> warnings_;
};

} // namespace fwupdate::pldm
