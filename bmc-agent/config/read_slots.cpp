// The members of a target of type "slots".
#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t longest_slot_name = 16; ///< bytes
constexpr std::size_t longest_variable = 64;  ///< bytes of a name of U-Boot's, or of the kernel's
constexpr std::uint64_t record_size = 512;    ///< bytes of a copy of the boot record
constexpr std::uint64_t longest_trial = 86'400;
constexpr std::uint64_t most_tries = 99;

/// What can be one of two slots.
constexpr std::array slot_type_words{Word<std::string_view>{"file", "file"}, Word<std::string_view>{"block", "block"},
                                     Word<std::string_view>{"mtd", "mtd"}};

/// It stands in boot records, on command lines and in shell scripts.
bool is_plain_word(std::string_view text)
{
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

void read_plain_word(ObjectReader& reader, std::string_view key, std::string& out, std::size_t longest)
{
    reader.text(key, out, longest);
    if (!is_plain_word(out))
    {
        reader.findings().mistake(reader.pointer(key), "has more than letters, digits, '-' and '_' in it",
                                  "boot loaders and scripts read it: choose a plain word");
    }
}

void read_slot(ObjectReader reader, Slot& out)
{
    reader.require("name", R"(write what the boot loader calls it, such as "a")");
    read_plain_word(reader, "name", out.name, longest_slot_name);
    std::string_view type;
    reader.require("type", "write what the slot is");
    reader.word("type", type, slot_type_words);
    out.type = type;
    reader.require("path", "write the place that an update of this slot replaces");
    read_target_path(reader, type, out.path);
    reader.finish();
}

void read_places(ObjectReader& reader, std::vector<Slot>& out)
{
    constexpr std::string_view two = "write two: one runs, the other one takes the update";
    reader.require("slots", two);
    for (const Place& item : reader.items("slots", 2, "slots"))
    {
        read_slot(ObjectReader{item, reader.findings()}, out.emplace_back());
    }
    if (out.size() == 1)
    {
        reader.findings().mistake(reader.pointer("slots"), "has one slot only", two);
    }
    else if (out.size() == 2 && !out[0].name.empty() && out[0].name == out[1].name)
    {
        reader.findings().mistake(reader.pointer("slots"), "has two slots of the same name",
                                  "give each slot a name of its own");
    }
}

Selector read_file_selector(ObjectReader& reader)
{
    FileSelector out;
    reader.require("path", "write the file that the boot loader reads");
    reader.path("path", out.path);
    reader.number("tries", out.tries, 1, most_tries);
    return out;
}

Selector read_redundant_selector(ObjectReader& reader)
{
    RedundantSelector out;
    reader.require("path", "write the device that has the two copies");
    reader.path("path", out.path);
    reader.number("first", out.offsets[0], 0, protocol::largest_image);
    reader.number("second", out.offsets[1], 0, protocol::largest_image);
    const auto [low, high] = std::minmax(out.offsets[0], out.offsets[1]);
    if (high - low < record_size)
    {
        reader.findings().mistake(reader.pointer("second"), "lies in the first copy",
                                  "leave 512 bytes for each, and let them not share a block of the medium");
    }
    reader.number("tries", out.tries, 1, most_tries);
    return out;
}

Selector read_command_selector(ObjectReader& reader)
{
    CommandSelector out;
    reader.require("get", "write the program that prints chosen=, running= and provisional=");
    reader.command("get", out.get);
    reader.require("try", "write the program that makes a slot the next one to try");
    reader.command("try", out.try_slot);
    reader.require("confirm", "write the program that lets the running slot stay");
    reader.command("confirm", out.confirm);
    reader.require("fall_back", "write the program that makes the former slot boot next");
    reader.command("fall_back", out.fall_back);
    return out;
}

Selector read_uboot_selector(ObjectReader& reader)
{
    UbootSelector out;
    reader.path("config", out.config);
    read_plain_word(reader, "slot_variable", out.slot_variable, longest_variable);
    read_plain_word(reader, "trial_variable", out.trial_variable, longest_variable);
    read_plain_word(reader, "count_variable", out.count_variable, longest_variable);
    return out;
}

/// Reads the members beside "type".
using ReadSelector = Selector (*)(ObjectReader&);

/// The selectors there are. Adding one: a row here, and one in bmc-agent/targets/selector_table.cpp.
constexpr std::array selector_words{
    Word<ReadSelector>{"file", read_file_selector},
    Word<ReadSelector>{"redundant", read_redundant_selector},
    Word<ReadSelector>{"command", read_command_selector},
    Word<ReadSelector>{"uboot", read_uboot_selector},
};

/// Unknown without a known type: then nothing can be said of the other members.
void read_selector(ObjectReader reader, Selector& out)
{
    reader.require("type", R"(write "file", "redundant", "command" or "uboot")");
    ReadSelector read = nullptr;
    if (reader.word("type", read, selector_words))
    {
        out = read(reader);
        reader.finish();
    }
}

void read_running(ObjectReader reader, RunningSlot& out)
{
    read_plain_word(reader, "kernel_argument", out.kernel_argument, longest_variable);
    reader.path("file", out.file);
    if (reader.has("kernel_argument") == reader.has("file"))
    {
        reader.findings().mistake(reader.pointer(), "does not have exactly one of \"kernel_argument\" and \"file\"",
                                  "write the one that names the slot that runs");
    }
    reader.finish();
}

constexpr std::array confirm_words{
    Word<ConfirmBy>{"client", ConfirmBy::client},
    Word<ConfirmBy>{"health", ConfirmBy::health},
    Word<ConfirmBy>{"start", ConfirmBy::start},
};

void read_probation(ObjectReader reader, Probation& out)
{
    reader.word("confirm", out.confirm, confirm_words);
    reader.seconds("seconds", out.time, 1, longest_trial);
    reader.command("health_command", out.health_command);
    if (out.confirm == ConfirmBy::health)
    {
        reader.require("health_command", "write the program whose success confirms the new version");
    }
    else if (out.confirm == ConfirmBy::start && (reader.has("health_command") || reader.has("seconds")))
    {
        reader.findings().mistake(reader.pointer(), "has a trial that never is: \"start\" confirms at once",
                                  R"(remove "seconds" and "health_command", or write "confirm": "client" or "health")");
    }
    reader.finish();
}

} // namespace

void read_slots(ObjectReader& reader, Slots& out)
{
    read_places(reader, out.places);
    reader.flag("stream", out.stream);
    if (out.stream && std::ranges::find(out.places, std::string{"mtd"}, &Slot::type) != out.places.end())
    {
        reader.findings().mistake(reader.pointer("stream"), "flash is not written in any order",
                                  R"(leave "stream" out, or use slots of type "block" or "file")");
    }
    reader.require("selector", "write what chooses the slot at boot");
    read_selector(ObjectReader{reader.member("selector"), reader.findings()}, out.selector);
    if (!std::holds_alternative<CommandSelector>(out.selector)) // which may tell it
    {
        reader.require("running", R"(write what tells the slot that runs, such as {"kernel_argument": "slot"})");
    }
    if (reader.has("running"))
    {
        read_running(ObjectReader{reader.member("running"), reader.findings()}, out.running);
    }
    if (reader.has("probation"))
    {
        read_probation(ObjectReader{reader.member("probation"), reader.findings()}, out.probation);
    }
}

} // namespace fwupdate::config
