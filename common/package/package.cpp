#include "common/package/package.hpp"

#include "common/package/crc32.hpp"
#include "common/package/parse_areas.hpp"

namespace fwupdate::pldm
{
namespace
{

using wire::HeaderInformation;

Place place_of(std::string_view field)
{
    return {std::string{field}, wire::offset_of<HeaderInformation>(field)};
}

void check_identifier(const HeaderInformation& information, Report& report)
{
    const FormatRevision* const revision = find_revision(information.revision);
    const FormatRevision* const identified = find_revision(information.identifier);
    const Place place = place_of("PackageHeaderIdentifier");
    if (revision == nullptr)
    {
        const bool foreign = identified == nullptr;
        report.refuse(ErrorKind::unsupported, foreign ? place : place_of("PackageHeaderFormatRevision"),
                      foreign ? "this is no PLDM firmware update package"
                              : "revision " + std::to_string(information.revision) + " is not supported; 1 to " +
                                    std::to_string(newest_revision) + " are");
        return;
    }
    if (identified != revision)
    {
        report.tolerate(identified == nullptr ? ErrorKind::unsupported : ErrorKind::invalid_field, place,
                        identified == nullptr
                            ? to_hex(information.identifier) + " is none of a PLDM firmware update package"
                            : "belongs to revision " + std::to_string(identified->number) +
                                  ", but PackageHeaderFormatRevision is " + std::to_string(information.revision));
    }
}

void check_size(const HeaderInformation& information, Report& report)
{
    const FormatRevision* const revision = find_revision(information.revision);
    if (revision != nullptr && information.size < wire::size_of<HeaderInformation>() + revision->checksums_size())
    {
        report.refuse(ErrorKind::length, place_of("PackageHeaderSize"),
                      std::to_string(information.size) + " bytes are less than the fixed fields take");
    }
}

/// A warning: nobody decides by the date, and makers without a clock write zeros.
void check_date(const Timestamp104& date, Report& report)
{
    const auto microsecond = date.microsecond[0] | date.microsecond[1] << 8 | date.microsecond[2] << 16;
    if (microsecond >= 1'000'000 || date.second > 59 || date.minute > 59 || date.hour > 23 || date.day < 1 ||
        date.day > 31 || date.month < 1 || date.month > 12)
    {
        report.warn(place_of("PackageReleaseDateTime"), "is not a date and time");
    }
}

void check_bitmap(std::uint16_t bits, std::size_t components, Report& report)
{
    if (bits % 8 != 0 || bits < components)
    {
        report.refuse(ErrorKind::invalid_field, place_of("ComponentBitmapBitLength"),
                      std::to_string(bits) + " bits: must be a multiple of 8, and enough for " +
                          std::to_string(components) + " components");
    }
}

/// Everything before PackageHeaderChecksum must give it.
std::uint32_t check_checksum(ConstBytes header, const FormatRevision& revision, Report& report)
{
    const std::size_t offset = header.size() - revision.checksums_size();
    Cursor cursor{header.subspan(offset, 4), offset, {}, "the header", report};
    const auto stored = cursor.integer<std::uint32_t>("PackageHeaderChecksum");
    if (crc32(header.first(offset)) != stored)
    {
        report.refuse(ErrorKind::integrity, {"PackageHeaderChecksum", offset},
                      "does not match the header: the package is damaged; fetch or build it again");
    }
    return stored;
}

void read_information(Cursor& cursor, Content& content, Report& report)
{
    HeaderInformation information;
    cursor.read(information);
    content.identifier = information.identifier;
    content.revision = information.revision;
    content.release_date_time = information.release_date_time;
    content.component_bitmap_bit_length = information.component_bitmap_bit_length;
    check_date(information.release_date_time, report);
    check_bitmap(information.component_bitmap_bit_length, 0, report);
    if (information.version_length == 0)
    {
        report.warn(place_of("PackageVersionStringLength"), "the version is empty; some readers refuse that");
    }
    content.version = cursor.text("PackageVersionString", information.version_type, information.version_length);
}

void read_areas(Cursor& cursor, const FormatRevision& revision, Payload payload, Content& content, Report& report)
{
    const std::uint16_t bits = content.component_bitmap_bit_length;
    DeviceRecords firmware = read_device_records<wire::FirmwareDevice>(cursor, revision, bits);
    DeviceRecords downstream;
    if (revision.has_downstream_devices())
    {
        downstream = read_device_records<wire::DownstreamDevice>(cursor, revision, bits);
    }
    content.components = read_components(cursor, revision, payload);
    check_bitmap(bits, content.components.size(), report);
    check_applicable(firmware, content.components.size(), report);
    check_applicable(downstream, content.components.size(), report);
    if (cursor.rest() != 0)
    {
        report.refuse(ErrorKind::length, place_of("PackageHeaderSize"),
                      std::to_string(payload.begin) + " bytes, of which " + std::to_string(cursor.rest()) +
                          " belong to no field");
    }
    content.firmware_devices = std::move(firmware.records);
    content.downstream_devices = std::move(downstream.records);
}

/// The size field of a start that may be a package's, refusing what can't be.
std::uint16_t read_size(ConstBytes start, Report& report)
{
    Cursor cursor{start, 0, {}, "the package", report};
    HeaderInformation information;
    const ConstBytes identifier = cursor.take("PackageHeaderIdentifier", information.identifier.size());
    std::ranges::copy(identifier, information.identifier.begin());
    information.revision = cursor.integer<std::uint8_t>("PackageHeaderFormatRevision");
    information.size = cursor.integer<std::uint16_t>("PackageHeaderSize");
    if (!cursor.failed())
    {
        check_identifier(information, report);
        check_size(information, report);
    }
    return information.size;
}

void check_presence(std::uint16_t size, std::size_t present, std::uint64_t total_size, Report& report)
{
    if (size > present || size > total_size)
    {
        report.refuse(ErrorKind::length, place_of("PackageHeaderSize"),
                      "the header has " + std::to_string(size) + " bytes, but only " +
                          std::to_string(std::min<std::uint64_t>(present, total_size)) +
                          " are there: the package is truncated");
    }
}

} // namespace

Result<std::uint16_t> header_size(ConstBytes start)
{
    Report report{Tolerance::script};
    const std::uint16_t size = read_size(start, report);
    if (report.failure())
    {
        return *report.failure();
    }
    return size;
}

Result<Package> Package::parse(ConstBytes bytes, std::uint64_t total_size, Tolerance tolerance)
{
    Report report{tolerance};
    Package package;
    const std::uint16_t size = read_size(bytes, report);
    check_presence(size, bytes.size(), total_size, report);
    if (report.failure())
    {
        return *report.failure();
    }
    const ConstBytes header = bytes.first(size);
    const FormatRevision& revision =
        *find_revision(header[wire::offset_of<HeaderInformation>("PackageHeaderFormatRevision")]);
    package.header_checksum_ = check_checksum(header, revision, report);
    package.header_size_ = size;
    package.total_size_ = total_size;
    Cursor cursor{header.first(size - revision.checksums_size()), 0, {}, "the header", report};
    read_information(cursor, package.content_, report);
    read_areas(cursor, revision, {size, total_size}, package.content_, report);
    if (revision.has_payload_checksum())
    {
        Cursor last{header.last(4), size - std::size_t{4}, {}, "the header", report};
        package.content_.payload_checksum = last.integer<std::uint32_t>("PackagePayloadChecksum");
    }
    if (report.failure())
    {
        return *report.failure();
    }
    package.warnings_ = report.warnings();
    return package;
}

const FormatRevision& Package::revision() const
{
    return *find_revision(content_.revision);
}

} // namespace fwupdate::pldm
