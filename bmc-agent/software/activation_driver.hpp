// Who puts a version into the machine: the agent's update session, the same that updates by IPMI use.
#pragma once

#include "bmc-agent/software/errors.hpp"
#include "bmc-agent/software/version.hpp"

#include <optional>
#include <string>

namespace fwupdate::agent::software
{

class ActivationDriver
{
  public:
    virtual ~ActivationDriver() = default;

    /// Who holds update mode, as a person reads it; none: nobody.
    [[nodiscard]] virtual std::optional<std::string> holder() const = 0;

    /// Takes update mode and starts on the version's image; returns at once. What comes of it is told later, never from
    /// within: SoftwareModel::progressed, succeeded, gave_up. Errors: unavailable (the sentence says who holds update
    /// mode), those of opening the image. After an error nothing has changed.
    [[nodiscard]] virtual Outcome<void> start(const Version& version) = 0;

    /// The version is active: leaves update mode. Immediate: what the version needs is restarted; else that is left to
    /// whoever restarts it.
    virtual void conclude(const Version& version, ApplyTime apply_time) = 0;

    /// Removes an upload that nobody needs any more.
    virtual void discard(const StagedImage& image) = 0;

    /// Removes an active version that does not run from where it is installed.
    virtual void remove(const Version& version) = 0;

    /// Which version of a device is the first to be booted; called when it becomes another.
    virtual void boot_next(const Version& version) = 0;
};

} // namespace fwupdate::agent::software
