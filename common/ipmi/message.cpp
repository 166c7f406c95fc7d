#include "common/ipmi/message.hpp"

namespace fwupdate::ipmi
{

CompletionCode completion_code(ErrorKind kind)
{
    switch (kind)
    {
    case ErrorKind::length:
        return CompletionCode::data_length_invalid;
    case ErrorKind::invalid_field:
        return CompletionCode::invalid_data_field;
    case ErrorKind::out_of_range:
        return CompletionCode::parameter_out_of_range;
    case ErrorKind::not_found:
        return CompletionCode::not_present;
    case ErrorKind::wrong_state:
        return CompletionCode::not_supported_in_present_state;
    case ErrorKind::denied:
        return CompletionCode::insufficient_privilege;
    case ErrorKind::no_space:
        return CompletionCode::out_of_space;
    case ErrorKind::timeout:
        return CompletionCode::timeout;
    case ErrorKind::unsupported:
        return CompletionCode::invalid_command;
    case ErrorKind::integrity:
    case ErrorKind::input_output:
    case ErrorKind::peer:
        break;
    }
    return CompletionCode::unspecified;
}

std::string_view describe(CompletionCode code)
{
    switch (code)
    {
    case CompletionCode::ok:
        return "completed normally";
    case CompletionCode::node_busy:
        return "busy, or already in update mode";
    case CompletionCode::invalid_command:
        return "command not served here";
    case CompletionCode::invalid_for_lun:
        return "command invalid for this LUN";
    case CompletionCode::timeout:
        return "time-out inside the BMC";
    case CompletionCode::out_of_space:
        return "out of space";
    case CompletionCode::reservation_cancelled:
        return "reservation cancelled";
    case CompletionCode::data_truncated:
        return "request data truncated";
    case CompletionCode::data_length_invalid:
        return "request data length invalid";
    case CompletionCode::data_length_exceeded:
        return "request data longer than allowed";
    case CompletionCode::parameter_out_of_range:
        return "parameter out of range";
    case CompletionCode::cannot_return_number_of_bytes:
        return "cannot return that many bytes";
    case CompletionCode::not_present:
        return "no such record, target or sensor";
    case CompletionCode::invalid_data_field:
        return "invalid data field in the request";
    case CompletionCode::cannot_be_provided:
        return "response cannot be provided";
    case CompletionCode::initialization_in_progress:
        return "the BMC is starting";
    case CompletionCode::destination_unavailable:
        return "destination unavailable";
    case CompletionCode::insufficient_privilege:
        return "insufficient privilege";
    case CompletionCode::not_supported_in_present_state:
        return "not supported in the present state";
    case CompletionCode::unspecified:
        break;
    }
    return code == CompletionCode::unspecified ? "unspecified error" : "command-specific error";
}

} // namespace fwupdate::ipmi
