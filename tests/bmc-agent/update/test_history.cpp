#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/update/history.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

HistoryEntry entry_of(std::string target, std::string text)
{
    HistoryEntry entry;
    entry.result = protocol::UpdateResult::programmed;
    entry.target = std::move(target);
    entry.text = std::move(text);
    entry.sha256[5] = 7;
    entry.size = 1ULL << 31;
    entry.content_size = 1ULL << 30;
    entry.boot_id = "00ff";
    entry.slot = "b";
    entry.trial_boot = "ff00";
    entry.trial_began = 77;
    return entry;
}

} // namespace

TEST_CASE("entries survive, newest first, the oldest beyond the limit goes")
{
    const test::TemporaryDirectory directory;
    NullLog log;
    const auto file = directory.path() / "history.json";
    {
        History history{file, log};
        for (std::size_t number = 0; number < History::most_entries + 3; ++number)
        {
            history.begin(entry_of("bios", "update " + std::to_string(number)));
        }
        HistoryEntry changed = history.entries().front();
        changed.restart_pending = true;
        history.update(changed);
    }
    const History history{file, log};
    REQUIRE(history.entries().size() == History::most_entries);
    HistoryEntry expected = entry_of("bios", "update 18");
    expected.restart_pending = true;
    CHECK(history.entries().front() == expected);
    CHECK(history.restart_pending());
    CHECK(history.last_of("bios")->text == "update 18");
    CHECK(history.last_of("cpld") == nullptr);
}

TEST_CASE("a time that no machine can have run is damage, and bounded")
{
    const test::TemporaryDirectory directory;
    NullLog log;
    const auto file = directory.path() / "history.json";
    {
        History history{file, log};
        HistoryEntry entry = entry_of("bmc", "x");
        entry.trial_began = ~std::uint64_t{0};
        history.begin(entry);
    }
    CHECK(History{file, log}.entries().front().trial_began == 0xFFFF'FFFF);
}

TEST_CASE("a damaged file is begun anew, not crashed upon")
{
    const test::TemporaryDirectory directory;
    NullLog log;
    const auto file = directory.path() / "history.json";
    for (const char* text :
         {"", "{", "[]", "{\"updates\": 3}", "{\"updates\": [{}]}", "{\"updates\": [{\"result\": \"x\"}]}"})
    {
        std::ofstream{file} << text;
        History history{file, log};
        CHECK(history.entries().empty());
        history.begin(entry_of("bios", "first"));
        CHECK(History{file, log}.entries().size() == 1);
    }
}

TEST_CASE("text from the other side can't break the file")
{
    const test::TemporaryDirectory directory;
    NullLog log;
    const auto file = directory.path() / "history.json";
    {
        History history{file, log};
        HistoryEntry entry = entry_of("bios", "bad \xFF\xC3 bytes \x1b[2J");
        entry.user = "\xF0\x28";
        history.begin(entry);
    }
    CHECK(History{file, log}.entries().size() == 1);
}

TEST_CASE("beyond the limit, what waits for a restart or a judgement stays")
{
    const test::TemporaryDirectory directory;
    NullLog log;
    History history{directory.path() / "history.json", log};
    HistoryEntry pending = entry_of("bios", "pending");
    pending.restart_pending = true;
    history.begin(pending);
    for (std::size_t number = 0; number < 2 * History::most_entries; ++number)
    {
        history.begin(entry_of("cpld", std::to_string(number)));
    }
    CHECK(history.entries().size() == History::most_entries);
    CHECK(history.entries().back() == pending);
    CHECK(history.restart_pending("bios"));
    CHECK_FALSE(history.restart_pending("cpld"));
}

TEST_CASE("what the disk refused is written once it can be")
{
    const test::TemporaryDirectory directory;
    NullLog log;
    const auto file = directory.path() / "away" / "history.json";
    History history{file, log};
    history.begin(entry_of("bios", "one"));
    CHECK_FALSE(std::filesystem::exists(file));
    std::filesystem::create_directory(file.parent_path());
    history.save_again();
    CHECK(History{file, log}.entries().size() == 1);
}
