// The pages, the headers and the vectors say the same; and each of these checks notices when one side changes.
#include "prose_checks.hpp"

#include <doctest/doctest.h>

using namespace fwupdate::test;

namespace
{

HeaderText header(const std::string& path)
{
    return parse_header(read_text(SOURCE_DIR "/" + path));
}

HeaderText messages()
{
    return header("protocol-spec/messages.hpp");
}

HeaderText states()
{
    return header("protocol-spec/state_table.hpp");
}

HeaderText ipmi()
{
    return header("common/ipmi/message.hpp");
}

nlohmann::json vectors()
{
    return nlohmann::json::parse(read_text(spec_path("vectors/messages.json")));
}

void expect_none(const Complaints& complaints)
{
    for (const std::string& complaint : complaints)
    {
        FAIL_CHECK(complaint);
    }
}

std::vector<Section> command_sections(const std::vector<Section>& sections)
{
    std::vector<Section> chosen;
    for (const Section& section : sections)
    {
        if (command_of(section))
        {
            chosen.push_back(section);
        }
    }
    return chosen;
}

/// Changes one cell of a checked table at a time, and drops one row at a time; `check` must complain each time.
/// Gives the number of changes made.
template <class Check> std::size_t mutate_table(Table& table, std::size_t checked_cells, Check check)
{
    std::size_t changes = 0;
    const Table original = table;
    for (std::size_t row = 0; row < original.rows.size(); ++row)
    {
        table.rows.erase(table.rows.begin() + static_cast<std::ptrdiff_t>(row));
        CHECK_MESSAGE(!check().empty(), "not noticed: row dropped, ", original.rows[row].at(0));
        table = original;
        for (std::size_t cell = 0; cell < checked_cells; ++cell)
        {
            std::string& text = table.rows[row].at(cell);
            text = evaluates(text) ? "77h" : text + "x";
            CHECK_MESSAGE(!check().empty(), "not noticed: '", original.rows[row][cell], "' became '", text, "'");
            text = original.rows[row][cell];
            ++changes;
        }
    }
    return changes;
}

} // namespace

TEST_CASE("every command has one section, and its tables are the header's layouts")
{
    const auto sections = all_sections();
    expect_none(check_command_sections(sections));
    for (const Section& section : command_sections(sections))
    {
        expect_none(check_command_section(section));
    }
}

TEST_CASE("a changed byte table is noticed")
{
    std::size_t changes = 0;
    for (Section section : command_sections(all_sections()))
    {
        for (Table& table : section.tables)
        {
            if (table.has_header({"Byte", "Field", "Type", "Meaning"}))
            {
                changes += mutate_table(table, 3, [&] { return check_command_section(section); });
            }
        }
    }
    CHECK(changes > 400);
}

TEST_CASE("a changed heading or privilege is noticed")
{
    for (const Section& section : command_sections(all_sections()))
    {
        Section changed = section;
        changed.heading += "x";
        CHECK(!check_command_section(changed).empty());
        changed = section;
        for (std::string& line : changed.text)
        {
            line = line.starts_with("Privilege:") ? "Privilege: Operator" : line;
        }
        CHECK(!check_command_section(changed).empty());
    }
}

TEST_CASE("the list of commands is the header's")
{
    auto sections = all_sections();
    expect_none(check_command_list(sections, messages()));
    for (Section& section : sections)
    {
        if (section.heading == "Commands")
        {
            // 20h, 21h, 25h have no definition to compare name and privilege with: number and profile only.
            std::erase_if(section.tables[0].rows, [](const auto& row) { return row.at(0) < "22h" || row[0] == "25h"; });
            HeaderText header = messages();
            std::erase_if(header.enums["Command"],
                          [](const auto& command) { return command.second < 0x22 || command.second == 0x25; });
            expect_none(check_command_list(sections, header));
            CHECK(mutate_table(section.tables[0], 4, [&] { return check_command_list(sections, header); }) > 90);
        }
    }
}

TEST_CASE("enumerations, flags, limits and completion codes are the headers'")
{
    const auto sections = all_sections();
    expect_none(check_values(sections, messages(), ipmi()));
    expect_none(check_codes(sections, messages(), ipmi()));
}

TEST_CASE("a changed value is noticed, on the page and in the header")
{
    auto sections = all_sections();
    const HeaderText header = messages();
    const HeaderText codes = ipmi();
    std::size_t changes = 0;
    for (Section& section : sections)
    {
        for (Table& table : section.tables)
        {
            if (table.has_header({"Value", "Name", "Meaning"}) || table.has_header({"Constant", "Value", "Meaning"}))
            {
                changes += mutate_table(table, 2, [&] { return check_values(sections, header, codes); });
            }
        }
    }
    CHECK(changes > 250);
    for (const auto& row : header.enums)
    {
        const std::string& name = row.first;
        HeaderText changed = header;
        changed.enums[name].emplace_back("one_more", 200);
        CHECK_MESSAGE((name == "Command" || name == "Profile") == check_values(sections, changed, codes).empty(), name);
    }
    HeaderText changed = header;
    changed.constants.emplace_back("one_more", 1);
    CHECK(!check_values(sections, changed, codes).empty());
}

TEST_CASE("the state table of the page is the header's")
{
    auto sections = all_sections();
    const HeaderText table = states();
    const HeaderText values = messages();
    expect_none(check_states(sections, table, values));
    for (Section& section : sections)
    {
        const bool names = section.heading == "Events" || section.heading == "Actions";
        if (names || section.heading == "State table")
        {
            CHECK(mutate_table(section.tables.at(0), names ? 1 : 4,
                               [&] { return check_states(sections, table, values); }) > 15);
        }
    }
}

TEST_CASE("every example is a vector")
{
    const auto known = vectors();
    for (const Section& section : command_sections(all_sections()))
    {
        expect_none(check_examples(section, known));
    }
}

TEST_CASE("a changed example is noticed")
{
    const auto known = vectors();
    std::size_t changes = 0;
    for (Section section : command_sections(all_sections()))
    {
        for (std::string& line : section.fences.at(0).lines)
        {
            const std::string original = line;
            for (const auto& change : {original + "00", "09" + original.substr(2), original.substr(0, 5) + " 5a5a5a"})
            {
                line = change;
                CHECK_MESSAGE(!check_examples(section, known).empty(), "not noticed: ", change);
                ++changes;
            }
            line = original;
        }
        section.fences.clear();
        CHECK(!check_examples(section, known).empty());
    }
    CHECK(changes > 100);
}

TEST_CASE("the header reader reads every form the headers use")
{
    CHECK(evaluate("27") == 27);
    CHECK(evaluate("0x1B") == 27);
    CHECK(evaluate("1Bh") == 27);
    CHECK(evaluate("51'200") == 51200);
    CHECK(evaluate("1U << 3") == 8);
    CHECK(evaluate("64 * 1024") == 65536);
    CHECK(evaluate("std::uint64_t{1} << 32") == 0x1'0000'0000);
    CHECK_THROWS(evaluate("four"));
    CHECK_THROWS(evaluate("4 apples"));
    CHECK(messages().enums.size() >= 16);
    CHECK(messages().constants.size() >= 60);
    CHECK(states().enums.at("Event").size() == 21);
}
