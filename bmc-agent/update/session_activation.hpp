// An activation from D-Bus is the agent's own update: the same session, checks, targets and log. The session's other
// updates are told, too, so that they are seen on D-Bus.
#pragma once

#include "bmc-agent/software/activation_driver.hpp"
#include "bmc-agent/software/activation_events.hpp"
#include "bmc-agent/software/reboot_guard.hpp"
#include "bmc-agent/update/session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// What a target's firmware is for, where its configuration doesn't say so: what restarts for it.
[[nodiscard]] package::Purpose purpose_of(const config::Target& target);

/// What runs, as the targets tell it now; those that don't know are left out.
[[nodiscard]] std::vector<software::Running> running_versions(Targets& targets);

class SessionActivation final : public software::ActivationDriver
{
  public:
    static constexpr std::uint8_t channel = 0x0E;               ///< "the present interface": no channel has this number
    static constexpr std::size_t slice = 256UL * 1024;          ///< bytes of an image at a time
    static constexpr std::chrono::seconds version_interval{10}; ///< between looks at what runs

    using Now = std::function<TimePoint()>;

    /// The session and the log outlive it, and it the loop's last run.
    SessionActivation(boost::asio::io_context& context, UpdateSession& session, Log& log, Now now = Clock::now);
    SessionActivation(const SessionActivation&) = delete;
    SessionActivation& operator=(const SessionActivation&) = delete;
    ~SessionActivation() override = default;

    /// What must have let go before anything is restarted; nullptr: nothing. It outlives the loop's last run.
    void wait_for(software::RebootGuard* guard)
    {
        guard_ = guard;
    }

    /// Who hears of updates; it outlives the loop's last run.
    void tell(software::ActivationEvents& events);

    [[nodiscard]] std::optional<std::string> holder() const override;
    [[nodiscard]] software::Outcome<void> start(const software::Version& version) override;
    void conclude(const software::Version& version, software::ApplyTime apply_time) override;
    void discard(const software::StagedImage& image) override;
    void remove(const software::Version& version) override;
    void boot_next(const software::Version& version) override;

  private:
    /// The activation under way.
    struct Job
    {
        std::string id;
        std::shared_ptr<const File> file;
        std::uint64_t size{}; ///< bytes
        std::uint64_t sent{};
        std::uint64_t tenure{}; ///< of the session: another one, and somebody else has it
        std::uint8_t percent{}; ///< last told
    };

    void look_soon();
    void look();
    void pursue(TimePoint now);
    void feed(TimePoint now);
    void give_up(software::Refusal reason, TimePoint now);
    void leave(bool restart);
    void watch_others();
    void others_ended();
    [[nodiscard]] std::uint8_t percent() const;
    [[nodiscard]] software::Refusal why_refused(const char* what) const;
    [[nodiscard]] SlotKeeper* slots_of(software::Device device) const;
    void keep_running(software::Device device);
    void watch_versions(std::chrono::seconds delay);

    boost::asio::io_context& context_;
    UpdateSession& session_;
    Log& log_;
    Now now_;
    Caller caller_;
    software::ActivationEvents* events_{};
    software::RebootGuard* guard_{};
    std::optional<Job> job_;
    std::optional<std::uint8_t> others_; ///< percent of somebody else's update, as last told
    bool looking_{false};                ///< posted
    boost::asio::steady_timer timer_;
    std::vector<software::Running> running_; ///< as last told
};

} // namespace fwupdate::agent
