// Any datagram through every reader of RMCP+ packets, at both ends: no crash, no read past the end, and what was sealed
// opens again.
#include "common/rmcpplus/asf.hpp"
#include "common/rmcpplus/client.hpp"
#include "common/rmcpplus/handshake.hpp"
#include "common/rmcpplus/sequence_window.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace fwupdate;
using namespace fwupdate::rmcpplus;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

/// What decodes encodes to the same bytes.
template <class Message> void decode_and_encode(ConstBytes payload)
{
    if (const auto message = codec::decode_request<Message>(payload))
    {
        require(std::ranges::equal(codec::encode(*message), payload));
    }
}

void read_payloads(ConstBytes bytes)
{
    decode_and_encode<OpenSessionRequest>(bytes);
    decode_and_encode<OpenSessionResponse>(bytes);
    decode_and_encode<HandshakeRefusal>(bytes);
    decode_and_encode<RakpMessage1>(bytes);
    decode_and_encode<RakpMessage2>(bytes);
    decode_and_encode<RakpMessage3>(bytes);
    decode_and_encode<RakpMessage4>(bytes);
    if (const auto request = parse_lan_request(bytes))
    {
        require(std::ranges::equal(build_lan_request(*request), bytes));
    }
    if (const auto response = parse_lan_response(bytes))
    {
        require(std::ranges::equal(build_lan_response(*response), bytes));
    }
}

void read_datagram(const SessionCipher& cipher, ConstBytes bytes)
{
    static_cast<void>(classify(bytes));
    static_cast<void>(parse_presence_ping(bytes));
    static_cast<void>(parse_sessionless_1_5(bytes));
    Bytes datagram(bytes.begin(), bytes.end());
    if (const auto packet = parse_rmcp_plus(datagram))
    {
        static_cast<void>(cipher.authentic(datagram, *packet));
        static_cast<void>(cipher.decrypt(datagram, *packet)); // as if the code had been right
        static_cast<void>(parse_response(cipher, packet->session_id, datagram));
    }
}

void seal_and_open(SessionCipher& cipher, ConstBytes payload)
{
    Bytes out(cipher.sealed_size(payload.size()));
    const auto size = cipher.seal({7, 8}, payload, out);
    require(size.has_value() && *size == out.size());
    const auto packet = parse_rmcp_plus(out);
    require(packet.has_value() && cipher.authentic(out, *packet));
    const auto opened = cipher.decrypt(out, *packet);
    require(opened.has_value() && std::ranges::equal(*opened, payload));
}

void count_numbers(ConstBytes bytes)
{
    SequenceWindow window;
    for (; bytes.size() >= 4; bytes = bytes.subspan(4))
    {
        const std::uint32_t number = load_u32(bytes);
        static_cast<void>(window.accept(number));
        require(!window.accept(number)); // never twice
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ConstBytes bytes{data, size};
    if (bytes.empty() || bytes.size() > 4096)
    {
        return 0;
    }
    SystemRandom random;
    const Bytes key(32, 0x5A);
    const auto integrity = (bytes[0] & 1) != 0 ? IntegrityAlgorithm::hmac_sha1_96 : IntegrityAlgorithm::hmac_sha256_128;
    auto cipher = SessionCipher::create(integrity, ConfidentialityAlgorithm::aes_cbc_128, key, key, random);
    require(cipher.has_value());
    const ConstBytes rest = bytes.subspan(1);
    read_payloads(rest);
    read_datagram(*cipher, rest);
    seal_and_open(*cipher, rest);
    count_numbers(rest);
    return 0;
}
