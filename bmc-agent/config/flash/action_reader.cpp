#include "bmc-agent/config/flash/entries.hpp"
#include "bmc-agent/config/flash/names.hpp"
#include "common/bytes.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config::flash
{
namespace
{

constexpr std::string_view unit_remedy = R"(write the unit to start, such as "phosphor-ipmi-flash-bmc-update.target")";

void check_mode(ObjectReader& reader, const std::string& mode)
{
    const auto known = job_modes();
    if (std::ranges::find(known, mode) == known.end())
    {
        const std::string hint = did_you_mean(mode, known);
        reader.findings().warn(reader.pointer("mode"), "\"" + printable(mode) + "\" is no mode of systemd",
                               (hint.empty() ? "" : hint + " ") + "write " + one_of(known));
    }
    else if (mode == "isolate")
    {
        reader.findings().warn(reader.pointer("mode"), "stops every unit that this one does not need",
                               R"(leave "mode" out, which is "replace")");
    }
}

Systemd read_systemd(ObjectReader& reader)
{
    Systemd job;
    reader.require("unit", unit_remedy);
    if (read_any_text(reader, "unit", job.unit) && !is_unit_name(job.unit))
    {
        reader.findings().warn(reader.pointer("unit"),
                               "\"" + printable(job.unit) + "\" is no unit's name: it will fail",
                               "write the whole name with its type, such as \"flash.service\"");
    }
    if (read_any_text(reader, "mode", job.mode))
    {
        check_mode(reader, job.mode);
    }
    return job;
}

FileSystemd read_file_systemd(ObjectReader& reader)
{
    FileSystemd action;
    reader.require("path", "write the file into which the unit writes its status");
    read_any_path(reader, "path", action.path);
    action.job = read_systemd(reader);
    return action;
}

/// Makes the action of a type out of its object.
template <class Action> using Maker = Action (*)(ObjectReader&);

template <class Action> Action skip(ObjectReader& /*reader*/)
{
    return Skip{};
}
template <class Action> Action systemd(ObjectReader& reader)
{
    return read_systemd(reader);
}
template <class Action> Action file_systemd(ObjectReader& reader)
{
    return read_file_systemd(reader);
}
Update reboot(ObjectReader& /*reader*/)
{
    return Reboot{};
}

constexpr std::array preparation_types{
    Word<Maker<Preparation>>{"systemd", systemd<Preparation>},
    Word<Maker<Preparation>>{"skip", skip<Preparation>},
};
constexpr std::array verification_types{
    Word<Maker<Verification>>{"systemd", systemd<Verification>},
    Word<Maker<Verification>>{"fileSystemdVerify", file_systemd<Verification>},
    Word<Maker<Verification>>{"skip", skip<Verification>},
};
constexpr std::array update_types{
    Word<Maker<Update>>{"systemd", systemd<Update>},
    Word<Maker<Update>>{"fileSystemdUpdate", file_systemd<Update>},
    Word<Maker<Update>>{"reboot", reboot},
    Word<Maker<Update>>{"skip", skip<Update>},
};

template <class Action, std::size_t Count>
void read_action(ObjectReader& actions, std::string_view key, const std::array<Word<Maker<Action>>, Count>& types,
                 Action& out)
{
    constexpr std::string_view remedy = R"(write {"type": "skip"} if nothing is to happen)";
    actions.require(key, remedy);
    ObjectReader reader{actions.member(key), actions.findings()};
    reader.require("type", remedy);
    Maker<Action> make{};
    if (reader.word("type", make, types))
    {
        out = make(reader);
        reader.finish(UnknownKey::warning);
    }
}

} // namespace

void read_actions(ObjectReader reader, FlashBlob& out)
{
    read_action(reader, "preparation", preparation_types, out.preparation);
    read_action(reader, "verification", verification_types, out.verification);
    read_action(reader, "update", update_types, out.update);
    reader.finish(UnknownKey::warning);
}

} // namespace fwupdate::config::flash
