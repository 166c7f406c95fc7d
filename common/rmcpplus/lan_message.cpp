#include "common/rmcpplus/lan_message.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fwupdate::rmcpplus
{
namespace
{

constexpr unsigned lun_mask = 0x03;
constexpr unsigned response_bit = 0x01; // the lowest bit of a NetFn

/// NetFn or requester sequence in the upper six bits, LUN in the lower two.
std::uint8_t with_lun(unsigned six_bits, std::uint8_t lun)
{
    return static_cast<std::uint8_t>(six_bits << 2 | (lun & lun_mask));
}

std::uint8_t upper(std::uint8_t byte)
{
    return static_cast<std::uint8_t>(byte >> 2);
}

std::uint8_t lower(std::uint8_t byte)
{
    return static_cast<std::uint8_t>(byte & lun_mask);
}

/// The checksum of a long message, eight bytes at a time: byte by byte it would cost a third of the encryption.
std::uint8_t fast_checksum(ConstBytes bytes)
{
    constexpr std::uint64_t low_bits = 0x7F7F'7F7F'7F7F'7F7F; // of each byte; keeps carries inside their byte
    std::uint64_t sums = 0;
    std::size_t at = 0;
    for (; at + sizeof(sums) <= bytes.size(); at += sizeof(sums))
    {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, sizeof(word));
        sums = ((sums & low_bits) + (word & low_bits)) ^ ((sums ^ word) & ~low_bits);
    }
    std::array<std::uint8_t, sizeof(sums)> parts{};
    std::memcpy(parts.data(), &sums, sizeof(sums));
    return static_cast<std::uint8_t>(ipmi::checksum(parts) + ipmi::checksum(bytes.subspan(at)));
}

bool sums_to_zero(ConstBytes bytes)
{
    return fast_checksum(bytes) == 0;
}

/// Length and both checksums of a message with at least `overhead` bytes.
Result<void> check_frame(ConstBytes message, std::size_t overhead)
{
    if (message.size() < overhead)
    {
        return fail(ErrorKind::length, {});
    }
    if (!sums_to_zero(message.first(3)) || !sums_to_zero(message.subspan(3)))
    {
        return fail(ErrorKind::integrity, {});
    }
    return {};
}

void seal_frame(MutableBytes out)
{
    out[2] = ipmi::checksum(out.first(2));
    out.back() = fast_checksum(out.subspan(3, out.size() - 4));
}

} // namespace

Result<LanRequest> parse_lan_request(ConstBytes message)
{
    if (auto checked = check_frame(message, request_overhead); !checked)
    {
        return checked.error();
    }
    const unsigned net_fn = upper(message[1]);
    if ((net_fn & response_bit) != 0)
    {
        return fail(ErrorKind::invalid_field, {});
    }
    LanRequest request{};
    request.responder_address = message[0];
    request.net_fn = static_cast<ipmi::NetFn>(net_fn);
    request.responder_lun = lower(message[1]);
    request.requester_address = message[3];
    request.requester_sequence = upper(message[4]);
    request.requester_lun = lower(message[4]);
    request.command = message[5];
    request.data = message.subspan(request_data_offset, message.size() - request_overhead);
    return request;
}

Result<LanResponse> parse_lan_response(ConstBytes message)
{
    if (auto checked = check_frame(message, response_overhead); !checked)
    {
        return checked.error();
    }
    const unsigned net_fn = upper(message[1]);
    if ((net_fn & response_bit) == 0)
    {
        return fail(ErrorKind::invalid_field, {});
    }
    LanResponse response{};
    response.requester_address = message[0];
    response.net_fn = static_cast<ipmi::NetFn>(net_fn & ~response_bit);
    response.requester_lun = lower(message[1]);
    response.responder_address = message[3];
    response.requester_sequence = upper(message[4]);
    response.responder_lun = lower(message[4]);
    response.command = message[5];
    response.completion_code = static_cast<ipmi::CompletionCode>(message[6]);
    response.data = message.subspan(response_data_offset, message.size() - response_overhead);
    return response;
}

void frame_lan_request(const LanRequest& request, MutableBytes out)
{
    out[0] = request.responder_address;
    out[1] = with_lun(static_cast<unsigned>(request.net_fn), request.responder_lun);
    out[3] = request.requester_address;
    out[4] = with_lun(request.requester_sequence, request.requester_lun);
    out[5] = request.command;
    seal_frame(out);
}

void frame_lan_response(const LanResponse& response, MutableBytes out)
{
    out[0] = response.requester_address;
    out[1] = with_lun(static_cast<unsigned>(response.net_fn) | response_bit, response.requester_lun);
    out[3] = response.responder_address;
    out[4] = with_lun(response.requester_sequence, response.responder_lun);
    out[5] = response.command;
    out[6] = static_cast<std::uint8_t>(response.completion_code);
    seal_frame(out);
}

Bytes build_lan_request(const LanRequest& request)
{
    Bytes out(request.data.size() + request_overhead);
    std::ranges::copy(request.data, out.begin() + request_data_offset);
    frame_lan_request(request, out);
    return out;
}

Bytes build_lan_response(const LanResponse& response)
{
    Bytes out(response.data.size() + response_overhead);
    std::ranges::copy(response.data, out.begin() + response_data_offset);
    frame_lan_response(response, out);
    return out;
}

LanResponse response_to(const LanRequest& request)
{
    LanResponse response{};
    response.requester_address = request.requester_address;
    response.net_fn = request.net_fn;
    response.requester_lun = request.requester_lun;
    response.responder_address = request.responder_address;
    response.requester_sequence = request.requester_sequence;
    response.responder_lun = request.responder_lun;
    response.command = request.command;
    return response;
}

} // namespace fwupdate::rmcpplus
