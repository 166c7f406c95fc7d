#include "golden.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::rmcpplus;

TEST_CASE("codes and keys of the handshake are those of the formulas")
{
    for (const golden::Suite& expected : {golden::suite_3, golden::suite_17})
    {
        CAPTURE(expected.id);
        const Algorithms algorithms = find_cipher_suite(expected.id)->algorithms;
        const Exchange exchange = golden::exchange(algorithms.authentication);
        const ConstBytes password = as_bytes(golden::password);
        CHECK(to_hex(rakp2_code(exchange, password).view()) == expected.rakp2);
        CHECK(to_hex(rakp3_code(exchange, password).view()) == expected.rakp3);
        const Secret sik = session_integrity_key(exchange, password);
        CHECK(to_hex(sik.view()) == expected.sik);
        CHECK(to_hex(session_integrity_key(exchange, as_bytes(golden::bmc_key)).view()) == expected.sik_with_bmc_key);
        CHECK(to_hex(rakp4_value(exchange, sik.view()).view()) == expected.rakp4);
        CHECK(to_hex(derive_k1(algorithms.authentication, sik.view()).view()) == expected.k1);
        CHECK(to_hex(derive_k2(algorithms.authentication, sik.view()).view()) == expected.k2);
    }
}

TEST_CASE("the whole role byte and the name are part of every code")
{
    Exchange exchange = golden::exchange(AuthenticationAlgorithm::rakp_hmac_sha256);
    const Secret before = rakp3_code(exchange, as_bytes(golden::password));
    exchange.role = 0x04; // the look-up bit alone
    CHECK_FALSE(equal_in_constant_time(before.view(), rakp3_code(exchange, as_bytes(golden::password)).view()));
    exchange.role = 0x14;
    exchange.user_name = "admi";
    CHECK_FALSE(equal_in_constant_time(before.view(), rakp3_code(exchange, as_bytes(golden::password)).view()));
}

TEST_CASE("a password padded with zeros to 20 bytes is the same key")
{
    const Exchange exchange = golden::exchange(AuthenticationAlgorithm::rakp_hmac_sha1);
    const std::string padded{"short\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20};
    CHECK(equal_in_constant_time(rakp2_code(exchange, as_bytes("short")).view(),
                                 rakp2_code(exchange, as_bytes(padded)).view()));
}

TEST_CASE("comparison in constant time compares")
{
    CHECK(equal_in_constant_time(Bytes{1, 2}, Bytes{1, 2}));
    CHECK_FALSE(equal_in_constant_time(Bytes{1, 2}, Bytes{1, 3}));
    CHECK_FALSE(equal_in_constant_time(Bytes{1, 2}, Bytes{1, 2, 0}));
}

TEST_CASE("only suites 3 and 17 exist here")
{
    CHECK(find_cipher_suite(3)->algorithms == Algorithms{AuthenticationAlgorithm::rakp_hmac_sha1,
                                                         IntegrityAlgorithm::hmac_sha1_96,
                                                         ConfidentialityAlgorithm::aes_cbc_128});
    CHECK(find_cipher_suite(17)->algorithms == Algorithms{AuthenticationAlgorithm::rakp_hmac_sha256,
                                                          IntegrityAlgorithm::hmac_sha256_128,
                                                          ConfidentialityAlgorithm::aes_cbc_128});
    for (unsigned id = 0; id <= 0xFF; ++id)
    {
        CHECK(find_cipher_suite(static_cast<std::uint8_t>(id)).has_value() == (id == 3 || id == 17));
    }
}
