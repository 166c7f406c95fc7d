// Every pair of state and event, against the table that the page prints.
#include "header_text.hpp"
#include "markdown.hpp"

#include "protocol-spec/state_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace fwupdate::protocol;
using namespace fwupdate::test;

namespace
{

using Names = std::map<std::string, std::uint64_t>;

Names names_of(const std::string& path, const std::string& enumeration)
{
    const NamedValues values = parse_header(read_text(SOURCE_DIR "/" + path)).enums.at(enumeration);
    return {values.begin(), values.end()};
}

struct Row
{
    UpdateState to{};
    Action action{};
};

/// The page's table, by (state, event).
std::map<std::pair<UpdateState, Event>, Row> page_table()
{
    const Names states = names_of("protocol-spec/messages.hpp", "UpdateState");
    const Names events = names_of("protocol-spec/state_table.hpp", "Event");
    const Names actions = names_of("protocol-spec/state_table.hpp", "Action");
    const auto sections = parse_markdown(read_text(spec_path("states.md")));
    const auto section = std::ranges::find(sections, "State table", &Section::heading);
    std::map<std::pair<UpdateState, Event>, Row> table;
    for (const auto& row : section->tables.at(0).rows)
    {
        const std::pair pair{static_cast<UpdateState>(states.at(row.at(0))), static_cast<Event>(events.at(row.at(1)))};
        const bool fresh =
            table
                .insert({pair,
                         {static_cast<UpdateState>(states.at(row.at(2))), static_cast<Action>(actions.at(row.at(3)))}})
                .second;
        CHECK_MESSAGE(fresh, "two rows for ", row[0], ", ", row[1]);
    }
    return table;
}

} // namespace

TEST_CASE("every state and event: the header does what the page says")
{
    const auto page = page_table();
    std::size_t found = 0;
    for (const auto& [state_name, state] : names_of("protocol-spec/messages.hpp", "UpdateState"))
    {
        for (const auto& [event_name, event] : names_of("protocol-spec/state_table.hpp", "Event"))
        {
            const auto expected = page.find({static_cast<UpdateState>(state), static_cast<Event>(event)});
            const auto row = find_transition(static_cast<UpdateState>(state), static_cast<Event>(event));
            const std::string pair = state_name + ", " + event_name;
            REQUIRE_MESSAGE(row.has_value() == (expected != page.end()), pair);
            if (row)
            {
                ++found;
                CHECK_MESSAGE(row->to == expected->second.to, pair);
                CHECK_MESSAGE(row->action == expected->second.action, pair);
            }
        }
    }
    CHECK(found == transitions.size());
}

TEST_CASE("a state nobody defined has no transition")
{
    for (unsigned event = 0; event <= 0xFF; ++event)
    {
        CHECK(!find_transition(static_cast<UpdateState>(0x06), static_cast<Event>(event)));
    }
}
