#include "common/ipmi/message.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::ipmi;

TEST_CASE("the checksum makes the sum zero")
{
    CHECK(checksum(Bytes{0x20, 0x18}) == 0xC8);
    CHECK(checksum(Bytes{0x20, 0x18, 0xC8}) == 0x00);
    CHECK(checksum(Bytes{}) == 0x00);
}

TEST_CASE("errors of the core map to completion codes")
{
    CHECK(completion_code(ErrorKind::length) == CompletionCode::data_length_invalid);
    CHECK(completion_code(ErrorKind::invalid_field) == CompletionCode::invalid_data_field);
    CHECK(completion_code(ErrorKind::out_of_range) == CompletionCode::parameter_out_of_range);
    CHECK(completion_code(ErrorKind::not_found) == CompletionCode::not_present);
    CHECK(completion_code(ErrorKind::wrong_state) == CompletionCode::not_supported_in_present_state);
    CHECK(completion_code(ErrorKind::denied) == CompletionCode::insufficient_privilege);
    CHECK(completion_code(ErrorKind::no_space) == CompletionCode::out_of_space);
    CHECK(completion_code(ErrorKind::timeout) == CompletionCode::timeout);
    CHECK(completion_code(ErrorKind::unsupported) == CompletionCode::invalid_command);
    CHECK(completion_code(ErrorKind::integrity) == CompletionCode::unspecified);
    CHECK(completion_code(ErrorKind::input_output) == CompletionCode::unspecified);
    CHECK(completion_code(ErrorKind::peer) == CompletionCode::unspecified);
}

TEST_CASE("every completion code has words")
{
    for (unsigned code = 0; code <= 0xFF; ++code)
    {
        CHECK(!describe(static_cast<CompletionCode>(code)).empty());
    }
    CHECK(describe(CompletionCode::ok) == "completed normally");
    CHECK(describe(CompletionCode::unspecified) == "unspecified error");
    CHECK(describe(CompletionCode{0x80}) == "command-specific error");
}
