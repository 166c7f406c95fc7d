// What the update session tells of updates: of those that the model asked for, by the version's id, and of those that
// came another way, by IPMI.
#pragma once

#include "bmc-agent/software/errors.hpp"
#include "bmc-agent/software/version.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fwupdate::agent::software
{

/// Called from the agent's loop, never from within a call of ActivationDriver.
class ActivationEvents
{
  public:
    ActivationEvents() = default;
    ActivationEvents(const ActivationEvents&) = delete;
    ActivationEvents& operator=(const ActivationEvents&) = delete;
    virtual ~ActivationEvents() = default;

    /// `percent`: 0..100, of the whole update.
    virtual void progressed(const std::string& id, std::uint8_t percent) = 0;
    virtual void succeeded(const std::string& id) = 0;
    virtual void gave_up(const std::string& id, Refusal reason) = 0;

    /// Somebody else's update: an image comes, is verified, is programmed; then it ends one way or the other. One at a
    /// time.
    virtual void progressed_elsewhere(std::uint8_t percent) = 0;
    virtual void programmed_elsewhere(const ImageFacts& facts) = 0;
    virtual void gave_up_elsewhere(Refusal reason) = 0;

    /// What runs may be another version than before.
    virtual void running(const std::vector<Running>& versions) = 0;
};

} // namespace fwupdate::agent::software
