#include "tools/pldm/describe.hpp"

#include <array>
#include <cstdio>

namespace fwupdate::tools
{
namespace
{

using pldm::Content;

std::string hexadecimal(std::uint32_t value, int digits)
{
    std::array<char, 16> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%0*Xh", digits, static_cast<unsigned>(value)));
    return text.data();
}

std::string date(const pldm::Timestamp104& time)
{
    std::array<char, 80> text{};
    const unsigned microsecond = time.microsecond[0] | time.microsecond[1] << 8 | time.microsecond[2] << 16;
    static_cast<void>(std::snprintf(text.data(), text.size(), "%04u-%02u-%02u %02u:%02u:%02u.%06u, UTC offset %d min",
                                    time.year, time.month, time.day, time.hour, time.minute, time.second, microsecond,
                                    static_cast<std::int16_t>(time.utc_offset)));
    return text.data();
}

std::string in_quotes(const pldm::VersionString& string)
{
    return "\"" + printable(to_utf8(string)) + "\" (" + std::string{name(string.type)} + ")";
}

/// "0 force update, 2", the names of the lowest bits as far as they have some.
std::string bits(std::uint32_t word, std::initializer_list<std::string_view> names)
{
    std::string text;
    for (unsigned bit = 0; bit < 32; ++bit)
    {
        if ((word >> bit & 1) != 0)
        {
            text += (text.empty() ? "" : ", ") + std::to_string(bit);
            text += bit < names.size() ? " " + std::string{names.begin()[bit]} : "";
        }
    }
    return text.empty() ? "none" : text;
}

std::string list(const std::vector<std::uint16_t>& numbers)
{
    std::string text;
    for (const std::uint16_t number : numbers)
    {
        text += (text.empty() ? "" : ", ") + std::to_string(number);
    }
    return text.empty() ? "none" : text;
}

/// The start of bytes that may be many.
std::string some_hex(const Bytes& bytes)
{
    constexpr std::size_t most = 32;
    const ConstBytes all{bytes};
    return to_hex(all.first(std::min(all.size(), most))) +
           (all.size() > most ? "... (" + std::to_string(all.size()) + " bytes)" : "");
}

std::string classification(std::uint16_t value)
{
    constexpr std::array<std::string_view, 14> names{"unknown",
                                                     "other",
                                                     "driver",
                                                     "configuration software",
                                                     "application",
                                                     "instrumentation",
                                                     "firmware or BIOS",
                                                     "diagnostic software",
                                                     "operating system",
                                                     "middleware",
                                                     "firmware",
                                                     "BIOS or FCode",
                                                     "support or service pack",
                                                     "software bundle"};
    return std::to_string(value) + (value < names.size() ? " (" + std::string{names[value]} + ")" : "");
}

class Lines
{
  public:
    void head(const std::string& text)
    {
        text_ += text + "\n";
    }
    void line(std::string_view name, const std::string& value)
    {
        constexpr std::size_t width = 26;
        text_ +=
            "  " + std::string{name} + std::string(name.size() < width ? width - name.size() : 1, ' ') + value + "\n";
    }
    [[nodiscard]] std::string take()
    {
        return std::move(text_);
    }

  private:
    std::string text_;
};

void describe_descriptor(const pldm::Descriptor& descriptor, Lines& lines)
{
    const pldm::DescriptorType* const type = pldm::find_descriptor_type(descriptor.type);
    const std::string what = descriptor.title  ? "vendor defined " + in_quotes(*descriptor.title)
                             : type != nullptr ? std::string{type->name}
                                               : "type " + hexadecimal(descriptor.type, 4);
    lines.line("descriptor", what + ": " + some_hex(descriptor.data));
}

void describe_device(const pldm::DeviceIdRecord& device, bool downstream, Lines& lines)
{
    lines.line(downstream ? "least version" : "image set version", in_quotes(device.version));
    if (device.min_version_comparison_stamp)
    {
        lines.line("least comparison stamp", hexadecimal(*device.min_version_comparison_stamp, 8));
    }
    lines.line("update options", downstream ? bits(device.update_option_flags, {"self-contained activation"})
                                            : bits(device.update_option_flags, {"continue after failure"}));
    lines.line("applicable components", list(device.applicable_components));
    for (const pldm::Descriptor& descriptor : device.descriptors)
    {
        describe_descriptor(descriptor, lines);
    }
    if (!device.package_data.empty())
    {
        lines.line("package data", some_hex(device.package_data));
    }
    if (!device.reference_manifest.empty())
    {
        lines.line("reference manifest", some_hex(device.reference_manifest));
    }
}

void describe_component(const pldm::ComponentImage& image, Lines& lines)
{
    lines.line("version", in_quotes(image.version));
    lines.line("classification", classification(image.classification));
    lines.line("identifier", std::to_string(image.identifier));
    lines.line("comparison stamp", hexadecimal(image.comparison_stamp, 8));
    lines.line("options", bits(image.options, {"force update", "use comparison stamp"}));
    lines.line("activation methods",
               bits(image.requested_activation_method, {"automatic", "self-contained", "medium-specific reset",
                                                        "system reboot", "DC power cycle", "AC power cycle"}));
    lines.line("image", std::to_string(image.size) + " bytes at " + std::to_string(image.location_offset));
    if (!image.opaque_data.empty())
    {
        lines.line("opaque data", some_hex(image.opaque_data));
    }
}

void describe_header(const pldm::Package& package, std::optional<bool> payload_matches, Lines& lines)
{
    const Content& content = package.content();
    lines.head("package " + in_quotes(content.version));
    lines.line("format revision",
               std::to_string(content.revision) + " (" + std::string{package.revision().specification} + ")");
    lines.line("identifier", to_hex(content.identifier));
    lines.line("released", date(content.release_date_time));
    lines.line("size",
               std::to_string(package.total_size()) + " bytes, the header " + std::to_string(package.header_size()));
    lines.line("component bitmap", std::to_string(content.component_bitmap_bit_length) + " bits");
    lines.line("header checksum", hexadecimal(package.header_checksum(), 8) + ", matches");
    if (payload_matches)
    {
        lines.line("payload checksum",
                   hexadecimal(content.payload_checksum, 8) + (*payload_matches ? ", matches" : ", DOES NOT MATCH"));
    }
}

} // namespace

std::string describe(const pldm::Package& package, std::optional<bool> payload_matches)
{
    Lines lines;
    describe_header(package, payload_matches, lines);
    const Content& content = package.content();
    for (std::size_t at = 0; at < content.firmware_devices.size(); ++at)
    {
        lines.head("firmware device " + std::to_string(at));
        describe_device(content.firmware_devices[at], false, lines);
    }
    for (std::size_t at = 0; at < content.downstream_devices.size(); ++at)
    {
        lines.head("downstream device " + std::to_string(at));
        describe_device(content.downstream_devices[at], true, lines);
    }
    for (std::size_t at = 0; at < content.components.size(); ++at)
    {
        lines.head("component " + std::to_string(at));
        describe_component(content.components[at], lines);
    }
    return lines.take();
}

} // namespace fwupdate::tools
