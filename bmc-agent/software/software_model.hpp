// All versions of this machine's firmware and their life: the one owner of what D-Bus shows of them. It knows no bus,
// no clock and no disk: calls and events come in, changes and reports go out, and a driver does the work.
#pragma once

#include "bmc-agent/software/activation_driver.hpp"
#include "bmc-agent/software/describe.hpp"
#include "bmc-agent/software/minimum_version.hpp"
#include "bmc-agent/software/priority.hpp"
#include "bmc-agent/software/state_file.hpp"
#include "bmc-agent/software/version_id.hpp"
#include "common/random.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::software
{

/// After every call: take_changes() become signals, take_reports() log entries, saved() goes into the file.
class SoftwareModel
{
  public:
    using FileExists = std::function<bool(const std::filesystem::path&)>;

    /// Driver and random source outlive the model. `minimum`: the rule of settings.least_bmc_version.
    SoftwareModel(config::Software settings, std::optional<MinimumVersion> minimum, ActivationDriver& driver,
                  RandomSource& random);

    /// Once, before anything else: what was saved, and what runs. Uploads whose file is gone are forgotten; what was
    /// being activated has failed.
    void start(SavedState state, const std::vector<Running>& running, const FileExists& exists);

    // Uploads.

    /// The id for an image that somebody has looked into. Errors: already_exists, invalid_argument,
    /// too_many_resources.
    [[nodiscard]] Outcome<std::string> choose_id(const ImageFacts& facts);

    /// Shows it, Ready or Invalid. The id is fresh from choose_id.
    void publish(const std::string& id, ImageFacts facts, StagedImage image);

    /// Software.Update.StartUpdate: the new object's id; the image is to be looked into, then `inspected` or `unusable`
    /// is called. Errors: unavailable (who is in the way), invalid_argument (the apply time), too_many_resources.
    [[nodiscard]] Outcome<std::string> start_update(std::shared_ptr<const File> descriptor, ApplyTime apply_time);
    void inspected(const std::string& id, ImageFacts facts);
    void unusable(const std::string& id, Refusal reason);

    // Methods and properties.

    /// RequestedActivation. Errors: resource_not_found; unavailable (who holds the update session), those of the
    /// driver: nothing is stored then, so that the same request may come again.
    [[nodiscard]] Outcome<void> request(const std::string& id, RequestedActivation requested);

    /// RedundancyPriority of an active version, with the cascade. Errors: resource_not_found, not_allowed.
    [[nodiscard]] Outcome<void> set_priority(const std::string& id, std::uint8_t priority);

    /// What it gets when it becomes active. Error: resource_not_found.
    [[nodiscard]] Outcome<void> set_requested_priority(const std::string& id, std::uint8_t priority);

    /// Object.Delete. Errors: resource_not_found, not_allowed (it runs), unavailable (it is being activated).
    [[nodiscard]] Outcome<void> erase(const std::string& id);

    /// Collection.DeleteAll: all but what runs and what is being activated; none: of every device.
    void erase_all(std::optional<Device> device);
    void set_apply_time(ApplyTime apply_time);

    // Events of the update session.
    void progressed(const std::string& id, std::uint8_t percent);
    void succeeded(const std::string& id);
    void gave_up(const std::string& id, Refusal reason);

    // Somebody else's update, by IPMI: one at a time. It is shown as a version that nobody has looked into yet.
    void progressed_elsewhere(std::uint8_t percent);
    void gave_up_elsewhere(Refusal reason);

    /// A version that came another way is in its place. Without a version: only that it is over.
    void programmed_elsewhere(const ImageFacts& facts);

    /// What runs, when that may have changed without a restart of the agent: a host's firmware, a version that was not
    /// known yet. Devices that are not told of stay as they are.
    void running(const std::vector<Running>& running);

    // What is there.
    [[nodiscard]] const Versions& versions() const
    {
        return versions_;
    }
    [[nodiscard]] ApplyTime apply_time() const
    {
        return apply_time_;
    }
    [[nodiscard]] const Objects& objects() const
    {
        return shown_;
    }
    [[nodiscard]] SavedState saved() const;

    /// Since the last call, in their order.
    [[nodiscard]] std::vector<Change> take_changes();

    /// What a person should read: errors that no caller waits for.
    [[nodiscard]] std::vector<Refusal> take_reports();

  private:
    [[nodiscard]] Version* find(const std::string& id);
    [[nodiscard]] Outcome<std::string> fresh_id(config::IdRule rule, IdParts parts);
    [[nodiscard]] std::uint32_t salt();
    bool fire(Version& version, Event event);

    void restore(Version version, const FileExists& exists);
    void note_all_running(const std::vector<Running>& running);
    void note_running(const Running& running);
    void drop_replaced(Device device);
    void mark_updateable(Device device);

    [[nodiscard]] std::optional<Refusal> obstacle() const;
    [[nodiscard]] Outcome<void> activate(Version& version);
    void begin_activation(Version& version);
    void conclude(Version& version);
    void give_up(Version& version);
    void end_elsewhere();
    void free_space(const Version& caller);
    void drop(const std::string& id);
    void forget(const std::string& id);
    void install(Version& version);
    void rank(const Version& version, std::uint8_t priority);
    [[nodiscard]] std::optional<std::string> first_of(Device device);
    void tell_boot_order(Device device);
    void commit();

    config::Software settings_;
    std::optional<MinimumVersion> minimum_;
    ActivationDriver* driver_;
    RandomSource* random_;
    Versions versions_;
    ApplyTime apply_time_{ApplyTime::on_reset};
    std::map<Device, std::string> first_; ///< ids, as last told to the driver
    std::string elsewhere_;               ///< id of what shows somebody else's update; empty: there is none
    Objects shown_;                       ///< as of the last commit
    std::vector<Change> changes_;
    std::vector<Refusal> reports_;
};

} // namespace fwupdate::agent::software
