#include "ipmitool-plugin/client/base_transfer.hpp"

#include <algorithm>

namespace fwupdate::client
{
namespace
{

using protocol::Command;
using protocol::UpdateChannel;

constexpr std::size_t default_lan_write = 1024;   ///< bytes, where 22h says nothing
constexpr std::size_t default_system_write = 128; ///< bytes
constexpr Patience single_write{1, 10};           ///< never repeated; a slow BMC gets 10 s to answer

/// The only field of 2Ch is the piece of the image: CCh after others like it were taken means that they are enough.
Outcome refused_write(const Context& context, const Image& image, std::uint64_t offset, ipmi::CompletionCode code)
{
    Outcome outcome = refused_outcome(context, Command::write_image_data, code);
    if (code == ipmi::CompletionCode::invalid_data_field && offset != 0)
    {
        outcome.text = image.file().string() + " (" + size_text(image.size()) +
                       ") is too large for this BMC: it took no more than " + size_text(offset) + " (" + outcome.text +
                       ')';
    }
    return outcome;
}

} // namespace

std::size_t choose_write_size(const PortFacts& facts,
                              const std::optional<protocol::GetUpdateChannelInfoResponse>& channels)
{
    const bool lan = facts.kind == LinkKind::lan;
    std::size_t size = lan ? default_lan_write : default_system_write;
    if (channels)
    {
        const auto entry =
            std::ranges::find(channels->channels.items, lan ? UpdateChannel::rmcp_plus : UpdateChannel::kcs,
                              &protocol::UpdateChannelEntry::channel);
        if (entry != channels->channels.items.end() && entry->max_transfer_size != 0)
        {
            size = entry->max_transfer_size;
        }
    }
    size = std::max<std::size_t>(1, std::min(size, facts.max_write));
    // ipmitool's lanplus code mishandles requests of 9 or 10 modulo 16 bytes with cipher suite 17.
    while (size > 16 && (size % 16 == 9 || size % 16 == 10))
    {
        --size;
    }
    return size;
}

Attempt<std::optional<protocol::GetUpdateChannelInfoResponse>> get_channels(const Context& context)
{
    auto answer = ask<protocol::GetUpdateChannelInfoResponse>(context, Command::get_update_channel_info,
                                                              protocol::EmptyRequest{});
    if (!answer)
    {
        return answer.error();
    }
    return answer->ok() ? std::optional{std::move(answer->message)} : std::nullopt;
}

Attempt<void> write_image(const Context& context, const Image& image, std::size_t write_size, bool appends_blindly,
                          ProgressMeter& meter)
{
    for (std::uint64_t offset = 0; offset < image.size();)
    {
        if (context.environment.interrupted())
        {
            return interrupted_outcome();
        }
        const Result<Bytes> piece = image.read(offset, write_size);
        if (!piece)
        {
            return Outcome{ExitCode::transfer_failed, piece.error().text};
        }
        const auto written = ask<protocol::WriteImageDataResponse>(context, Command::write_image_data,
                                                                   protocol::WriteImageDataRequest{{*piece}},
                                                                   appends_blindly ? single_write : Patience{});
        if (!written)
        {
            Outcome outcome = written.error();
            outcome.remedy = outcome.code == ExitCode::failed ? Remedy::repeat : outcome.remedy;
            return outcome;
        }
        if (!written->ok())
        {
            return refused_write(context, image, offset, written->code);
        }
        if (written->message.written != piece->size())
        {
            return Outcome{ExitCode::transfer_failed, "the BMC took only a part of a write", Remedy::repeat};
        }
        offset += piece->size();
        const TimePoint now = context.environment.now();
        context.reporter.progress(meter.update(Phase::transfer, offset, image.size(), now), now);
    }
    return {};
}

} // namespace fwupdate::client
