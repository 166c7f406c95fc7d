#include "bmc-agent/config/flash/names.hpp"
#include "bmc-agent/config/sections.hpp"
#include "common/bytes.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t longest_word = 255;                    ///< bytes of a unit's name or a mode
constexpr std::uint64_t most_patience = 7ULL * 24 * 60 * 60; ///< seconds

constexpr std::string_view unit_remedy =
    R"(write the whole name of a unit with its type, such as "flash-bios.service")";

void read_mode(ObjectReader& reader, std::string& out)
{
    std::vector<std::string_view> known = flash::job_modes();
    if (!reader.has("mode"))
    {
        return;
    }
    const Place place = reader.member("mode");
    if (!read_text(place, out, longest_word, reader.findings()))
    {
        return;
    }
    if (std::ranges::find(known, out) == known.end())
    {
        const std::string hint = did_you_mean(out, known);
        reader.findings().mistake(place.pointer, "\"" + printable(out) + "\" is no mode of systemd",
                                  (hint.empty() ? "" : hint + " ") + "write " + one_of(known));
    }
    else if (out == "isolate")
    {
        reader.findings().warn(place.pointer, "stops every unit that this one does not need",
                               R"(leave "mode" out, which is "replace")");
    }
}

flash::Systemd read_unit(ObjectReader& reader)
{
    flash::Systemd out;
    reader.require("unit", unit_remedy);
    reader.text("unit", out.unit, longest_word);
    if (!out.unit.empty() && !flash::is_unit_name(out.unit))
    {
        reader.findings().mistake(reader.pointer("unit"),
                                  "\"" + printable(out.unit) + "\" is no name of a unit that can be started",
                                  unit_remedy);
    }
    read_mode(reader, out.mode);
    return out;
}

/// Makes the action of a type out of its object.
using Maker = Action (*)(ObjectReader&);

Action skip(ObjectReader& /*reader*/)
{
    return flash::Skip{};
}
Action systemd(ObjectReader& reader)
{
    return read_unit(reader);
}
Action file_systemd(ObjectReader& reader)
{
    flash::FileSystemd out;
    reader.require("path", "write the file into which the unit writes its status");
    reader.path("path", out.path);
    out.job = read_unit(reader);
    return out;
}
Action reboot(ObjectReader& /*reader*/)
{
    return flash::Reboot{};
}
Action command(ObjectReader& reader)
{
    Command out;
    reader.require("argv", R"(write the program and its arguments, such as ["/usr/bin/flash-bios"])");
    reader.command("argv", out.argv);
    return out;
}

constexpr std::array preparation_types{
    Word<Maker>{"systemd", systemd},
    Word<Maker>{"command", command},
    Word<Maker>{"skip", skip},
};
constexpr std::array verification_types{
    Word<Maker>{"systemd", systemd},
    Word<Maker>{"fileSystemdVerify", file_systemd},
    Word<Maker>{"command", command},
    Word<Maker>{"skip", skip},
};
constexpr std::array update_types{
    Word<Maker>{"systemd", systemd}, Word<Maker>{"fileSystemdUpdate", file_systemd},
    Word<Maker>{"reboot", reboot},   Word<Maker>{"command", command},
    Word<Maker>{"skip", skip},
};

template <std::size_t Count>
void read_action(ObjectReader& actions, std::string_view key, const std::array<Word<Maker>, Count>& types, Action& out)
{
    ObjectReader reader{actions.member(key), actions.findings()};
    reader.require("type", R"(write {"type": "skip"}, or leave it out, if nothing is to happen)");
    Maker make{};
    if (reader.word("type", make, types))
    {
        out = make(reader);
        reader.finish();
    }
}

} // namespace

void read_actions(ObjectReader reader, std::optional<Actions>& out)
{
    Actions actions;
    read_action(reader, "preparation", preparation_types, actions.preparation);
    read_action(reader, "verification", verification_types, actions.verification);
    read_action(reader, "update", update_types, actions.update);
    reader.seconds("patience", actions.patience, 1, most_patience);
    reader.finish();
    out = std::move(actions);
}

} // namespace fwupdate::config
