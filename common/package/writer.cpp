#include "common/package/writer.hpp"

#include "common/package/crc32.hpp"
#include "common/package/cursor.hpp"
#include "common/package/wire.hpp"

#include <limits>
#include <optional>

namespace fwupdate::pldm
{
namespace
{

using codec::append;

/// Builds the bytes area by area; after the first failure what comes out is of no use.
class Encoder
{
  public:
    explicit Encoder(const Content& content) : content_{content} {}

    [[nodiscard]] Result<Bytes> run()
    {
        revision_ = find_revision(content_.revision);
        if (revision_ == nullptr)
        {
            return fail(ErrorKind::unsupported, "PackageHeaderFormatRevision: revision " +
                                                    std::to_string(content_.revision) + " is not supported; 1 to " +
                                                    std::to_string(newest_revision) + " are");
        }
        information();
        records<wire::FirmwareDevice>(content_.firmware_devices);
        if (revision_->has_downstream_devices())
        {
            records<wire::DownstreamDevice>(content_.downstream_devices);
        }
        components();
        finish();
        if (failure_)
        {
            return *failure_;
        }
        return std::move(out_);
    }

  private:
    void refuse(std::string field, std::string_view reason)
    {
        if (!failure_)
        {
            failure_ = fail(ErrorKind::length, std::move(field) + ": " + std::string{reason});
        }
    }

    /// A length or count as its field has it.
    template <std::unsigned_integral T> T fit(const std::string& field, std::size_t value)
    {
        if (value > std::numeric_limits<T>::max())
        {
            refuse(field, std::to_string(value) + "; the most is " + std::to_string(std::numeric_limits<T>::max()));
        }
        return static_cast<T>(value);
    }

    static void bytes(ConstBytes more, Bytes& out)
    {
        out.insert(out.end(), more.begin(), more.end());
    }

    void information()
    {
        wire::HeaderInformation head;
        head.identifier = content_.identifier;
        head.revision = content_.revision;
        head.release_date_time = content_.release_date_time;
        head.component_bitmap_bit_length = content_.component_bitmap_bit_length;
        head.version_type = static_cast<std::uint8_t>(content_.version.type);
        head.version_length = fit<std::uint8_t>("PackageVersionStringLength", content_.version.bytes.size());
        append(head, out_);
        bytes(as_bytes(content_.version.bytes), out_);
    }

    [[nodiscard]] Bytes bitmap(const DeviceIdRecord& record, const std::string& field)
    {
        Bytes bits(content_.component_bitmap_bit_length / 8);
        for (const std::uint16_t index : record.applicable_components)
        {
            if (index / 8U >= bits.size())
            {
                refuse(field, "component " + std::to_string(index) + " has no bit in a bitmap of " +
                                  std::to_string(content_.component_bitmap_bit_length));
                break;
            }
            bits[index / 8U] = static_cast<std::uint8_t>(bits[index / 8U] | 1U << (index % 8U));
        }
        return bits;
    }

    void descriptor(const Descriptor& descriptor, const std::string& path, Bytes& out)
    {
        Bytes data;
        if (descriptor.title)
        {
            append(wire::VendorTitleHead{static_cast<std::uint8_t>(descriptor.title->type),
                                         fit<std::uint8_t>(path + ".VendorDefinedDescriptorTitleStringLength",
                                                           descriptor.title->bytes.size())},
                   data);
            bytes(as_bytes(descriptor.title->bytes), data);
        }
        bytes(descriptor.data, data);
        append(wire::DescriptorHead{descriptor.type, fit<std::uint16_t>(path + ".DescriptorLength", data.size())}, out);
        bytes(data, out);
    }

    template <class Head> [[nodiscard]] Bytes body(const DeviceIdRecord& record, const std::string& path)
    {
        Bytes out;
        if (revision_->has_reference_manifests())
        {
            append(fit<std::uint32_t>(path + "." + std::string{Head::reference_manifest_length},
                                      record.reference_manifest.size()),
                   out);
        }
        bytes(bitmap(record, path + "." + std::string{Head::applicable_components}), out);
        bytes(as_bytes(record.version.bytes), out);
        if (record.min_version_comparison_stamp)
        {
            append(*record.min_version_comparison_stamp, out);
        }
        for (std::size_t at = 0; at < record.descriptors.size(); ++at)
        {
            descriptor(record.descriptors[at], path + "." + indexed("RecordDescriptors", at), out);
        }
        bytes(record.package_data, out);
        bytes(record.reference_manifest, out);
        return out;
    }

    template <class Head> void record(const DeviceIdRecord& record, const std::string& path)
    {
        const Bytes rest = body<Head>(record, path);
        Head head;
        head.record_length = fit<std::uint16_t>(path + ".RecordLength", wire::size_of<Head>() + rest.size());
        head.descriptor_count = fit<std::uint8_t>(path + ".DescriptorCount", record.descriptors.size());
        head.update_option_flags = record.update_option_flags;
        head.version_type = static_cast<std::uint8_t>(record.version.type);
        head.version_length =
            fit<std::uint8_t>(path + "." + std::string{Head::version} + "Length", record.version.bytes.size());
        head.package_data_length =
            fit<std::uint16_t>(path + "." + std::string{Head::package_data} + "Length", record.package_data.size());
        append(head, out_);
        bytes(rest, out_);
    }

    template <class Head> void records(const std::vector<DeviceIdRecord>& records)
    {
        append(fit<std::uint8_t>(std::string{Head::count}, records.size()), out_);
        for (std::size_t at = 0; at < records.size() && !failure_; ++at)
        {
            record<Head>(records[at], indexed(Head::records, at));
        }
    }

    void component(const ComponentImage& image, const std::string& path)
    {
        append(wire::ComponentImageInformation{image.classification, image.identifier, image.comparison_stamp,
                                               image.options, image.requested_activation_method, image.location_offset,
                                               image.size, static_cast<std::uint8_t>(image.version.type),
                                               fit<std::uint8_t>(path + ".ComponentVersionStringLength",
                                                                 image.version.bytes.size())},
               out_);
        bytes(as_bytes(image.version.bytes), out_);
        if (revision_->has_opaque_data())
        {
            append(fit<std::uint32_t>(path + ".ComponentOpaqueDataLength", image.opaque_data.size()), out_);
            bytes(image.opaque_data, out_);
        }
    }

    void components()
    {
        append(fit<std::uint16_t>("ComponentImageCount", content_.components.size()), out_);
        for (std::size_t at = 0; at < content_.components.size() && !failure_; ++at)
        {
            component(content_.components[at], indexed("ComponentImageInformation", at));
        }
    }

    /// The header's size, and the checksums over all of it.
    void finish()
    {
        Bytes size;
        append(fit<std::uint16_t>("PackageHeaderSize", out_.size() + revision_->checksums_size()), size);
        std::ranges::copy(size, out_.begin() + wire::offset_of<wire::HeaderInformation>("PackageHeaderSize"));
        append(crc32(out_), out_);
        if (revision_->has_payload_checksum())
        {
            append(content_.payload_checksum, out_);
        }
    }

    const Content& content_;
    const FormatRevision* revision_{};
    Bytes out_;
    std::optional<Error> failure_;
};

} // namespace

Result<std::uint64_t> place_components(Content& content)
{
    const auto header = Encoder{content}.run(); // offsets have a fixed width: any value gives the size
    if (!header)
    {
        return header.error();
    }
    std::uint64_t offset = header->size();
    for (std::size_t at = 0; at < content.components.size(); ++at)
    {
        ComponentImage& image = content.components[at];
        if (offset > std::numeric_limits<std::uint32_t>::max())
        {
            return fail(ErrorKind::length, indexed("ComponentImageInformation", at) + ".ComponentLocationOffset: " +
                                               std::to_string(offset) + " is beyond the 4 GiB that a package can hold");
        }
        image.location_offset = static_cast<std::uint32_t>(offset);
        offset += image.size;
    }
    return offset;
}

Result<EncodedHeader> encode_header(const Content& content, std::uint64_t total_size, Tolerance tolerance)
{
    auto bytes = Encoder{content}.run();
    if (!bytes)
    {
        return bytes.error();
    }
    const auto read_back = Package::parse(*bytes, total_size, tolerance);
    if (!read_back)
    {
        return read_back.error();
    }
    if (read_back->content() != content)
    {
        return fail(ErrorKind::invalid_field, "the package would not say what was asked for: fields that the revision "
                                              "does not have, or components that are not in ascending order");
    }
    return EncodedHeader{std::move(*bytes), read_back->warnings()};
}

} // namespace fwupdate::pldm
