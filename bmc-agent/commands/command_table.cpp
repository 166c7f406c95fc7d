#include "bmc-agent/commands/command_table.hpp"

#include <algorithm>
#include <tuple>

namespace fwupdate::agent
{
namespace
{

auto key(const CommandRow& row)
{
    return std::tuple{row.net_fn, row.command};
}

} // namespace

void CommandTable::add(CommandRow row)
{
    const auto place = std::ranges::lower_bound(rows_, key(row), {}, key);
    rows_.insert(place, std::move(row));
}

const CommandRow* CommandTable::find(ipmi::NetFn net_fn, std::uint8_t command) const
{
    const auto place = std::ranges::lower_bound(rows_, std::tuple{net_fn, command}, {}, key);
    return place != rows_.end() && key(*place) == std::tuple{net_fn, command} ? &*place : nullptr;
}

Outcome CommandTable::dispatch(const ipmi::Request& request, const Caller& caller, TimePoint now) const
{
    const CommandRow* row = find(request.net_fn, request.command);
    if (row == nullptr)
    {
        return refuse(ipmi::CompletionCode::invalid_command);
    }
    if (request.lun != 0)
    {
        return refuse(ipmi::CompletionCode::invalid_for_lun);
    }
    if (caller.privilege < row->least_privilege)
    {
        return refuse(ipmi::CompletionCode::insufficient_privilege);
    }
    return row->handler(request.data, caller, now);
}

} // namespace fwupdate::agent
