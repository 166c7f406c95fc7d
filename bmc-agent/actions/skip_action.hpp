// "skip": nothing is to be done, and that succeeds.
#pragma once

#include "bmc-agent/actions/action.hpp"

namespace fwupdate::agent
{

class SkipAction final : public Action
{
  public:
    void start(const ActionSubject& /*subject*/, Changed /*changed*/, TimePoint /*now*/) override
    {
        report_.state = ActionState::succeeded;
    }
    [[nodiscard]] const ActionReport& report() const override
    {
        return report_;
    }
    void abort() noexcept override
    {
        report_.state = ActionState::idle;
    }

  private:
    ActionReport report_;
};

} // namespace fwupdate::agent
