#include "common/package/parse_areas.hpp"

namespace fwupdate::pldm
{
namespace
{

std::vector<std::uint16_t> read_bitmap(ConstBytes bitmap)
{
    std::vector<std::uint16_t> indexes;
    for (std::size_t bit = 0; bit < bitmap.size() * 8; ++bit)
    {
        if ((bitmap[bit / 8] >> (bit % 8) & 1) != 0)
        {
            indexes.push_back(static_cast<std::uint16_t>(bit));
        }
    }
    return indexes;
}

/// Size and title of what a descriptor's head announces.
void read_descriptor_data(Cursor& data, const Place& length, Descriptor& descriptor)
{
    const DescriptorType* const type = find_descriptor_type(descriptor.type);
    if (type != nullptr && data.rest() != type->size)
    {
        data.report().refuse(ErrorKind::length, length,
                             std::string{type->name} + " has " + std::to_string(type->size) + " bytes, not " +
                                 std::to_string(data.rest()));
    }
    if (descriptor.type == vendor_defined)
    {
        wire::VendorTitleHead title;
        data.read(title);
        descriptor.title = data.text("VendorDefinedDescriptorTitleString", title.type, title.length);
    }
    const ConstBytes rest = data.take("DescriptorData", data.rest());
    descriptor.data.assign(rest.begin(), rest.end());
}

Descriptor read_descriptor(Cursor& cursor, const std::string& path, bool first)
{
    cursor.rename(path);
    const Place type_place = cursor.place("DescriptorType");
    const Place length_place = cursor.place("DescriptorLength", cursor.offset() + 2);
    wire::DescriptorHead head;
    cursor.read(head);
    Descriptor descriptor{head.type, {}, {}};
    Cursor data = cursor.part("DescriptorData", head.length, path, "the descriptor");
    if (cursor.failed())
    {
        return descriptor;
    }
    read_descriptor_data(data, length_place, descriptor);
    const DescriptorType* const type = find_descriptor_type(head.type);
    if (type == nullptr && head.type != vendor_defined)
    {
        cursor.report().warn(type_place, "type " + std::to_string(head.type) + " is unknown; no device will match it");
    }
    else if (first && (type == nullptr || !type->is_initial()))
    {
        cursor.report().warn(type_place,
                             "type " + std::to_string(head.type) + " should not be the first one of a record");
    }
    return descriptor;
}

/// The version string; downstream devices that don't activate themselves have none.
template <class Head> VersionString read_version(Cursor& body, const Head& head, const Place& type)
{
    if (Head::downstream && head.version_type == 0 && head.version_length == 0 &&
        (head.update_option_flags & self_contained_activation) == 0)
    {
        body.report().tolerate(ErrorKind::invalid_field, type, "string type 0 is unknown");
        return {StringType::unknown, {}};
    }
    VersionString version = body.text(Head::version, head.version_type, head.version_length);
    const bool used = !Head::downstream || (head.update_option_flags & self_contained_activation) != 0;
    if (used && version.bytes.empty())
    {
        body.report().warn(body.place(Head::version), "is empty; some readers refuse that");
    }
    return version;
}

template <class Head>
void read_body(Cursor& body, const Head& head, const std::string& path, std::uint32_t manifest_length,
               DeviceIdRecord& record)
{
    if constexpr (Head::downstream)
    {
        if ((head.update_option_flags & self_contained_activation) != 0)
        {
            record.min_version_comparison_stamp = body.integer<std::uint32_t>(Head::comparison_stamp);
        }
    }
    for (std::size_t at = 0; at < head.descriptor_count && !body.failed(); ++at)
    {
        record.descriptors.push_back(read_descriptor(body, path + "." + indexed("RecordDescriptors", at), at == 0));
    }
    body.rename(path);
    const ConstBytes package_data = body.take(Head::package_data, head.package_data_length);
    record.package_data.assign(package_data.begin(), package_data.end());
    const ConstBytes manifest = body.take(Head::reference_manifest, manifest_length);
    record.reference_manifest.assign(manifest.begin(), manifest.end());
}

template <class Head>
void check_head(const Cursor& cursor, const Head& head, const std::string& path, std::size_t start)
{
    const auto place = [&](std::size_t field)
    {
        const auto names = std::apply([](const auto&... each) { return std::array{each.name...}; }, Head::layout);
        return Place{path + "." + std::string{names[field]}, start + wire::offset_of<Head>(names[field])};
    };
    if (head.record_length < wire::size_of<Head>())
    {
        cursor.report().refuse(ErrorKind::length, place(0),
                               std::to_string(head.record_length) + " bytes are less than a record's fixed fields");
    }
    else if (head.record_length - wire::size_of<Head>() > cursor.rest())
    {
        cursor.report().refuse(ErrorKind::length, place(0),
                               std::to_string(head.record_length) + " bytes, but only " +
                                   std::to_string(cursor.rest() + wire::size_of<Head>()) + " of the header are left");
    }
    if (head.descriptor_count == 0)
    {
        cursor.report().tolerate(ErrorKind::invalid_field, place(1),
                                 "no descriptor: the record would match every device, or none");
    }
    if ((head.update_option_flags & ~self_contained_activation) != 0)
    {
        cursor.report().warn(place(2), "reserved bits are set");
    }
}

template <class Head>
DeviceIdRecord read_record(Cursor& cursor, const std::string& path, const FormatRevision& revision,
                           std::uint16_t bitmap_bits, std::vector<Place>& bitmap_places)
{
    const std::size_t start = cursor.offset();
    Head head;
    DeviceIdRecord record;
    cursor.rename(path);
    cursor.read(head);
    check_head(cursor, head, path, start);
    if (cursor.failed())
    {
        return record;
    }
    Cursor body = cursor.part(Head::record_length_name, head.record_length - wire::size_of<Head>(), path, "the record");
    const auto manifest_length =
        revision.has_reference_manifests() ? body.integer<std::uint32_t>(Head::reference_manifest_length) : 0;
    record.update_option_flags = head.update_option_flags;
    bitmap_places.push_back(body.place(Head::applicable_components));
    record.applicable_components = read_bitmap(body.take(Head::applicable_components, bitmap_bits / 8));
    record.version = read_version(body, head, {path + "." + std::string{Head::version} + "Type", start + 7});
    read_body(body, head, path, manifest_length, record);
    if (body.rest() != 0)
    {
        body.report().refuse(ErrorKind::length, body.place(Head::record_length_name, start),
                             std::to_string(head.record_length) + " bytes, but the record's fields take " +
                                 std::to_string(head.record_length - body.rest()));
    }
    return record;
}

} // namespace

template <class Head>
DeviceRecords read_device_records(Cursor& cursor, const FormatRevision& revision,
                                  std::uint16_t component_bitmap_bit_length)
{
    DeviceRecords devices;
    const auto count = cursor.integer<std::uint8_t>(Head::count);
    for (std::size_t at = 0; at < count && !cursor.failed(); ++at)
    {
        devices.records.push_back(read_record<Head>(cursor, indexed(Head::records, at), revision,
                                                    component_bitmap_bit_length, devices.applicable_components));
    }
    cursor.rename({});
    return devices;
}

template DeviceRecords read_device_records<wire::FirmwareDevice>(Cursor&, const FormatRevision&, std::uint16_t);
template DeviceRecords read_device_records<wire::DownstreamDevice>(Cursor&, const FormatRevision&, std::uint16_t);

void check_applicable(const DeviceRecords& devices, std::size_t components, Report& report)
{
    for (std::size_t at = 0; at < devices.records.size(); ++at)
    {
        const auto& indexes = devices.records[at].applicable_components;
        if (!indexes.empty() && indexes.back() >= components)
        {
            report.refuse(ErrorKind::out_of_range, devices.applicable_components[at],
                          "bit " + std::to_string(indexes.back()) + " is set, but the package has only " +
                              std::to_string(components) + " components");
        }
    }
}

} // namespace fwupdate::pldm
