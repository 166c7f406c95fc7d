// The queries of the firmware firewall (IPMI 2.0 chapter 21): which commands there are. Nothing can be switched off
// over IPMI, so nothing is configurable and everything that is there is enabled.
#include "bmc-agent/commands/standard_commands.hpp"

#include <array>
#include <optional>

namespace fwupdate::agent
{
namespace
{

using ipmi::CompletionCode;
using ipmi::NetFn;
using ipmi::Privilege;

constexpr std::size_t luns = 4;
constexpr std::size_t net_fn_bytes = 4;      ///< 32 pairs of NetFns per LUN, a bit each
constexpr std::size_t mask_bytes = 16;       ///< 128 commands, a bit each
constexpr std::uint8_t first_half = 0x00;    ///< operation 00b: commands 00h to 7Fh
constexpr std::uint8_t second_half = 0x40;   ///< operation 01b: commands 80h to FFh
constexpr std::uint8_t defining_body = 0x00; ///< PICMG, the only one of NetFn 2Ch

/// What the queries 0Ah to 0Dh, 61h and 63h have in common.
struct Question
{
    NetFn net_fn{};
    std::uint8_t first_command{}; ///< of the half that is asked for
    std::uint8_t command{};       ///< with the sub-function queries
    bool served{};                ///< LUN 0, and the defining body is ours
};

bool is_here(std::uint8_t channel, const Caller& caller)
{
    constexpr std::uint8_t present_channel = 0x0E;
    return channel == present_channel || channel == caller.channel;
}

/// Bytes that tell whose commands are meant: the defining body, or an IANA number; they may be left out.
std::size_t body_size(std::uint8_t net_fn)
{
    switch (static_cast<NetFn>(net_fn))
    {
    case NetFn::group_extension:
        return 1;
    case NetFn::oem_group:
        return 3;
    default:
        return 0;
    }
}

/// Reads channel, NetFn with operation, LUN, command (`with_command`), body. Errors: CompletionCode.
CompletionCode read(ConstBytes data, const Caller& caller, bool with_command, Question& out)
{
    const std::size_t fixed = with_command ? 4 : 3;
    if (data.size() < fixed)
    {
        return CompletionCode::data_length_invalid;
    }
    const auto net_fn = static_cast<std::uint8_t>(data[1] & 0x3E); // odd and even are one pair
    const auto operation = static_cast<std::uint8_t>(data[1] & 0xC0);
    const ConstBytes body = data.subspan(fixed);
    if (!body.empty() && body.size() != body_size(net_fn))
    {
        return CompletionCode::data_length_invalid;
    }
    const bool known_operation = operation == first_half || (operation == second_half && !with_command);
    if ((data[0] & 0xF0) != 0 || (data[2] & 0xFC) != 0 || !known_operation || !is_here(data[0], caller))
    {
        return CompletionCode::invalid_data_field;
    }
    out.net_fn = static_cast<NetFn>(net_fn);
    out.first_command = operation == second_half ? 0x80 : 0x00;
    out.command = with_command ? data[3] : std::uint8_t{0};
    out.served = data[2] == 0 && (body.size() != 1 || body[0] == defining_body);
    return CompletionCode::ok;
}

/// A bit per command of the half: 1 where the table has it.
std::array<std::uint8_t, mask_bytes> served_commands(const CommandTable& table, const Question& question)
{
    std::array<std::uint8_t, mask_bytes> mask{};
    for (const CommandRow& row : table.rows())
    {
        const auto bit = static_cast<std::uint8_t>(row.command - question.first_command);
        if (question.served && row.net_fn == question.net_fn && bit < 8 * mask_bytes)
        {
            mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 1U << bit % 8);
        }
    }
    return mask;
}

/// 21.2: LUN 0 follows the specification, the others have nothing; a bit per pair of NetFns.
Outcome net_fn_support(ConstBytes data, const Caller& caller, const CommandTable& table)
{
    constexpr std::uint8_t lun_0_only = 0x01;
    if (data.size() != 1)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    if (!is_here(data[0], caller))
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    Bytes response(1 + luns * net_fn_bytes);
    response[0] = lun_0_only;
    for (const CommandRow& row : table.rows())
    {
        const auto pair = static_cast<unsigned>(row.net_fn) / 2;
        response[1 + pair / 8] = static_cast<std::uint8_t>(response[1 + pair / 8] | 1U << pair % 8);
    }
    return answer(std::move(response));
}

/// 21.3: a 0 bit means available.
Bytes command_support(const CommandTable& table, const Question& question)
{
    Bytes mask;
    for (const std::uint8_t served : served_commands(table, question))
    {
        mask.push_back(static_cast<std::uint8_t>(~served));
    }
    return mask;
}

/// 21.8: a 1 bit means enabled.
Bytes command_enables(const CommandTable& table, const Question& question)
{
    const auto served = served_commands(table, question);
    return {served.begin(), served.end()};
}

/// 21.5: a 1 bit means configurable.
Bytes configurable_commands(const CommandTable& /*table*/, const Question& /*question*/)
{
    return Bytes(mask_bytes, 0x00);
}

/// 21.4: specification and errata, version, revision, and a bit per sub-function, 0 meaning available. Our commands
/// have no sub-functions that Appendix H lists.
Bytes sub_function_support(const CommandTable& /*table*/, const Question& /*question*/)
{
    constexpr std::uint8_t ipmi = 0x00;
    constexpr std::uint8_t version = 0x20;
    constexpr std::uint8_t revision = 0x11;
    return {ipmi, version, revision, 0xFF, 0xFF, 0xFF, 0xFF};
}

/// 21.6 and 21.10: a 1 bit means configurable, or enabled.
Bytes no_sub_functions(const CommandTable& /*table*/, const Question& /*question*/)
{
    return Bytes(4, 0x00);
}

using Reply = Bytes (*)(const CommandTable&, const Question&);

struct Query
{
    std::uint8_t command{};
    bool with_command{}; ///< asks about one command's sub-functions
    Reply reply{};
};

constexpr std::array queries{
    Query{0x0A, false, command_support},       Query{0x0B, true, sub_function_support},
    Query{0x0C, false, configurable_commands}, Query{0x0D, true, no_sub_functions},
    Query{0x61, false, command_enables},       Query{0x63, true, no_sub_functions},
};

Outcome ask(const Query& query, ConstBytes data, const Caller& caller, const CommandTable& table)
{
    Question question;
    const CompletionCode code = read(data, caller, query.with_command, question);
    if (code != CompletionCode::ok)
    {
        return refuse(code);
    }
    const bool known = question.served && table.find(question.net_fn, question.command) != nullptr;
    if (query.with_command && !known)
    {
        return refuse(CompletionCode::not_present);
    }
    return answer(query.reply(table, question));
}

} // namespace

void add_discovery_commands(CommandTable& table)
{
    constexpr bool idempotent = true;
    table.add({NetFn::app, 0x09, Privilege::user,
               [&table](ConstBytes data, const Caller& caller, TimePoint)
               { return net_fn_support(data, caller, table); },
               idempotent});
    for (const Query& query : queries)
    {
        table.add({NetFn::app, query.command, Privilege::user,
                   [query, &table](ConstBytes data, const Caller& caller, TimePoint)
                   { return ask(query, data, caller, table); },
                   idempotent});
    }
}

} // namespace fwupdate::agent
