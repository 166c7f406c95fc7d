// The steps of a transfer in the extended profile, as a client takes them.
#pragma once

#include "common/sha256.hpp"
#include "tests/bmc-agent/update/update_bench.hpp"

#include <zlib.h>

#include <algorithm>

namespace fwupdate::test
{

inline constexpr std::uint16_t fragment_size = 1024;

inline Bytes make_image(std::size_t size)
{
    Bytes image(size);
    std::uint32_t state = 1;
    for (std::uint8_t& byte : image)
    {
        state = state * 1664525 + 1013904223;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return image;
}

inline protocol::BeginTransferRequest begin_request(const Bytes& image, std::uint8_t flags = 0)
{
    return {protocol::no_target, {flags}, fragment_size, image.size(), sha256(image)};
}

inline protocol::BeginTransferResponse begin(UpdateBench& bench, const agent::Caller& caller, const Bytes& image,
                                             std::uint8_t flags = 0)
{
    return bench.get<protocol::BeginTransferResponse>(caller, protocol::Command::begin_transfer,
                                                      codec::encode(begin_request(image, flags)));
}

/// Sends one block, every fragment with a plain answer; gives the last answer's completion code.
inline ipmi::CompletionCode send_block(UpdateBench& bench, const agent::Caller& caller, std::uint16_t transfer,
                                       const Bytes& image, std::uint16_t block)
{
    const std::size_t at = std::size_t{block} * protocol::block_size;
    const ConstBytes bytes =
        ConstBytes{image}.subspan(at, std::min<std::size_t>(protocol::block_size, image.size() - at));
    ipmi::CompletionCode code = ipmi::CompletionCode::ok;
    for (std::size_t offset = 0; offset < bytes.size() && code == ipmi::CompletionCode::ok; offset += fragment_size)
    {
        const bool last = offset + fragment_size >= bytes.size();
        const ConstBytes piece = bytes.subspan(offset, std::min<std::size_t>(fragment_size, bytes.size() - offset));
        Bytes data{piece.begin(), piece.end()};
        if (last)
        {
            codec::append(static_cast<std::uint32_t>(::crc32(0, bytes.data(), static_cast<uInt>(bytes.size()))), data);
        }
        const auto flags =
            static_cast<std::uint8_t>(protocol::fragment_acknowledge | (last ? protocol::fragment_block_end : 0));
        const protocol::WriteFragmentRequest request{
            transfer, {flags}, protocol::BlockEncoding::raw, block, static_cast<std::uint16_t>(offset), {data}};
        code = bench.send(caller, protocol::Command::write_fragment, request).response.completion_code;
    }
    return code;
}

inline void send_all(UpdateBench& bench, const agent::Caller& caller, std::uint16_t transfer, const Bytes& image)
{
    for (std::uint16_t block = 0; std::size_t{block} * protocol::block_size < image.size(); ++block)
    {
        REQUIRE(send_block(bench, caller, transfer, image, block) == ipmi::CompletionCode::ok);
    }
}

inline protocol::GetUpdateSessionResponse session_of(UpdateBench& bench, const agent::Caller& caller)
{
    return bench.get<protocol::GetUpdateSessionResponse>(caller, protocol::Command::get_update_session);
}

inline protocol::GetVerdictResponse verdict_of(UpdateBench& bench, const agent::Caller& caller)
{
    return bench.get<protocol::GetVerdictResponse>(caller, protocol::Command::get_verdict, Bytes{protocol::no_target});
}

} // namespace fwupdate::test
