#include "common/package/version_string.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::pldm;

namespace
{

constexpr std::string_view every_length = "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"; // one to four bytes of UTF-8

std::string bytes(std::initializer_list<unsigned> values)
{
    std::string out;
    for (const unsigned value : values)
    {
        out += static_cast<char>(value);
    }
    return out;
}

bool good(StringType type, std::string text)
{
    return !fault_of({type, std::move(text)});
}

} // namespace

TEST_CASE("text goes into every type and comes back")
{
    CHECK(from_utf8(StringType::ascii, "1.2")->bytes == "1.2");
    CHECK(from_utf8(StringType::utf8, every_length)->bytes == every_length);
    const std::string big = bytes({0, 'a', 0, 0xFC, 0x20, 0xAC, 0xD8, 0x3D, 0xDE, 0x00});
    const std::string little = bytes({'a', 0, 0xFC, 0, 0xAC, 0x20, 0x3D, 0xD8, 0x00, 0xDE});
    CHECK(from_utf8(StringType::utf16be, every_length)->bytes == big);
    CHECK(from_utf8(StringType::utf16le, every_length)->bytes == little);
    CHECK(from_utf8(StringType::utf16, every_length)->bytes == bytes({0xFE, 0xFF}) + big);
    for (const StringType type : {StringType::utf8, StringType::utf16, StringType::utf16le, StringType::utf16be})
    {
        CAPTURE(name(type));
        CHECK(to_utf8(from_utf8(type, every_length).value()) == every_length);
        CHECK(from_utf8(type, "")->bytes.empty());
    }
}

TEST_CASE("UTF-16 goes by its byte order mark, and has the most significant byte first without one")
{
    CHECK(to_utf8({StringType::utf16, bytes({0xFF, 0xFE, 'a', 0})}) == "a");
    CHECK(to_utf8({StringType::utf16, bytes({0xFE, 0xFF, 0, 'a'})}) == "a");
    CHECK(to_utf8({StringType::utf16, bytes({0, 'a'})}) == "a");
}

TEST_CASE("bytes that are none of their type's")
{
    CHECK(fault_of({StringType::unknown, "a"}) == "string type 0 is unknown");
    CHECK(fault_of({StringType{6}, "a"}) == "string type 6 is reserved");
    CHECK(fault_of({StringType::ascii, "\x80"}) == "the bytes are not ASCII");
    CHECK(good(StringType::ascii, bytes({0, 0x7F})));
    CHECK(!good(StringType::ascii, std::string(256, 'a')));
    for (const auto& text : {bytes({0x80}), bytes({0xC3}), bytes({0xC0, 0xAF}), bytes({0xE0, 0x80, 0x80}),
                             bytes({0xC3, '('}), bytes({0xED, 0xA0, 0x80}), bytes({0xF0, 0x80, 0x80, 0x80}),
                             bytes({0xF4, 0x90, 0x80, 0x80}), bytes({0xF8, 0x88, 0x80, 0x80, 0x80}), bytes({0xFF})})
    {
        CAPTURE(text);
        CHECK(!good(StringType::utf8, text));
    }
    CHECK(!good(StringType::utf16be, "abc"));                       // half a unit
    CHECK(!good(StringType::utf16be, bytes({0xD8, 0x3D})));         // half a pair
    CHECK(!good(StringType::utf16be, bytes({0xDE, 0x00})));         // the other half
    CHECK(!good(StringType::utf16le, bytes({0x3D, 0xD8, 'a', 0}))); // half a pair and a letter
    CHECK(to_utf8({StringType::utf8, bytes({'a', 0xFF, 'b'})}) == "a\xEF\xBF\xBD"
                                                                  "b");
    CHECK(to_utf8({StringType::unknown, "ab"}) == "ab");
}

TEST_CASE("text that has no place in a type")
{
    CHECK(from_utf8(StringType::ascii, "\xC3\xBC").error().kind == ErrorKind::invalid_field);
    CHECK(from_utf8(StringType::utf16le, "\xC3").error() == Error{ErrorKind::invalid_field, "the text is not UTF-8"});
    CHECK(from_utf8(StringType::unknown, "a").error().kind == ErrorKind::invalid_field);
    CHECK(from_utf8(StringType{6}, "a").error().kind == ErrorKind::invalid_field);
    CHECK(from_utf8(StringType::utf16, std::string(127, 'a')).error() ==
          Error{ErrorKind::length, "256 bytes; the most is 255"});
    CHECK(from_utf8(StringType::utf16le, std::string(127, 'a')));
    CHECK(name(StringType{77}) == "reserved");
}
