// Rows for queries: fixed request length, nothing changed by asking.
#pragma once

#include "bmc-agent/commands/command_table.hpp"

#include <cstddef>
#include <utility>

namespace fwupdate::agent
{

/// A row whose handler takes (data, caller) and is called only with exactly `length` bytes of data; otherwise C7h.
template <class Function>
CommandRow make_query(ipmi::NetFn net_fn, std::uint8_t command, ipmi::Privilege least, std::size_t length,
                      Function function)
{
    constexpr bool idempotent = true;
    return {net_fn, command, least,
            [length, function = std::move(function)](ConstBytes data, const Caller& caller, TimePoint /*now*/) {
                return data.size() == length ? function(data, caller)
                                             : refuse(ipmi::CompletionCode::data_length_invalid);
            },
            idempotent};
}

} // namespace fwupdate::agent
