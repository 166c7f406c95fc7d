#include "transports/network/host/file_answer.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

namespace fwupdate::network
{
namespace
{

/// First byte and number of bytes; count 0: beyond the end.
struct Range
{
    std::uint64_t first{};
    std::uint64_t count{};
};

/// In a time that does not tell how much of the path was right.
bool is_same_path(std::string_view one, std::string_view other)
{
    return one.size() == other.size() && ::CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::optional<std::uint64_t> number(std::string_view digits)
{
    std::uint64_t value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size() && !digits.empty() ? std::optional{value}
                                                                                           : std::nullopt;
}

bool is_bytes_unit(std::string_view unit)
{
    constexpr std::string_view bytes = "bytes";
    return std::ranges::equal(unit, bytes, [](char one, char other) { return (one | 0x20) == other; });
}

/// "bytes=5-9", "bytes=5-", "bytes=-5" (RFC 9110 section 14.1.2). None: another unit, a list, or malformed: the field
/// counts as not there.
std::optional<Range> read_range(std::string_view text, std::uint64_t size)
{
    const std::size_t equals = text.find('=');
    const std::size_t dash = text.find('-', equals == std::string_view::npos ? 0 : equals);
    if (equals == std::string_view::npos || dash == std::string_view::npos || !is_bytes_unit(text.substr(0, equals)))
    {
        return std::nullopt;
    }
    const std::string_view first_text = text.substr(equals + 1, dash - equals - 1);
    const std::string_view last_text = text.substr(dash + 1);
    const std::optional<std::uint64_t> first = number(first_text);
    const std::optional<std::uint64_t> last = number(last_text);
    if (first_text.empty() && last)
    {
        const std::uint64_t count = std::min(*last, size);
        return Range{size - count, count};
    }
    if (!first || (!last && !last_text.empty()) || (last && *last < *first))
    {
        return std::nullopt;
    }
    if (*first >= size)
    {
        return Range{};
    }
    return Range{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

} // namespace

FileAnswer answer(const FileRequest& request, const Resource& resource)
{
    if (!is_same_path(request.target, resource.path))
    {
        return {404, 0, 0, false, {}};
    }
    const bool get = request.method == "GET";
    if (!get && request.method != "HEAD")
    {
        return {405, 0, 0, false, {}};
    }
    // A range is of GET alone (RFC 9110 section 14.2); If-Range compares strongly, and a date is no entity tag of ours.
    const bool ranged = get && request.range && (!request.if_range || *request.if_range == resource.etag);
    const std::optional<Range> range = ranged ? read_range(*request.range, resource.size) : std::nullopt;
    const std::string size = std::to_string(resource.size);
    if (!range)
    {
        return {200, 0, resource.size, get, {}};
    }
    if (range->count == 0)
    {
        return {416, 0, 0, false, "bytes */" + size};
    }
    return {206, range->first, range->count, true,
            "bytes " + std::to_string(range->first) + "-" + std::to_string(range->first + range->count - 1) + "/" +
                size};
}

std::string etag_of(const Sha256& sha256)
{
    return "\"" + to_hex(sha256) + "\"";
}

} // namespace fwupdate::network
