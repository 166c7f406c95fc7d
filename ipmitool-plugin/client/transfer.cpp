#include "ipmitool-plugin/client/transfer.hpp"

#include "transports/stream/host/one_at_a_time_link.hpp"
#include "transports/stream/host/stream_image.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using stream::StreamEnd;

constexpr std::chrono::seconds session_silence = 15s;  ///< without progress: the session is taken for broken
constexpr std::chrono::seconds exchange_silence = 12s; ///< more than ipmitool's own tries take

/// Largest messages to fall back to where the path swallows larger ones without a word, bytes of request data: a
/// tunnel's usual loss, IPv6's least MTU, and what every path carries.
constexpr std::array<std::size_t, 3> smaller_messages{1280, 1136, smallest_message};

stream::LinkClock clock_of(Environment& environment)
{
    return {[&environment] { return environment.now(); },
            [&environment](TimePoint until) { environment.sleep_for(until - environment.now()); }};
}

Outcome end_of(const stream::StreamOutcome& outcome, bool shrunk)
{
    const auto failed = [&](Remedy remedy) { return Outcome{ExitCode::transfer_failed, outcome.text, remedy}; };
    switch (outcome.end)
    {
    case StreamEnd::interrupted:
        return interrupted_outcome();
    case StreamEnd::no_progress:
        return failed(shrunk ? Remedy::repeat : Remedy::reconnect);
    case StreamEnd::message_too_large:
        return failed(shrunk ? Remedy::repeat : Remedy::none);
    case StreamEnd::link_error:
        return failed(Remedy::reconnect);
    default:
        return failed(Remedy::none);
    }
}

} // namespace

NamedTransfer::NamedTransfer(const Context& context, std::uint64_t size, const Sha256& sha256,
                             const protocol::GetCapabilitiesResponse& capabilities)
    : context_{context},
      capabilities_{capabilities},
      size_{size},
      sha256_{sha256},
      max_message_{std::min<std::size_t>(capabilities.max_message, context.bmc.port().facts().max_message)}
{
}

Transfer::Transfer(const Context& context, const Image& image, const protocol::GetCapabilitiesResponse& capabilities)
    : NamedTransfer{context, image.size(), image.sha256(), capabilities}, image_{image}
{
}

Attempt<void> NamedTransfer::begin(std::uint8_t target)
{
    // No need to spare ipmitool any length: debian/patches/0910-lanplus-buffer.patch is applied wherever this runs.
    const auto fragment_size = stream::fragment_size_for(size_, {.largest = max_message_, .spare_ipmitool = false});
    if (!fragment_size)
    {
        return Outcome{ExitCode::refused, fragment_size.error().text};
    }
    const auto begun = demand<protocol::BeginTransferResponse>(
        context_, Command::begin_transfer, protocol::BeginTransferRequest{target, {}, *fragment_size, size_, sha256_});
    if (!begun)
    {
        return begun.error();
    }
    const protocol::BeginTransferResponse& granted = begun->message;
    const auto geometry = stream::Geometry::make(size_, granted.fragment_size);
    if (!geometry || granted.blocks != geometry->blocks() || granted.fragment_size > *fragment_size)
    {
        return Outcome{ExitCode::failed, "Begin Transfer: the BMC's answer does not fit the image"};
    }
    transfer_ = granted.transfer;
    fragment_size_ = granted.fragment_size;
    present_.assign(granted.blocks, false);
    if (granted.blocks_present != 0)
    {
        if (const Attempt<void> read = read_map(); !read)
        {
            return read.error();
        }
    }
    arrived_ = 0;
    for (std::uint32_t block = 0; block < geometry->blocks(); ++block)
    {
        arrived_ += present_[block] ? geometry->block_bytes(block) : 0;
    }
    return {};
}

/// Page by page.
Attempt<void> NamedTransfer::read_map()
{
    for (std::size_t first = 0; first < present_.size();)
    {
        const auto map = demand<protocol::GetTransferMapResponse>(
            context_, Command::get_transfer_map,
            protocol::GetTransferMapRequest{transfer_, static_cast<std::uint32_t>(first)});
        if (!map)
        {
            return map.error();
        }
        if (map->message.bitmap.view.empty() || map->message.first_block != first)
        {
            return Outcome{ExitCode::failed, "Get Transfer Map: the BMC's answer does not fit the question"};
        }
        stream::enter_map(map->message, present_);
        first += 8 * map->message.bitmap.view.size();
    }
    return {};
}

Attempt<void> Transfer::send(ProgressMeter& meter)
{
    if (capabilities_.features.has(protocol::feature_window))
    {
        if (const std::unique_ptr<StreamLink> session = context_.bmc.port().open_stream())
        {
            return stream(*session, session.get(), meter);
        }
    }
    stream::OneAtATimeLink link{[this](ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data)
                                { return context_.bmc.exchange(net_fn, command, data); },
                                clock_of(context_.environment)};
    return stream(link, nullptr, meter);
}

Attempt<void> Transfer::stream(stream::FragmentLink& link, const StreamLink* session, ProgressMeter& meter)
{
    auto reader = stream::ImageReader::open(image_.file());
    const auto geometry = stream::Geometry::make(image_.size(), fragment_size_);
    if (!reader || !geometry || reader->size() != image_.size())
    {
        return Outcome{ExitCode::transfer_failed,
                       !reader ? reader.error().text : image_.file().string() + " has changed meanwhile"};
    }
    stream::SenderOptions options;
    options.window = session != nullptr ? capabilities_.window : 1;
    options.window_blocks = capabilities_.window_blocks;
    options.give_up = session != nullptr ? session_silence : exchange_silence;
    options.is_fill = capabilities_.features.has(protocol::feature_fill) ? stream::fill_test(*reader) : nullptr;
    stream::StreamSender sender{*geometry, present_, std::move(options), link.now()};

    bool swallowed = false;
    const stream::StreamOutcome outcome = stream::stream_image(
        *reader, transfer_, sender, link,
        {[&](const stream::StreamProgress& progress)
         {
             const TimePoint now = context_.environment.now();
             context_.reporter.progress(meter.update(Phase::transfer, progress.arrived, progress.size, now), now);
         },
         [&] { return context_.environment.interrupted(); }, [&] { return swallowed = shrink(std::nullopt); }});
    arrived_ = sender.bytes_arrived();
    if (outcome.end == StreamEnd::complete)
    {
        return {};
    }
    if (outcome.end == StreamEnd::refused)
    {
        Outcome refused = refused_outcome(context_, Command::write_fragment, outcome.code);
        // The transfer or the mode is gone: the agent restarted, the lease expired, somebody took over.
        const bool lost = outcome.code == protocol::unknown_transfer ||
                          outcome.code == ipmi::CompletionCode::not_supported_in_present_state;
        refused.remedy = lost ? Remedy::repeat : Remedy::none;
        return refused;
    }
    const bool too_large = outcome.end == StreamEnd::message_too_large && session != nullptr;
    return end_of(outcome, swallowed || (too_large && shrink(session->largest_message())));
}

/// Smaller messages from now on: as large as the system says, else the next of the usual sizes. False: they can't.
bool Transfer::shrink(std::optional<std::size_t> largest)
{
    if (!largest || *largest >= max_message_)
    {
        const auto* smaller =
            std::ranges::find_if(smaller_messages, [this](std::size_t size) { return size < max_message_; });
        if (smaller == smaller_messages.end())
        {
            return false;
        }
        largest = *smaller;
    }
    if (*largest < smaller_messages.back())
    {
        return false;
    }
    max_message_ = *largest;
    context_.reporter.notice("the path carries no larger messages than " + std::to_string(max_message_) +
                             " bytes: going on with smaller ones");
    return true;
}

} // namespace fwupdate::client
