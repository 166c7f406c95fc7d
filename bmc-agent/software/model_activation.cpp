// The model's activations: the order of what clients see, priorities, and space.
#include "bmc-agent/software/software_model.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent::software
{
namespace
{

constexpr std::uint8_t whole = 100; ///< percent

} // namespace

/// False: there is no row, and nothing changed. What the step asks for is done by the callers, in their order.
bool SoftwareModel::fire(Version& version, Event event)
{
    const auto row = find_transition(version.activation, event);
    if (row)
    {
        version.activation = row->to;
    }
    return row.has_value();
}

Outcome<void> SoftwareModel::request(const std::string& id, RequestedActivation requested)
{
    Version* const version = find(id);
    if (version == nullptr)
    {
        return Refusal{ErrorCode::resource_not_found, "there is no version " + printable(id)};
    }
    const bool rises = requested == RequestedActivation::active && version->requested != requested;
    if (rises && find_transition(version->activation, Event::requested))
    {
        return activate(*version);
    }
    version->requested = requested; // in any other state it is stored, and starts nothing
    commit();
    return {};
}

/// The property is stored last, as OpenBMC has it. What is too old fails without the update session.
Outcome<void> SoftwareModel::activate(Version& version)
{
    if (auto busy = obstacle())
    {
        return std::move(*busy);
    }
    const auto new_enough = minimum_ && version.device() == Device::bmc
                                ? minimum_->check(version.facts.version, version.facts.purpose)
                                : Outcome<void>{};
    if (!new_enough)
    {
        (void)fire(version, Event::requested_old);
        reports_.push_back(new_enough.error());
        commit();
    }
    else if (auto started = driver_->start(version); !started)
    {
        return started;
    }
    else
    {
        begin_activation(version);
    }
    version.requested = RequestedActivation::active;
    commit();
    return {};
}

void SoftwareModel::begin_activation(Version& version)
{
    version.progress = std::uint8_t{0};
    commit();
    version.blocks_transition = true;
    commit();
    (void)fire(version, Event::requested);
    commit();
}

/// Behind a version that is in its place: until then what it may replace must stay what it is, also in its slot. What
/// runs stays on show, even where there is room for one alone. Nobody chooses another slot for that.
void SoftwareModel::free_space(const Version& caller)
{
    std::vector<Kept> kept;
    for (const auto& [id, version] : versions_)
    {
        if (version.device() == caller.device() && id != caller.id)
        {
            kept.push_back({id, version.activation, version.priority.value_or(0), version.functional});
        }
    }
    for (const std::string& id : to_be_freed(kept, caller.id, settings_.most_active))
    {
        if (!versions_.at(id).functional)
        {
            forget(id);
        }
    }
}

void SoftwareModel::progressed(const std::string& id, std::uint8_t percent)
{
    Version* const version = find(id);
    if (version != nullptr && version->activation == Activation::activating)
    {
        version->progress = std::min(percent, whole);
        commit();
    }
}

void SoftwareModel::succeeded(const std::string& id)
{
    Version* const version = find(id);
    if (version != nullptr && find_transition(version->activation, Event::programmed))
    {
        conclude(*version);
    }
}

void SoftwareModel::conclude(Version& version)
{
    version.progress = whole;
    commit();
    version.blocks_transition = false;
    commit();
    version.progress.reset();
    commit();
    rank(version, version.requested_priority);
    commit();
    if (!version.image.directory.empty())
    {
        driver_->discard(version.image);
    }
    version.image = {};
    commit();
    (void)fire(version, Event::programmed);
    install(version);
    driver_->conclude(version, version.apply_time.value_or(apply_time_));
}

/// It is in its place, and what can be updated next. What runs stays on show until it runs no more.
void SoftwareModel::install(Version& version)
{
    version.updateable = true;
    commit();
    free_space(version);
    (void)first_of(version.device()); // it was chosen when it was programmed
}

void SoftwareModel::gave_up(const std::string& id, Refusal reason)
{
    Version* const version = find(id);
    if (version != nullptr && fire(*version, Event::gave_up))
    {
        reports_.push_back(std::move(reason));
        give_up(*version);
    }
}

/// Since 2022 the progress stays as it was, for who asks how far it came.
void SoftwareModel::give_up(Version& version)
{
    commit();
    version.priority.reset();
    version.blocks_transition = false;
    if (settings_.layout == config::SoftwareLayout::era_2020)
    {
        version.progress.reset();
    }
    commit();
}

Outcome<void> SoftwareModel::set_priority(const std::string& id, std::uint8_t priority)
{
    Version* const version = find(id);
    if (version == nullptr)
    {
        return Refusal{ErrorCode::resource_not_found, "there is no version " + printable(id)};
    }
    if (!version->priority)
    {
        return Refusal{ErrorCode::not_allowed, "version " + id + " is not active, so it has no priority"};
    }
    rank(*version, priority);
    commit();
    tell_boot_order(version->device());
    return {};
}

Outcome<void> SoftwareModel::set_requested_priority(const std::string& id, std::uint8_t priority)
{
    Version* const version = find(id);
    if (version == nullptr)
    {
        return Refusal{ErrorCode::resource_not_found, "there is no version " + printable(id)};
    }
    version->requested_priority = priority;
    commit();
    return {};
}

void SoftwareModel::rank(const Version& version, std::uint8_t priority)
{
    versions_.at(version.id).priority = priority;
    std::vector<Ranked> ranked;
    for (const auto& [id, other] : versions_)
    {
        if (other.device() == version.device() && other.priority)
        {
            ranked.push_back({id, *other.priority});
        }
    }
    for (const Ranked& entry : give_priority(std::move(ranked), version.id, priority))
    {
        versions_.at(entry.id).priority = entry.priority;
    }
}

/// Which one boots first now, and whether that is another one than before.
std::optional<std::string> SoftwareModel::first_of(Device device)
{
    const Version* first = nullptr;
    for (const auto& [id, version] : versions_)
    {
        const bool counts = version.device() == device && version.activation == Activation::active;
        if (counts && (first == nullptr || *version.priority < *first->priority))
        {
            first = &version;
        }
    }
    const bool another = first != nullptr && std::exchange(first_[device], first->id) != first->id;
    return another ? std::optional{first->id} : std::nullopt;
}

/// When a person has changed it. What programming or a start of the agent finds is what it is already.
void SoftwareModel::tell_boot_order(Device device)
{
    if (const auto id = first_of(device))
    {
        driver_->boot_next(versions_.at(*id));
    }
}

} // namespace fwupdate::agent::software
