// A loop and what an action tells on it.
#pragma once

#include "bmc-agent/actions/action_table.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fwupdate::agent
{

/// Runs one action. Its reports are kept; the loop has a limit, so that nothing hangs.
struct ActionBench
{
    boost::asio::io_context context;
    ActionParts parts{.context = &context, .bus = nullptr, .patience = std::chrono::seconds{60}};
    std::unique_ptr<Action> action;
    std::vector<ActionReport> told;
    std::function<void()> then; ///< called after each of them

    void start(const ActionSubject& subject = {})
    {
        action->start(
            subject,
            [this](TimePoint)
            {
                told.push_back(action->report());
                if (then)
                {
                    then();
                }
            },
            Clock::now());
    }

    /// Until it holds, at most this long. Whether it holds.
    bool until(const std::function<bool()>& holds, std::chrono::milliseconds limit = std::chrono::seconds{20})
    {
        const auto end = Clock::now() + limit;
        context.restart();
        while (!holds() && Clock::now() < end)
        {
            context.run_for(std::chrono::milliseconds{5});
            context.restart();
        }
        return holds();
    }

    [[nodiscard]] bool running() const
    {
        return action->report().state == ActionState::running;
    }

    /// Until it has ended; its state.
    ActionState finish()
    {
        until([this] { return !running(); });
        return action->report().state;
    }

    [[nodiscard]] const std::string& text() const
    {
        return action->report().text;
    }
};

} // namespace fwupdate::agent
