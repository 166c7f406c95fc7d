// The played BMC's targets: what they are, what is programmed into them, and what is said of it (4Ah, 4Bh, 49h, 4Eh).
#include "common/package/signature/cms.hpp"
#include "common/sha256.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::test
{
namespace
{

using ipmi::CompletionCode;
using protocol::UpdateState;

constexpr std::uint8_t default_target = 1;

template <class Message> ipmi::Response ok(const Message& message)
{
    return {CompletionCode::ok, codec::encode(message)};
}

ipmi::Response refuse(CompletionCode code)
{
    return {code, {}};
}

} // namespace

protocol::GetVerdictResponse& FakeBmc::verdict_of(std::uint8_t target)
{
    if (target == default_target || target == protocol::no_target)
    {
        return verdict;
    }
    const auto [place, made] = beside_.try_emplace(target);
    if (made)
    {
        place->second.version.value = "1.0";
    }
    return place->second;
}

Bytes& FakeBmc::bytes_on(std::uint8_t target)
{
    return target == default_target ? installed : installed_beside[target];
}

ipmi::Response FakeBmc::describe_target(ConstBytes data)
{
    const auto request = codec::decode_request<protocol::GetTargetInfoRequest>(data);
    if (request->index >= targets.size())
    {
        return refuse(CompletionCode::not_present);
    }
    protocol::GetTargetInfoResponse target = targets[request->index];
    target.count = static_cast<std::uint8_t>(targets.size());
    target.installed_sha256 = sha256(bytes_on(target.target));
    target.installed_size = bytes_on(target.target).size();
    return ok(target);
}

ipmi::Response FakeBmc::take_parameters(ConstBytes data)
{
    const auto request = codec::decode_request<protocol::SetUpdateParametersRequest>(data);
    parameters = request ? request->value.bits : 0xFFFF;
    chosen_ = request->target != protocol::no_target ? request->target : chosen_;
    return ok(protocol::SetUpdateParametersResponse{
        {parameters}, request->apply_time, chosen_ != protocol::no_target ? chosen_ : default_target});
}

/// A plain image goes to the chosen target; a package to those that it has something for.
void FakeBmc::program()
{
    Bytes image;
    for (const auto& [block, bytes] : staged_)
    {
        image.insert(image.end(), bytes.begin(), bytes.end());
    }
    const std::uint8_t named = session.target;
    std::vector<Component> components = package;
    if (components.empty())
    {
        components.push_back({named, 0, image.size()});
    }
    verdict_of(named).last_sha256 = former_ ? former_->last_sha256 : verdict_of(named).last_sha256;
    verdict_of(named).last_result = former_ ? former_->last_result : verdict_of(named).last_result;
    for (const Component& component : components)
    {
        const auto from = image.begin() + static_cast<std::ptrdiff_t>(component.offset);
        before_[component.target] = bytes_on(component.target);
        bytes_on(component.target) = Bytes(from, from + static_cast<std::ptrdiff_t>(component.size));
        programmed_[component.target] = bytes_on(component.target);
        verdict_of(component.target).last_sha256 = sha256(image);
        verdict_of(component.target).last_result = protocol::UpdateResult::programmed;
        session.target = component.target;
    }
}

ipmi::Response FakeBmc::take_confirmation(ConstBytes data)
{
    if (!confirm_code)
    {
        return refuse(CompletionCode::invalid_command);
    }
    const auto request = codec::decode_request<protocol::ConfirmUpdateRequest>(data);
    confirmations.push_back(*request);
    const CompletionCode code = std::exchange(*confirm_code, CompletionCode::ok);
    if (code != CompletionCode::ok)
    {
        return refuse(code);
    }
    if (!provisional.contains(request->target))
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    kept_.insert(request->target);
    return ok(protocol::EmptyResponse{});
}

/// What was said of a trial takes effect, at once or after some questions.
void FakeBmc::end_trials()
{
    if (kept_.empty() || kept_after < 0 || kept_after-- > 0)
    {
        return;
    }
    for (const std::uint8_t target : std::exchange(kept_, {}))
    {
        provisional.erase(target);
        if (unhealthy)
        {
            verdict_of(target).last_result = protocol::UpdateResult::fell_back;
        }
    }
}

ipmi::Response FakeBmc::tell_verdict(ConstBytes data)
{
    end_trials();
    const auto request = codec::decode_request<protocol::GetVerdictRequest>(data);
    if (waiting_for_restart_ && restart_after > 0 && --restart_after == 0)
    {
        restart();
    }
    if (!hosts_pending_.empty() && host_after > 0 && --host_after == 0)
    {
        hosts_pending_.clear();
    }
    const std::uint8_t target = request->target == protocol::no_target ? default_target : request->target;
    protocol::GetVerdictResponse answer = verdict_of(target);
    answer.target = target;
    answer.boot_id = verdict.boot_id;
    answer.instance_id = verdict.instance_id;
    const bool as_programmed = answer.last_result == protocol::UpdateResult::programmed &&
                               programmed_.contains(target) && programmed_[target] == bytes_on(target);
    answer.flags.bits = static_cast<std::uint8_t>(
        protocol::verdict_digest_known | (hosts_pending_.contains(target) ? protocol::verdict_restart_pending : 0) |
        (provisional.contains(target) ? protocol::verdict_provisional : 0) |
        (as_programmed ? protocol::verdict_last_installed : 0));
    answer.installed_sha256 = sha256(bytes_on(target));
    return ok(answer);
}

/// Whether all that was programmed of the image is installed still.
bool FakeBmc::is_current(const protocol::PlanRequest& request)
{
    bool known = false;
    for (const auto& [target, bytes] : programmed_)
    {
        const protocol::GetVerdictResponse& last = verdict_of(target);
        const bool asked = request.target == protocol::no_target || request.target == target;
        if (asked && last.last_sha256 == request.sha256)
        {
            known = bytes == bytes_on(target) && last.last_result == protocol::UpdateResult::programmed;
            if (!known)
            {
                return false;
            }
        }
    }
    return known;
}

ipmi::Response FakeBmc::tell_plan(ConstBytes data)
{
    if (plan_code != CompletionCode::ok)
    {
        return refuse(plan_code);
    }
    auto request = codec::decode_request<protocol::PlanRequest>(data);
    if (request->offset == 0)
    {
        plans.push_back({*request, {request->header.view.begin(), request->header.view.end()}});
        plans.back().request.header = {};
    }
    protocol::PlanResponse answer{plan_verdict, plan_reason, default_target, 0, {}};
    std::string text = plan_text;
    if (session.flags.has(protocol::session_in_mode) && !session.flags.has(protocol::session_yours))
    {
        const bool first = answer.verdict != protocol::PlanVerdict::would_refuse;
        answer.verdict = protocol::PlanVerdict::would_refuse;
        answer.code = first ? protocol::ReasonCode::mode_held : answer.code;
        text += "lock: REFUSED: update mode is held\n";
    }
    else if (answer.verdict == protocol::PlanVerdict::would_accept && is_current(*request))
    {
        answer.verdict = protocol::PlanVerdict::already_current;
    }
    answer.text_length = static_cast<std::uint16_t>(text.size());
    answer.text.view = as_bytes(text).subspan(std::min<std::size_t>(request->offset, text.size()));
    answer.text.view = answer.text.view.first(std::min<std::size_t>(answer.text.view.size(), 10));
    return ok(answer);
}

ipmi::Response FakeBmc::take_signature(ConstBytes data)
{
    const auto request = codec::decode_request<protocol::WriteSignaturePartRequest>(data);
    const ConstBytes part = request->data.view;
    if (!capabilities.features.has(protocol::feature_signature))
    {
        return refuse(CompletionCode::invalid_command);
    }
    if (!is_for_owner() || fetching_ || (session.state != UpdateState::idle && session.state != UpdateState::download))
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    const std::size_t expected = request->offset == 0 ? 0 : signature.size();
    if (part.empty() || request->total == 0 || request->total > package::largest_signature ||
        request->offset != expected || expected + part.size() > request->total)
    {
        return refuse(part.empty() ? CompletionCode::data_length_invalid : CompletionCode::parameter_out_of_range);
    }
    if (request->offset != 0 && request->total != signature_total_)
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    signature.resize(expected);
    signature.insert(signature.end(), part.begin(), part.end());
    signature_total_ = request->total;
    return ok(protocol::EmptyResponse{});
}

} // namespace fwupdate::test
