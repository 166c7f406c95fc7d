// "uboot": three variables of U-Boot's environment, changed together by one write of libubootenv's fw_setenv, which
// goes to the older of two copies where the environment is redundant.
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/said_variables.hpp"
#include "bmc-agent/targets/selector.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <utility>

namespace fwupdate::agent
{
namespace
{

/// A script for fw_setenv in memory: nothing to clean up, whatever ends first. The child opens it by its name in /proc.
class Script
{
  public:
    [[nodiscard]] static Result<std::shared_ptr<Script>> make(std::string_view text)
    {
        const auto script = std::make_shared<Script>();
        script->descriptor_ = ::memfd_create("fw_setenv", MFD_CLOEXEC);
        if (script->descriptor_ < 0 ||
            ::write(script->descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        {
            return system_error("write a script for fw_setenv to", "memory");
        }
        return script;
    }

    Script() = default;
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    ~Script()
    {
        if (descriptor_ >= 0)
        {
            ::close(descriptor_);
        }
    }

    [[nodiscard]] std::string name() const
    {
        return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_);
    }

  private:
    int descriptor_{-1};
};

class UbootSelector final : public Selector
{
  public:
    UbootSelector(config::UbootSelector names, CommandRunner& runner) : names_{std::move(names)}, runner_{runner} {}

    void read(Told told) override
    {
        runner_.run({"fw_printenv", "-c", names_.config.string(), names_.slot_variable, names_.trial_variable},
                    [names = names_, told = std::move(told)](const CommandResult& result)
                    { told(state_of(names, result)); });
    }

    void try_slot(const std::string& slot, const std::string& /*running*/, Done done) override
    {
        set(slot, true, std::move(done));
    }

    void confirm(const std::string& slot, Done done) override
    {
        set(slot, false, std::move(done));
    }

    void fall_back(const std::string& slot, Done done) override
    {
        set(slot, false, std::move(done));
    }

  private:
    [[nodiscard]] static Result<SlotState> state_of(const config::UbootSelector& names, const CommandResult& result)
    {
        if (!result.success)
        {
            return fail(ErrorKind::input_output, "fw_printenv -c " + names.config.string() + ": " + result.failure);
        }
        const std::string chosen = said_value(result.output, names.slot_variable).value_or("");
        if (chosen.empty())
        {
            return fail(ErrorKind::integrity, "U-Boot's environment has no " + names.slot_variable +
                                                  "; set it to the name of the slot that boots");
        }
        const auto trial = said_flag(result.output, names.trial_variable);
        return trial ? Result<SlotState>{SlotState{{}, chosen, *trial}} : Result<SlotState>{trial.error()};
    }

    void set(const std::string& slot, bool trial, Done done)
    {
        const auto script = Script::make(names_.slot_variable + "=" + slot + "\n" + names_.trial_variable + "=" +
                                         (trial ? "1" : "0") + "\n" + names_.count_variable + "=0\n");
        if (!script)
        {
            done(script.error());
            return;
        }
        const std::vector<std::string> argv{"fw_setenv", "-c", names_.config.string(), "-s", (*script)->name()};
        runner_.run(argv, [argv, script = *script, done = std::move(done)](const CommandResult& result)
                    { done(outcome_of(argv, result)); });
    }

    config::UbootSelector names_;
    CommandRunner& runner_;
};

} // namespace

std::unique_ptr<Selector> make_uboot_selector(const config::UbootSelector& configuration, CommandRunner& runner)
{
    return std::make_unique<UbootSelector>(configuration, runner);
}

} // namespace fwupdate::agent
