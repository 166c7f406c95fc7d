#include "common/package/parse_areas.hpp"

#include <algorithm>

namespace fwupdate::pldm
{
namespace
{

using Information = wire::ComponentImageInformation;

constexpr std::uint16_t known_options = 0x0007;
constexpr std::uint16_t known_activation_methods = 0x00FF;

Place place_of(std::size_t component, std::size_t record, std::string_view field)
{
    return {indexed("ComponentImageInformation", component) + "." + std::string{field},
            record + wire::offset_of<Information>(field)};
}

/// What others refuse, or nobody has defined.
void warn_about(const ComponentImage& image, std::size_t component, std::size_t record, Report& report)
{
    const auto warn = [&](bool wrong, std::string_view field, std::string_view reason)
    {
        if (wrong)
        {
            report.warn(place_of(component, record, field), reason);
        }
    };
    warn(image.classification >= 0x000E && image.classification <= 0x7FFF, "ComponentClassification",
         std::to_string(image.classification) + ": some readers (libpldm) refuse 14 to 32767");
    const bool uses_stamp = (image.options & use_component_comparison_stamp) != 0;
    const bool has_stamp = image.comparison_stamp != no_comparison_stamp;
    warn(uses_stamp != has_stamp, "ComponentComparisonStamp",
         uses_stamp ? "is FFFFFFFFh, although ComponentOptions has bit 1 set"
                    : "is not FFFFFFFFh, although ComponentOptions has bit 1 clear");
    warn((image.options & ~known_options) != 0, "ComponentOptions", "reserved bits are set");
    warn((image.requested_activation_method & ~known_activation_methods) != 0, "RequestedComponentActivationMethod",
         "reserved bits are set");
    warn(image.size == 0, "ComponentSize", "the image is empty; some readers refuse that");
    warn(image.version.bytes.empty(), "ComponentVersionStringLength", "the version is empty; some readers refuse that");
}

void check_bounds(const ComponentImage& image, Payload payload, std::size_t component, std::size_t record,
                  Report& report)
{
    const std::uint64_t end = std::uint64_t{image.location_offset} + image.size;
    if (image.location_offset < payload.begin)
    {
        report.refuse(ErrorKind::out_of_range, place_of(component, record, "ComponentLocationOffset"),
                      "the image starts at " + std::to_string(image.location_offset) + ", inside of the header of " +
                          std::to_string(payload.begin) + " bytes");
    }
    else if (end > payload.end)
    {
        report.refuse(ErrorKind::out_of_range, place_of(component, record, "ComponentSize"),
                      "the image ends at " + std::to_string(end) + ", but the package has only " +
                          std::to_string(payload.end) + " bytes: it is truncated, or was made wrongly");
    }
}

ComponentImage read_component(Cursor& cursor, const FormatRevision& revision)
{
    Information information;
    cursor.read(information);
    ComponentImage image{information.classification,
                         information.identifier,
                         information.comparison_stamp,
                         information.options,
                         information.requested_activation_method,
                         information.location_offset,
                         information.size,
                         cursor.text("ComponentVersionString", information.version_type, information.version_length),
                         {}};
    if (revision.has_opaque_data())
    {
        const auto length = cursor.integer<std::uint32_t>("ComponentOpaqueDataLength");
        const ConstBytes data = cursor.take("ComponentOpaqueData", length);
        image.opaque_data.assign(data.begin(), data.end());
    }
    return image;
}

/// Images in the order of their bytes: none may start before the one before it ends.
void check_overlaps(const std::vector<ComponentImage>& images, const std::vector<std::size_t>& records, Payload payload,
                    Report& report)
{
    std::vector<std::size_t> order(images.size());
    for (std::size_t at = 0; at < order.size(); ++at)
    {
        order[at] = at;
    }
    std::erase_if(order, [&](std::size_t at) { return images[at].size == 0; });
    std::ranges::sort(order, {}, [&](std::size_t at) { return images[at].location_offset; });
    std::uint64_t end = payload.begin;
    std::uint64_t unused = payload.end - payload.begin;
    for (const std::size_t at : order)
    {
        if (images[at].location_offset < end)
        {
            report.refuse(ErrorKind::out_of_range, place_of(at, records[at], "ComponentLocationOffset"),
                          "the image overlaps another one, which ends at " + std::to_string(end));
            return;
        }
        end = std::uint64_t{images[at].location_offset} + images[at].size;
        unused -= images[at].size;
    }
    if (unused > 0)
    {
        report.warn({"the payload", static_cast<std::size_t>(payload.begin)},
                    std::to_string(unused) + " bytes belong to no component; some readers refuse that");
    }
}

} // namespace

std::vector<ComponentImage> read_components(Cursor& cursor, const FormatRevision& revision, Payload payload)
{
    const Place count_place = cursor.place("ComponentImageCount");
    const auto count = cursor.integer<std::uint16_t>("ComponentImageCount");
    if (count == 0)
    {
        cursor.report().refuse(ErrorKind::invalid_field, count_place, "the package has no component");
    }
    std::vector<ComponentImage> images;
    std::vector<std::size_t> records;
    for (std::size_t at = 0; at < count && !cursor.failed(); ++at)
    {
        records.push_back(cursor.offset());
        cursor.rename(indexed("ComponentImageInformation", at));
        images.push_back(read_component(cursor, revision));
        if (!cursor.failed())
        {
            check_bounds(images.back(), payload, at, records.back(), cursor.report());
            warn_about(images.back(), at, records.back(), cursor.report());
        }
    }
    cursor.rename({});
    if (!cursor.failed())
    {
        check_overlaps(images, records, payload, cursor.report());
    }
    return images;
}

} // namespace fwupdate::pldm
