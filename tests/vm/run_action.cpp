// Runs one action, made as the agent makes it, and prints each of its reports: `running 42`, `failed: why`. For
// machines whose systemd is to be asked.
//   run_action [--patience S] [--abort-after MS] [--repeat N] [--await FILE] SLOT JSON
// SLOT: preparation, verification or update; JSON: the action as the configuration has it. FILE must be there before a
// repetition. The last line tells how long the loop was busy at a stretch, at most. Ends with 0 when the last run has
// succeeded.
#include "bmc-agent/actions/action_table.hpp"
#include "bmc-agent/config/sections.hpp"
#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/process/signals.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <iostream>
#include <string_view>

using namespace fwupdate;
using namespace fwupdate::agent;
using std::chrono::milliseconds;

namespace
{

struct Arguments
{
    std::string slot;
    std::string json;
    std::uint32_t patience{60};   ///< seconds
    std::uint32_t abort_after{0}; ///< milliseconds; 0: never
    std::uint32_t repeat{1};
    std::string await; ///< a file; empty: none
};

std::optional<config::Action> read_action(const Arguments& arguments)
{
    config::Findings findings;
    const auto document = config::parse_document(R"({")" + arguments.slot + R"(": )" + arguments.json +
                                                     R"(, "patience": )" + std::to_string(arguments.patience) + "}",
                                                 findings);
    std::optional<config::Actions> actions;
    if (document)
    {
        config::read_actions(config::ObjectReader{{&*document, ""}, findings}, actions);
    }
    std::cerr << findings.report("run_action");
    if (!findings.clean() || !actions)
    {
        return std::nullopt;
    }
    return arguments.slot == "update"         ? actions->update
           : arguments.slot == "verification" ? actions->verification
                                              : actions->preparation;
}

/// One action on a loop.
class Runner
{
  public:
    Runner(boost::asio::io_context& context, const config::Action& action, const Arguments& arguments)
        : context_{&context},
          arguments_{arguments},
          bus_{dbus::make_bus(context)},
          timer_{context},
          heart_{context},
          action_{make_action(action, {&context, bus_.get(), std::chrono::seconds{arguments.patience}})},
          left_{arguments.repeat}
    {
    }

    void begin()
    {
        beat();
        start();
    }

    [[nodiscard]] bool succeeded() const
    {
        return action_->report().state == ActionState::succeeded;
    }
    [[nodiscard]] milliseconds longest_beat() const
    {
        return longest_;
    }

  private:
    void start()
    {
        action_->start(
            {.target = "test", .image = "/image", .size = 1, .sha256 = {}, .version = "1", .parameters = 0},
            [this](TimePoint) { tell(); }, Clock::now());
        tell();
        if (arguments_.abort_after != 0)
        {
            after(arguments_.abort_after,
                  [this]
                  {
                      action_->abort();
                      tell();
                  });
        }
    }

    void after(std::uint32_t pause, std::function<void()> then)
    {
        timer_.expires_after(milliseconds{pause});
        timer_.async_wait(
            [then = std::move(then)](boost::system::error_code stopped)
            {
                if (!stopped)
                {
                    then();
                }
            });
    }

    void tell()
    {
        constexpr std::array words{"idle", "running", "succeeded", "failed"};
        const ActionReport& report = action_->report();
        std::cout << words.at(static_cast<std::size_t>(report.state))
                  << (report.percent ? " " + std::to_string(*report.percent) : "")
                  << (report.text.empty() ? "" : ": " + report.text) << std::endl; // NOLINT(performance-avoid-endl)
        if (report.state == ActionState::running)
        {
            return;
        }
        --left_;
        if (left_ != 0)
        {
            repeat();
            return;
        }
        after(300, [this] { context_->stop(); }); // what an abort sends is to leave
    }

    void repeat()
    {
        const bool now = arguments_.await.empty() || std::filesystem::exists(arguments_.await);
        after(now ? 0 : 50, [this, now] { now ? start() : repeat(); });
    }

    /// Every 10 ms; a loop that is busy beats later.
    void beat()
    {
        const auto begun = Clock::now();
        heart_.expires_after(milliseconds{10});
        heart_.async_wait(
            [this, begun](boost::system::error_code stopped)
            {
                longest_ = std::max(longest_, std::chrono::duration_cast<milliseconds>(Clock::now() - begun));
                if (!stopped)
                {
                    beat();
                }
            });
    }

    boost::asio::io_context* context_;
    Arguments arguments_;
    std::unique_ptr<dbus::Bus> bus_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer heart_;
    std::unique_ptr<Action> action_;
    std::uint32_t left_;
    milliseconds longest_{};
};

} // namespace

int main(int argc, char** argv)
{
    set_signal_actions();
    Arguments arguments;
    CLI::App app{"Runs one action"};
    app.add_option("slot", arguments.slot)->required();
    app.add_option("json", arguments.json)->required();
    app.add_option("--patience", arguments.patience);
    app.add_option("--abort-after", arguments.abort_after);
    app.add_option("--repeat", arguments.repeat);
    app.add_option("--await", arguments.await);
    CLI11_PARSE(app, argc, argv);
    const auto action = read_action(arguments);
    if (!action)
    {
        return 2;
    }
    boost::asio::io_context context;
    Runner runner{context, *action, arguments};
    runner.begin();
    context.run();
    std::cout << "busy at most " << runner.longest_beat().count() << " ms\n";
    return runner.succeeded() ? 0 : 1;
}
