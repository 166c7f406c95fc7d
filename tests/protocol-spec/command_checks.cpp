#include "prose_checks.hpp"

#include "complaints.hpp"
#include "layout_table.hpp"
#include "message_json.hpp"

#include <algorithm>
#include <regex>

namespace fwupdate::test
{
namespace
{

using Rows = std::vector<std::vector<std::string>>;

/// The byte table of this caption; nullptr: none.
const Table* byte_table(const Section& section, const std::string& caption)
{
    const auto place = std::ranges::find_if(
        section.tables,
        [&](const Table& table) {
            return table.caption == "**" + caption + "**" && table.has_header({"Byte", "Field", "Type", "Meaning"});
        });
    return place == section.tables.end() ? nullptr : &*place;
}

void compare_rows(const std::string& what, const Rows& prose, const std::vector<LayoutRow>& header,
                  Complaints& complaints)
{
    expect_equal(what + ", number of fields", std::to_string(prose.size()), std::to_string(header.size()), complaints);
    for (std::size_t at = 0; at < std::min(prose.size(), header.size()); ++at)
    {
        const std::string row = what + ", row " + std::to_string(at);
        if (prose[at].size() != 4)
        {
            complaints.push_back(row + " does not have four cells");
            continue;
        }
        expect_equal(row + ", Byte", prose[at][0], header[at].byte, complaints);
        expect_equal(row + ", Field", prose[at][1], header[at].field, complaints);
        expect_equal(row + ", Type", prose[at][2], header[at].type, complaints);
    }
}

template <codec::Message M> void check_table(const Section& section, const std::string& caption, Complaints& complaints)
{
    const std::string what = section.heading + ", " + caption;
    const std::vector<LayoutRow> header = layout_rows<M>();
    const Table* table = byte_table(section, caption);
    if (table != nullptr)
    {
        compare_rows(what, table->rows, header, complaints);
        return;
    }
    const bool says_none = std::ranges::count(section.text, "**" + caption + "**: no data") == 1;
    if (!header.empty() || !says_none)
    {
        complaints.push_back(what + ": no byte table");
    }
}

template <class T> void check_elements(const Section& section, Complaints& complaints)
{
    if constexpr (codec::is_list<T>)
    {
        using Element = typename decltype(T::items)::value_type;
        check_table<Element>(section, "Element " + type_name<Element>(), complaints);
    }
}

/// The tables of what lists in the message are made of.
template <codec::Message M> void check_element_tables(const Section& section, Complaints& complaints)
{
    const auto check = [&]<class Owner, class T>(const codec::Field<Owner, T>&)
    { check_elements<T>(section, complaints); };
    std::apply([&](const auto&... field) { (check(field), ...); }, M::layout);
}

std::string privilege_text(ipmi::Privilege privilege)
{
    return privilege == ipmi::Privilege::administrator ? "Administrator"
           : privilege == ipmi::Privilege::user        ? "User"
                                                       : "unknown";
}

} // namespace

std::optional<std::uint8_t> command_of(const Section& section)
{
    const std::regex form{R"(([0-9A-F]{2})h .+)"};
    std::smatch match;
    return section.level == 2 && std::regex_match(section.heading, match, form)
               ? std::optional{command_number(match[1].str())}
               : std::nullopt;
}

Complaints check_command_section(const Section& section)
{
    Complaints complaints;
    const bool known = visit_command(
        command_of(section).value(),
        [&]<class Request, class Response>(const protocol::CommandDefinition<Request, Response>& definition)
        {
            expect_equal("name", section.heading.substr(4), std::string{definition.name}, complaints);
            const std::string privilege = "Privilege: " + privilege_text(definition.least_privilege);
            if (std::ranges::count(section.text, privilege) != 1)
            {
                complaints.push_back(section.heading + ": '" + privilege + "' is missing");
            }
            check_table<Request>(section, "Request", complaints);
            check_table<Response>(section, "Response", complaints);
            check_element_tables<Response>(section, complaints);
        });
    if (!known)
    {
        complaints.push_back(section.heading + ": the header has no such command");
    }
    return complaints;
}

Complaints check_command_sections(const std::vector<Section>& sections)
{
    Complaints complaints;
    for_each_command(
        [&](const auto& definition)
        {
            const auto number = static_cast<std::uint8_t>(definition.command);
            const auto count =
                std::ranges::count_if(sections, [&](const Section& section) { return command_of(section) == number; });
            if (count != 1)
            {
                complaints.push_back(std::string{definition.name} + " has " + std::to_string(count) + " sections");
            }
        });
    return complaints;
}

Complaints check_command_list(const std::vector<Section>& sections, const HeaderText& messages)
{
    Complaints complaints;
    const Table& table = only_table(find_section(sections, "Commands"));
    NamedValues prose;
    for (const auto& row : table.rows)
    {
        const std::uint64_t number = evaluate(row.at(0));
        prose.emplace_back("command", number);
        expect_equal("profile of " + row[0], row.at(2), number < 0x40 ? "base" : "extended", complaints);
        visit_command(static_cast<std::uint8_t>(number),
                      [&](const auto& definition)
                      {
                          expect_equal("name of " + row[0], row.at(1), std::string{definition.name}, complaints);
                          expect_equal("privilege of " + row[0], row.at(3), privilege_text(definition.least_privilege),
                                       complaints);
                      });
    }
    NamedValues header;
    for (const auto& [name, value] : messages.enums.at("Command"))
    {
        header.emplace_back("command", value);
    }
    compare_values("list of commands", prose, header, complaints);
    return complaints;
}

} // namespace fwupdate::test
