#include "common/bytes.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;

TEST_CASE("hexadecimal goes both ways")
{
    CHECK(to_hex(Bytes{0x00, 0x9A, 0xFF}) == "009aff");
    CHECK(to_hex(Bytes{}).empty());
    CHECK(from_hex("009aFF").value() == Bytes{0x00, 0x9A, 0xFF});
    CHECK(from_hex("00 9a ff").value() == Bytes{0x00, 0x9A, 0xFF});
    CHECK(from_hex("").value().empty());
}

TEST_CASE("hexadecimal that is none is refused with its reason")
{
    CHECK(from_hex("0g").error() == Error{ErrorKind::invalid_field, "'g' is not a hexadecimal digit"});
    CHECK(from_hex("0 0").error().kind == ErrorKind::invalid_field); // a blank inside a byte
    CHECK(from_hex("123").error() == Error{ErrorKind::invalid_field, "an odd number of hexadecimal digits"});
}

TEST_CASE("text and bytes are views of each other")
{
    const std::string text{"a\0b", 3};
    CHECK(as_bytes(text).size() == 3);
    CHECK(as_text(as_bytes(text)) == text);
}

TEST_CASE("text of the other side is made safe for a terminal")
{
    CHECK(printable("plain text") == "plain text");
    CHECK(printable("Gr\xC3\xBC\xC3\x9F"
                    "e \xE2\x82\xAC \xF0\x9F\x98\x80") == "Gr\xC3\xBC\xC3\x9F"
                                                          "e \xE2\x82\xAC \xF0\x9F\x98\x80");
    CHECK(printable("a\nb\x1B[31m\x7F") == "a?b?[31m?");
    CHECK(printable("\xC2\x9B"
                    "31m") == "??31m"); // a C1 control (CSI), well-formed UTF-8
}

TEST_CASE("characters that reorder or hide others become question marks")
{
    CHECK(printable("bios\xE2\x80\xAE"
                    "nib") == "bios?nib");                  // right-to-left override
    CHECK(printable("a\xE2\x81\xA6") == "a?");              // an isolate
    CHECK(printable("a\xE2\x80\x8B\xEF\xBB\xBF") == "a??"); // zero width
    CHECK(printable("\xD8\x9C") == "?");
    CHECK(printable("\xE2\x80\x93\xE2\x80\xB0") == "\xE2\x80\x93\xE2\x80\xB0"); // a dash and per mille stay
}

TEST_CASE("ill-formed UTF-8 becomes question marks, byte by byte")
{
    CHECK(printable("\x80") == "?");           // continuation without lead
    CHECK(printable("\xC0\xAF") == "??");      // overlong two bytes
    CHECK(printable("\xE0\x80\x80") == "???"); // overlong three bytes
    CHECK(printable("\xF0\x80\x80\x80") == "????");
    CHECK(printable("\xED\xA0\x80") == "???");      // a surrogate
    CHECK(printable("\xF4\x90\x80\x80") == "????"); // beyond U+10FFFF
    CHECK(printable("\xE2\x82") == "??");           // cut short
    CHECK(printable("\xC3(") == "?(");              // not a continuation
}
