// The update session: the only owner of the state. It has no socket, no clock and no thread; commands and events come
// in with `now`, work is done in slices when the shell has time, and the next deadline comes out.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/process/command_runner.hpp"
#include "bmc-agent/staging/staging.hpp"
#include "bmc-agent/targets/target.hpp"
#include "bmc-agent/update/challenge.hpp"
#include "bmc-agent/update/history.hpp"
#include "bmc-agent/update/inflow.hpp"
#include "bmc-agent/update/tenure.hpp"
#include "bmc-agent/update/transport_table.hpp"
#include "bmc-agent/update/trials.hpp"
#include "bmc-agent/update/uri_parameters.hpp"
#include "bmc-agent/verification/check.hpp"
#include "bmc-agent/verification/fitness_checks.hpp"
#include "common/random.hpp"
#include "protocol-spec/messages.hpp"
#include "protocol-spec/state_table.hpp"
#include "transports/stream/bmc/receiver.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// What does not change while the agent runs.
struct UpdateSettings
{
    config::Lease lease;
    std::uint64_t max_image_size{}; ///< bytes
    std::chrono::seconds retention{};
    bool persistent_staging{};
    bool takes_signatures{}; ///< 4Eh is served
    bool wants_cms{};        ///< nothing is programmed without a CMS signature
    bool wants_signatures{}; ///< nothing is programmed that nobody vouches for
    protocol::Identifier boot_id{};
    protocol::Identifier instance_id{};
    TimePoint started;
    std::function<std::uint64_t()> wall_clock; ///< seconds since 1970, UTC
};

/// What the session works with; all of it outlives the session.
struct UpdateParts
{
    Staging& staging;
    Targets& targets;
    CheckChain& checks;
    const VersionFloors& floors;
    History& history;
    CommandRunner& runner;
    RandomSource& random;
    Log& log;
    const TransportTable& transports;
};

/// The last failure or refusal (47h).
struct Reason
{
    protocol::ReasonCode code{};
    protocol::UpdateState phase{};
    std::string text; ///< at most protocol::largest_response bytes

    /// Cuts the text to what a response carries.
    void fit();
};

class UpdateSession final : private transports::FetchSink
{
  public:
    static constexpr std::uint16_t window_blocks = 32;                        ///< incomplete blocks, 64 KiB each
    static constexpr std::uint16_t window = 1024;                             ///< fragments outstanding on LAN
    static constexpr Duration held_interval = std::chrono::milliseconds{200}; ///< between looks at what holds a restart
    static constexpr Duration longest_hold = std::chrono::minutes{2};
    static constexpr Duration restart_delay = std::chrono::seconds{2}; ///< when Close Session does not come

    UpdateSession(UpdateSettings settings, UpdateParts parts);
    UpdateSession(const UpdateSession&) = delete;
    UpdateSession& operator=(const UpdateSession&) = delete;
    ~UpdateSession() override;

    // Commands. Each answers its completion code; ownership, state and lease are checked inside.
    [[nodiscard]] protocol::Challenge issue_challenge(const Caller& caller, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode enter(const Caller& caller, const protocol::Challenge& challenge, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode take_over(const Caller& caller, const protocol::TakeOverRequest& request,
                                                 TimePoint now);
    [[nodiscard]] ipmi::CompletionCode exit(const Caller& caller, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode set_options(const Caller& caller,
                                                   const protocol::SetUpdateOptionsRequest& request, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode
    set_parameters(const Caller& caller, const protocol::SetUpdateParametersRequest& request, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode
    write_signature(const Caller& caller, const protocol::WriteSignaturePartRequest& request, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode start(const Caller& caller, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode begin_transfer(const Caller& caller,
                                                      const protocol::BeginTransferRequest& request, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode write(const Caller& caller, ConstBytes data, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode complete(const Caller& caller, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode abort(const Caller& caller, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode set_uri(const Caller& caller, std::string_view uri, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode set_uri_parameters(const Caller& caller, const UriParameters& parameters,
                                                          TimePoint now);
    [[nodiscard]] ipmi::CompletionCode attach_usb(const Caller& caller, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode detach_usb(const Caller& caller, TimePoint now);

    [[nodiscard]] ipmi::CompletionCode confirm_update(const Caller& caller,
                                                      const protocol::ConfirmUpdateRequest& request, TimePoint now);

    // The flash blobs' way (bmc-agent/update/flash_blobs): base stream to a chosen target, which waits behind
    // verification for the word to program. Completion codes as for the commands beside.
    [[nodiscard]] ipmi::CompletionCode start_held(const Caller& caller, Target& target, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode append(const Caller& caller, ConstBytes data, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode expect_digest(const Caller& caller, const Sha256& digest, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode replace_signature(const Caller& caller, ConstBytes signature, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode go_on(const Caller& caller, TimePoint now);

    // The way of the BMC's own programs (bmc-agent/update/session_activation): an image that they hand over, to
    // whatever targets it says itself. `size`: bytes. Leaving says whether what needs a restart gets it now or is left
    // to wait.
    // `expected`: what the image was taken for when it was looked into; another one is refused.
    [[nodiscard]] ipmi::CompletionCode start_local(const Caller& caller, std::uint64_t size, ExpectedImage expected,
                                                   TimePoint now);
    [[nodiscard]] ipmi::CompletionCode append_local(const Caller& caller, ConstBytes data, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode exit_local(const Caller& caller, bool restart, TimePoint now);

    /// Drops what former updates have staged, if nobody holds the mode.
    void clean_up();

    /// The owner will not be heard of any more: the mode is left, as by 28h, when what runs has ended.
    void leave_at_end()
    {
        leaves_at_end_ = true;
    }

    /// Verified, waits for the word to program.
    [[nodiscard]] bool is_held_back() const
    {
        return state_ == protocol::UpdateState::verify && verify_step_ == VerifyStep::held;
    }

    /// Another number whenever the mode is entered, left or taken over.
    [[nodiscard]] std::uint64_t tenure_number() const
    {
        return tenure_number_;
    }

    /// Whether the caller may change the update, or begin one.
    [[nodiscard]] bool admits(const Caller& caller) const
    {
        return tenure_.held() ? tenure_.would_admit(caller) : !restart_ && !restarting_;
    }

    /// Who keeps a newcomer from entering, in words for people; none: nobody.
    [[nodiscard]] std::optional<std::string> holder() const;

    /// What is programmed, or was; none before verification has found it.
    [[nodiscard]] const std::vector<Component>& components() const
    {
        return components_;
    }

    /// One fragment of the extended stream; the outcome may be silence.
    [[nodiscard]] Outcome write_fragment(const Caller& caller, const protocol::WriteFragmentRequest& request,
                                         TimePoint now);

    /// Any command of the owner's renews the lease, queries included.
    void touch(const Caller& caller, TimePoint now)
    {
        tenure_.touch(caller, now);
    }

    // Queries.
    [[nodiscard]] protocol::GetUpdateStatusResponse status() const;
    [[nodiscard]] protocol::GetUpdateSessionResponse describe(const Caller& caller, TimePoint now) const;
    [[nodiscard]] protocol::BeginTransferResponse transfer() const;
    [[nodiscard]] std::vector<Finding> plan(const UpdateRequest& request, ConstBytes header) const;

    /// What else an update would meet now: the mode held by another, too little space.
    [[nodiscard]] std::vector<Finding> find_circumstances(const Caller& caller, const Target& target,
                                                          std::uint64_t size) const;
    [[nodiscard]] std::uint8_t flags() const
    {
        return static_cast<std::uint8_t>(flags_ | (attached() ? protocol::flag_usb_attached : 0));
    }
    [[nodiscard]] std::uint8_t options() const;
    [[nodiscard]] std::uint16_t parameters() const
    {
        return request_.parameters;
    }
    [[nodiscard]] std::uint8_t target_id() const;
    [[nodiscard]] const Reason& reason() const
    {
        return reason_;
    }
    [[nodiscard]] const UpdateSettings& settings() const
    {
        return settings_;
    }
    [[nodiscard]] Targets& targets() const
    {
        return parts_.targets;
    }
    [[nodiscard]] const History& history() const
    {
        return parts_.history;
    }
    [[nodiscard]] const Trials& trials() const
    {
        return trials_;
    }
    [[nodiscard]] const Staging& staging() const
    {
        return parts_.staging;
    }
    [[nodiscard]] const TransportTable& transports() const
    {
        return parts_.transports;
    }

    /// By which the present image comes; none: there is no transfer.
    [[nodiscard]] protocol::Transport transport() const
    {
        return transport_;
    }
    [[nodiscard]] protocol::UpdateState state() const
    {
        return state_;
    }

    /// What is due for a restart waits as long as this says so.
    void hold_restarts(std::function<bool()> held)
    {
        restarts_held_ = std::move(held);
    }

    /// Each is called after every command, event and slice of work: there may be work to do, or a nearer deadline.
    void on_activity(std::function<void()> listener)
    {
        listeners_.push_back(std::move(listener));
    }
    void notify() const
    {
        for (const auto& listener : listeners_)
        {
            listener();
        }
    }

    // Events.
    void session_closed(std::uint8_t channel, std::uint32_t session, TimePoint now);

    /// The next moment on_deadline has something to do; none: never.
    [[nodiscard]] std::optional<TimePoint> deadline() const;
    void on_deadline(TimePoint now);

    /// Whether a slice of work is left, and doing one (some hundred KiB).
    [[nodiscard]] bool wants_work() const;
    void work(TimePoint now);

  private:
    /// Where verification is. Behind the checks each component comes to `preparing`, `handing_over` and `vouching`.
    enum class VerifyStep : std::uint8_t
    {
        checks,
        preparing,    ///< the target's preparation must have ended
        handing_over, ///< the image is put where actions find it
        vouching,     ///< the target's verification action runs
        held,         ///< all passed; the word to program is waited for
    };

    /// A restart that waits for Close Session or its time.
    struct PendingRestart
    {
        std::vector<Target*> targets;
        std::uint8_t channel{};
        std::uint32_t session{};
        TimePoint due;
        std::optional<TimePoint> last_try{}; ///< once it was held back: then it is tried in any case
    };

    // FetchSink
    [[nodiscard]] bool knows_digest() const override
    {
        return request_.sha256.has_value();
    }
    [[nodiscard]] std::uint64_t present() const override;
    [[nodiscard]] Result<void> expect(std::uint64_t size, TimePoint now) override;
    [[nodiscard]] Result<void> go_on_at(std::uint64_t offset, TimePoint now) override;
    [[nodiscard]] Result<void> accept(ConstBytes bytes, TimePoint now) override;
    void finished(transports::FetchResult result, TimePoint now) override;

    [[nodiscard]] ipmi::CompletionCode admit(const Caller& caller, protocol::Event event, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode admit_while_open(const Caller& caller, protocol::Event event, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode set_expectation(const protocol::UriExpectation& expectation);
    [[nodiscard]] ipmi::CompletionCode complete_by_uri(TimePoint now);
    [[nodiscard]] std::optional<Reason> find_obstacle(std::uint64_t size) const;
    void start_fetch();
    void stop_fetch();
    [[nodiscard]] bool attached() const;
    void plug_out();
    void drop_drive();
    void watch_drive(bool watch);
    void fire(protocol::Event event, TimePoint now);
    void act(protocol::Action action, TimePoint now);
    void fail_update(Reason reason, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode refuse_start(Reason reason, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode refuse_policy(protocol::ReasonCode code, std::string text,
                                                     ipmi::CompletionCode completion_code);

    [[nodiscard]] std::optional<Reason> open_stream(const Caller& caller,
                                                    const protocol::BeginTransferRequest& request);
    [[nodiscard]] std::optional<InPlace> own_place_of(Target& target);
    [[nodiscard]] Result<void> begin_component(Component& component);
    [[nodiscard]] std::uint16_t new_transfer();
    void reset_request();
    void close_transfer();
    void drop_transfer(std::string why, TimePoint now);
    void open_log_entry(const Caller& caller);
    void close_log_entry(protocol::UpdateResult result, const Reason& reason);
    void start_program(TimePoint now);
    void program_component(TimePoint now);
    [[nodiscard]] static Result<bool> write_slice(Component& component);
    void component_written(TimePoint now);
    void component_programmed(TimePoint now);

    void prepare(Target& target, TimePoint now);
    void run_action(Action* action, const ActionSubject& subject, TimePoint now);
    [[nodiscard]] ActionSubject subject_of(const Target& target, const Component* component) const;
    void action_changed(TimePoint now);
    void look_at_preparations(TimePoint now);
    [[nodiscard]] Action* awaited_action() const;
    [[nodiscard]] bool ended_well(const Action* action, const Target& target, std::string_view what, TimePoint now);
    void components_found(TimePoint now);
    [[nodiscard]] bool is_as_expected(const Component& component) const;
    void work_on_component(TimePoint now);
    void begin_handing_over(Component& component, TimePoint now);
    void hand_over(Component& component, TimePoint now);
    void begin_vouching(const Component& component, TimePoint now);
    void next_component(TimePoint now);
    void abort_actions();
    [[nodiscard]] ipmi::CompletionCode open_unnamed(const Caller& caller, protocol::Transport transport, TimePoint now);
    [[nodiscard]] ipmi::CompletionCode append_to(protocol::Transport transport, const Caller& caller, ConstBytes data,
                                                 TimePoint now);
    [[nodiscard]] protocol::Event exit_event() const;
    void leave_if_wanted(TimePoint now);
    void finish_component();
    [[nodiscard]] std::string programmed_before() const;
    [[nodiscard]] static std::string wreck_of(const Target& target);
    void forget_images();
    void raise_host_floors();
    void finish();
    [[nodiscard]] std::vector<Target*> to_restart() const;
    void raise_floor(const HistoryEntry& entry);
    void drop_staged();
    [[nodiscard]] protocol::Event lease_event() const;
    void leave();
    void schedule_restart(TimePoint now);
    void run_restart(TimePoint now);
    void restart_next(const std::vector<Target*>& targets, TimePoint now);
    void restarted(const std::vector<std::string>& names, const std::string& failure,
                   const std::vector<Target*>& others, TimePoint now);
    void reboot(Target& target, const std::vector<std::string>& names, const std::vector<Target*>& others,
                TimePoint now);
    void expect_installed(Target& target);
    void settle_former_updates();
    void settle_unfinished(HistoryEntry& entry) const;
    void settle_installed(Target& target);
    void settle_by_versions();
    void judge_by_version(HistoryEntry& entry, const Target& target);
    [[nodiscard]] bool judge(HistoryEntry& entry, Target& target);
    void mark_restarted(const std::string& target, bool restarted, const std::string& remark);
    void restart_failed(const std::string& target, const std::string& failure);

    void work_on_digest(TimePoint now);
    void work_on_verification(TimePoint now);
    void work_on_checks(TimePoint now);
    [[nodiscard]] bool wants_update_work() const;
    void work_on_programming(TimePoint now);
    [[nodiscard]] Target* target_with_work() const;
    [[nodiscard]] Trials::Parts parts_of_trials();
    void look_at_slots(TimePoint now);
    void note_slot();
    void restart_former(Target& target, TimePoint now);

    [[nodiscard]] std::uint8_t percent() const;
    [[nodiscard]] std::uint64_t done() const;
    [[nodiscard]] double programmed_share() const;
    [[nodiscard]] double acted_share() const;
    [[nodiscard]] protocol::IntegrityCheck integrity() const;

    UpdateSettings settings_;
    UpdateParts parts_;
    ChallengeBook challenges_;
    Tenure tenure_;
    Verification verification_;
    protocol::UpdateState state_{protocol::UpdateState::init};
    protocol::IntegrityCheck integrity_result_{}; ///< good or failed once known
    protocol::Transport transport_{};
    std::uint8_t flags_{};              ///< without flag_usb_attached, which the drive itself tells
    UpdateRequest asked_;               ///< what 2Bh and 43h have set since the mode was entered
    UpdateRequest request_;             ///< of the transfer; without one the same as asked_
    std::optional<Sha256> verified_;    ///< of the staged image, once every check has passed
    std::vector<Component> components_; ///< to be programmed, once every check has passed
    std::size_t programmed_{};          ///< of them
    VerifyStep verify_step_{};
    std::size_t vouched_{};         ///< components that are verified to the end
    bool acting_{false};            ///< the component is written, its update action runs
    Target* in_place_{};            ///< where the open transfer gathers; nullptr: in staging
    bool handed_over_{false};       ///< to actions, of an update that has not ended yet
    std::vector<Target*> prepared_; ///< whose preparation was started for this transfer
    bool holds_{false};             ///< the transfer waits for the word to program
    bool leaves_at_end_{false};
    std::uint64_t tenure_number_{};
    std::uint16_t signature_size_{}; ///< of 4Eh, bytes; 0: none
    Bytes signature_;                ///< as far as it has come
    Reason reason_;
    std::optional<stream::StreamReceiver> receiver_;
    transports::FetchOrder order_;           ///< of 29h-4 and 4Dh; no URI: nothing is to be fetched
    std::string uri_;                        ///< the order's as people may see it
    std::uint64_t expected_size_{};          ///< of 4Dh, bytes; 0: unknown
    transports::Fetcher* fetching_{nullptr}; ///< at work between 29h-2 and its end
    Inflow inflow_;
    std::uint16_t transfer_{};
    std::uint16_t fragment_size_{};
    std::optional<HistoryEntry> entry_; ///< of the update under way
    std::optional<PendingRestart> restart_;
    std::function<bool()> restarts_held_;
    bool restarting_{false}; ///< its commands run
    TimePoint next_purge_;
    std::vector<std::function<void()>> listeners_;
    Trials trials_;
};

} // namespace fwupdate::agent
