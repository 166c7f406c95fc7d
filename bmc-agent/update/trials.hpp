// The targets with two slots: what their boot loaders have done with the last updates, and the trials of new versions,
// as far as they have to do with more than themselves.
#pragma once

#include "bmc-agent/log/log.hpp"
#include "bmc-agent/process/command_runner.hpp"
#include "bmc-agent/targets/target.hpp"
#include "bmc-agent/update/history.hpp"
#include "bmc-agent/update/probation.hpp"
#include "common/ipmi/message.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent
{

class Trials
{
  public:
    static constexpr Duration retry_interval = std::chrono::seconds{30}; ///< after a selector that failed
    static constexpr Duration busy_interval = std::chrono::seconds{5};   ///< while nothing may be restarted

    /// What they work with; all of it outlives them.
    struct Parts
    {
        Targets& targets;
        History& history;
        CommandRunner& runner;
        Log& log;
        std::string boot_id;                              ///< hexadecimal
        std::function<void()> notify;                     ///< there may be work, or a nearer deadline
        std::function<bool()> busy;                       ///< an image is being verified or programmed
        std::function<void(const HistoryEntry&)> proved;  ///< the version of this update stays
        std::function<void(Target&, TimePoint)> restart;  ///< the former version is to run again
        std::function<void(const std::string&)> complain; ///< what a client may ask for
    };

    explicit Trials(Parts parts);
    Trials(const Trials&) = delete;
    Trials& operator=(const Trials&) = delete;
    ~Trials();

    /// Whether there is any target with slots.
    [[nodiscard]] bool any() const
    {
        return !trials_.empty();
    }

    /// Whether a target's slots are others than when look() last saw them.
    [[nodiscard]] bool has_news() const;

    /// Judges the updates that only their slots can judge, begins and ends trials.
    void look(TimePoint now);

    /// False: the target has two slots, and which one runs is not known yet.
    [[nodiscard]] bool knows(const Target& target) const;

    /// Whether what runs has not proved itself yet.
    [[nodiscard]] bool on_trial(const Target& target) const;

    /// The slot that an update of the target is written to; what waited there for its restart is given up. Empty: it
    /// has one place.
    [[nodiscard]] std::string take_other_slot(Target& target);

    /// 4Fh. C0h: the end is under way; D5h: nothing is on trial; FFh: the selection could not be changed.
    [[nodiscard]] ipmi::CompletionCode confirm(Target& target, protocol::Confirmation confirmation,
                                               const std::string& who, TimePoint now);

    [[nodiscard]] std::optional<TimePoint> deadline() const;
    void on_deadline(TimePoint now);

  private:
    struct Trial
    {
        Target* target{};
        SlotKeeper* keeper{};
        std::optional<SlotState> seen;
        std::optional<Probation> probation; ///< of the slot that runs
        bool ending{false};                 ///< the selector is being told
        std::optional<TimePoint> again;     ///< what could not be done is tried then
    };

    [[nodiscard]] const Trial* find(const Target& target) const;
    [[nodiscard]] bool awaits_restart(const HistoryEntry& entry, const Target& target) const;
    void settle(const Trial& trial);
    void settle_cut_off(HistoryEntry& entry, const SlotState& slots) const;
    [[nodiscard]] std::optional<std::size_t> entry_of(const Trial& trial) const;
    void begin(Trial& trial, TimePoint now);
    void pursue(Trial& trial, TimePoint now);
    void ask_health(Trial& trial, TimePoint now);
    void end(Trial& trial, bool keep, TimePoint now);
    void kept(Trial& trial);
    void fell_back(Trial& trial, TimePoint now);
    void failed(Trial& trial, const Error& error, TimePoint now);

    Parts parts_;
    std::vector<Trial> trials_;                                 ///< never resized
    std::shared_ptr<bool> alive_{std::make_shared<bool>(true)}; ///< answers that come later look at it
};

} // namespace fwupdate::agent
