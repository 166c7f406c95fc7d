#include "bmc-agent/targets/target.hpp"

#include "bmc-agent/staging/file.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t longest_version_file = 4096;

std::string first_line(const std::string& text)
{
    return text.substr(0, text.find_first_of("\r\n"));
}

/// One that nobody can do: what depends on it must not go on as if it were done.
class UnavailableAction final : public Action
{
  public:
    void start(const ActionSubject& /*subject*/, Changed /*changed*/, TimePoint /*now*/) override
    {
        report_ = {ActionState::failed, {}, "the agent was built without what starts units and programs"};
    }
    [[nodiscard]] const ActionReport& report() const override
    {
        return report_;
    }
    void abort() noexcept override
    {
        report_ = {};
    }

  private:
    ActionReport report_;
};

} // namespace

Target::Target(config::Target configuration, const HandlerParts& parts)
    : configuration_{std::move(configuration)},
      handler_{make_handler(configuration_, parts)},
      installed_{*handler_},
      command_version_{std::make_shared<std::string>()}
{
    if (!configuration_.actions)
    {
        return;
    }
    const config::Actions& actions = *configuration_.actions;
    const auto make = [&](const config::Action& action) -> std::unique_ptr<Action>
    {
        if (std::holds_alternative<config::flash::Skip>(action))
        {
            return nullptr;
        }
        return parts.make_action ? parts.make_action(action, actions.patience) : std::make_unique<UnavailableAction>();
    };
    preparation_ = make(actions.preparation);
    verification_ = make(actions.verification);
    const bool reboots = std::holds_alternative<config::flash::Reboot>(actions.update);
    (reboots ? reboot_ : update_) = make(actions.update);
}

void Target::abort_actions() const noexcept
{
    for (Action* const action : {preparation_.get(), verification_.get(), update_.get()})
    {
        if (action != nullptr)
        {
            action->abort();
        }
    }
}

std::string Target::version() const
{
    if (configuration_.version_file.empty())
    {
        return *command_version_;
    }
    const auto text = read_file(configuration_.version_file, longest_version_file);
    return text ? first_line(*text) : std::string{};
}

void Target::refresh_version(CommandRunner& runner)
{
    if (configuration_.version_command.empty())
    {
        return;
    }
    runner.run(configuration_.version_command, [version = command_version_](const CommandResult& result)
               { *version = result.success ? first_line(result.first_line) : std::string{}; });
}

Targets::Targets(const std::vector<config::Target>& configuration, std::uint8_t default_target,
                 const HandlerParts& parts)
    : default_{default_target}
{
    targets_.reserve(configuration.size());
    for (const config::Target& target : configuration)
    {
        targets_.emplace_back(target, parts);
    }
}

Target* Targets::find(std::uint8_t id)
{
    const std::uint8_t wanted = id == protocol::no_target ? default_ : id;
    const auto place =
        std::ranges::find(targets_, wanted, [](const Target& target) { return target.configuration().id; });
    return place == targets_.end() ? nullptr : &*place;
}

Target* Targets::find(std::string_view name)
{
    const auto place = std::ranges::find(
        targets_, name, [](const Target& target) { return std::string_view{target.configuration().name}; });
    return place == targets_.end() ? nullptr : &*place;
}

} // namespace fwupdate::agent
