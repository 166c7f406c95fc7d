// Requests are strict and responses tolerant, for every message: truncation, excess, reserved bits, enumerators.
#include "markdown.hpp"
#include "message_json.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;

namespace
{

enum class Tail : std::uint8_t
{
    none,     ///< fixed length
    optional, ///< the last field may be absent
    rest,     ///< the last field takes all there is
};

template <class T> constexpr Tail tail_of()
{
    return codec::is_optional<T> ? Tail::optional : std::same_as<T, codec::TrailingBytes> ? Tail::rest : Tail::none;
}

template <codec::Message M> constexpr Tail tail_of_message()
{
    Tail tail = Tail::none;
    const auto look = [&]<class Owner, class T>(const codec::Field<Owner, T>&) { tail = tail_of<T>(); };
    std::apply([&](const auto&... field) { (look(field), ...); }, M::layout);
    return tail;
}

/// Bytes of a message without its optional or rest.
template <codec::Message M> std::size_t least_size()
{
    return codec::encode(M{}).size();
}

/// Calls `visitor` with (a vector's message, its bytes) for every vector of the direction.
template <class Visitor> void for_each_vector(const std::string& direction, Visitor visitor)
{
    const json vectors = json::parse(read_text(spec_path("vectors/messages.json")));
    for (const json& vector : vectors.at("messages"))
    {
        if (vector.at("direction") != direction)
        {
            continue;
        }
        visit_command(command_number(vector.at("command").get<std::string>()),
                      [&]<class Request, class Response>(const protocol::CommandDefinition<Request, Response>&)
                      {
                          ByteStore store;
                          if (direction == "request")
                          {
                              visitor(from_json<Request>(vector.at("fields"), store), bytes_of(vector.at("hex")));
                          }
                          else
                          {
                              visitor(from_json<Response>(vector.at("fields"), store), bytes_of(vector.at("hex")));
                          }
                      });
    }
}

template <codec::Message M> bool refused_for_length(ConstBytes bytes, codec::Strictness strictness)
{
    const auto decoded = codec::decode<M>(bytes, strictness);
    return !decoded && decoded.error().kind == ErrorKind::length;
}

/// Decoding must give exactly these bytes back.
template <codec::Message M> bool round_trips(ConstBytes bytes, codec::Strictness strictness)
{
    const auto decoded = codec::decode<M>(bytes, strictness);
    return decoded && std::ranges::equal(codec::encode(*decoded), bytes);
}

template <codec::Message M> void check_request_truncations(const Bytes& bytes)
{
    constexpr Tail tail = tail_of_message<M>();
    const std::size_t least = least_size<M>();
    for (std::size_t size = 0; size < bytes.size(); ++size)
    {
        const ConstBytes cut = ConstBytes{bytes}.first(size);
        const bool whole = (tail == Tail::rest && size >= least) || (tail == Tail::optional && size == least);
        CHECK_MESSAGE((whole ? round_trips<M>(cut, codec::Strictness::request)
                             : refused_for_length<M>(cut, codec::Strictness::request)),
                      to_hex(bytes), " cut to ", size);
    }
}

template <codec::Message M> void check_request_excess(const Bytes& bytes)
{
    Bytes longer = bytes;
    for (int more = 1; more <= 3; ++more)
    {
        longer.push_back(0xA5); // as a text's length: more than follows
        const bool rest = tail_of_message<M>() == Tail::rest;
        CHECK_MESSAGE((rest ? round_trips<M>(longer, codec::Strictness::request)
                            : refused_for_length<M>(longer, codec::Strictness::request)),
                      to_hex(longer));
    }
}

/// Every reserved bit, alone, in the flags field: refused in a request, kept in a response.
template <codec::Message M, class Word, Word Defined>
void check_reserved_bits(const M& message, codec::Flags<Word, Defined> M::*member)
{
    for (unsigned bit = 0; bit < sizeof(Word) * 8; ++bit)
    {
        const auto mask = static_cast<Word>(Word{1} << bit);
        M changed = message;
        (changed.*member).bits = static_cast<Word>((message.*member).bits | mask);
        const Bytes bytes = codec::encode(changed);
        const auto strict = codec::decode_request<M>(bytes);
        const bool reserved = (mask & static_cast<Word>(~Defined)) != 0;
        CHECK(strict.has_value() == !reserved);
        CHECK((!reserved || strict.error().kind == ErrorKind::invalid_field));
        CHECK(round_trips<M>(bytes, codec::Strictness::response));
    }
}

/// Every value of an enumeration: refused in a request when it is not defined, kept in a response.
template <codec::Message M, class Enum> void check_enumerators(const M& message, Enum M::*member)
{
    for (unsigned raw = 0; raw <= 0xFF; ++raw)
    {
        M changed = message;
        changed.*member = static_cast<Enum>(raw);
        const Bytes bytes = codec::encode(changed);
        const auto strict = codec::decode_request<M>(bytes);
        CHECK(strict.has_value() == is_defined(static_cast<Enum>(raw)));
        CHECK((strict || strict.error().kind == ErrorKind::invalid_field));
        CHECK(round_trips<M>(bytes, codec::Strictness::response));
    }
}

template <codec::Message M, class T> std::size_t check_field(const M& message, T M::*member)
{
    if constexpr (codec::is_flags<T>)
    {
        check_reserved_bits(message, member);
        return 1;
    }
    else if constexpr (std::is_enum_v<T>)
    {
        check_enumerators(message, member);
        return 1;
    }
    return 0;
}

template <codec::Message M> std::size_t check_fields(const M& message)
{
    return std::apply([&](const auto&... field) { return (std::size_t{0} + ... + check_field(message, field.member)); },
                      M::layout);
}

} // namespace

TEST_CASE("every truncation of a request is refused for its length, or is a whole shorter request")
{
    for_each_vector("request", []<class M>(const M&, const Bytes& bytes) { check_request_truncations<M>(bytes); });
}

TEST_CASE("every over-long request is refused for its length")
{
    for_each_vector("request", []<class M>(const M&, const Bytes& bytes) { check_request_excess<M>(bytes); });
}

TEST_CASE("reserved bits and unknown enumerators are refused in requests and kept in responses")
{
    std::size_t fields = 0;
    for_each_vector("request", [&](const auto& message, const Bytes&) { fields += check_fields(message); });
    CHECK(fields > 40);
}

TEST_CASE("a response that is too short is refused, bytes behind it are ignored")
{
    for_each_vector("response",
                    []<class M>(const M& message, const Bytes& bytes)
                    {
                        constexpr bool rest = tail_of_message<M>() == Tail::rest;
                        for (std::size_t size = 0; size < bytes.size(); ++size)
                        {
                            const ConstBytes cut = ConstBytes{bytes}.first(size);
                            const bool whole = rest && size >= least_size<M>();
                            const bool list = std::same_as<M, protocol::GetUpdateChannelInfoResponse> && size % 5 == 1;
                            CHECK_MESSAGE((whole || list) != refused_for_length<M>(cut, codec::Strictness::response),
                                          to_hex(bytes), " cut to ", size);
                        }
                        Bytes longer = bytes;
                        longer.push_back(0x5A);
                        const auto decoded = codec::decode_response<M>(longer);
                        REQUIRE(decoded.has_value());
                        CHECK((rest || *decoded == message));
                    });
}
