#include "bmc-agent/config/flash/targets.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fwupdate::config::flash
{
namespace
{

constexpr std::string_view prefix = "/flash/";
constexpr std::size_t longest_name = 32; ///< bytes, as in Get Target Info

template <class From> config::Action widened(const From& action)
{
    return std::visit([](const auto& each) { return config::Action{each}; }, action);
}

class Adding
{
  public:
    Adding(const FlashConfig& flash, Config& config) : flash_{flash}, config_{config} {}

    std::vector<std::string> run()
    {
        for (const FlashBlob& blob : flash_.blobs)
        {
            add(blob);
        }
        check_overlays();
        resolve_default();
        return std::move(mistakes_);
    }

  private:
    static std::string place_of(const FlashBlob& blob)
    {
        return blob.origin.file.string() + ": " + blob.origin.pointer + ": ";
    }

    [[nodiscard]] Target overlay_of(const std::string& blob) const
    {
        const auto& overlays = config_.flash_config->targets;
        const auto overlay = std::ranges::find(overlays, blob, &Target::blob);
        Target target = overlay == overlays.end() ? Target{} : *overlay;
        if (overlay == overlays.end())
        {
            target.id = protocol::no_target;
            target.blob = blob;
        }
        return target;
    }

    void add(const FlashBlob& blob)
    {
        Target target = overlay_of(blob.blob);
        target.type = "handover";
        target.path = blob.handler.path;
        target.actions = Actions{widened(blob.preparation), widened(blob.verification), widened(blob.update)};
        if (target.name.empty())
        {
            target.name = blob.blob.substr(prefix.size());
        }
        if (!path_is_good(blob, target.path) || !name_is_good(blob, target.name) || !id_is_good(blob, target.id) ||
            !components_are_good(blob, target.components))
        {
            return;
        }
        restart_by_action(blob, target);
        config_.targets.push_back(std::move(target));
    }

    /// What is written there replaces what lies there, and is removed when it is not verified. Empty: nothing is wrong.
    [[nodiscard]] std::string_view wrong_with(const std::filesystem::path& path) const
    {
        const std::filesystem::path whole = path.lexically_normal();
        const std::filesystem::path& staging = config_.staging.directory;
        if (!whole.has_filename())
        {
            return "its path does not end in a file's name; write the file itself";
        }
        if (staging.has_relative_path() && std::ranges::mismatch(staging, whole).in1 == staging.end())
        {
            return "its path lies in the staging directory, which the agent cleans up; choose a place outside of it";
        }
        const bool taken = std::ranges::any_of(config_.targets, [&](const Target& other)
                                               { return other.path.lexically_normal() == whole; });
        return taken ? "another target replaces its file too; give each a file of its own" : "";
    }

    bool path_is_good(const FlashBlob& blob, const std::filesystem::path& path)
    {
        if (!path.is_absolute())
        {
            // As the files that systems ship have it ("bios-staged-name"): it must not keep the others from being
            // served.
            config_.warnings.push_back(place_of(blob) + blob.blob +
                                       ": its path is not absolute, it is not served; write the path from / on");
            return false;
        }
        const std::string_view wrong = wrong_with(path);
        if (!wrong.empty())
        {
            mistakes_.push_back(place_of(blob) + blob.blob + ": " + std::string{wrong});
        }
        return wrong.empty();
    }

    bool components_are_good(const FlashBlob& blob, const std::vector<ComponentId>& components)
    {
        const bool taken = std::ranges::any_of(
            config_.targets, [&](const Target& other)
            { return std::ranges::find_first_of(other.components, components) != other.components.end(); });
        if (taken)
        {
            mistakes_.push_back("/flash_config/targets: " + blob.blob +
                                " has a component of another target; name each component at one target");
        }
        return !taken;
    }

    bool name_is_good(const FlashBlob& blob, const std::string& name)
    {
        const bool taken = std::ranges::find(config_.targets, name, &Target::name) != config_.targets.end();
        if (taken || name.size() > longest_name)
        {
            mistakes_.push_back(place_of(blob) + blob.blob + (taken ? ": a target is called \"" : ": \"") + name +
                                (taken ? "\" already" : "\" is too long for a target's name") +
                                "; give it another \"name\" in /flash_config/targets");
            return false;
        }
        return true;
    }

    /// Overlays have checked their own numbers; the others get free ones.
    bool id_is_good(const FlashBlob& blob, std::uint8_t& id)
    {
        const auto used = [&](std::uint8_t candidate)
        {
            return std::ranges::find(config_.targets, candidate, &Target::id) != config_.targets.end() ||
                   std::ranges::find(config_.flash_config->targets, candidate, &Target::id) !=
                       config_.flash_config->targets.end();
        };
        if (id == protocol::no_target)
        {
            id = 0;
            while (id != protocol::no_target && used(id))
            {
                ++id;
            }
            if (id == protocol::no_target)
            {
                mistakes_.push_back(place_of(blob) + blob.blob + ": no number is left for it; leave fewer blobs");
            }
        }
        else if (std::ranges::find(config_.targets, id, &Target::id) != config_.targets.end())
        {
            mistakes_.push_back("/flash_config/targets: " + blob.blob + ": another target has number " +
                                std::to_string(id) + "; give each target a number of its own");
            return false;
        }
        return id != protocol::no_target;
    }

    void restart_by_action(const FlashBlob& blob, Target& target)
    {
        if (!std::holds_alternative<Reboot>(target.actions->update))
        {
            return;
        }
        if (!target.restart.command.empty())
        {
            mistakes_.push_back(place_of(blob) + blob.blob +
                                ": its update is \"reboot\", and /flash_config/targets has a \"restart\"; keep one");
        }
        target.restart = {protocol::Restart::bmc, {}};
    }

    void check_overlays()
    {
        for (const Target& overlay : config_.flash_config->targets)
        {
            if (std::ranges::find(flash_.blobs, overlay.blob, &FlashBlob::blob) == flash_.blobs.end())
            {
                mistakes_.push_back("/flash_config/targets: no file configures " + overlay.blob +
                                    "; remove it, or look at what was left out");
            }
        }
    }

    void resolve_default()
    {
        if (config_.targets.empty())
        {
            mistakes_.emplace_back("nothing can be updated: neither /targets nor phosphor-ipmi-flash's configuration "
                                   "has anything; write at least one thing");
            return;
        }
        const std::string& name = config_.default_target_name;
        const auto chosen = std::ranges::find(config_.targets, name, &Target::name);
        if (chosen != config_.targets.end())
        {
            config_.default_target = chosen->id;
        }
        else if (!name.empty())
        {
            mistakes_.push_back("/default_target: no target is called \"" + name + "\"; write the name of one");
        }
        else if (config_.targets.size() == 1)
        {
            config_.default_target = config_.targets.front().id;
        }
        else
        {
            mistakes_.emplace_back("/default_target: is missing; write which target an update without a name goes to");
        }
    }

    const FlashConfig& flash_;
    Config& config_;
    std::vector<std::string> mistakes_;
};

} // namespace

std::vector<std::string> add_targets(const FlashConfig& flash, Config& config)
{
    return Adding{flash, config}.run();
}

std::vector<std::string> check_blobs(const Config& config)
{
    std::vector<std::string> mistakes;
    for (auto target = config.targets.begin(); target != config.targets.end(); ++target)
    {
        const std::string& blob = target->blob;
        const auto same = [&](const Target& other) { return other.blob == blob; };
        if (!blob.empty() && (!blob.starts_with(prefix) || blob.size() == prefix.size() || is_reserved(blob)))
        {
            mistakes.push_back(
                "target \"" + target->name + "\": \"" + blob +
                "\" can be no firmware's blob; write /flash/ and a name of its own, such as /flash/bios");
        }
        if (!blob.empty() && std::any_of(config.targets.begin(), target, same))
        {
            mistakes.push_back("two targets are updated by " + blob + "; give each a blob of its own");
        }
    }
    return mistakes;
}

} // namespace fwupdate::config::flash
