#include "prose_checks.hpp"

#include "complaints.hpp"

#include "protocol-spec/state_table.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace fwupdate::test
{
namespace
{

using Rows = std::vector<std::vector<std::string>>;

NamedValues enum_rows(const Table& table)
{
    NamedValues values;
    for (const auto& row : table.rows)
    {
        values.emplace_back(row.at(1), evaluate(row.at(0)));
    }
    return values;
}

/// Value tables under a heading that is the enumeration's name.
std::map<std::string, NamedValues> enums_of(const std::vector<Section>& sections)
{
    std::map<std::string, NamedValues> enums;
    for (const Section& section : sections)
    {
        for (const Table& table : section.tables)
        {
            if (table.has_header({"Value", "Name", "Meaning"}))
            {
                enums[section.heading] = enum_rows(table);
            }
        }
    }
    return enums;
}

NamedValues constants_of(const std::vector<Section>& sections)
{
    NamedValues values;
    for (const Section& section : sections)
    {
        for (const Table& table : section.tables)
        {
            if (table.has_header({"Constant", "Value", "Meaning"}))
            {
                for (const auto& row : table.rows)
                {
                    values.emplace_back(row.at(0), evaluate(row.at(1)));
                }
            }
        }
    }
    return values;
}

std::string name_of(const NamedValues& names, std::uint64_t value)
{
    const auto place = std::ranges::find_if(names, [&](const auto& name) { return name.second == value; });
    return place == names.end() ? "?" : place->first;
}

void compare_names(const std::string& what, const Table& table, const NamedValues& header, Complaints& complaints)
{
    expect_equal(what + ", number", std::to_string(table.rows.size()), std::to_string(header.size()), complaints);
    for (std::size_t at = 0; at < std::min(table.rows.size(), header.size()); ++at)
    {
        expect_equal(what + ", row " + std::to_string(at), table.rows[at].at(0), header[at].first, complaints);
    }
}

} // namespace

Complaints check_codes(const std::vector<Section>& sections, const HeaderText& messages, const HeaderText& ipmi)
{
    std::set<std::uint64_t> known;
    for (const auto& [name, value] : ipmi.enums.at("CompletionCode"))
    {
        known.insert(value);
    }
    for (const auto& [name, value] : messages.constants)
    {
        if (value >= 0x80 && value <= 0xBE) // the commands' own
        {
            known.insert(value);
        }
    }
    Complaints complaints;
    for (const Section& section : sections)
    {
        for (const Table& table : section.tables)
        {
            for (const auto& row : table.has_header({"Code", "When"}) ? table.rows : Rows{})
            {
                if (!known.contains(evaluate(row.at(0))))
                {
                    complaints.push_back(section.heading + ": the header has no completion code " + row.at(0));
                }
            }
        }
    }
    return complaints;
}

Complaints check_values(const std::vector<Section>& sections, const HeaderText& messages, const HeaderText& ipmi)
{
    Complaints complaints;
    std::map<std::string, NamedValues> header = messages.enums;
    header.erase("Command"); // README lists them
    header.erase("Profile"); // not on the wire
    header["CompletionCode"] = ipmi.enums.at("CompletionCode");
    const auto prose = enums_of(sections);
    std::set<std::string> names;
    for (const auto& [name, values] : header)
    {
        names.insert(name);
    }
    for (const auto& [name, values] : prose)
    {
        names.insert(name);
    }
    const auto values_in = [](const std::map<std::string, NamedValues>& enums, const std::string& name)
    { return enums.contains(name) ? enums.at(name) : NamedValues{}; };
    for (const std::string& name : names)
    {
        compare_values(name, values_in(prose, name), values_in(header, name), complaints);
    }
    compare_values("constants", constants_of(sections), messages.constants, complaints);
    return complaints;
}

Complaints check_states(const std::vector<Section>& sections, const HeaderText& states, const HeaderText& messages)
{
    Complaints complaints;
    const NamedValues& events = states.enums.at("Event");
    const NamedValues& actions = states.enums.at("Action");
    const NamedValues& update_states = messages.enums.at("UpdateState");
    compare_names("events", only_table(find_section(sections, "Events")), events, complaints);
    compare_names("actions", only_table(find_section(sections, "Actions")), actions, complaints);
    const Rows& prose = only_table(find_section(sections, "State table")).rows;
    expect_equal("state table, rows", std::to_string(prose.size()), std::to_string(protocol::transitions.size()),
                 complaints);
    for (std::size_t at = 0; at < std::min(prose.size(), protocol::transitions.size()); ++at)
    {
        const protocol::Transition& row = protocol::transitions[at];
        const std::vector<std::string> header = {
            name_of(update_states, static_cast<std::uint8_t>(row.from)),
            name_of(events, static_cast<std::uint8_t>(row.event)),
            name_of(update_states, static_cast<std::uint8_t>(row.to)),
            name_of(actions, static_cast<std::uint8_t>(row.action)),
        };
        for (std::size_t cell = 0; cell < header.size(); ++cell)
        {
            expect_equal("state table, row " + std::to_string(at), prose[at].at(cell), header[cell], complaints);
        }
    }
    return complaints;
}

} // namespace fwupdate::test
