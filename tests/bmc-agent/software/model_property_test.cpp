// Whatever is asked of the model, in whatever order: what it says holds, and its changes lead from what was shown to
// what is shown.
#include "tests/bmc-agent/software/model_bench.hpp"

#include <random>

using namespace fwupdate;
using namespace fwupdate::agent::software;
using namespace fwupdate::agent::software::test;
using fwupdate::config::SoftwareLayout;

namespace
{

/// What a client of the bus believes, by signals alone.
void apply(Objects& believed, const Change& change)
{
    if (change.kind == ChangeKind::interfaces_removed)
    {
        Interfaces& present = believed.at(change.object);
        for (const auto& [name, properties] : change.interfaces)
        {
            REQUIRE(present.erase(name) == 1);
        }
        if (present.empty())
        {
            believed.erase(change.object);
        }
        return;
    }
    for (const auto& [name, properties] : change.interfaces)
    {
        const bool added = change.kind == ChangeKind::interfaces_added;
        REQUIRE(believed[change.object].contains(name) != added);
        for (const auto& [property, value] : properties)
        {
            believed[change.object][name][property] = value;
        }
        believed[change.object][name];
    }
}

void check_sense(const Bench& bench)
{
    int activating = 0;
    for (const auto& [id, version] : bench.model.versions())
    {
        const bool busy = version.activation == Activation::activating;
        activating += busy ? 1 : 0;
        CHECK(version.id == id);
        CHECK(version.priority.has_value() == (version.activation == Activation::active));
        CHECK(version.blocks_transition == busy);
        CHECK((version.progress.has_value() || !busy));
        CHECK((version.activation != Activation::active || version.image.file.empty()));
        CHECK((!version.functional || version.activation == Activation::active));
    }
    CHECK(activating <= 1);
}

class Storm
{
  public:
    Storm(unsigned seed, SoftwareLayout layout, std::uint8_t most) : random_{seed}, bench{settings_of(layout, most)}
    {
        bench.start();
        believed = bench.model.objects();
    }

    void step()
    {
        act(static_cast<unsigned>(random_() % 14));
        for (const Change& change : bench.model.take_changes())
        {
            apply(believed, change);
        }
        CHECK((believed == bench.model.objects()));
        check_sense(bench);
    }

    void restart()
    {
        const SavedState saved = bench.model.saved();
        const auto read = deserialize(serialize(saved));
        REQUIRE(read);
        Bench after{bench.settings};
        after.start(*read);
        check_sense(after);
    }

  private:
    std::string any_id()
    {
        const auto& versions = bench.model.versions();
        return versions.empty() ? "none"
                                : std::next(versions.begin(), static_cast<long>(random_() % versions.size()))->first;
    }
    ImageFacts any_facts()
    {
        ImageFacts facts =
            facts_of("v" + std::to_string(random_() % 9), static_cast<package::Purpose>(2 + random_() % 4));
        facts.complete = random_() % 5 != 0;
        return facts;
    }

    void act(unsigned choice)
    {
        const std::string id = any_id();
        const auto byte = static_cast<std::uint8_t>(random_() % 4);
        switch (choice)
        {
        case 0:
        case 1:
            upload();
            break;
        case 2:
        case 3:
            (void)bench.model.request(id, RequestedActivation::active);
            break;
        case 4:
            (void)bench.model.request(id, RequestedActivation::none);
            break;
        case 5:
            (void)bench.model.set_priority(id, byte);
            break;
        case 6:
            (void)bench.model.set_requested_priority(id, byte);
            break;
        case 7:
            (void)bench.model.erase(id);
            break;
        case 8:
            random_() % 8 == 0 ? bench.model.erase_all(std::nullopt) : bench.model.set_apply_time(ApplyTime::immediate);
            break;
        case 9:
            (void)bench.model.start_update(nullptr, ApplyTime::on_reset);
            break;
        default:
            happen(choice, id, byte);
            break;
        }
    }

    void upload()
    {
        const ImageFacts facts = any_facts();
        if (const auto id = bench.model.choose_id(facts))
        {
            bench.model.publish(*id, facts, {"/tmp/images/" + *id, "/tmp/images/" + *id + "/image.tar", nullptr});
        }
    }

    void happen(unsigned choice, const std::string& id, std::uint8_t byte)
    {
        switch (choice)
        {
        case 10:
            byte == 0 ? bench.model.unusable(id, {ErrorCode::update_invalid_image, "no"})
                      : bench.model.inspected(id, any_facts());
            break;
        case 11:
            bench.model.progressed(id, byte);
            break;
        case 12:
            byte == 0 ? bench.model.gave_up(id, {ErrorCode::internal_failure, "no"}) : bench.model.succeeded(id);
            break;
        default:
            bench.driver.held_by = byte == 0 ? std::optional<std::string>{"x"} : std::nullopt;
            if (byte == 1)
            {
                bench.model.programmed_elsewhere(any_facts());
            }
            break;
        }
    }

    std::mt19937 random_;

  public:
    Bench bench;
    Objects believed;
};

} // namespace

TEST_CASE("a storm of calls and events")
{
    for (unsigned seed = 0; seed < 12; ++seed)
    {
        Storm storm{seed, seed % 2 == 0 ? SoftwareLayout::era_2020 : SoftwareLayout::current,
                    static_cast<std::uint8_t>(1 + seed % 3)};
        for (int count = 0; count < 400; ++count)
        {
            storm.step();
        }
        storm.restart();
    }
}
