// An update session with everything real but clock, randomness and child processes, driven by bytes as a channel does.
#pragma once

#include "bmc-agent/update/firmware_commands.hpp"
#include "bmc-agent/update/session.hpp"
#include "bmc-agent/verification/check_table.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace fwupdate::test
{

/// Counts upwards: every challenge is another one, and predictable for the test alone.
class CountingRandom final : public RandomSource
{
  public:
    void fill(MutableBytes out) override
    {
        for (std::uint8_t& byte : out)
        {
            byte = ++last_;
        }
    }

  private:
    std::uint8_t last_{};
};

/// Remembers the commands that were to run.
class RecordingRunner final : public agent::CommandRunner
{
  public:
    void run(const std::vector<std::string>& argv, std::function<void(const agent::CommandResult&)> done) override
    {
        ran.push_back(argv.front());
        if (takes_time)
        {
            running.push_back(std::move(done));
            return;
        }
        done(result);
    }

    /// Ends the command that has run for the longest time.
    void end(const agent::CommandResult& end)
    {
        const auto done = std::move(running.front());
        running.erase(running.begin());
        done(end);
    }

    std::vector<std::string> ran;
    bool takes_time{false}; ///< commands run on until `end`
    std::vector<std::function<void(const agent::CommandResult&)>> running;
    agent::CommandResult result{true, "1.0", {}};
};

inline agent::Caller lan_caller(std::uint32_t session, std::string user = "admin")
{
    return {.channel = 1,
            .kind = agent::ChannelKind::lan,
            .session = session,
            .user = std::move(user),
            .user_id = 1,
            .privilege = ipmi::Privilege::administrator,
            .max_message = protocol::largest_lan_message,
            .max_response = protocol::largest_response};
}

inline agent::Caller host_caller()
{
    return {.channel = 15,
            .kind = agent::ChannelKind::system_interface,
            .session = 0,
            .user = {},
            .user_id = 0,
            .privilege = ipmi::Privilege::administrator,
            .max_message = protocol::largest_system_interface_message,
            .max_response = 240};
}

inline config::Verification signatures_optional()
{
    config::Verification verification;
    verification.signature_required = false;
    return verification;
}

/// Which images the agent takes, and what is known of its targets "bios" (the default one) and "cpld".
struct Policy
{
    config::Verification verification = signatures_optional();
    config::Machine machine;
    std::function<void(config::Target& bios, config::Target& cpld)> change_targets;
    std::optional<std::chrono::system_clock::time_point> date;
    std::function<std::unique_ptr<agent::Action>(const config::Action&)> make_action;
};

class UpdateBench
{
  public:
    static constexpr std::uint64_t limit = 4 << 20;

    explicit UpdateBench(protocol::Restart restart = protocol::Restart::bmc, Policy policy = {})
        : restart_{restart}, policy_{std::move(policy)}
    {
        std::ofstream{target_path()} << "old firmware";
        start_agent();
    }

    /// A new agent on the same disk, as after a kill; `rebooted`: the kernel's boot is another one as well.
    void restart_agent(bool rebooted = false)
    {
        boot_ = static_cast<std::uint8_t>(boot_ + (rebooted ? 1 : 0));
        session_.reset();
        start_agent();
    }

    [[nodiscard]] agent::UpdateSession& session()
    {
        return *session_;
    }
    [[nodiscard]] std::filesystem::path target_path() const
    {
        return directory.path() / "bios.bin";
    }
    [[nodiscard]] std::string installed() const
    {
        return *agent::read_file(target_path(), limit);
    }

    /// Sends a command; gives completion code and data.
    agent::Outcome send(const agent::Caller& caller, protocol::Command command, ConstBytes data = {})
    {
        return table_->dispatch({ipmi::NetFn::firmware, 0, static_cast<std::uint8_t>(command), data}, caller, now);
    }
    template <codec::Message Request>
    agent::Outcome send(const agent::Caller& caller, protocol::Command command, const Request& request)
    {
        return send(caller, command, ConstBytes{codec::encode(request)});
    }

    /// The completion code of a command given in hexadecimal: "29 01".
    ipmi::CompletionCode code(const agent::Caller& caller, std::string_view hex)
    {
        const Bytes bytes = *from_hex(hex);
        return send(caller, static_cast<protocol::Command>(bytes[0]), ConstBytes{bytes}.subspan(1))
            .response.completion_code;
    }

    template <codec::Message Response>
    Response get(const agent::Caller& caller, protocol::Command command, ConstBytes data = {})
    {
        last_ = send(caller, command, data).response.data; // messages may view it
        const auto response = codec::decode_response<Response>(last_);
        REQUIRE(response.has_value());
        return *response;
    }

    protocol::UpdateState state(const agent::Caller& caller)
    {
        return get<protocol::GetUpdateStatusResponse>(caller, protocol::Command::get_update_status).state;
    }

    ipmi::CompletionCode enter(const agent::Caller& caller)
    {
        const auto number = get<protocol::GetRandomNumberResponse>(caller, protocol::Command::get_random_number);
        return send(caller, protocol::Command::enter_update_mode, protocol::EnterUpdateModeRequest{number.challenge})
            .response.completion_code;
    }

    std::string reason(const agent::Caller& caller)
    {
        const Bytes from_start{0, 0};
        return as_text(get<protocol::GetReasonResponse>(caller, protocol::Command::get_reason, from_start).text.view);
    }

    /// Replaces the newest entry of the log, for the next agent to find.
    void write_history(const agent::HistoryEntry& entry)
    {
        history_->update(entry);
    }

    /// Lets the agent do all the work it has.
    void work()
    {
        for (int slice = 0; session_->wants_work(); ++slice)
        {
            REQUIRE(slice < 10'000);
            session_->work(now);
        }
    }

    /// Time passes, deadlines are met.
    void pass(Duration duration)
    {
        const TimePoint end = now + duration;
        while (session_->deadline() && *session_->deadline() <= end)
        {
            now = std::max(now, *session_->deadline());
            session_->on_deadline(now);
        }
        now = end;
    }

    TemporaryDirectory directory;
    RecordingRunner runner;
    agent::TransportTable transports; ///< filled before the agent is started anew
    TimePoint now{std::chrono::hours{1}};

  private:
    void start_agent()
    {
        staging_ =
            std::make_unique<agent::Staging>(std::move(*agent::Staging::open(directory.path() / "staging", limit)));
        std::vector targets{target(1, "bios", target_path()), target(2, "cpld", directory.path() / "cpld.bin")};
        if (policy_.change_targets)
        {
            policy_.change_targets(targets[0], targets[1]);
        }
        agent::HandlerParts parts{&runner, {}, {}};
        if (policy_.make_action)
        {
            parts.make_action = [this](const config::Action& action, std::chrono::seconds)
            { return policy_.make_action(action); };
        }
        targets_ = std::make_unique<agent::Targets>(std::move(targets), std::uint8_t{1}, parts);
        trust_ = std::make_unique<agent::Trust>(std::move(*agent::Trust::load(policy_.verification)));
        floors_ = std::make_unique<agent::VersionFloors>(directory.path(), package::VersionScheme::usual());
        checks_ = agent::make_checks({limit, policy_.verification, agent::Places{*targets_, policy_.machine, *trust_},
                                      *floors_, [this] { return policy_.date; }, log_});
        history_ = std::make_unique<agent::History>(directory.path() / "history.json", log_);
        agent::UpdateSettings settings{
            .lease = {},
            .max_image_size = limit,
            .retention = std::chrono::hours{24},
            .persistent_staging = true,
            .takes_signatures = !policy_.verification.roots.empty(),
            .wants_cms = policy_.verification.signature_required && policy_.verification.system_keys.empty(),
            .wants_signatures = policy_.verification.signature_required,
            .boot_id = {boot_},
            .instance_id = {++instance_},
            .started = now,
            .wall_clock = [this] {
                return static_cast<std::uint64_t>(
                    std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
            }};
        session_ = std::make_unique<agent::UpdateSession>(
            settings,
            agent::UpdateParts{*staging_, *targets_, checks_, *floors_, *history_, runner, random_, log_, transports});
        table_ = std::make_unique<agent::CommandTable>();
        agent::add_base_commands(*table_, *session_);
        agent::add_extended_commands(*table_, *session_);
    }

    [[nodiscard]] config::Target target(std::uint8_t id, std::string name, std::filesystem::path path) const
    {
        config::Target target;
        target.id = id;
        target.name = std::move(name);
        target.type = "file";
        target.path = std::move(path);
        target.restart.what = restart_;
        if (restart_ != protocol::Restart::nothing)
        {
            target.restart.command = {"restart-" + target.name};
        }
        return target;
    }

    protocol::Restart restart_;
    Policy policy_;
    std::uint8_t boot_{1};
    std::uint8_t instance_{0};
    Bytes last_;
    CountingRandom random_;
    agent::NullLog log_;
    std::unique_ptr<agent::Staging> staging_;
    std::unique_ptr<agent::Targets> targets_;
    std::unique_ptr<agent::Trust> trust_;
    std::unique_ptr<agent::VersionFloors> floors_;
    agent::CheckChain checks_;
    std::unique_ptr<agent::History> history_;
    std::unique_ptr<agent::UpdateSession> session_;
    std::unique_ptr<agent::CommandTable> table_;
};

} // namespace fwupdate::test
