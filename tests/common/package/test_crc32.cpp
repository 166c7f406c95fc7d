#include "common/package/crc32.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;

TEST_CASE("CRC-32 of the check value's text, in one piece and in slices")
{
    CHECK(pldm::crc32(as_bytes("123456789")) == 0xCBF43926);
    pldm::Crc32 crc;
    CHECK(crc.value() == 0);
    crc.update(as_bytes("1234"));
    crc.update({}); // zlib takes a null pointer for a fresh start
    crc.update(ConstBytes{as_bytes("x")}.first(0));
    crc.update(as_bytes("56789"));
    CHECK(crc.value() == 0xCBF43926);
}
