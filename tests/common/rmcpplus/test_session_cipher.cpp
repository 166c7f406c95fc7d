#include "common/rmcpplus/lan_message.hpp"
#include "common/rmcpplus/session_cipher.hpp"
#include "golden.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::rmcpplus;

namespace
{

SessionCipher make_cipher(const golden::Suite& suite, RandomSource& random)
{
    const Algorithms algorithms = find_cipher_suite(suite.id)->algorithms;
    auto cipher = SessionCipher::create(algorithms.integrity, algorithms.confidentiality, from_hex(suite.k1).value(),
                                        from_hex(suite.k2).value(), random);
    REQUIRE(cipher);
    return std::move(*cipher);
}

/// Get Device ID as on the wire, with these data.
Bytes get_device_id(const Bytes& data)
{
    LanRequest request{};
    request.net_fn = ipmi::NetFn::app;
    request.requester_sequence = 5;
    request.command = 0x01;
    request.data = data;
    return build_lan_request(request);
}

std::optional<Bytes> open(const SessionCipher& cipher, Bytes datagram)
{
    const auto packet = parse_rmcp_plus(datagram);
    if (!packet || !cipher.authentic(datagram, *packet))
    {
        return std::nullopt;
    }
    const auto plain = cipher.decrypt(datagram, *packet);
    return plain ? std::optional{Bytes(plain->begin(), plain->end())} : std::nullopt;
}

constexpr PacketNumber number{golden::bmc_session, 3};

} // namespace

TEST_CASE("a sealed packet is the golden one, byte for byte")
{
    golden::GoldenRandom random;
    for (const golden::Suite& suite : {golden::suite_3, golden::suite_17})
    {
        CAPTURE(suite.id);
        SessionCipher cipher = make_cipher(suite, random);
        Bytes out(200);
        const auto size = cipher.seal(number, get_device_id({}), out);
        CHECK(to_hex(ConstBytes{out}.first(size.value())) == suite.empty_packet);
        const auto with_data = cipher.seal(number, get_device_id({0xAA, 0xBB}), out);
        CHECK(to_hex(ConstBytes{out}.first(with_data.value())) == suite.data_packet);
        CHECK(open(cipher, from_hex(suite.data_packet).value()) == get_device_id({0xAA, 0xBB}));
    }
}

TEST_CASE("every payload size goes both ways in exactly sealed_size bytes, pads 0 to 15 and never 16")
{
    SystemRandom random;
    for (const golden::Suite& suite : {golden::suite_3, golden::suite_17})
    {
        SessionCipher cipher = make_cipher(suite, random);
        for (std::size_t size = 0; size <= 70; ++size)
        {
            CAPTURE(size);
            const Bytes payload(size, 0x5A);
            Bytes out(cipher.sealed_size(size));
            CHECK(cipher.seal(number, payload, out).value() == out.size());
            CHECK(open(cipher, out) == payload);
            CHECK(load_u32(ConstBytes{out}.subspan(14, 4)) % 0x10000 == 16 + (size + 16) / 16 * 16);
        }
    }
}

TEST_CASE("a buffer or a message of the wrong size is refused")
{
    SystemRandom random;
    SessionCipher cipher = make_cipher(golden::suite_17, random);
    Bytes out(cipher.sealed_size(10) - 1);
    CHECK(cipher.seal(number, Bytes(10), out).error().kind == ErrorKind::length);
    Bytes big(70'000);
    CHECK(cipher.seal(number, Bytes(65'503), big));
    CHECK(cipher.seal(number, Bytes(65'520), big).error().kind == ErrorKind::length);
}

TEST_CASE("every single-bit corruption and every truncation behind the RMCP header is caught")
{
    SystemRandom random;
    for (const golden::Suite& suite : {golden::suite_3, golden::suite_17})
    {
        const SessionCipher cipher = make_cipher(suite, random);
        const Bytes good = from_hex(suite.data_packet).value();
        REQUIRE(open(cipher, good));
        for (std::size_t bit = rmcp_header_size * 8; bit < good.size() * 8; ++bit)
        {
            CAPTURE(bit);
            Bytes bad = good;
            bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
            CHECK_FALSE(open(cipher, bad));
        }
        for (std::size_t size = 0; size < good.size(); ++size)
        {
            CAPTURE(size);
            CHECK_FALSE(open(cipher, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
        }
        Bytes longer = good;
        longer.push_back(0);
        CHECK_FALSE(open(cipher, longer));
    }
}

TEST_CASE("an unprotected packet is never authentic, whatever its bytes")
{
    SystemRandom random;
    const SessionCipher cipher = make_cipher(golden::suite_17, random);
    Bytes datagram = build_sessionless(PayloadType::ipmi_message, get_device_id({}));
    store_u32(golden::bmc_session, MutableBytes{datagram}.subspan(6, 4));
    CHECK_FALSE(open(cipher, datagram));
}

TEST_CASE("a pad that is wrong under a right code is refused")
{
    golden::GoldenRandom random;
    SessionCipher cipher = make_cipher(golden::suite_17, random);
    // Two blocks sealed as a payload of 31 bytes, pad 0; then the last bytes are claimed to be a pad.
    for (const Bytes& tail : {Bytes{9, 9, 2}, Bytes{1, 9, 2}, Bytes{0, 0, 16}, Bytes{0, 0, 255}})
    {
        Bytes payload(31, 0x33);
        payload[29] = tail[0];
        payload[30] = tail[1];
        Bytes out(cipher.sealed_size(payload.size()));
        REQUIRE(cipher.seal(number, payload, out));
        const auto packet = parse_rmcp_plus(out);
        // Flip the last plaintext byte, the pad length 00h, through the previous cipher block.
        const std::size_t before_last = plaintext_offset + 15;
        out[before_last] = static_cast<std::uint8_t>(out[before_last] ^ tail[2]);
        CHECK(cipher.decrypt(out, *packet).error().kind == ErrorKind::integrity);
    }
}

TEST_CASE("an encrypted payload of an impossible size is refused before decryption")
{
    SystemRandom random;
    const SessionCipher cipher = make_cipher(golden::suite_17, random);
    Bytes datagram(200);
    for (const std::size_t size : {std::size_t{0}, std::size_t{15}, std::size_t{16}, std::size_t{33}, std::size_t{192}})
    {
        CAPTURE(size);
        RmcpPlusPacket packet{PayloadType::ipmi_message, true, true, golden::bmc_session, 3, size};
        CHECK(cipher.decrypt(datagram, packet).error().kind == ErrorKind::length);
    }
}

TEST_CASE("initialization vectors do not repeat")
{
    SystemRandom random;
    SessionCipher cipher = make_cipher(golden::suite_17, random);
    std::vector<Bytes> seen;
    for (int round = 0; round < 200; ++round) // more than a pool of them
    {
        Bytes out(cipher.sealed_size(4));
        REQUIRE(cipher.seal(number, Bytes(4), out));
        Bytes iv(out.begin() + payload_offset, out.begin() + plaintext_offset);
        CHECK(std::ranges::find(seen, iv) == seen.end());
        seen.push_back(std::move(iv));
    }
}

TEST_CASE("other algorithms and short keys make no cipher")
{
    SystemRandom random;
    const Bytes key(32, 1);
    const auto error_of =
        [&](IntegrityAlgorithm integrity, ConfidentialityAlgorithm confidentiality, std::size_t k1, std::size_t k2)
    {
        return SessionCipher::create(integrity, confidentiality, ConstBytes{key}.first(k1), ConstBytes{key}.first(k2),
                                     random)
            .error()
            .kind;
    };
    constexpr auto aes = ConfidentialityAlgorithm::aes_cbc_128;
    CHECK(error_of(IntegrityAlgorithm::none, aes, 32, 32) == ErrorKind::unsupported);
    CHECK(error_of(IntegrityAlgorithm::hmac_md5_128, aes, 32, 32) == ErrorKind::unsupported);
    CHECK(error_of(IntegrityAlgorithm::md5_128, aes, 32, 32) == ErrorKind::unsupported);
    CHECK(error_of(IntegrityAlgorithm{9}, aes, 32, 32) == ErrorKind::unsupported);
    CHECK(error_of(IntegrityAlgorithm::hmac_sha1_96, ConfidentialityAlgorithm::none, 32, 32) == ErrorKind::unsupported);
    CHECK(error_of(IntegrityAlgorithm::hmac_sha1_96, ConfidentialityAlgorithm{2}, 32, 32) == ErrorKind::unsupported);
    CHECK(error_of(IntegrityAlgorithm::hmac_sha1_96, aes, 0, 32) == ErrorKind::length);
    CHECK(error_of(IntegrityAlgorithm::hmac_sha1_96, aes, 32, 15) == ErrorKind::length);
}
