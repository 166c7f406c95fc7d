#include "common/package/signature/self_contained.hpp"

#include "common/codec.hpp"
#include "common/package/signature/cms.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

namespace fwupdate::package
{
namespace
{

constexpr std::array<std::uint8_t, 8> magic{'F', 'W', 'U', 'P', 'S', 'I', 'G', '1'};

/// The file's last bytes.
struct TrailerEnd
{
    std::uint32_t length{}; ///< bytes of the signature in front of it
    std::array<std::uint8_t, 8> magic{};

    using Self = TrailerEnd;
    static constexpr auto layout =
        std::tuple{codec::Field{"length", &Self::length}, codec::Field{"magic", &Self::magic}};
};

Error bad_length(std::uint32_t length)
{
    return fail(ErrorKind::invalid_field, "the image ends like a signed one, but its signature cannot have " +
                                              std::to_string(length) + " bytes: it is damaged, sign it again");
}

} // namespace

Result<std::optional<SignedImage>> find_trailer(const ByteSource& image)
{
    if (image.size < trailer_end_size)
    {
        return std::nullopt;
    }
    Bytes bytes(trailer_end_size);
    if (const auto read = image.read(image.size - trailer_end_size, bytes); !read)
    {
        return read.error();
    }
    const auto end = codec::decode_request<TrailerEnd>(bytes);
    if (!end || end->magic != magic)
    {
        return std::nullopt;
    }
    if (end->length == 0 || end->length > largest_signature || image.size <= trailer_end_size + end->length)
    {
        return bad_length(end->length);
    }
    SignedImage found{image.size - trailer_end_size - end->length, Bytes(end->length)};
    if (const auto read = image.read(found.content_size, found.signature); !read)
    {
        return read.error();
    }
    return found;
}

Result<Bytes> make_trailer(ConstBytes signature)
{
    if (signature.empty() || signature.size() > largest_signature)
    {
        return fail(ErrorKind::length, "a signature of " + std::to_string(signature.size()) +
                                           " bytes does not fit into a trailer: 1 to " +
                                           std::to_string(largest_signature));
    }
    Bytes trailer{signature.begin(), signature.end()};
    const Bytes end = codec::encode(TrailerEnd{static_cast<std::uint32_t>(signature.size()), magic});
    trailer.insert(trailer.end(), end.begin(), end.end());
    return trailer;
}

} // namespace fwupdate::package
