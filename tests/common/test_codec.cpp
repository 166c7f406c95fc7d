#include "common/codec.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace fwupdate;
using namespace fwupdate::codec;

namespace
{

enum class Colour : std::uint8_t
{
    red = 1,
    green = 2,
};
constexpr bool is_defined(Colour value)
{
    return value == Colour::red || value == Colour::green;
}

struct Item
{
    std::uint8_t id{};
    std::uint16_t value{};

    using Self = Item;
    static constexpr auto layout = std::tuple{Field{"id", &Self::id}, Field{"value", &Self::value}};
    bool operator==(const Self&) const = default;
};

struct Everything
{
    std::uint32_t number{};
    Colour colour{};
    Flags<std::uint8_t, 0x03> flags;
    std::array<std::uint8_t, 2> pair{};
    Text<4> text;
    CountedList<Item> items;
    TrailingBytes rest;

    using Self = Everything;
    static constexpr auto layout =
        std::tuple{Field{"number", &Self::number}, Field{"colour", &Self::colour}, Field{"flags", &Self::flags},
                   Field{"pair", &Self::pair},     Field{"text", &Self::text},     Field{"items", &Self::items},
                   Field{"rest", &Self::rest}};
    bool operator==(const Self&) const = default;
};

struct WithOptional
{
    std::uint8_t first{};
    std::optional<std::uint16_t> second;

    using Self = WithOptional;
    static constexpr auto layout = std::tuple{Field{"first", &Self::first}, Field{"second", &Self::second}};
    bool operator==(const Self&) const = default;
};

struct Fixed
{
    std::uint8_t first{};
    std::uint64_t second{};

    using Self = Fixed;
    static constexpr auto layout = std::tuple{Field{"first", &Self::first}, Field{"second", &Self::second}};
    bool operator==(const Self&) const = default;
};

const Bytes everything_bytes{0x04, 0x03, 0x02, 0x01, 0x02, 0x03, 0xAA, 0xBB, 0x02, 'h',
                             'i',  0x02, 0x07, 0x34, 0x12, 0x08, 0xFF, 0xFF, 0xEE, 0xDD};
constexpr std::size_t everything_fixed = 18; // bytes before the trailing ones

template <class M> ErrorKind request_error(ConstBytes bytes)
{
    return decode_request<M>(bytes).error().kind;
}

} // namespace

TEST_CASE("every kind of field goes both ways, least significant byte first")
{
    const auto decoded = decode_request<Everything>(everything_bytes);
    REQUIRE(decoded);
    CHECK(decoded->number == 0x01020304);
    CHECK(decoded->colour == Colour::green);
    CHECK(decoded->flags.has(0x03));
    CHECK(decoded->pair == std::array<std::uint8_t, 2>{0xAA, 0xBB});
    CHECK(decoded->text.value == "hi");
    CHECK(decoded->items.items == std::vector<Item>{{7, 0x1234}, {8, 0xFFFF}});
    CHECK(decoded->rest == TrailingBytes{ConstBytes{everything_bytes}.last(2)});
    CHECK(encode(*decoded) == everything_bytes);
}

TEST_CASE("every truncation of a request is a length error")
{
    for (std::size_t size = 0; size < everything_fixed; ++size)
    {
        CAPTURE(size);
        CHECK(request_error<Everything>(ConstBytes{everything_bytes}.first(size)) == ErrorKind::length);
    }
    CHECK(decode_request<Everything>(ConstBytes{everything_bytes}.first(everything_fixed)));
}

TEST_CASE("a request with bytes to spare is a length error, a response is not")
{
    const Bytes bytes{1, 2, 0, 0, 0, 0, 0, 0, 0, 9};
    CHECK(request_error<Fixed>(bytes) == ErrorKind::length);
    CHECK(decode_response<Fixed>(bytes).value() == Fixed{1, 2});
    CHECK(decode_response<Fixed>(ConstBytes{bytes}.first(8)).error().kind == ErrorKind::length);
}

TEST_CASE("unknown enumerators and reserved bits: refused in requests, kept in responses")
{
    Bytes bytes = everything_bytes;
    bytes[4] = 9;
    CHECK(request_error<Everything>(bytes) == ErrorKind::invalid_field);
    CHECK(decode_response<Everything>(bytes).value().colour == Colour{9});
    bytes = everything_bytes;
    bytes[5] = 0x04;
    CHECK(request_error<Everything>(bytes) == ErrorKind::invalid_field);
    CHECK(decode_response<Everything>(bytes).value().flags.bits == 0x04);
}

TEST_CASE("length comes before content: a short request with a bad field is a length error")
{
    const Bytes bytes{0, 0, 0, 0, 9, 3}; // colour 9 and cut short: the first failure counts
    CHECK(request_error<Everything>(bytes) == ErrorKind::invalid_field);
    const Bytes longer{1, 2, 0, 0, 0, 0, 0, 0, 0, 0};
    CHECK(request_error<Fixed>(longer) == ErrorKind::length);
}

TEST_CASE("text is bounded when read and when written")
{
    Bytes bytes = everything_bytes;
    bytes[8] = 5; // longer than Text<4> allows: the five bytes are there
    CHECK(!decode_request<Everything>(bytes));
    Everything message{};
    message.colour = Colour::red;
    message.text.value = "too long";
    const Bytes encoded = encode(message);
    CHECK(encoded[8] == 4);
    CHECK(decode_request<Everything>(encoded).value().text.value == "too ");
}

TEST_CASE("a list may end early in a response, never in a request")
{
    const Bytes bytes{0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 1, 2, 0}; // three announced, one sent
    CHECK(request_error<Everything>(bytes) == ErrorKind::length);
    CHECK(decode_response<Everything>(bytes).value().items.items.size() == 1);
    const Bytes half{0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 1, 2}; // half an entry is too little even there
    CHECK(decode_response<Everything>(half).error().kind == ErrorKind::length);
}

TEST_CASE("an optional field is there or not, never half")
{
    CHECK(decode_request<WithOptional>(Bytes{1}).value() == WithOptional{1, std::nullopt});
    CHECK(decode_request<WithOptional>(Bytes{1, 2, 3}).value() == WithOptional{1, 0x0302});
    CHECK(request_error<WithOptional>(Bytes{1, 2}) == ErrorKind::length);
    CHECK(encode(WithOptional{1, std::nullopt}) == Bytes{1});
    CHECK(encode(WithOptional{1, 0x0302}) == Bytes{1, 2, 3});
}

TEST_CASE("the widest integer")
{
    const Fixed message{0xFF, std::numeric_limits<std::uint64_t>::max() - 1};
    CHECK(to_hex(encode(message)) == "fffeffffffffffffff");
    CHECK(decode_request<Fixed>(encode(message)).value() == message);
}
