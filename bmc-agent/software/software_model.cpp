// The model's versions: how they come, at the start and by uploads, and how they go.
#include "bmc-agent/software/software_model.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

namespace fwupdate::agent::software
{
namespace
{

Refusal not_there(const std::string& id)
{
    return {ErrorCode::resource_not_found, "there is no version " + printable(id)};
}

} // namespace

SoftwareModel::SoftwareModel(config::Software settings, std::optional<MinimumVersion> minimum, ActivationDriver& driver,
                             RandomSource& random)
    : settings_{std::move(settings)}, minimum_{std::move(minimum)}, driver_{&driver}, random_{&random}
{
}

void SoftwareModel::start(SavedState state, const std::vector<Running>& running, const FileExists& exists)
{
    apply_time_ = state.apply_time;
    for (Version& version : state.versions)
    {
        restore(std::move(version), exists);
    }
    note_all_running(running);
    commit();
}

void SoftwareModel::running(const std::vector<Running>& running)
{
    const auto told = [&](const Version& version)
    {
        return std::ranges::any_of(running,
                                   [&](const Running& one) { return device_of(one.purpose) == version.device(); });
    };
    const auto runs = [&](const Version& version)
    {
        return std::ranges::any_of(
            running, [&](const Running& one)
            { return device_of(one.purpose) == version.device() && one.version == version.facts.version; });
    };
    std::erase_if(versions_,
                  [&](const auto& entry)
                  {
                      const Version& version = entry.second;
                      const bool replaced = version.functional && told(version) && !runs(version);
                      return replaced && settings_.most_active <= 1;
                  });
    for (auto& [id, version] : versions_)
    {
        version.functional = version.functional && !told(version);
    }
    note_all_running(running);
    commit();
}

void SoftwareModel::note_all_running(const std::vector<Running>& running)
{
    for (const Running& one : running)
    {
        note_running(one);
    }
    for (const Device device : {Device::bmc, Device::host, Device::psu})
    {
        drop_replaced(device);
        mark_updateable(device);
        (void)first_of(device);
    }
}

/// An upload lives as long as its file; what a descriptor held is gone.
void SoftwareModel::restore(Version version, const FileExists& exists)
{
    if (version.activation == Activation::active)
    {
        version.priority = version.priority.value_or(std::numeric_limits<std::uint8_t>::max());
        version.image = {};
    }
    else if (version.activation == Activation::not_ready || version.image.file.empty() || !exists(version.image.file))
    {
        return;
    }
    else
    {
        version.priority.reset();
        (void)fire(version, Event::interrupted); // no row: it was not being activated
    }
    versions_.insert_or_assign(version.id, std::move(version));
}

/// One that nobody knew comes behind those that wait for a restart.
void SoftwareModel::note_running(const Running& running)
{
    const auto id = make_id(settings_.installed_id,
                            {running.version, running.purpose, running.location, settings_.id_name, salt()});
    if (!id)
    {
        return; // a device whose version nobody knows has none to show
    }
    const Device device = device_of(running.purpose);
    auto same = std::ranges::find_if(versions_,
                                     [&](const auto& entry)
                                     {
                                         const Version& version = entry.second;
                                         return version.activation == Activation::active &&
                                                version.device() == device && version.facts.version == running.version;
                                     });
    if (same == versions_.end())
    {
        const auto waiting = std::ranges::count_if(
            versions_, [&](const auto& entry)
            { return entry.second.device() == device && entry.second.activation == Activation::active; });
        if (const auto upload = versions_.find(*id); upload != versions_.end())
        {
            driver_->discard(upload->second.image); // the same version, and it runs
        }
        Version version;
        version.id = *id;
        version.activation = Activation::active;
        version.priority = static_cast<std::uint8_t>(waiting);
        same = versions_.insert_or_assign(*id, std::move(version)).first;
    }
    same->second.facts.version = running.version;
    same->second.facts.purpose = running.purpose;
    same->second.facts.extended_version = running.extended_version;
    same->second.functional = true;
}

/// Where only one version has room, what runs has replaced the others once it is the first to be booted.
void SoftwareModel::drop_replaced(Device device)
{
    const auto of_device = [&](const auto& entry)
    { return entry.second.device() == device && entry.second.activation == Activation::active; };
    const auto running =
        std::ranges::find_if(versions_, [&](const auto& entry) { return of_device(entry) && entry.second.functional; });
    if (settings_.most_active > 1 || running == versions_.end())
    {
        return;
    }
    const std::uint8_t best = *running->second.priority;
    const bool first = std::ranges::none_of(
        versions_, [&](const auto& entry)
        { return of_device(entry) && !entry.second.functional && *entry.second.priority <= best; });
    if (first)
    {
        std::erase_if(versions_, [&](const auto& entry) { return of_device(entry) && !entry.second.functional; });
    }
}

/// At the start: all active ones, or as the current layout has it the one version, else those that don't run.
void SoftwareModel::mark_updateable(Device device)
{
    const auto counts = [&](const Version& version)
    { return version.device() == device && version.activation == Activation::active; };
    const auto count = std::ranges::count_if(versions_, [&](const auto& entry) { return counts(entry.second); });
    const bool all = settings_.layout == config::SoftwareLayout::era_2020 || count == 1;
    for (auto& [id, version] : versions_)
    {
        if (counts(version))
        {
            version.updateable = all || !version.functional;
        }
    }
}

Outcome<std::string> SoftwareModel::choose_id(const ImageFacts& facts)
{
    auto id = fresh_id(settings_.upload_id, {facts.version, facts.purpose, {}, settings_.id_name, 0});
    if (!id && id.error().code == ErrorCode::already_exists)
    {
        Refusal refusal = id.error();
        refusal.metadata = {{"IMAGE_VERSION", facts.version}};
        return refusal;
    }
    return id;
}

/// Rules with a random part get a few tries.
Outcome<std::string> SoftwareModel::fresh_id(config::IdRule rule, IdParts parts)
{
    constexpr int tries = 32;
    if (versions_.size() >= SavedState::most_versions)
    {
        return Refusal{ErrorCode::too_many_resources,
                       "there are " + std::to_string(versions_.size()) + " versions already; delete some"};
    }
    std::string last;
    for (int attempt = 0; attempt < tries; ++attempt)
    {
        parts.salt = salt();
        auto id = make_id(rule, parts);
        if (!id || !versions_.contains(*id))
        {
            return id;
        }
        last = std::move(*id);
    }
    return Refusal{ErrorCode::already_exists, "version " + printable(parts.version) + " is there already, as " + last};
}

std::uint32_t SoftwareModel::salt()
{
    std::array<std::uint8_t, 4> bytes{};
    random_->fill(bytes);
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes)
    {
        value = (value << 8U) | byte;
    }
    return value;
}

void SoftwareModel::publish(const std::string& id, ImageFacts facts, StagedImage image)
{
    Version& version = versions_[id];
    version.id = id;
    version.facts = std::move(facts);
    version.image = std::move(image);
    (void)fire(version, version.facts.complete ? Event::accepted : Event::rejected);
    commit();
}

Outcome<std::string> SoftwareModel::start_update(std::shared_ptr<const File> descriptor, ApplyTime apply_time)
{
    if (std::ranges::find(settings_.apply_times, apply_time) == settings_.apply_times.end())
    {
        return Refusal{ErrorCode::invalid_argument, to_dbus(apply_time) + " is none of the allowed apply times"};
    }
    if (auto busy = obstacle())
    {
        return std::move(*busy);
    }
    auto id = fresh_id(config::IdRule::random, {});
    if (!id)
    {
        return id;
    }
    Version& version = versions_[*id];
    version.id = *id;
    version.image.descriptor = std::move(descriptor);
    version.apply_time = apply_time;
    commit();
    return id;
}

/// What keeps another update from beginning.
std::optional<Refusal> SoftwareModel::obstacle() const
{
    for (const auto& [id, version] : versions_)
    {
        if (version.activation == Activation::activating && id != elsewhere_)
        {
            return Refusal{ErrorCode::unavailable,
                           "version " + printable(version.facts.version) + " (" + id + ") is being activated"};
        }
        if (version.activation == Activation::not_ready)
        {
            return Refusal{ErrorCode::unavailable, "the image of update " + id + " is being looked into"};
        }
    }
    const auto holder = driver_->holder();
    return holder ? std::optional{Refusal{ErrorCode::unavailable, "update mode is held by " + *holder}} : std::nullopt;
}

void SoftwareModel::inspected(const std::string& id, ImageFacts facts)
{
    Version* const version = find(id);
    if (version == nullptr || version->activation != Activation::not_ready)
    {
        return; // deleted meanwhile
    }
    if (!facts.complete)
    {
        return unusable(id, {ErrorCode::update_invalid_image, "it lacks some of the images of a whole set"});
    }
    version->facts = std::move(facts);
    (void)fire(*version, Event::accepted);
    commit();
    if (version->apply_time == ApplyTime::on_activation_request)
    {
        return;
    }
    if (auto started = activate(*version); !started)
    {
        (void)fire(*version, Event::kept_out);
        reports_.push_back(started.error());
        commit();
    }
}

/// Clients see why it goes before it goes.
void SoftwareModel::unusable(const std::string& id, Refusal reason)
{
    Version* const version = find(id);
    if (version == nullptr || !fire(*version, Event::rejected))
    {
        return;
    }
    reports_.push_back(std::move(reason));
    commit();
    drop(id);
}

Outcome<void> SoftwareModel::erase(const std::string& id)
{
    Version* const version = find(id);
    if (version == nullptr)
    {
        return not_there(id);
    }
    if (version->functional)
    {
        return Refusal{ErrorCode::not_allowed, "version " + id + " runs, so it can't be deleted"};
    }
    if (!find_transition(version->activation, Event::erase))
    {
        return Refusal{ErrorCode::unavailable, "version " + id + " is being activated; wait for its end"};
    }
    drop(id);
    return {};
}

void SoftwareModel::erase_all(std::optional<Device> device)
{
    std::vector<std::string> ids;
    for (const auto& [id, version] : versions_)
    {
        if (!device || version.device() == *device)
        {
            ids.push_back(id);
        }
    }
    for (const std::string& id : ids)
    {
        (void)erase(id); // what may not go stays
    }
}

/// As somebody wants it gone, what is left boots.
void SoftwareModel::drop(const std::string& id)
{
    const Version gone = versions_.at(id);
    forget(id);
    if (gone.activation == Activation::active && !gone.functional)
    {
        driver_->remove(gone);
    }
    tell_boot_order(gone.device());
}

void SoftwareModel::forget(const std::string& id)
{
    const auto place = versions_.find(id);
    const Version gone = std::move(place->second);
    versions_.erase(place);
    if (!gone.image.directory.empty())
    {
        driver_->discard(gone.image);
    }
    commit();
}

void SoftwareModel::set_apply_time(ApplyTime apply_time)
{
    apply_time_ = apply_time;
    commit();
}

SavedState SoftwareModel::saved() const
{
    SavedState state{apply_time_, {}};
    for (const auto& [id, version] : versions_)
    {
        if (version.activation != Activation::active && version.image.file.empty())
        {
            continue; // of StartUpdate, or not looked into
        }
        Version& kept = state.versions.emplace_back(version);
        kept.image.descriptor.reset();
        kept.progress.reset();
        kept.apply_time.reset();
        kept.blocks_transition = false;
        kept.functional = false;
        kept.updateable = false;
    }
    return state;
}

std::vector<Change> SoftwareModel::take_changes()
{
    return std::exchange(changes_, {});
}

std::vector<Refusal> SoftwareModel::take_reports()
{
    return std::exchange(reports_, {});
}

Version* SoftwareModel::find(const std::string& id)
{
    const auto place = versions_.find(id);
    return place == versions_.end() ? nullptr : &place->second;
}

/// One moment ends: what is different now is told, in the order in which the moments were.
void SoftwareModel::commit()
{
    Objects now = describe(settings_, versions_, apply_time_);
    std::ranges::move(difference(shown_, now), std::back_inserter(changes_));
    shown_ = std::move(now);
}

} // namespace fwupdate::agent::software
