// A BMC with the extended profile as the specification's tables describe it, written for the client's tests: it keeps
// the bytes it was sent, and can be told to lose answers, forget sessions, restart and fail.
#pragma once

#include "ipmitool-plugin/client/port.hpp"
#include "protocol-spec/messages.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fwupdate::test
{

class FakeBmc final : public client::Port
{
  public:
    FakeBmc();

    // ---- Port
    [[nodiscard]] const client::PortFacts& facts() const override
    {
        return port_facts;
    }
    Result<ipmi::Response> exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data,
                                    client::Patience patience) override;
    Result<void> reopen(int seconds) override;
    std::unique_ptr<client::StreamLink> open_stream() override
    {
        return nullptr;
    }

    // ---- what the test arranges
    enum class Loss : std::uint8_t
    {
        none,
        request,
        answer,
    };
    /// Asked for every command; what is lost, and any mischief of the test's own.
    std::function<Loss(protocol::Command)> on_command;

    client::PortFacts port_facts;
    protocol::GetCapabilitiesResponse capabilities;
    std::vector<protocol::GetTargetInfoResponse> targets;
    protocol::GetUpdateSessionResponse session; ///< flags are those for a client that is not the owner
    protocol::GetVerdictResponse verdict;       ///< of target 1; boot and instance of all
    protocol::GetReasonResponse reason;
    std::string reason_text;
    std::vector<protocol::GetUpdateLogResponse> log;
    std::vector<std::string> log_texts;
    protocol::PlanVerdict plan_verdict{}; ///< would_accept: what it is at and what is installed are looked at too
    protocol::ReasonCode plan_reason{};
    std::string plan_text;
    ipmi::CompletionCode plan_code{};
    std::size_t swallowed_above{SIZE_MAX}; ///< bytes: longer requests get lost on the way
    /// What a package has in it for a target: `size` bytes from `offset` on.
    struct Component
    {
        std::uint8_t target{};
        std::size_t offset{};
        std::size_t size{};
    };
    std::vector<Component> package;                   ///< what every image is; empty: a plain image
    std::set<std::uint8_t> provisional;               ///< targets
    std::optional<ipmi::CompletionCode> confirm_code; ///< of 4Fh; none: it is not served
    int kept_after{0};                                ///< so many Get Verdict after 4Fh the version is kept; -1: never
    bool unhealthy{false};                            ///< then it falls back, whatever was said
    std::set<std::uint8_t> keeps_old;                 ///< targets whose old image a restart brings back
    int host_after{0};                                ///< so many Get Verdict after exit the host restarts; 0: never
    std::optional<Bytes> signature_wanted;            ///< verify refuses an image without it
    ipmi::CompletionCode begin_code{};                ///< of 44h
    ipmi::CompletionCode complete_code{};             ///< of 29h-2
    std::optional<protocol::UpdateState> fails_at;    ///< state that ends in error, with `reason`
    int polls_per_state{2};
    bool stalled{false};    ///< verify never moves
    int reopen_failures{0}; ///< so many attempts fail first
    int restart_after{0};   ///< so many Get Verdict after exit the BMC restarts; 0: never
    bool falls_back{false}; ///< the restart brings the old image back
    int busy_entries{0};    ///< so many Set FW Update Mode are refused because a restart is due
    int starting{0};        ///< so many messages are answered D2h: something else answers in the BMC's place
    int damaged_blocks{0};  ///< so many blocks are answered "check failed"
    protocol::GetUsbDriveResponse drive; ///< shown while it is plugged in; an empty serial: it can't be (80h)
    std::function<Bytes()> read_drive;   ///< what the BMC finds on the drive; empty: it has no such file
    /// What a network URI brings; none: the fetch fails with `reason`.
    std::function<std::optional<Bytes>(const std::string& uri)> fetch_uri;
    ipmi::CompletionCode start_code{};      ///< of 29h-1
    ipmi::CompletionCode uri_code{};        ///< of 29h-4
    ipmi::CompletionCode parameters_code{}; ///< of 4Dh
    int fetch_polls{4};                     ///< so many Get Update Session until a fetch is through
    bool hides_size{false};                 ///< the server does not tell how large it is

    // ---- what the test looks at
    struct Seen
    {
        protocol::Command command{};
        Bytes data;
    };
    std::vector<Seen> seen;
    Bytes installed;                                ///< on target 1
    std::map<std::uint8_t, Bytes> installed_beside; ///< on the others
    struct Planned
    {
        protocol::PlanRequest request; ///< its header is in `header`
        Bytes header;
    };
    std::vector<Planned> plans;
    std::uint8_t named_target{}; ///< by 44h, as it was sent
    Bytes signature;             ///< by 4Eh, as far as it has come
    int reopened{0};
    int exits{0};
    std::uint16_t parameters{};
    std::size_t longest_request{0};
    bool plugged_in{false};
    std::string uri;
    std::map<protocol::UriPart, Bytes> companions; ///< by 4Dh
    std::optional<Sha256> wanted;                  ///< by 2Bh
    int fetches{0};                                ///< begun
    int aborts{0};
    std::vector<protocol::ConfirmUpdateRequest> confirmations; ///< by 4Fh

    [[nodiscard]] std::size_t count(protocol::Command command) const;

    /// The session ended without a word: from now on nothing is answered until reopen.
    void drop_session()
    {
        alive_ = false;
    }
    /// The agent restarted in mid-update: the mode is lost, staged blocks are not.
    void restart_agent();
    /// Verification and programming go on to their end.
    void polls_until_ready();
    /// Somebody of the same owner has begun another transfer.
    void replace_transfer()
    {
        session.transfer = ++transfer_;
    }
    /// Blocks staged for the image, as an earlier transfer left them.
    void stage(ConstBytes image, std::uint32_t blocks);
    [[nodiscard]] std::size_t staged_blocks() const
    {
        return staged_.size();
    }

  private:
    /// A block that is not whole yet.
    struct Assembly
    {
        std::map<std::uint16_t, Bytes> pieces; ///< by offset
        std::optional<std::uint32_t> check;
        bool fill{};
    };

    ipmi::Response serve(protocol::Command command, ConstBytes data);
    ipmi::Response base(protocol::Command command, ConstBytes data);
    ipmi::Response begin(ConstBytes data);
    ipmi::Response fragment(ConstBytes data);
    bool is_for_owner() const;
    std::optional<Bytes> whole(std::uint32_t block, const Assembly& assembly) const;
    std::size_t block_length(std::uint32_t block) const;
    std::uint32_t blocks() const;
    protocol::FragmentStatus take(const protocol::WriteFragmentRequest& request);
    bool has_fragment(std::uint32_t fragment) const;
    ipmi::Response map(ConstBytes data);
    ipmi::Response control(ConstBytes data);
    ipmi::Response drive_control(protocol::Control control);
    ipmi::Response start();
    ipmi::Response complete();
    ipmi::Response abort();
    ipmi::Response take_companion(ConstBytes data);
    void read_from_drive();
    void fetch();
    ipmi::Response describe_session();
    ipmi::Response describe_target(ConstBytes data);
    ipmi::Response tell_verdict(ConstBytes data);
    ipmi::Response take_confirmation(ConstBytes data);
    void end_trials();
    ipmi::Response tell_plan(ConstBytes data);
    ipmi::Response take_parameters(ConstBytes data);
    ipmi::Response take_signature(ConstBytes data);
    protocol::GetVerdictResponse& verdict_of(std::uint8_t target);
    Bytes& bytes_on(std::uint8_t target);
    bool is_current(const protocol::PlanRequest& request);
    void program();
    void advance();
    void to_init();
    void restart();

    bool alive_{true};
    std::map<std::uint32_t, Bytes> staged_;
    std::map<std::uint32_t, Assembly> assembling_;
    std::uint32_t received_{0};
    std::uint64_t size_{};
    Sha256 sha256_{};
    std::uint16_t transfer_{0};
    std::uint16_t fragment_size_{0};
    int polls_{0};
    bool fetching_{false};
    std::optional<Bytes> fetched_;
    bool waiting_for_restart_{false};
    std::map<std::uint8_t, Bytes> before_;                        ///< what the targets had that were programmed
    std::map<std::uint8_t, Bytes> programmed_;                    ///< what they got
    std::map<std::uint8_t, protocol::GetVerdictResponse> beside_; ///< verdicts of the other targets
    std::set<std::uint8_t> kept_;                                 ///< targets, by 4Fh
    std::set<std::uint8_t> hosts_pending_;                        ///< targets that wait for the host's restart
    std::optional<protocol::GetVerdictResponse> former_;          ///< of the default target, before this transfer
    std::uint8_t chosen_{protocol::no_target};                    ///< by 43h in this mode
    std::size_t signature_total_{0};
};

} // namespace fwupdate::test
