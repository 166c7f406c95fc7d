// Every pair of state and event: the table against the page that prints it, and the blobs against the table.
#include "blobs_bench.hpp"

#include "tests/protocol-spec/header_text.hpp"
#include "tests/protocol-spec/markdown.hpp"

#include <algorithm>
#include <functional>
#include <map>

using namespace fwupdate;
using namespace fwupdate::agent::blobs;
using namespace fwupdate::agent::blobs::test;
using fwupdate::test::parse_header;
using fwupdate::test::parse_markdown;
using fwupdate::test::read_text;

namespace
{

using Names = std::map<std::string, std::uint64_t>;
using S = FlashState;
using E = FlashEvent;

Names names_of(const std::string& enumeration)
{
    const auto values = parse_header(read_text(SOURCE_DIR "/bmc-agent/blobs/flash_states.hpp")).enums.at(enumeration);
    return {values.begin(), values.end()};
}

/// Leaves a session open where the state has one, or else closes it.
void reach(BlobsBench& bench, S state, bool with_session)
{
    if (state == S::not_yet_started)
    {
        return;
    }
    if (state == S::upload_in_progress)
    {
        REQUIRE(bench.open("/flash/image", data_flags) == "00");
        REQUIRE(bench.write(0, "image") == "00");
        return;
    }
    upload(bench);
    const bool started_only = state == S::verification_started || state == S::update_started;
    const auto act = [&](std::string_view id)
    {
        REQUIRE(bench.open(id, open_write) == "00");
        REQUIRE(bench.commit() == "00");
        bench.update.last = FlashStatus::running;
    };
    if (state > S::verification_completed)
    {
        run_action(bench, "/flash/verify", FlashStatus::success);
        REQUIRE(bench.close() == "00");
    }
    if (state == S::verification_pending || state == S::update_pending)
    {
        if (with_session)
        {
            REQUIRE(bench.open(state == S::update_pending ? "/flash/update" : "/flash/verify", open_write) == "00");
        }
        return;
    }
    const std::string_view id = state > S::verification_completed ? "/flash/update" : "/flash/verify";
    started_only ? act(id) : run_action(bench, id, FlashStatus::success);
}

bool has_session(S state, bool with_session)
{
    return state == S::verification_pending || state == S::update_pending ? with_session : state != S::not_yet_started;
}

/// The failure that is to be closed.
void make_failed(BlobsBench& bench, S state)
{
    bench.update.coming = {FlashStatus::failed};
    if (state == S::verification_started || state == S::update_started)
    {
        bench.stat();
    }
}

/// Lets the event happen as a client, or the world, would; whether it was taken.
bool happens(BlobsBench& bench, E event)
{
    switch (event)
    {
    case E::open_image:
        return bench.open("/flash/image", data_flags) == "00";
    case E::open_hash:
        return bench.open("/flash/hash", data_flags) == "00";
    case E::open_verify:
        return bench.open("/flash/verify", open_write) == "00";
    case E::open_update:
        return bench.open("/flash/update", open_write) == "00";
    case E::write:
        return bench.write(5, "more") == "00";
    case E::commit:
        return bench.commit() == "00";
    case E::succeeded:
    case E::failed:
    {
        const std::string before = bench.stat();
        bench.update.coming = {event == E::succeeded ? FlashStatus::success : FlashStatus::failed};
        return bench.stat() != before && !before.empty() && before.starts_with("00");
    }
    case E::close:
        return bench.close() == "00";
    case E::remove:
        return bench.remove("/flash/bios") == "00"; // any id that is not open
    case E::expire:
    {
        bench.now += BlobManager::idle_limit;
        const S before = bench.blobs.state();
        static_cast<void>(bench.open("/flash/image", 0x0200 | open_write)); // is refused after the expiry
        return bench.blobs.state() != before;
    }
    case E::lost:
        bench.update.held = false;
        bench.update.programming = false;
        static_cast<void>(bench.ask(SubCommand::get_count, ConstBytes{}));
        return bench.blobs.state() == S::not_yet_started;
    case E::close_failed:
        break; // its states differ: a case of its own
    }
    return false;
}

bool needs_session(E event)
{
    return event == E::write || event == E::commit || event == E::succeeded || event == E::failed ||
           event == E::close || event == E::expire;
}

bool opens(E event)
{
    return event <= E::open_update;
}

void check_pair(S state, E event, bool with_session)
{
    CAPTURE(with_session);
    BlobsBench bench;
    reach(bench, state, with_session);
    REQUIRE(bench.blobs.state() == state);
    const auto row = find_flash_transition(state, event);
    const bool taken = row.has_value() && (has_session(state, with_session) ? !opens(event) : !needs_session(event));
    const bool happened = happens(bench, event);
    CHECK(bench.blobs.state() == (taken ? row->to : state));
    if (event != E::lost || state != S::not_yet_started) // where nothing is, nothing can be lost
    {
        CHECK(happened == taken);
    }
}

} // namespace

TEST_CASE("the page prints the header's table")
{
    const Names states = names_of("FlashState");
    const Names events = names_of("FlashEvent");
    const Names actions = names_of("FlashAction");
    const auto sections = parse_markdown(read_text(SOURCE_DIR "/bmc-agent/blobs/README.md"));
    const auto section = std::ranges::find(sections, "State table", &fwupdate::test::Section::heading);
    REQUIRE(section != sections.end());
    const auto& rows = section->tables.at(0).rows;
    REQUIRE(rows.size() == flash_transitions.size());
    for (std::size_t at = 0; at < rows.size(); ++at)
    {
        CAPTURE(at);
        const FlashTransition& row = flash_transitions.at(at);
        CHECK(states.at(rows[at].at(0)) == static_cast<std::uint64_t>(row.from));
        CHECK(events.at(rows[at].at(1)) == static_cast<std::uint64_t>(row.event));
        CHECK(states.at(rows[at].at(2)) == static_cast<std::uint64_t>(row.to));
        CHECK(actions.at(rows[at].at(3)) == static_cast<std::uint64_t>(row.action));
    }
    CHECK(states.size() == 8);
    CHECK(events.size() == 13);
}

TEST_CASE("every state and event: the blobs do what the table says, and nothing else")
{
    for (const auto& state : names_of("FlashState"))
    {
        for (const auto& event : names_of("FlashEvent"))
        {
            if (static_cast<E>(event.second) == E::close_failed)
            {
                continue;
            }
            CAPTURE(state.first);
            CAPTURE(event.first);
            check_pair(static_cast<S>(state.second), static_cast<E>(event.second), false);
            check_pair(static_cast<S>(state.second), static_cast<E>(event.second), true);
        }
    }
}

TEST_CASE("closing what has failed")
{
    for (const S state : {S::verification_started, S::update_started})
    {
        BlobsBench bench;
        reach(bench, state, true);
        make_failed(bench, state);
        const auto row = find_flash_transition(bench.blobs.state(), E::close_failed);
        REQUIRE(row.has_value());
        CHECK(bench.close() == "00");
        CHECK(bench.blobs.state() == row->to);
        CHECK(bench.update.calls.back() == (state == S::update_started ? "finish" : "abort"));
    }
    for (const auto& row : flash_transitions)
    {
        const bool completed = row.from == S::verification_completed || row.from == S::update_completed;
        CHECK((row.event != E::close_failed || completed));
    }
}

TEST_CASE("a value that is no state has no transition")
{
    for (unsigned event = 0; event <= 0xFF; ++event)
    {
        CHECK_FALSE(find_flash_transition(static_cast<S>(8), static_cast<E>(event)).has_value());
    }
}
