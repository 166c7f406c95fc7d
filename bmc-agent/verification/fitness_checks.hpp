// Whether an image is meant for this machine, and new enough for it.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "bmc-agent/verification/form.hpp"
#include "common/package/version/floor.hpp"
#include "common/package/version/version.hpp"

#include <filesystem>
#include <memory>

namespace fwupdate::agent
{

/// The floors of all targets: what must not be gone below, whatever a client asks for.
class VersionFloors
{
  public:
    VersionFloors(std::filesystem::path directory, package::VersionScheme scheme);

    [[nodiscard]] const package::VersionScheme& scheme() const
    {
        return scheme_;
    }

    /// Errors: denied (below the floor), those of VersionFloor::load and check.
    [[nodiscard]] Result<void> check(const config::Target& target, const package::FloorLevel& image) const;

    /// To what runs and has proved itself. Errors: those of VersionFloor::raise.
    [[nodiscard]] Result<void> raise(const std::string& target, const package::FloorLevel& running) const;

  private:
    std::filesystem::path directory_;
    package::VersionScheme scheme_;
};

/// MachineName and CompatibleName of a tarball; a PLDM package's descriptors were compared when it was read.
[[nodiscard]] std::unique_ptr<Check> make_machine_check(const config::Verification& settings,
                                                        const config::Machine& machine);

/// No-downgrade, minimum versions and floors, for each component.
[[nodiscard]] std::unique_ptr<Check> make_version_check(const config::Verification& settings, Places places,
                                                        const VersionFloors& floors);

} // namespace fwupdate::agent
