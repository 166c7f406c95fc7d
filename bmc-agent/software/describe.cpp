#include "bmc-agent/software/describe.hpp"

#include <array>

namespace fwupdate::agent::software
{
namespace
{

using config::SoftwareLayout;

constexpr std::array devices{Device::bmc, Device::host, Device::psu};

class Describer
{
  public:
    Describer(const config::Software& settings, const Versions& versions) : settings_{settings}, versions_{versions} {}

    [[nodiscard]] Objects run(ApplyTime apply_time)
    {
        for (const auto& [id, version] : versions_)
        {
            add_updater_object(version);
            if (!is_current() && !version.image.directory.empty())
            {
                add_image_object(version);
            }
        }
        add_roots();
        add(Service::settings, apply_time_path, interfaces::apply_time)["RequestedApplyTime"] = to_dbus(apply_time);
        add(Service::download, software_root, interfaces::tftp);
        if (settings_.own_associations)
        {
            add_association_objects(objects_);
        }
        return std::move(objects_);
    }

  private:
    [[nodiscard]] bool is_current() const
    {
        return settings_.layout == SoftwareLayout::current;
    }

    Properties& add(Service service, std::string_view path, std::string_view interface)
    {
        return objects_[{service, std::string{path}}][std::string{interface}];
    }

    void add_facts(Service service, const Version& version)
    {
        const std::string path = version.path();
        Properties& properties = add(service, path, interfaces::version);
        properties["Version"] = version.facts.version;
        properties["Purpose"] = to_dbus(version.facts.purpose);
        add(service, path, interfaces::extended_version)["ExtendedVersion"] = version.facts.extended_version;
        add(service, path, interfaces::file_path)["Path"] = version.image.directory.string();
        if (!version.facts.compatible_names.empty())
        {
            add(service, path, interfaces::compatible)["Names"] = version.facts.compatible_names;
        }
        if (!version.functional)
        {
            add(service, path, interfaces::erase);
        }
    }

    void add_image_object(const Version& version)
    {
        add_facts(Service::image_manager, version);
    }

    void add_updater_object(const Version& version)
    {
        const std::string path = version.path();
        if (!version.facts.version.empty())
        {
            add_facts(Service::updater, version);
        }
        else if (!version.elsewhere)
        {
            add(Service::updater, path, interfaces::erase);
        }
        add_temporaries(version);
        if (!version.elsewhere || is_current()) // in 2020 a client took any new Activation for its upload's
        {
            add_activation(version);
        }
    }

    void add_temporaries(const Version& version)
    {
        if (version.progress)
        {
            add(Service::updater, version.path(), interfaces::progress)["Progress"] = *version.progress;
        }
        if (version.blocks_transition)
        {
            add(Service::updater, version.path(), interfaces::blocks_transition);
        }
    }

    void add_activation(const Version& version)
    {
        const std::string path = version.path();
        Properties& activation = add(Service::updater, path, interfaces::activation);
        activation["Activation"] = to_dbus(version.activation);
        activation["RequestedActivation"] = to_dbus(version.requested);
        add(Service::updater, path, interfaces::definitions)["Associations"] = inventory_of(version);
        add(Service::updater, path, interfaces::requested_priority)["Priority"] = version.requested_priority;
        if (version.priority)
        {
            add(Service::updater, path, interfaces::priority)["Priority"] = *version.priority;
        }
        add_optional(version);
    }

    /// What only the current OpenBMC has, or a machine with a least version.
    void add_optional(const Version& version)
    {
        if (is_current() && version.activation == Activation::active)
        {
            std::vector<std::string> allowed;
            for (const ApplyTime time : settings_.apply_times)
            {
                allowed.push_back(to_dbus(time));
            }
            add(Service::updater, version.path(), interfaces::update)["AllowedApplyTimes"] = allowed;
        }
        if (version.functional && version.device() == Device::bmc && settings_.least_bmc_version)
        {
            add(Service::updater, version.path(), interfaces::minimum_version)["MinimumVersion"] =
                settings_.least_bmc_version->version;
        }
    }

    /// Only what can be activated, or was, belongs to the machine.
    [[nodiscard]] std::vector<Association> inventory_of(const Version& version) const
    {
        const bool whole = version.activation != Activation::invalid && version.activation != Activation::not_ready;
        if (!whole || settings_.inventory.empty())
        {
            return {};
        }
        return {{"inventory", "activation", settings_.inventory}};
    }

    void add_roots()
    {
        for (const Device device : devices)
        {
            const std::string root = root_of(device, settings_.layout);
            const bool always = device == Device::bmc || !is_current();
            auto found = associations_of(device);
            if (!always && found.empty())
            {
                continue;
            }
            Value& value = add(Service::updater, root, interfaces::definitions)["Associations"];
            auto* const present = std::get_if<std::vector<Association>>(&value);
            if (present != nullptr)
            {
                found.insert(found.begin(), present->begin(), present->end()); // one root for all devices
            }
            value = std::move(found);
            add(Service::updater, root, interfaces::erase_all);
        }
    }

    [[nodiscard]] std::vector<Association> associations_of(Device device) const
    {
        std::vector<Association> found;
        for (const auto& [id, version] : versions_)
        {
            if (version.device() != device)
            {
                continue;
            }
            if (version.activation == Activation::active)
            {
                found.push_back({"active", "software_version", version.path()});
            }
            if (version.functional)
            {
                found.push_back({"functional", "software_version", version.path()});
            }
            if (version.updateable)
            {
                found.push_back({"updateable", "software_version", version.path()});
            }
        }
        return found;
    }

    const config::Software& settings_;
    const Versions& versions_;
    Objects objects_;
};

} // namespace

std::string root_of(Device device, SoftwareLayout layout)
{
    std::string root{software_root};
    if (layout == SoftwareLayout::era_2020)
    {
        return root;
    }
    switch (device)
    {
    case Device::host:
        return root + "/bios";
    case Device::psu:
        return root + "/psu";
    case Device::bmc:
        break;
    }
    return root + "/bmc";
}

Objects describe(const config::Software& settings, const Versions& versions, ApplyTime apply_time)
{
    return Describer{settings, versions}.run(apply_time);
}

} // namespace fwupdate::agent::software
