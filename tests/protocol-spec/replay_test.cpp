// The transcripts, byte for byte, against the agent's update session.
#include "transcript.hpp"

#include "tests/bmc-agent/update/update_bench.hpp"

#include <map>

using namespace fwupdate;
using namespace fwupdate::test;

namespace
{

/// Plays one transcript: keeps the sessions and the clock.
class Replay
{
  public:
    void play(const std::string& name)
    {
        for (const Step& step : load_transcript(name))
        {
            std::visit([&](const auto& what) { run(what); }, step);
        }
    }

  private:
    void run(const UseSession& step)
    {
        if (!sessions_.contains(step.name))
        {
            sessions_[step.name] = ++last_session_;
        }
        present_ = step.name;
    }

    void run(const CloseSession& step)
    {
        bench_.session().session_closed(1, sessions_.at(step.name), bench_.now);
        sessions_.erase(step.name);
    }

    void run(const Wait& step)
    {
        bench_.pass(step.time);
    }

    void run(const Exchange& exchange)
    {
        if (exchange.until)
        {
            bench_.work();
        }
        const Bytes request = placeholders_.fill(exchange);
        const auto outcome = bench_.send(lan_caller(sessions_.at(present_), present_),
                                         static_cast<protocol::Command>(exchange.command), ConstBytes{request});
        REQUIRE_MESSAGE(outcome.answer, "line ", exchange.line, ": no answer");
        const std::string wrong =
            placeholders_.match(exchange, outcome.response.completion_code, outcome.response.data);
        CHECK_MESSAGE(wrong.empty(), wrong);
    }

    UpdateBench bench_{protocol::Restart::nothing};
    std::map<std::string, std::uint32_t> sessions_;
    std::uint32_t last_session_{0x1000};
    std::string present_;
    Placeholders placeholders_;
};

} // namespace

TEST_CASE("the agent answers every transcript as the specification says")
{
    for (const char* name :
         {"base-update.txt", "base-states.txt", "extended-one-at-a-time.txt", "extended-resume.txt", "refusals.txt"})
    {
        SUBCASE(name)
        {
            Replay{}.play(name);
        }
    }
}
