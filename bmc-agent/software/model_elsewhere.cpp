// The model and updates that it did not ask for: they are seen on D-Bus, too.
#include "bmc-agent/software/software_model.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent::software
{

void SoftwareModel::progressed_elsewhere(std::uint8_t percent)
{
    constexpr std::uint8_t whole = 100;
    Version* shown = find(elsewhere_);
    if (shown == nullptr)
    {
        auto id = fresh_id(config::IdRule::random, {});
        if (!id)
        {
            return; // the table is full: the update goes on unseen
        }
        elsewhere_ = std::move(*id);
        shown = &versions_[elsewhere_];
        shown->id = elsewhere_;
        shown->elsewhere = true;
        shown->activation = Activation::activating;
        shown->blocks_transition = true;
    }
    shown->progress = std::min(percent, whole);
    commit();
}

/// Clients see that it failed before it goes.
void SoftwareModel::gave_up_elsewhere(Refusal reason)
{
    Version* const shown = find(elsewhere_);
    if (shown == nullptr)
    {
        return;
    }
    (void)fire(*shown, Event::gave_up);
    reports_.push_back(std::move(reason));
    give_up(*shown);
    end_elsewhere();
}

void SoftwareModel::end_elsewhere()
{
    if (!elsewhere_.empty() && versions_.erase(std::exchange(elsewhere_, {})) != 0)
    {
        commit();
    }
}

void SoftwareModel::programmed_elsewhere(const ImageFacts& facts)
{
    end_elsewhere();
    const auto id = make_id(settings_.installed_id, {facts.version, facts.purpose, {}, settings_.id_name, salt()});
    if (!id)
    {
        return; // an image without a version: nothing to show
    }
    if (const Version* const present = find(*id); present != nullptr && present->activation != Activation::active)
    {
        if (!find_transition(present->activation, Event::erase))
        {
            return; // the session has one update at a time: it is not this one that is being activated
        }
        forget(*id);
    }
    Version newcomer;
    newcomer.id = *id;
    newcomer.facts = facts;
    newcomer.activation = Activation::active;
    Version& version = versions_.try_emplace(*id, std::move(newcomer)).first->second;
    rank(version, 0);
    install(version);
}

} // namespace fwupdate::agent::software
