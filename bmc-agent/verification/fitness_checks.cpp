#include "bmc-agent/verification/fitness_checks.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

using protocol::ReasonCode;

bool forced(const UpdateRequest& request)
{
    return (request.parameters & protocol::parameter_force) != 0;
}

class MachineCheck final : public Check
{
  public:
    MachineCheck(const config::Verification& settings, const config::Machine& machine)
        : settings_{settings}, machine_{machine}
    {
    }

    [[nodiscard]] std::string_view name() const override
    {
        return "machine";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& /*request*/, ConstBytes /*header*/) override
    {
        return std::nullopt;
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        if (subject.machine.empty() && subject.compatible.empty())
        {
            return Finding{name(), ReasonCode::none,
                           subject.form == ImageForm::pldm ? "has the descriptors of this one"
                                                           : "the image names none"};
        }
        const std::string named = subject.machine.empty() ? subject.compatible.front() : subject.machine;
        if (machine_.name.empty() && machine_.compatible.empty())
        {
            return Finding{name(), ReasonCode::none, "is for " + named + "; this BMC's configuration names no machine"};
        }
        if (is_ours(subject.machine) ||
            std::ranges::any_of(subject.compatible, [&](const std::string& other) { return is_ours(other); }))
        {
            return Finding{name(), ReasonCode::none, named};
        }
        const std::string text = "the image is for " + named + ", this machine is " +
                                 (machine_.name.empty() ? machine_.compatible.front() : machine_.name);
        return forced(*subject.request) && settings_.force_allows_machine
                   ? Finding{name(), ReasonCode::none, text + "; forced"}
                   : Finding{name(), ReasonCode::wrong_machine, text};
    }

  private:
    [[nodiscard]] bool is_ours(const std::string& machine) const
    {
        return !machine.empty() && (machine == machine_.name ||
                                    std::ranges::find(machine_.compatible, machine) != machine_.compatible.end());
    }

    const config::Verification& settings_;
    const config::Machine& machine_;
};

class VersionCheck final : public Check
{
  public:
    VersionCheck(const config::Verification& settings, Places places, const VersionFloors& floors)
        : settings_{settings}, places_{places}, floors_{floors}
    {
    }

    [[nodiscard]] std::string_view name() const override
    {
        return "version";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& request, ConstBytes header) override
    {
        const auto form = accepted_form(header, request);
        if (header.empty() || !form || *form == ImageForm::tarball)
        {
            return std::nullopt;
        }
        if (request.is_current)
        {
            return Finding{name(), ReasonCode::none, "what is installed"};
        }
        if (*form == ImageForm::pldm)
        {
            const auto components = plan_pldm(places_, request, header);
            return components && !components->empty() ? std::optional{judge_all(request, *components)} : std::nullopt;
        }
        return judge(request, Component{.target = request.target,
                                        .name = {},
                                        .version = {},
                                        .security_version = 0,
                                        .image = {{}, request.sha256.value_or(Sha256{})}});
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        return judge_all(*subject.request, subject.components);
    }

  private:
    [[nodiscard]] Finding judge_all(const UpdateRequest& request, const std::vector<Component>& components) const
    {
        std::string text;
        for (const Component& component : components)
        {
            Finding finding = judge(request, component);
            if (!finding.passed())
            {
                return finding;
            }
            text += (text.empty() ? "" : "; ") + finding.text;
        }
        return {name(), ReasonCode::none, text};
    }

    [[nodiscard]] Finding judge(const UpdateRequest& request, const Component& component) const
    {
        const config::Target& target = component.target->configuration();
        const std::string what =
            target.name + ": " + (component.version.empty() ? "no version" : printable(component.version));
        component.target->installed().refresh(); // it may have changed behind our back
        const auto& installed = component.target->installed().get();
        if (installed && installed->sha256 == component.image.sha256)
        {
            return {name(), ReasonCode::none, what + ", the one that is installed"};
        }
        if (const auto above = floors_.check(target, {component.version, component.security_version}); !above)
        {
            return refusal(above.error(), what);
        }
        const bool forbidden = settings_.no_downgrade || (request.parameters & protocol::parameter_no_downgrade) != 0;
        if (!forbidden || (forced(request) && settings_.force_allows_downgrade))
        {
            return {name(), ReasonCode::none, what};
        }
        return judge_downgrade(component, what);
    }

    [[nodiscard]] Finding judge_downgrade(const Component& component, const std::string& what) const
    {
        const std::string running = component.target->version();
        if (component.version.empty() || running.empty())
        {
            return {name(), ReasonCode::version_unknown,
                    "no-downgrade holds, but " +
                        std::string{component.version.empty()
                                        ? "the image carries no version to compare; send a package "
                                          "with a version"
                                        : "nobody tells the running version of " +
                                              component.target->configuration().name + " (targets: version_file)"} +
                        ", or leave no-downgrade out"};
        }
        const auto order = floors_.scheme().compare(component.version, running);
        if (!order)
        {
            return {name(), ReasonCode::version_unknown, what + " cannot be compared: " + order.error().text};
        }
        return std::is_lt(*order)
                   ? Finding{name(), ReasonCode::downgrade_refused, what + " is older than " + running + ", which runs"}
                   : Finding{name(), ReasonCode::none, what + ", " + running + " runs"};
    }

    [[nodiscard]] Finding refusal(const Error& error, const std::string& what) const
    {
        const ReasonCode code = error.kind == ErrorKind::denied         ? ReasonCode::downgrade_refused
                                : error.kind == ErrorKind::integrity    ? ReasonCode::input_output
                                : error.kind == ErrorKind::input_output ? ReasonCode::input_output
                                                                        : ReasonCode::version_unknown;
        return {name(), code, what + ": " + error.text};
    }

    const config::Verification& settings_;
    Places places_;
    const VersionFloors& floors_;
};

} // namespace

VersionFloors::VersionFloors(std::filesystem::path directory, package::VersionScheme scheme)
    : directory_{std::move(directory)}, scheme_{std::move(scheme)}
{
}

Result<void> VersionFloors::check(const config::Target& target, const package::FloorLevel& image) const
{
    if (image.security_version < target.minimum_security_version)
    {
        return fail(ErrorKind::denied, "its security version " + std::to_string(image.security_version) +
                                           " is below the least one, " +
                                           std::to_string(target.minimum_security_version));
    }
    if (!target.minimum_version.empty())
    {
        const auto order = scheme_.compare(image.version, target.minimum_version);
        if (!order)
        {
            return order.error();
        }
        if (std::is_lt(*order))
        {
            return fail(ErrorKind::denied, "older than the least version, " + target.minimum_version);
        }
    }
    const auto floor = package::VersionFloor::load(directory_, target.name);
    return floor ? floor->check(image, scheme_) : Result<void>{floor.error()};
}

Result<void> VersionFloors::raise(const std::string& target, const package::FloorLevel& running) const
{
    auto floor = package::VersionFloor::load(directory_, target);
    return floor ? floor->raise(running, scheme_) : Result<void>{floor.error()};
}

std::unique_ptr<Check> make_machine_check(const config::Verification& settings, const config::Machine& machine)
{
    return std::make_unique<MachineCheck>(settings, machine);
}

std::unique_ptr<Check> make_version_check(const config::Verification& settings, Places places,
                                          const VersionFloors& floors)
{
    return std::make_unique<VersionCheck>(settings, places, floors);
}

} // namespace fwupdate::agent
