// Actions that the test itself ends, to see what the update session does meanwhile and then. What real actions do has
// its own tests.
#pragma once

#include "tests/bmc-agent/update/update_bench.hpp"

#include <map>
#include <string>
#include <vector>

namespace fwupdate::test
{

inline std::string text_of(const std::filesystem::path& file)
{
    const auto text = agent::read_file(file, UpdateBench::limit);
    return text ? *text : "nothing";
}

/// One "command" action, called by its program.
class ScriptedAction final : public agent::Action
{
  public:
    ScriptedAction(std::vector<std::string>& calls, std::string name) : calls_{calls}, name_{std::move(name)} {}

    void start(const agent::ActionSubject& subject, Changed changed, TimePoint /*now*/) override
    {
        calls_.push_back(name_);
        last = subject;
        seen = subject.image.empty() ? "" : text_of(subject.image);
        report_ = at_once ? *at_once : agent::ActionReport{agent::ActionState::running, {}, {}};
        changed_ = std::move(changed);
    }
    [[nodiscard]] const agent::ActionReport& report() const override
    {
        return report_;
    }
    void abort() noexcept override
    {
        if (report_.state == agent::ActionState::running)
        {
            calls_.push_back("abort " + name_);
        }
        report_ = {};
        changed_ = {};
    }

    void tell(agent::ActionReport report, TimePoint now)
    {
        report_ = std::move(report);
        if (changed_)
        {
            changed_(now);
        }
    }

    agent::ActionSubject last;
    std::string seen;                           ///< what lay where the image was said to be
    std::optional<agent::ActionReport> at_once; ///< how it ends before it has begun

  private:
    std::vector<std::string>& calls_;
    std::string name_;
    agent::ActionReport report_;
    Changed changed_;
};

/// A bench whose target "bios" hands over to three actions; "cpld" is a plain file, with an update action.
struct ActionBench
{
    explicit ActionBench(protocol::Restart restart = protocol::Restart::nothing)
        : bench{restart,
                Policy{.verification = signatures_optional(),
                       .machine = {},
                       .change_targets = [](config::Target& bios, config::Target& cpld) { set_up(bios, cpld); },
                       .date = {},
                       .make_action = [this](const config::Action& action) { return make(action); }}}
    {
    }

    static config::Command command(std::string name)
    {
        return {{std::move(name)}};
    }
    static void set_up(config::Target& bios, config::Target& cpld)
    {
        bios.type = "handover";
        bios.blob = "/flash/bios";
        bios.version_command = {"version"};
        bios.actions = config::Actions{command("prepare"), command("verify"), command("update")};
        cpld.blob = "/flash/cpld";
        cpld.actions = config::Actions{config::flash::Skip{}, config::flash::Skip{}, command("after")};
    }

    std::unique_ptr<agent::Action> make(const config::Action& action)
    {
        const bool reboots = std::holds_alternative<config::flash::Reboot>(action);
        const std::string name = reboots ? "reboot" : std::get<config::Command>(action).argv.front();
        auto made = std::make_unique<ScriptedAction>(calls, name);
        made->at_once = at_once.contains(name) ? std::optional{at_once.at(name)} : std::nullopt;
        actions[name] = made.get();
        return made;
    }

    ScriptedAction& action(const std::string& name)
    {
        return *actions.at(name);
    }
    void succeed(const std::string& name)
    {
        action(name).tell({agent::ActionState::succeeded, {}, {}}, bench.now);
        bench.work();
    }
    void fail(const std::string& name, const std::string& why)
    {
        action(name).tell({agent::ActionState::failed, {}, why}, bench.now);
        bench.work();
    }

    std::vector<std::string> calls;
    std::map<std::string, agent::ActionReport> at_once; ///< filled before the agent is started anew
    std::map<std::string, ScriptedAction*> actions;
    UpdateBench bench; ///< last: it makes actions
};

} // namespace fwupdate::test
