#include "ipmitool-plugin/client/transfer.hpp"

#include <zlib.h>

#include <algorithm>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::block_size;
using protocol::Command;

constexpr int block_tries = 4; ///< a block whose CRC-32 the BMC finds wrong is sent again, this often in all
constexpr int busy_tries = 50; ///< of 100 ms: a system interface may be busy with other programs
constexpr std::size_t smallest_fragment = 16;

constexpr std::size_t block_length(std::uint64_t image_size, std::uint32_t block)
{
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(block_size, image_size - std::uint64_t{block} * block_size));
}

constexpr std::uint32_t block_count(std::uint64_t image_size)
{
    return static_cast<std::uint32_t>((image_size + block_size - 1) / block_size);
}

constexpr bool harmless(std::size_t length)
{
    return length % 16 != 9 && length % 16 != 10;
}

/// Request length of the last fragment of a block of `length` bytes.
constexpr std::size_t last_request(std::size_t length, std::size_t fragment)
{
    return (length - 1) % fragment + 1 + protocol::fragment_header_size + protocol::block_check_size;
}

std::uint32_t crc32_of(ConstBytes bytes)
{
    return static_cast<std::uint32_t>(::crc32_z(0, bytes.data(), bytes.size()));
}

bool is_uniform(ConstBytes bytes)
{
    return std::ranges::all_of(bytes, [&](std::uint8_t byte) { return byte == bytes.front(); });
}

/// Reads the map of staged blocks, page by page.
Attempt<void> read_map(const Context& context, Transfer& transfer)
{
    for (std::uint32_t first = 0; first < transfer.blocks();)
    {
        const auto map = demand<protocol::GetTransferMapResponse>(context, Command::get_transfer_map,
                                                                  protocol::GetTransferMapRequest{transfer.id, first});
        if (!map)
        {
            return map.error();
        }
        const ConstBytes bitmap = map->message.bitmap.view;
        if (bitmap.empty())
        {
            return Outcome{ExitCode::failed, "Get Transfer Map: the BMC's answer is empty"};
        }
        const std::size_t end = std::min<std::size_t>(transfer.blocks(), first + bitmap.size() * 8);
        for (std::size_t block = first; block < end; ++block)
        {
            transfer.present[block] = (bitmap[(block - first) / 8] >> (block - first) % 8 & 1) != 0;
        }
        first = static_cast<std::uint32_t>(first + bitmap.size() * 8);
    }
    return {};
}

/// Sends blocks, one answered fragment after the other.
class Sender
{
  public:
    Sender(const Context& context, Transfer& transfer, std::uint64_t image_size, ProgressMeter& meter)
        : context_{context},
          transfer_{transfer},
          image_size_{image_size},
          meter_{meter},
          done_{transfer.bytes_present(image_size)}
    {
    }

    Attempt<void> send_block(std::uint32_t block, ConstBytes bytes, bool may_fill)
    {
        const bool fill = may_fill && bytes.size() > 1 && is_uniform(bytes);
        const ConstBytes carried = fill ? bytes.first(1) : bytes;
        const auto encoding = fill ? protocol::BlockEncoding::fill : protocol::BlockEncoding::raw;
        for (int round = 0; round < block_tries; ++round)
        {
            const Attempt<bool> whole = send_carried(block, carried, encoding);
            if (!whole)
            {
                return whole.error();
            }
            if (*whole)
            {
                transfer_.present[block] = true;
                done_ += bytes.size();
                report(0);
                return {};
            }
        }
        return Outcome{ExitCode::transfer_failed, "block " + std::to_string(block) +
                                                      " arrives damaged again and again: check the link to the BMC"};
    }

  private:
    /// False: the BMC found the block's CRC-32 wrong.
    Attempt<bool> send_carried(std::uint32_t block, ConstBytes carried, protocol::BlockEncoding encoding)
    {
        const std::uint32_t check = crc32_of(carried);
        for (std::size_t offset = 0; offset < carried.size(); offset += transfer_.fragment_size)
        {
            const ConstBytes piece =
                carried.subspan(offset, std::min<std::size_t>(transfer_.fragment_size, carried.size() - offset));
            const bool last = offset + piece.size() == carried.size();
            const auto status = send_fragment(block, offset, piece, encoding, last ? &check : nullptr);
            if (!status)
            {
                return status.error();
            }
            if (*status == protocol::FragmentStatus::block_check_failed)
            {
                return false;
            }
            if (*status != protocol::FragmentStatus::accepted)
            {
                return Outcome{ExitCode::transfer_failed, "the BMC lost the place in the image", Remedy::repeat};
            }
            report(offset + piece.size());
        }
        return true;
    }

    Attempt<protocol::FragmentStatus> send_fragment(std::uint32_t block, std::size_t offset, ConstBytes piece,
                                                    protocol::BlockEncoding encoding, const std::uint32_t* check)
    {
        Bytes data{piece.begin(), piece.end()};
        protocol::WriteFragmentRequest request{transfer_.id,
                                               {protocol::fragment_acknowledge},
                                               encoding,
                                               static_cast<std::uint16_t>(block),
                                               static_cast<std::uint16_t>(offset),
                                               {}};
        if (check != nullptr)
        {
            request.flags.bits |= protocol::fragment_block_end;
            codec::append(*check, data);
        }
        request.data.view = data;
        for (int round = 0; !context_.environment.interrupted(); ++round)
        {
            const auto answer = ask<protocol::WriteFragmentResponse>(context_, Command::write_fragment, request);
            if (!answer)
            {
                return answer.error();
            }
            if (answer->ok())
            {
                return answer->message.status;
            }
            const bool busy =
                answer->code == ipmi::CompletionCode::node_busy || answer->code == ipmi::CompletionCode::timeout;
            if (!busy || round >= busy_tries)
            {
                return refusal(answer->code);
            }
            pause(context_, 100ms);
        }
        return interrupted_outcome();
    }

    /// The transfer or the mode is gone: the agent restarted, the lease expired, somebody took over.
    [[nodiscard]] Outcome refusal(ipmi::CompletionCode code) const
    {
        Outcome outcome = refused_outcome(context_, Command::write_fragment, code);
        if (code == protocol::unknown_transfer || code == ipmi::CompletionCode::not_supported_in_present_state)
        {
            outcome.remedy = Remedy::repeat;
        }
        return outcome;
    }

    void report(std::size_t within_block)
    {
        const TimePoint now = context_.environment.now();
        context_.reporter.progress(meter_.update(Phase::transfer, done_ + within_block, image_size_, now), now);
    }

    const Context& context_;
    Transfer& transfer_;
    std::uint64_t image_size_;
    ProgressMeter& meter_;
    std::uint64_t done_;
};

} // namespace

std::uint32_t Transfer::blocks_present() const
{
    return static_cast<std::uint32_t>(std::ranges::count(present, true));
}

std::uint64_t Transfer::bytes_present(std::uint64_t image_size) const
{
    std::uint64_t bytes = 0;
    for (std::uint32_t block = 0; block < blocks(); ++block)
    {
        bytes += present[block] ? block_length(image_size, block) : 0;
    }
    return bytes;
}

std::uint16_t choose_fragment_size(std::size_t max_message, std::uint64_t image_size)
{
    const std::size_t tail = block_length(image_size, block_count(image_size) - 1);
    const std::size_t largest = std::clamp<std::size_t>(max_message, smallest_fragment + 12, block_size + 7);
    for (std::size_t size = largest - protocol::fragment_header_size; size > smallest_fragment; --size)
    {
        const std::size_t longest =
            std::max({size + protocol::fragment_header_size, last_request(block_size, size), last_request(tail, size)});
        if (longest <= largest && harmless(size + protocol::fragment_header_size) &&
            harmless(last_request(block_size, size)) && harmless(last_request(tail, size)))
        {
            return static_cast<std::uint16_t>(size);
        }
    }
    return static_cast<std::uint16_t>(smallest_fragment);
}

Attempt<Transfer> begin_transfer(const Context& context, const Image& image, std::uint8_t target,
                                 const protocol::GetCapabilitiesResponse& capabilities)
{
    const std::size_t max_message =
        std::min<std::size_t>(capabilities.max_message, context.bmc.port().facts().max_message);
    const auto begun = demand<protocol::BeginTransferResponse>(
        context, Command::begin_transfer,
        protocol::BeginTransferRequest{
            target, {}, choose_fragment_size(max_message, image.size()), image.size(), image.sha256()});
    if (!begun)
    {
        return begun.error();
    }
    const protocol::BeginTransferResponse& granted = begun->message;
    if (granted.fragment_size == 0 || granted.blocks != block_count(image.size()))
    {
        return Outcome{ExitCode::failed, "Begin Transfer: the BMC's answer does not fit the image"};
    }
    Transfer transfer{granted.transfer, granted.target, granted.fragment_size, std::vector<bool>(granted.blocks)};
    if (granted.blocks_present != 0)
    {
        if (const Attempt<void> read = read_map(context, transfer); !read)
        {
            return read.error();
        }
    }
    return transfer;
}

Attempt<void> send_one_at_a_time(const Context& context, const Image& image, Transfer& transfer,
                                 const protocol::GetCapabilitiesResponse& capabilities, ProgressMeter& meter)
{
    Sender sender{context, transfer, image.size(), meter};
    for (std::uint32_t block = 0; block < transfer.blocks(); ++block)
    {
        if (transfer.present[block])
        {
            continue;
        }
        const Result<Bytes> bytes = image.read(std::uint64_t{block} * block_size, block_length(image.size(), block));
        if (!bytes)
        {
            return Outcome{ExitCode::transfer_failed, bytes.error().text};
        }
        if (const auto sent = sender.send_block(block, *bytes, capabilities.features.has(protocol::feature_fill));
            !sent)
        {
            return sent.error();
        }
    }
    return {};
}

} // namespace fwupdate::client
