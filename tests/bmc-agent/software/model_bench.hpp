// A model with a driver that writes down what it is told, and a random source that counts.
#pragma once

#include "bmc-agent/software/software_model.hpp"
#include "tests/bmc-agent/software/outcome_printing.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace fwupdate::agent::software::test
{

class RecordingDriver final : public ActivationDriver
{
  public:
    [[nodiscard]] std::optional<std::string> holder() const override
    {
        return held_by;
    }
    [[nodiscard]] Outcome<void> start(const Version& version) override
    {
        if (refusal)
        {
            return *refusal;
        }
        told.push_back("start " + version.id);
        return {};
    }
    void conclude(const Version& version, ApplyTime apply_time) override
    {
        told.push_back("conclude " + version.id + " " + to_dbus(apply_time).substr(Words<ApplyTime>::prefix.size()));
    }
    void discard(const StagedImage& image) override
    {
        told.push_back("discard " + image.directory.string());
    }
    void remove(const Version& version) override
    {
        told.push_back("remove " + version.id);
    }
    void boot_next(const Version& version) override
    {
        told.push_back("boot " + version.id);
    }

    std::optional<std::string> held_by;
    std::optional<Refusal> refusal;
    std::vector<std::string> told;
};

class CountingRandom final : public RandomSource
{
  public:
    void fill(MutableBytes out) override
    {
        for (std::uint8_t& byte : out)
        {
            byte = 0;
        }
        out.back() = next++;
    }
    std::uint8_t next{1};
};

inline ImageFacts facts_of(std::string version, package::Purpose purpose = package::Purpose::bmc)
{
    ImageFacts facts;
    facts.version = std::move(version);
    facts.purpose = purpose;
    return facts;
}

inline config::Software settings_of(config::SoftwareLayout layout = config::SoftwareLayout::era_2020,
                                    std::uint8_t most_active = 2)
{
    config::Software settings;
    settings.layout = layout;
    settings.most_active = most_active;
    settings.inventory = "/xyz/openbmc_project/inventory/bmc";
    return settings;
}

struct Bench
{
    explicit Bench(config::Software chosen = settings_of(), std::optional<MinimumVersion> minimum = std::nullopt)
        : settings{std::move(chosen)}, model{settings, std::move(minimum), driver, random}
    {
    }

    /// Version 1.0 runs.
    void start(SavedState state = {})
    {
        model.start(std::move(state), {{"1.0", package::Purpose::bmc, "", "a"}},
                    [this](const std::filesystem::path& file) { return !gone.contains(file); });
        (void)model.take_changes();
        driver.told.clear();
    }

    std::string upload(const ImageFacts& facts)
    {
        const auto id = model.choose_id(facts);
        REQUIRE(id);
        model.publish(*id, facts, {"/tmp/images/" + *id, "/tmp/images/" + *id + "/image.tar", nullptr});
        return *id;
    }

    /// Uploaded, activated, in its place.
    std::string activate(const std::string& version)
    {
        const std::string id = upload(facts_of(version));
        REQUIRE(model.request(id, RequestedActivation::active));
        model.succeeded(id);
        return id;
    }

    [[nodiscard]] const Version& version(const std::string& id) const
    {
        return model.versions().at(id);
    }

    /// The changes since the last look, one short line each: "+ id: Interfaces", "- id: ...", "= id: Property=value".
    std::vector<std::string> lines();

    config::Software settings;
    RecordingDriver driver;
    CountingRandom random;
    std::set<std::filesystem::path> gone;
    SoftwareModel model;
};

inline std::string last_word(const std::string& text, char separator)
{
    return text.substr(text.rfind(separator) + 1);
}

inline std::string text_of(const Value& value)
{
    if (const auto* const text = std::get_if<std::string>(&value))
    {
        return last_word(*text, '.');
    }
    if (const auto* const number = std::get_if<std::uint8_t>(&value))
    {
        return std::to_string(*number);
    }
    if (const auto* const list = std::get_if<std::vector<Association>>(&value))
    {
        std::string text;
        for (const Association& entry : *list)
        {
            text += (text.empty() ? "" : ",") + entry.forward + ":" + last_word(entry.endpoint, '/');
        }
        return text;
    }
    if (const auto* const flag = std::get_if<bool>(&value))
    {
        return *flag ? "true" : "false";
    }
    std::string text;
    for (const std::string& entry : std::get<std::vector<std::string>>(value))
    {
        text += (text.empty() ? "" : ",") + last_word(entry, '/');
    }
    return text;
}

inline std::string line_of(const Change& change)
{
    const char sign = change.kind == ChangeKind::interfaces_added     ? '+'
                      : change.kind == ChangeKind::interfaces_removed ? '-'
                                                                      : '=';
    std::string text = std::string(1, sign) + " " +
                       (change.object.service == Service::image_manager ? "manager/" : "") +
                       last_word(change.object.path, '/') + ":";
    for (const auto& [interface, properties] : change.interfaces)
    {
        if (change.kind != ChangeKind::properties_changed)
        {
            text += " " + last_word(interface, '.');
            continue;
        }
        for (const auto& [name, value] : properties)
        {
            text += " " + name + "=" + text_of(value);
        }
    }
    return text;
}

inline std::vector<std::string> Bench::lines()
{
    std::vector<std::string> result;
    for (const Change& change : model.take_changes())
    {
        result.push_back(line_of(change));
    }
    return result;
}

} // namespace fwupdate::agent::software::test
