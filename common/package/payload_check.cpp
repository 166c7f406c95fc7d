#include "common/package/payload_check.hpp"

namespace fwupdate::pldm
{

PayloadCheck::PayloadCheck(const Package& package)
    : needed_{package.payload_check_needed()},
      expected_{package.content().payload_checksum},
      field_offset_{package.header_size() - std::uint64_t{4}},
      offset_{package.header_size()},
      end_{package.total_size()}
{
}

void PayloadCheck::update(ConstBytes slice)
{
    offset_ += slice.size();
    if (needed_)
    {
        crc_.update(slice);
    }
}

Result<void> PayloadCheck::verdict() const
{
    if (offset_ != end_)
    {
        return fail(ErrorKind::length, "the payload ends at " + std::to_string(offset_) + " instead of " +
                                           std::to_string(end_) + " bytes: the package is truncated, or still written");
    }
    if (needed_ && crc_.value() != expected_)
    {
        return fail(ErrorKind::integrity,
                    "PackagePayloadChecksum at offset " + std::to_string(field_offset_) +
                        ": does not match the payload: the package is damaged; fetch or build it again");
    }
    return {};
}

} // namespace fwupdate::pldm
