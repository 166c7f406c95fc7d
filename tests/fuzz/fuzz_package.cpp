// Headers of firmware update packages of any kind: a reason with a place, or a package that the writer makes again byte
// by byte.
#include "common/package/crc32.hpp"
#include "common/package/package.hpp"
#include "common/package/payload_check.hpp"
#include "common/package/writer.hpp"

#include <cstdlib>

using namespace fwupdate;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

void check_package(const pldm::Package& package, ConstBytes bytes, pldm::Tolerance tolerance)
{
    const std::uint64_t total = package.total_size();
    for (const pldm::ComponentImage& image : package.content().components)
    {
        require(image.location_offset >= package.header_size() &&
                std::uint64_t{image.location_offset} + image.size <= total);
    }
    require(package.warnings().size() <= 33);
    const auto again = pldm::encode_header(package.content(), total, tolerance);
    require(again && std::ranges::equal(again->bytes, bytes.first(package.header_size())));
    pldm::PayloadCheck check{package};
    check.update(bytes.subspan(package.header_size()));
    require(check.rest() == 0);
    static_cast<void>(check.verdict());
}

void parse(ConstBytes bytes, pldm::Tolerance tolerance)
{
    const auto package = pldm::Package::parse(bytes, bytes.size(), tolerance);
    if (!package)
    {
        const std::string& text = package.error().text;
        require(text.find(" at offset ") != std::string::npos && printable(text) == text);
        return;
    }
    check_package(*package, bytes, tolerance);
}

/// The header with its checksum made right, so that what lies behind it is tried as well.
Bytes repaired(ConstBytes bytes)
{
    Bytes copy{bytes.begin(), bytes.end()};
    const auto size = pldm::header_size(copy);
    if (size && *size <= copy.size())
    {
        const std::size_t at = *size - pldm::find_revision(copy[16])->checksums_size();
        const std::uint32_t crc = pldm::crc32(ConstBytes{copy}.first(at));
        for (std::size_t byte = 0; byte < 4; ++byte)
        {
            copy[at + byte] = static_cast<std::uint8_t>(crc >> (8 * byte));
        }
    }
    return copy;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ConstBytes bytes{data, size};
    const Bytes fixed = repaired(bytes);
    for (const auto tolerance : {pldm::Tolerance::none, pldm::Tolerance::script})
    {
        parse(bytes, tolerance);
        parse(fixed, tolerance);
    }
    return 0;
}
