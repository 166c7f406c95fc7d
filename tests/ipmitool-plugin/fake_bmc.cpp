#include "tests/ipmitool-plugin/fake_bmc.hpp"

#include "common/sha256.hpp"

#include <zlib.h>

#include <algorithm>

namespace fwupdate::test
{
namespace
{

using ipmi::CompletionCode;
using protocol::block_size;
using protocol::Command;
using protocol::UpdateState;

template <class Message> ipmi::Response ok(const Message& message)
{
    return {CompletionCode::ok, codec::encode(message)};
}

ipmi::Response refuse(CompletionCode code)
{
    return {code, {}};
}

} // namespace

FakeBmc::FakeBmc()
{
    port_facts = {client::LinkKind::lan, 1400, 1400, "bmc", "admin", "ipmitool -I lanplus -H bmc -U admin -E", {}};
    capabilities.signature = protocol::signature;
    capabilities.major = 1;
    capabilities.features.bits = protocol::feature_resume | protocol::feature_fill;
    capabilities.block_size = block_size;
    capabilities.max_message = 1400;
    capabilities.window = 1;
    capabilities.window_blocks = 4;
    capabilities.max_image_size = 16U << 20;
    capabilities.lease = 60;
    installed = {'o', 'l', 'd'};
    protocol::GetTargetInfoResponse target;
    target.target = 1;
    target.flags.bits = protocol::target_default | protocol::target_digest_known;
    target.name.value = "bmc-image";
    target.version.value = "1.0";
    targets.push_back(target);
    session.target = protocol::no_target;
    verdict.boot_id[0] = 1;
    verdict.instance_id[0] = 1;
    verdict.version.value = "1.0";
}

std::size_t FakeBmc::count(Command command) const
{
    return static_cast<std::size_t>(std::ranges::count(seen, command, &Seen::command));
}

Result<ipmi::Response> FakeBmc::exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data, client::Patience)
{
    if (starting > 0)
    {
        --starting;
        return refuse(CompletionCode::initialization_in_progress);
    }
    if (net_fn != ipmi::NetFn::firmware)
    {
        return refuse(CompletionCode::invalid_command);
    }
    const auto number = static_cast<Command>(command);
    const Loss loss = on_command ? on_command(number) : Loss::none;
    if (!alive_ || loss == Loss::request || data.size() > swallowed_above)
    {
        return fail(ErrorKind::timeout, "no answer");
    }
    seen.push_back({number, {data.begin(), data.end()}});
    longest_request = std::max(longest_request, data.size());
    ipmi::Response response = serve(number, data);
    if (loss == Loss::answer || !alive_)
    {
        return fail(ErrorKind::timeout, "no answer");
    }
    return response;
}

Result<void> FakeBmc::reopen(int)
{
    if (reopen_failures > 0)
    {
        --reopen_failures;
        return fail(ErrorKind::timeout, "no session");
    }
    alive_ = true;
    ++reopened;
    return {};
}

void FakeBmc::to_init()
{
    session.state = UpdateState::init;
    session.flags.bits = 0;
    session.target = protocol::no_target;
    transfer_ = 0;
    session.transfer = 0;
    session.transport = protocol::Transport::none;
    uri.clear();
    fetching_ = false;
    assembling_.clear();
    polls_ = 0;
    chosen_ = protocol::no_target;
    signature.clear();
}

void FakeBmc::restart_agent()
{
    to_init();
    plugged_in = false;
    ++verdict.instance_id[0];
}

void FakeBmc::restart()
{
    waiting_for_restart_ = false;
    restart_agent();
    ++verdict.boot_id[0];
    alive_ = false;
    hosts_pending_.clear();
    for (const auto& [target, old] : before_)
    {
        if (falls_back || keeps_old.contains(target))
        {
            bytes_on(target) = old;
            verdict_of(target).last_result = protocol::UpdateResult::fell_back;
        }
        else
        {
            verdict_of(target).version.value = "2.0";
        }
    }
}

void FakeBmc::stage(ConstBytes image, std::uint32_t blocks)
{
    for (std::uint32_t block = 0; block < blocks; ++block)
    {
        const std::size_t begin = std::size_t{block} * block_size;
        const ConstBytes bytes = image.subspan(begin, std::min<std::size_t>(block_size, image.size() - begin));
        staged_[block] = {bytes.begin(), bytes.end()};
    }
    sha256_ = sha256(image);
}

bool FakeBmc::is_for_owner() const
{
    return session.flags.has(protocol::session_in_mode) &&
           (session.flags.has(protocol::session_yours) || !session.flags.has(protocol::session_holder_alive));
}

ipmi::Response FakeBmc::serve(Command command, ConstBytes data)
{
    switch (command)
    {
    case Command::get_capabilities:
        return ok(capabilities);
    case Command::get_update_session:
        return describe_session();
    case Command::take_over:
        session.flags.bits = protocol::session_in_mode | protocol::session_yours | protocol::session_same_user;
        if (codec::decode_request<protocol::TakeOverRequest>(data)->flags.has(protocol::take_over_discard) &&
            (session.state == UpdateState::idle || session.state == UpdateState::download ||
             session.state == UpdateState::error))
        {
            session.state = UpdateState::idle;
            staged_.clear();
        }
        return ok(protocol::EmptyResponse{});
    case Command::set_update_parameters:
        return take_parameters(data);
    case Command::begin_transfer:
        return begin(data);
    case Command::write_fragment:
        return fragment(data);
    case Command::get_transfer_map:
        return map(data);
    case Command::get_reason:
    {
        protocol::GetReasonResponse answer = reason;
        answer.text_length = static_cast<std::uint16_t>(reason_text.size());
        const auto request = codec::decode_request<protocol::GetReasonRequest>(data);
        answer.text.view = as_bytes(reason_text).subspan(std::min<std::size_t>(request->offset, reason_text.size()));
        answer.text.view = answer.text.view.first(std::min<std::size_t>(answer.text.view.size(), 16));
        return ok(answer);
    }
    case Command::get_target_info:
        return describe_target(data);
    case Command::get_verdict:
        return tell_verdict(data);
    case Command::confirm_update:
        return take_confirmation(data);
    case Command::get_update_log:
    {
        const auto request = codec::decode_request<protocol::GetUpdateLogRequest>(data);
        if (request->index >= log.size())
        {
            return refuse(CompletionCode::not_present);
        }
        protocol::GetUpdateLogResponse entry = log[request->index];
        const std::string& text = log_texts[request->index];
        entry.count = static_cast<std::uint8_t>(log.size());
        entry.text_length = static_cast<std::uint16_t>(text.size());
        entry.text.view = as_bytes(text).subspan(request->offset);
        entry.text.view = entry.text.view.first(std::min<std::size_t>(entry.text.view.size(), 8));
        return ok(entry);
    }
    case Command::plan:
        return tell_plan(data);
    case Command::write_signature_part:
        return take_signature(data);
    default:
        return base(command, data);
    }
}

ipmi::Response FakeBmc::base(Command command, ConstBytes data)
{
    switch (command)
    {
    case Command::get_random_number:
        return ok(protocol::GetRandomNumberResponse{{1, 2, 3, 4, 5, 6, 7, 8}});
    case Command::enter_update_mode:
        if (session.flags.has(protocol::session_in_mode) || busy_entries-- > 0)
        {
            return refuse(CompletionCode::node_busy);
        }
        session.state = UpdateState::idle;
        session.flags.bits = protocol::session_in_mode | protocol::session_yours | protocol::session_same_user;
        return ok(protocol::EmptyResponse{});
    case Command::exit_update_mode:
        if (!session.flags.has(protocol::session_in_mode))
        {
            return refuse(CompletionCode::invalid_data_field);
        }
        if (session.state == UpdateState::program || !is_for_owner())
        {
            return refuse(CompletionCode::not_supported_in_present_state);
        }
        ++exits;
        waiting_for_restart_ = session.state == UpdateState::ready;
        for (const auto& target : targets)
        {
            if (waiting_for_restart_ && target.restart == protocol::Restart::host &&
                programmed_.contains(target.target))
            {
                hosts_pending_.insert(target.target);
            }
        }
        to_init();
        return ok(protocol::EmptyResponse{});
    case Command::update_control:
        return control(data);
    case Command::set_update_options:
    {
        const auto request = codec::decode_request<protocol::SetUpdateOptionsRequest>(data);
        wanted = request->sha256;
        return ok(protocol::SetUpdateOptionsResponse{{request->value.bits}});
    }
    case Command::set_uri_parameters:
        return take_companion(data);
    case Command::get_usb_drive:
        return ok(plugged_in ? drive : protocol::GetUsbDriveResponse{});
    default:
        return refuse(CompletionCode::invalid_command);
    }
}

ipmi::Response FakeBmc::begin(ConstBytes data)
{
    if (begin_code != CompletionCode::ok)
    {
        return refuse(begin_code);
    }
    const auto request = codec::decode_request<protocol::BeginTransferRequest>(data);
    if (!is_for_owner() || !request)
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    if (request->sha256 != sha256_)
    {
        staged_.clear();
    }
    size_ = request->size;
    sha256_ = request->sha256;
    fragment_size_ = request->fragment_size;
    transfer_ = static_cast<std::uint16_t>(7 + verdict.instance_id[0]);
    session.transfer = transfer_;
    session.state = UpdateState::download;
    named_target = request->target;
    session.target = request->target != protocol::no_target ? request->target
                     : chosen_ != protocol::no_target       ? chosen_
                                                            : std::uint8_t{1};
    former_ = verdict_of(session.target);
    programmed_.clear();
    before_.clear();
    session.flags.bits = protocol::session_in_mode | protocol::session_yours | protocol::session_same_user;
    verdict_of(session.target).last_sha256 = sha256_;
    verdict_of(session.target).last_result = protocol::UpdateResult::in_progress;
    received_ = 0;
    session.size = size_;
    session.received = session.done = 0;
    session.transport = protocol::Transport::none;
    uri.clear();
    fetching_ = false;
    assembling_.clear();
    return ok(protocol::BeginTransferResponse{transfer_, session.target, fragment_size_, blocks(),
                                              static_cast<std::uint32_t>(staged_.size())});
}

std::uint32_t FakeBmc::blocks() const
{
    return static_cast<std::uint32_t>((size_ + block_size - 1) / block_size);
}

std::size_t FakeBmc::block_length(std::uint32_t block) const
{
    return static_cast<std::size_t>(std::min<std::uint64_t>(block_size, size_ - std::uint64_t{block} * block_size));
}

/// The block's bytes as carried, once every piece is there.
std::optional<Bytes> FakeBmc::whole(std::uint32_t block, const Assembly& assembly) const
{
    Bytes bytes;
    for (const auto& [offset, piece] : assembly.pieces)
    {
        if (offset != bytes.size())
        {
            return std::nullopt;
        }
        bytes.insert(bytes.end(), piece.begin(), piece.end());
    }
    const std::size_t length = assembly.fill ? 1 : block_length(block);
    return assembly.check && bytes.size() == length ? std::optional{bytes} : std::nullopt;
}

protocol::FragmentStatus FakeBmc::take(const protocol::WriteFragmentRequest& request)
{
    if (staged_.contains(request.block))
    {
        return protocol::FragmentStatus::accepted;
    }
    Assembly& assembly = assembling_[request.block];
    const bool last = request.flags.has(protocol::fragment_block_end);
    const ConstBytes bytes = request.data.view.first(request.data.view.size() - (last ? 4 : 0));
    received_ += assembly.pieces.contains(request.offset) ? 0 : 1;
    assembly.pieces[request.offset] = {bytes.begin(), bytes.end()};
    assembly.fill = request.encoding == protocol::BlockEncoding::fill;
    if (last)
    {
        const ConstBytes tail = request.data.view.last(4);
        assembly.check = tail[0] | tail[1] << 8 | tail[2] << 16 | static_cast<std::uint32_t>(tail[3]) << 24;
    }
    const std::optional<Bytes> block = whole(request.block, assembly);
    if (!block)
    {
        return protocol::FragmentStatus::accepted;
    }
    const bool good = ::crc32_z(0, block->data(), block->size()) == *assembly.check && damaged_blocks == 0;
    damaged_blocks -= damaged_blocks > 0 ? 1 : 0;
    if (good)
    {
        staged_[request.block] = assembly.fill ? Bytes(block_length(request.block), block->front()) : *block;
    }
    assembling_.erase(request.block);
    return good ? protocol::FragmentStatus::accepted : protocol::FragmentStatus::block_check_failed;
}

bool FakeBmc::has_fragment(std::uint32_t fragment) const
{
    const std::uint32_t per_block = (block_size + fragment_size_ - 1) / fragment_size_;
    const auto assembly = assembling_.find(fragment / per_block);
    return staged_.contains(fragment / per_block) ||
           (assembly != assembling_.end() &&
            assembly->second.pieces.contains(static_cast<std::uint16_t>(fragment % per_block * fragment_size_)));
}

ipmi::Response FakeBmc::fragment(ConstBytes data)
{
    const auto request = codec::decode_request<protocol::WriteFragmentRequest>(data);
    if (!is_for_owner())
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    if (!request || request->transfer != transfer_)
    {
        return refuse(protocol::unknown_transfer);
    }
    const std::uint32_t per_block = (block_size + fragment_size_ - 1) / fragment_size_;
    const std::size_t tail = block_length(blocks() - 1);
    const auto fragments =
        static_cast<std::uint32_t>((blocks() - 1) * per_block + (tail + fragment_size_ - 1) / fragment_size_);
    protocol::WriteFragmentResponse answer{transfer_, take(*request), 0, 0, received_, {}};
    answer.fragment = request->block * per_block + request->offset / fragment_size_;
    while (answer.first_missing < fragments && has_fragment(answer.first_missing))
    {
        ++answer.first_missing;
    }
    Bytes bitmap(8);
    for (std::uint32_t bit = 0; bit < 64; ++bit)
    {
        const std::uint32_t at = answer.first_missing + 1 + bit;
        const unsigned here = at < fragments && has_fragment(at) ? 1 : 0;
        bitmap[bit / 8] = static_cast<std::uint8_t>(bitmap[bit / 8] | here << bit % 8);
    }
    answer.bitmap.view = bitmap;
    return ok(answer);
}

ipmi::Response FakeBmc::map(ConstBytes data)
{
    const auto request = codec::decode_request<protocol::GetTransferMapRequest>(data);
    const Bytes bits = [&]
    {
        Bytes page(2); // small pages, so that the client has to turn them
        for (std::uint32_t at = 0; at < 16; ++at)
        {
            if (staged_.contains(request->first_block + at))
            {
                page[at / 8] = static_cast<std::uint8_t>(page[at / 8] | 1U << at % 8);
            }
        }
        return page;
    }();
    return ok(protocol::GetTransferMapResponse{
        transfer_, request->first_block, blocks(), static_cast<std::uint32_t>(staged_.size()), {bits}});
}

ipmi::Response FakeBmc::control(ConstBytes data)
{
    const auto request = codec::decode_request<protocol::UpdateControlRequest>(data);
    if (!is_for_owner())
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    if (request->control == protocol::Control::usb_attach || request->control == protocol::Control::usb_detach)
    {
        return drive_control(request->control);
    }
    switch (request->control)
    {
    case protocol::Control::transfer_start:
        return start();
    case protocol::Control::set_uri:
        if (uri_code != CompletionCode::ok)
        {
            return refuse(uri_code);
        }
        uri = request->uri->value;
        break;
    case protocol::Control::transfer_complete:
        return complete();
    case protocol::Control::transfer_abort:
        return abort();
    default:
        break;
    }
    return ok(protocol::UpdateControlResponse{
        {static_cast<std::uint8_t>(protocol::flag_started | (fetching_ ? protocol::flag_completed : 0))}});
}

/// 29h-1: a transfer without a name; what was staged is dropped.
ipmi::Response FakeBmc::start()
{
    if (start_code != CompletionCode::ok)
    {
        session.state = UpdateState::idle;
        return refuse(start_code);
    }
    session.state = UpdateState::download;
    session.target = chosen_ != protocol::no_target ? chosen_ : std::uint8_t{1};
    former_ = verdict_of(session.target);
    programmed_.clear();
    before_.clear();
    session.size = session.received = session.done = 0;
    session.transport = protocol::Transport::none;
    session.transfer = transfer_ = 0;
    size_ = 0;
    uri.clear();
    fetching_ = false;
    staged_.clear();
    return ok(protocol::UpdateControlResponse{{protocol::flag_started}});
}

ipmi::Response FakeBmc::complete()
{
    if (complete_code != CompletionCode::ok)
    {
        return refuse(std::exchange(complete_code, CompletionCode::ok));
    }
    if (session.state != UpdateState::download || fetching_)
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    const bool whole = size_ != 0 && staged_.size() == blocks();
    polls_ = 0;
    if (!whole && !uri.empty() && !plugged_in)
    {
        fetching_ = true;
        ++fetches;
        fetched_.reset();
        session.transport = uri.starts_with("usb://") ? protocol::Transport::usb : protocol::Transport::uri;
        return ok(protocol::UpdateControlResponse{{protocol::flag_started}});
    }
    if (!whole)
    {
        return refuse(protocol::transfer_incomplete);
    }
    session.state = UpdateState::verify;
    session.size = size_;
    return ok(protocol::UpdateControlResponse{{protocol::flag_started}});
}

ipmi::Response FakeBmc::abort()
{
    if (session.state == UpdateState::program || session.state == UpdateState::ready)
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    ++aborts;
    fetching_ = false;
    uri.clear();
    session.transport = protocol::Transport::none;
    session.state = UpdateState::idle;
    return ok(protocol::UpdateControlResponse{{protocol::flag_aborted}});
}

ipmi::Response FakeBmc::take_companion(ConstBytes data)
{
    const auto request = codec::decode_request<protocol::SetUriParametersRequest>(data);
    if (parameters_code != CompletionCode::ok)
    {
        return refuse(parameters_code);
    }
    if (!is_for_owner() || fetching_ || (session.state != UpdateState::idle && session.state != UpdateState::download))
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    companions[request->part] = {request->data.view.begin(), request->data.view.end()};
    return ok(protocol::EmptyResponse{});
}

ipmi::Response FakeBmc::drive_control(protocol::Control control)
{
    const bool attach = control == protocol::Control::usb_attach;
    if (attach && drive.serial.value.empty())
    {
        return refuse(protocol::usb_failure);
    }
    if (attach == plugged_in)
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    plugged_in = attach;
    return ok(protocol::UpdateControlResponse{{protocol::flag_started}});
}

/// What the drive has comes, or doesn't.
void FakeBmc::read_from_drive()
{
    const Bytes bytes = read_drive();
    session.transport = protocol::Transport::none;
    uri.clear();
    fetching_ = false;
    if (bytes.size() != size_)
    {
        session.state = UpdateState::error;
        return;
    }
    stage(bytes, blocks());
    session.state = UpdateState::verify;
    session.size = size_;
}

/// A part of what the URI names comes, or nothing ever does.
void FakeBmc::fetch()
{
    if (!fetched_)
    {
        fetched_ = fetch_uri(uri);
        polls_ = 0;
    }
    if (!fetched_ || (size_ != 0 && fetched_->size() != size_))
    {
        fetching_ = false;
        session.state = UpdateState::error;
        return;
    }
    ++polls_;
    const std::uint64_t whole = fetched_->size();
    session.size = hides_size ? 0 : whole;
    session.received = session.done = whole * static_cast<unsigned>(polls_) / static_cast<unsigned>(fetch_polls);
    if (size_ != 0)
    {
        stage(*fetched_, static_cast<std::uint32_t>(session.done == whole ? blocks() : session.done / block_size));
    }
    if (polls_ < fetch_polls)
    {
        return;
    }
    polls_ = 0;
    fetching_ = false;
    session.transport = protocol::Transport::none;
    session.state = UpdateState::verify;
    session.size = size_ = whole;
    session.done = 0;
    stage(*fetched_, blocks());
    verdict_of(session.target).last_sha256 = sha256_;
}

void FakeBmc::advance()
{
    if (session.state == UpdateState::download && fetching_ && !stalled)
    {
        if (session.transport == protocol::Transport::uri)
        {
            fetch();
            return;
        }
        if (++polls_ > 1)
        {
            polls_ = 0;
            read_from_drive();
        }
    }
    if (stalled || (session.state != UpdateState::verify && session.state != UpdateState::program))
    {
        return;
    }
    session.percent = static_cast<std::uint8_t>(100 * polls_ / polls_per_state);
    session.done = size_ * static_cast<unsigned>(polls_) / static_cast<unsigned>(polls_per_state);
    if (++polls_ <= polls_per_state)
    {
        return;
    }
    polls_ = 0;
    const bool unsigned_image = signature_wanted && *signature_wanted != signature;
    if (fails_at == session.state || unsigned_image)
    {
        session.state = UpdateState::error;
        return;
    }
    if (session.state == UpdateState::verify)
    {
        session.state = UpdateState::program;
        return;
    }
    program();
    session.state = UpdateState::ready;
}

void FakeBmc::polls_until_ready()
{
    while (session.state == UpdateState::verify || session.state == UpdateState::program)
    {
        advance();
    }
}

ipmi::Response FakeBmc::describe_session()
{
    advance();
    return ok(session);
}

} // namespace fwupdate::test
