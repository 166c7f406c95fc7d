#include "bmc-agent/config/flash/entries.hpp"
#include "common/bytes.hpp"

#include <array>

namespace fwupdate::config::flash
{
namespace
{

constexpr std::string_view prefix = "/flash/";
constexpr std::size_t longest_text = 4095; ///< bytes, PATH_MAX without its NUL
constexpr std::size_t longest_blob = 255;  ///< bytes; no IPMI message carries more
/// bytes; with its NUL and a CRC in the 64 that a channel carries where nothing else is configured
constexpr std::size_t usual_blob = 61;

/// The handlers there are; the word has no use but to be there.
constexpr std::array handler_types{Word<std::string_view>{"file", "file"}};

/// Entries that the original reads elsewhere, out of the same files.
bool is_of_another_handler(const Json& entry)
{
    const auto blob = entry.is_object() ? entry.find("blob") : entry.end();
    const auto* const id = entry.is_object() && blob != entry.end() ? blob->get_ptr<const std::string*>() : nullptr;
    return id != nullptr && (id->starts_with("/version/") || id->starts_with("/log/"));
}

void read_blob(ObjectReader& reader, std::string& out)
{
    const std::string remedy = R"(write "/flash/" and a name, such as "/flash/bios")";
    reader.require("blob", remedy);
    const Place place = reader.member("blob");
    std::string id;
    if (place.value == nullptr || !read_text(place, id, longest_blob, reader.findings()))
    {
        return;
    }
    if (!id.starts_with(prefix) || id.size() == prefix.size())
    {
        reader.findings().mistake(place.pointer, "\"" + printable(id) + "\" is not the id of a firmware blob", remedy);
        return;
    }
    if (id.size() > usual_blob)
    {
        reader.findings().warn(place.pointer, std::to_string(id.size()) + " bytes long: many channels can't list it",
                               "write at most " + std::to_string(usual_blob) + " bytes");
    }
    out = std::move(id);
}

void read_handler(ObjectReader reader, FileHandler& out)
{
    std::string_view type;
    reader.require("type", R"(write "file")");
    reader.require("path", "write the file in which the client's bytes gather");
    reader.word("type", type, handler_types);
    read_any_path(reader, "path", out.path);
    reader.finish(UnknownKey::warning);
}

/// What goes well and means less than it seems.
void check_skips(ObjectReader& reader, const FlashBlob& blob)
{
    const std::string actions = reader.pointer("actions");
    const std::string_view remedy = "start a unit that does it";
    if (std::holds_alternative<Skip>(blob.verification))
    {
        reader.findings().warn(pointer_to(actions, "verification"), "whatever a client writes counts as verified",
                               remedy);
    }
    if (std::holds_alternative<Skip>(blob.update))
    {
        reader.findings().warn(pointer_to(actions, "update"), "an update succeeds although nothing is done", remedy);
    }
}

} // namespace

bool read_any_text(ObjectReader& reader, std::string_view key, std::string& out)
{
    const Place place = reader.member(key);
    if (place.value == nullptr)
    {
        return false;
    }
    const auto* const text = place.value->get_ptr<const std::string*>();
    if (text != nullptr && text->empty())
    {
        out.clear();
        return true;
    }
    return read_text(place, out, longest_text, reader.findings());
}

void read_any_path(ObjectReader& reader, std::string_view key, std::filesystem::path& out)
{
    std::string text;
    if (!read_any_text(reader, key, text))
    {
        return;
    }
    out = text;
    if (text.empty())
    {
        reader.findings().warn(reader.pointer(key), "is empty: no file can be opened", "write the path from / on");
    }
    else if (text.front() != '/')
    {
        reader.findings().warn(reader.pointer(key),
                               "\"" + printable(text) + "\" is a relative path: it depends on who opens it",
                               "write the path from / on");
    }
}

std::optional<FlashBlob> read_entry(const Place& place, const std::filesystem::path& file, Findings& findings)
{
    if (is_of_another_handler(*place.value))
    {
        findings.warn(place.pointer, "is for the version or log handler and left out here", "nothing is to do");
        return std::nullopt;
    }
    const std::size_t before = findings.mistake_count();
    FlashBlob blob;
    blob.origin = {file, place.pointer};
    ObjectReader reader{place, findings};
    read_blob(reader, blob.blob);
    reader.require("handler", R"(write {"type": "file", "path": "/tmp/image"})");
    read_handler(ObjectReader{reader.member("handler"), findings}, blob.handler);
    reader.require("actions", R"(write "preparation", "verification" and "update")");
    read_actions(ObjectReader{reader.member("actions"), findings}, blob);
    if (reader.member("version").value != nullptr)
    {
        findings.warn(reader.pointer("version"), "is for the version handler and left out here", "nothing is to do");
    }
    reader.finish(UnknownKey::warning);
    if (findings.mistake_count() != before)
    {
        return std::nullopt;
    }
    check_skips(reader, blob);
    return blob;
}

} // namespace fwupdate::config::flash
