// What may be chosen while the mode is open: options (2Bh), parameters (43h), a signature (4Eh).
#include "bmc-agent/update/session.hpp"

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::Event;
using protocol::UpdateState;

CompletionCode UpdateSession::set_options(const Caller& caller, const protocol::SetUpdateOptionsRequest& request,
                                          TimePoint now)
{
    const bool wants_digest =
        request.mask.has(protocol::option_digest_check) && request.value.has(protocol::option_digest_check);
    if (wants_digest != request.sha256.has_value())
    {
        return CompletionCode::invalid_data_field;
    }
    if (const CompletionCode code = admit(caller, Event::set_options, now); code != CompletionCode::ok)
    {
        return code;
    }
    // A named image must match its name.
    const bool names = request.mask.has(protocol::option_digest_check);
    if (names && parts_.staging.is_named() && request.sha256 != parts_.staging.map()->name().sha256)
    {
        return CompletionCode::invalid_data_field;
    }
    constexpr std::uint8_t plain = protocol::option_no_downgrade | protocol::option_defer_restart;
    const auto mask = static_cast<std::uint16_t>(request.mask.bits & plain); // the same bits in both profiles
    request_.parameters = static_cast<std::uint16_t>((request_.parameters & ~mask) | (request.value.bits & mask));
    asked_.parameters = request_.parameters;
    if (names)
    {
        request_.sha256 = asked_.sha256 = request.sha256;
    }
    fire(Event::set_options, now);
    return CompletionCode::ok;
}

CompletionCode UpdateSession::set_parameters(const Caller& caller, const protocol::SetUpdateParametersRequest& request,
                                             TimePoint now)
{
    if (const CompletionCode code = admit(caller, Event::set_options, now); code != CompletionCode::ok)
    {
        return code;
    }
    Target* target = request.target == protocol::no_target ? request_.target : parts_.targets.find(request.target);
    if (target == nullptr)
    {
        return CompletionCode::not_present;
    }
    if (target != request_.target && state_ == UpdateState::download)
    {
        return CompletionCode::not_supported_in_present_state; // the transfer is for the other one
    }
    tenure_.extend(now);
    request_.base_profile = asked_.base_profile = false;
    request_.target = target;
    if (request.target != protocol::no_target)
    {
        asked_.target = target;
        request_.target_chosen = asked_.target_chosen = true;
    }
    const std::uint16_t mask = request.mask.bits;
    request_.parameters = static_cast<std::uint16_t>((request_.parameters & ~mask) | (request.value.bits & mask));
    if (request.apply_time != protocol::ApplyTime::unchanged)
    {
        const auto without = static_cast<std::uint16_t>(request_.parameters & ~protocol::parameter_defer_restart);
        request_.parameters = request.apply_time == protocol::ApplyTime::on_reset
                                  ? static_cast<std::uint16_t>(without | protocol::parameter_defer_restart)
                                  : without;
    }
    asked_.parameters = request_.parameters;
    fire(Event::set_options, now);
    return CompletionCode::ok;
}

/// 4Eh. In parts from offset 0 on; what is not whole counts as none.
CompletionCode UpdateSession::write_signature(const Caller& caller, const protocol::WriteSignaturePartRequest& request,
                                              TimePoint now)
{
    const ConstBytes data = request.data.view;
    if (data.empty())
    {
        return CompletionCode::data_length_invalid;
    }
    if (const CompletionCode code = admit_while_open(caller, Event::set_options, now); code != CompletionCode::ok)
    {
        return code;
    }
    const std::size_t expected = request.offset == 0 ? 0 : signature_.size();
    if (request.total == 0 || request.total > package::largest_signature || request.offset != expected ||
        data.size() > std::size_t{request.total} - expected)
    {
        return CompletionCode::parameter_out_of_range;
    }
    if (request.offset != 0 && request.total != signature_size_)
    {
        return CompletionCode::invalid_data_field;
    }
    signature_.resize(expected);
    signature_.insert(signature_.end(), data.begin(), data.end());
    signature_size_ = request.total;
    request_.base_profile = asked_.base_profile = false;
    request_.signature = asked_.signature = signature_.size() == signature_size_ ? signature_ : Bytes{};
    tenure_.extend(now);
    return CompletionCode::ok;
}

} // namespace fwupdate::agent
