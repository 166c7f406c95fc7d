#include "bmc-agent/daemon/identity.hpp"

#include "bmc-agent/config/values.hpp"
#include "bmc-agent/staging/file.hpp"

#include <string_view>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t longest_line = 64; ///< bytes; a UUID has 36

std::string first_line(const std::string& text)
{
    return text.substr(0, text.find('\n'));
}

} // namespace

Result<protocol::Identifier> read_boot_id(const std::filesystem::path& file)
{
    const auto text = read_file(file, longest_line);
    if (!text)
    {
        return text.error();
    }
    const auto boot_id = config::parse_guid(first_line(*text));
    if (!boot_id)
    {
        return fail(ErrorKind::input_output, file.string() + " holds no boot id; is /proc mounted?");
    }
    return *boot_id;
}

protocol::Identifier make_instance_id(RandomSource& random)
{
    protocol::Identifier id{};
    random.fill(id);
    return id;
}

protocol::Identifier make_guid(RandomSource& random)
{
    protocol::Identifier guid{};
    random.fill(guid);
    guid[6] = static_cast<std::uint8_t>((guid[6] & 0x0F) | 0x40); // version 4
    guid[8] = static_cast<std::uint8_t>((guid[8] & 0x3F) | 0x80); // RFC 4122's variant
    // Read in the wrong order the version digit lies in byte 8 or 9: 8 or more is no version.
    guid[9] = static_cast<std::uint8_t>(guid[9] | 0x80);
    return guid;
}

std::string guid_text(const protocol::Identifier& guid)
{
    std::string text = to_hex(guid);
    for (const std::size_t hyphen : {8, 13, 18, 23})
    {
        text.insert(hyphen, 1, '-');
    }
    return text;
}

Result<protocol::Identifier> load_or_make_guid(const std::filesystem::path& file, RandomSource& random)
{
    const auto text = read_file(file, longest_line);
    if (!text && text.error().kind != ErrorKind::not_found)
    {
        return text.error();
    }
    if (text)
    {
        const auto guid = config::parse_guid(first_line(*text));
        if (!guid)
        {
            return fail(ErrorKind::invalid_field,
                        file.string() + " holds no GUID; remove it to get a new one, or set device.guid");
        }
        return *guid;
    }
    const protocol::Identifier guid = make_guid(random);
    if (const auto written = write_file_atomically(file, guid_text(guid) + "\n"); !written)
    {
        return written.error();
    }
    return guid;
}

} // namespace fwupdate::agent
