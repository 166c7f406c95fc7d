// "command": the machine's own programs know how its boot loader is told.
#include "bmc-agent/targets/said_variables.hpp"
#include "bmc-agent/targets/selector.hpp"

#include <utility>

namespace fwupdate::agent
{
namespace
{

class CommandSelector final : public Selector
{
  public:
    CommandSelector(config::CommandSelector commands, CommandRunner& runner)
        : commands_{std::move(commands)}, runner_{runner}
    {
    }

    void read(Told told) override
    {
        runner_.run(commands_.get, [program = commands_.get.front(), told = std::move(told)](
                                       const CommandResult& result) { told(state_of(program, result)); });
    }

    void try_slot(const std::string& slot, const std::string& /*running*/, Done done) override
    {
        std::vector<std::string> argv = commands_.try_slot;
        argv.push_back(slot);
        run(argv, std::move(done));
    }

    void confirm(const std::string& /*slot*/, Done done) override
    {
        run(commands_.confirm, std::move(done));
    }

    void fall_back(const std::string& /*slot*/, Done done) override
    {
        run(commands_.fall_back, std::move(done));
    }

  private:
    [[nodiscard]] static Result<SlotState> state_of(const std::string& program, const CommandResult& result)
    {
        if (!result.success)
        {
            return fail(ErrorKind::input_output, program + " does not tell the slots: " + result.failure);
        }
        const auto chosen = said_value(result.output, "chosen");
        const auto provisional = said_flag(result.output, "provisional");
        if (!chosen || !provisional)
        {
            return fail(ErrorKind::integrity, program + " does not tell the slots: " +
                                                  (chosen ? provisional.error().text : "it prints no line chosen="));
        }
        return SlotState{said_value(result.output, "running").value_or(""), *chosen, *provisional};
    }

    void run(const std::vector<std::string>& argv, Done done)
    {
        runner_.run(argv,
                    [argv, done = std::move(done)](const CommandResult& result) { done(outcome_of(argv, result)); });
    }

    config::CommandSelector commands_;
    CommandRunner& runner_;
};

} // namespace

std::unique_ptr<Selector> make_command_selector(const config::CommandSelector& configuration, CommandRunner& runner)
{
    return std::make_unique<CommandSelector>(configuration, runner);
}

} // namespace fwupdate::agent
