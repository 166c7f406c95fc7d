// The pure part: one file's text to entries, and what entries may not share.
#include "bmc-agent/config/flash/flash_config.hpp"
#include "bmc-agent/config/flash/entries.hpp"
#include "common/bytes.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

namespace fwupdate::config::flash
{
namespace
{

constexpr std::size_t most_entries = 64; ///< of one file

constexpr std::array<std::string_view, 4> reserved{"/flash/hash", "/flash/verify", "/flash/update", "/flash/cleanup"};
constexpr std::string_view reserved_prefix = "/flash/active/";

/// Somebody forgot the list around the entry.
bool is_bare_entry(const Json& document)
{
    return document.contains("blob") || document.contains("handler") || document.contains("actions");
}

/// The values of an array, or of an object whatever its keys: the original makes no difference.
std::vector<Place> entries_of(const Json& document, Findings& findings)
{
    constexpr std::string_view remedy = "write a list of entries, [ { ... } ]";
    std::vector<Place> places;
    if (document.is_null())
    {
        findings.warn({}, "is null: it has no entries", remedy);
        return places;
    }
    if (!document.is_structured() || (document.is_object() && is_bare_entry(document)))
    {
        const bool bare = document.is_object();
        findings.mistake({}, bare ? "is one entry without its list" : "is no list", remedy);
        return places;
    }
    if (document.size() > most_entries)
    {
        findings.mistake({}, std::to_string(document.size()) + " entries",
                         "write at most " + std::to_string(most_entries));
        return places;
    }
    if (document.is_object())
    {
        findings.warn({}, "is an object; what its entries are called has no meaning", remedy);
    }
    for (const auto& [key, value] : document.items())
    {
        places.push_back({&value, pointer_to({}, key)});
    }
    return places;
}

std::string place_of(const FlashBlob& blob)
{
    return printable(blob.origin.file.string()) + ": " + blob.origin.pointer + "/blob";
}

bool same_work(const FlashBlob& left, const FlashBlob& right)
{
    return left.handler == right.handler && left.preparation == right.preparation &&
           left.verification == right.verification && left.update == right.update;
}

/// All entries of one id, in their order. True: the first may be served.
bool judge(const std::vector<const FlashBlob*>& same_id, std::vector<std::string>& warnings)
{
    const FlashBlob& first = *same_id.front();
    const std::string id = "\"" + printable(first.blob) + "\"";
    if (is_reserved(first.blob))
    {
        warnings.push_back(place_of(first) + ": " + id + " is the protocol's own and set aside; choose another name");
        return false;
    }
    const bool alike = std::ranges::all_of(same_id, [&](const FlashBlob* other) { return same_work(first, *other); });
    for (const FlashBlob* const other : std::vector(same_id.begin() + 1, same_id.end()))
    {
        warnings.push_back(place_of(*other) + ": " + id + " stands at " + place_of(first) + " too" +
                           (alike ? ", with the same meaning" : ", with another meaning: both are set aside") +
                           "; keep one of them");
    }
    return alike;
}

} // namespace

bool is_reserved(std::string_view blob)
{
    return blob.starts_with(reserved_prefix) || std::ranges::find(reserved, blob) != reserved.end();
}

void add_file(std::string_view text, const std::filesystem::path& file, FlashConfig& out)
{
    Findings findings;
    const bool whole = text.find('\0') == std::string_view::npos; // the parser would end there and be content
    if (!whole)
    {
        findings.mistake({}, "holds a NUL byte", "write the file anew");
    }
    if (const auto document = whole ? parse_document(text, findings, Dialect::plain) : std::nullopt)
    {
        for (const Place& place : entries_of(*document, findings))
        {
            if (auto blob = read_entry(place, file, findings))
            {
                out.blobs.push_back(std::move(*blob));
            }
        }
    }
    const std::string name = printable(file.string());
    std::ranges::move(findings.mistakes(name), std::back_inserter(out.mistakes));
    std::ranges::move(findings.warnings(name), std::back_inserter(out.warnings));
}

void settle_ids(FlashConfig& config)
{
    std::map<std::string_view, std::vector<const FlashBlob*>> by_id;
    for (const FlashBlob& blob : config.blobs)
    {
        by_id[blob.blob].push_back(&blob);
    }
    std::vector<const FlashBlob*> served;
    for (const auto& [id, same_id] : by_id)
    {
        if (judge(same_id, config.warnings))
        {
            served.push_back(same_id.front());
        }
    }
    std::ranges::sort(served); // as they lie in the vector
    std::vector<FlashBlob> blobs;
    for (const FlashBlob& blob : config.blobs)
    {
        (std::ranges::binary_search(served, &blob) ? blobs : config.set_aside).push_back(blob);
    }
    config.blobs = std::move(blobs);
}

FlashConfig parse(std::string_view text, const std::filesystem::path& file)
{
    FlashConfig config;
    add_file(text, file, config);
    settle_ids(config);
    return config;
}

} // namespace fwupdate::config::flash
