#include "common/package/payload_check.hpp"

#include "tests/common/package/sample.hpp"
#include "tests/common/result_printing.hpp"

using namespace fwupdate;
using namespace fwupdate::pldm;
using namespace fwupdate::pldm::test;

namespace
{

Result<void> verdict(const Package& package, ConstBytes payload, std::size_t slice)
{
    PayloadCheck check{package};
    while (!payload.empty())
    {
        const std::size_t size = std::min(slice, payload.size());
        check.update(payload.first(size));
        payload = payload.subspan(size);
    }
    return check.verdict();
}

} // namespace

TEST_CASE("a payload in slices of any size, whole and damaged")
{
    const Bytes bytes = vector_package("v07-1.3-downstream-selfcontained");
    const Package package = Package::parse(header_of(bytes), bytes.size()).value();
    for (const std::size_t slice : {1U, 7U, 64U, 4096U})
    {
        const ConstBytes payload = ConstBytes{bytes}.subspan(package.header_size());
        CHECK(verdict(package, payload, slice));
        CHECK(verdict(package, payload.first(payload.size() - 1), slice).error().kind == ErrorKind::length);
        for (std::size_t at = package.header_size(); at < bytes.size(); ++at)
        {
            Bytes damaged = bytes;
            damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ 0x10);
            const auto result = verdict(package, ConstBytes{damaged}.subspan(package.header_size()), 512);
            REQUIRE(!result);
            CHECK(result.error().kind == ErrorKind::integrity);
        }
    }
}

TEST_CASE("a damaged payload checksum is named, and what comes too much counts")
{
    Bytes bytes = vector_package("v07-1.3-downstream-selfcontained");
    const std::size_t header = header_of(bytes).size();
    bytes[header - 1] = static_cast<std::uint8_t>(bytes[header - 1] ^ 1);
    const Package package = Package::parse(bytes, bytes.size()).value();
    CHECK(verdict(package, ConstBytes{bytes}.subspan(header), 100)
              .error()
              .text.starts_with("PackagePayloadChecksum at offset " + std::to_string(header - 4) + ": "));
    PayloadCheck check{package};
    CHECK(check.offset() == header);
    CHECK(check.rest() == bytes.size() - header);
    check.update(bytes);
    CHECK(check.rest() == 0);
    CHECK(check.verdict().error().kind == ErrorKind::length);
}

TEST_CASE("packages without a payload checksum need no reading")
{
    const Bytes bytes = vector_package("ex1.0.0");
    const Package package = Package::parse(bytes, bytes.size()).value();
    CHECK(!package.payload_check_needed());
    CHECK(verdict(package, Bytes(bytes.size() - package.header_size()), 50)); // nothing says what the bytes should be
}
