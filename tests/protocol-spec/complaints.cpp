#include "complaints.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace fwupdate::test
{

void expect_equal(const std::string& what, const std::string& prose, const std::string& header, Complaints& complaints)
{
    if (prose != header)
    {
        complaints.push_back(what + ": the page says '" + prose + "', the header '" + header + "'");
    }
}

void compare_values(const std::string& what, NamedValues prose, NamedValues header, Complaints& complaints)
{
    std::ranges::sort(prose);
    std::ranges::sort(header);
    NamedValues only_prose;
    NamedValues only_header;
    std::ranges::set_difference(prose, header, std::back_inserter(only_prose));
    std::ranges::set_difference(header, prose, std::back_inserter(only_header));
    const auto complain = [&](const std::string& side, const NamedValues& values)
    {
        for (const auto& [name, value] : values)
        {
            std::string text = what;
            text.append(": only the ").append(side).append(" has ").append(name).append(" = ");
            complaints.push_back(text + std::to_string(value));
        }
    };
    complain("page", only_prose);
    complain("header", only_header);
}

const Table& only_table(const Section& section)
{
    return section.tables.size() == 1 ? section.tables.front()
                                      : throw std::runtime_error(section.heading + " must have one table");
}

const Section& find_section(const std::vector<Section>& sections, std::string_view heading)
{
    const auto place = std::ranges::find(sections, heading, &Section::heading);
    return place != sections.end() ? *place : throw std::runtime_error("no section " + std::string{heading});
}

} // namespace fwupdate::test
