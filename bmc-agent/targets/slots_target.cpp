#include "bmc-agent/targets/slots_target.hpp"

#include "bmc-agent/targets/block_device.hpp"
#include "bmc-agent/targets/running_slot.hpp"
#include "protocol-spec/messages.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{

SlotsTarget::SlotsTarget(std::string target, std::vector<Slot> slots, std::unique_ptr<Selector> selector,
                         config::RunningSlot running, std::function<void()> wake, bool streams)
    : target_{std::move(target)},
      slots_{std::move(slots)},
      selector_{std::move(selector)},
      running_{std::move(running)},
      wake_{std::move(wake)},
      streams_{streams}
{
    look();
    ready_ = true;
}

SlotsTarget::~SlotsTarget()
{
    cancel();
    *alive_ = false;
}

void SlotsTarget::wake() const
{
    if (ready_ && wake_)
    {
        wake_();
    }
}

void SlotsTarget::set(SlotState state)
{
    if (state_ != state)
    {
        state_ = std::move(state);
        wake();
    }
}

void SlotsTarget::look()
{
    selector_->read(
        [this, alive = alive_](Result<SlotState> told)
        {
            if (*alive)
            {
                take(checked(std::move(told)));
            }
        });
}

void SlotsTarget::take(Result<SlotState> told)
{
    if (told)
    {
        set(std::move(*told));
        return;
    }
    why_unknown_ = told.error().text;
    if (std::exchange(state_, std::nullopt))
    {
        wake();
    }
}

/// With the running slot, as it is known here; both slots are ours.
Result<SlotState> SlotsTarget::checked(Result<SlotState> told) const
{
    if (!told)
    {
        return told;
    }
    const auto running = running_slot(running_);
    if (!running)
    {
        return running.error();
    }
    told->running = running->empty() ? told->running : *running;
    for (const std::string& name : {told->running, told->chosen})
    {
        if (find(name) == nullptr)
        {
            return fail(ErrorKind::integrity, "the boot selection of " + target_ + " names slot \"" + printable(name) +
                                                  "\", which is not configured; compare both");
        }
    }
    return told;
}

const SlotsTarget::Slot* SlotsTarget::find(const std::string& name) const
{
    const auto place = std::ranges::find(slots_, name, &Slot::name);
    return place == slots_.end() ? nullptr : &*place;
}

const SlotsTarget::Slot& SlotsTarget::other_than(const std::string& name) const
{
    return *std::ranges::find_if(slots_, [&](const Slot& slot) { return slot.name != name; });
}

std::string SlotsTarget::other_slot() const
{
    return state_ ? other_than(state_->running).name : std::string{};
}

/// What runs.
std::optional<InstalledContent> SlotsTarget::installed(std::optional<std::uint64_t> size) const
{
    const Slot* const running = state_ ? find(state_->running) : nullptr;
    return running != nullptr ? running->handler->installed(size) : std::nullopt;
}

/// Not where an earlier choice of the other slot would have to be given up first, which takes time.
bool SlotsTarget::has_own_place() const
{
    return streams_ && !obstacle() && state_->chosen == state_->running;
}

std::optional<InPlace> SlotsTarget::open_own_place()
{
    if (!has_own_place())
    {
        return std::nullopt;
    }
    const std::filesystem::path& path = other_than(state_->running).path;
    std::error_code error;
    if (!std::filesystem::exists(path, error))
    {
        return InPlace{path, protocol::largest_image}; // a file that the first image makes
    }
    const auto device = open_exclusively(path);
    const auto capacity = device ? capacity_of(*device) : Result<std::uint64_t>{device.error()};
    if (!capacity)
    {
        return std::nullopt; // staged, and then begin() says what is wrong
    }
    const bool block = std::filesystem::is_block_file(device->path(), error);
    return InPlace{device->path(), block ? *capacity : protocol::largest_image};
}

Result<void> SlotsTarget::begin_in_place(VerifiedImage image)
{
    cancel();
    if (auto error = obstacle())
    {
        return std::move(*error);
    }
    ++round_;
    auto opened = open_exclusively(other_than(state_->running).path);
    if (!opened)
    {
        return opened.error();
    }
    streamed_ = std::move(*opened);
    if (const auto synced = streamed_.sync(); !synced)
    {
        cancel();
        return synced.error();
    }
    forget_cached(streamed_);
    image_ = std::move(image);
    writer_ = nullptr;
    hasher_.reset();
    read_ = 0;
    to_read_ = image_.bytes.size;
    phase_ = Phase::reading_back;
    return {};
}

/// Why the other slot can't be written now.
std::optional<Error> SlotsTarget::obstacle() const
{
    if (!state_)
    {
        return fail(ErrorKind::wrong_state, "which slot of " + target_ + " runs is not known: " + why_unknown_);
    }
    if (changing_)
    {
        return fail(ErrorKind::wrong_state, "the boot selection of " + target_ + " is being changed; try again");
    }
    const bool other_is_chosen = state_->chosen != state_->running;
    if (state_->provisional && !other_is_chosen)
    {
        return fail(ErrorKind::wrong_state, "slot " + state_->running + " of " + target_ +
                                                " is on trial and the other one the only good one: confirm it or let "
                                                "it fall back first (Confirm Update, 4Fh)");
    }
    if (!state_->provisional && other_is_chosen)
    {
        return fail(ErrorKind::wrong_state, "slot " + state_->running + " of " + target_ + " runs, but slot " +
                                                state_->chosen + " is the good one and boots next: restart first");
    }
    return std::nullopt;
}

Result<void> SlotsTarget::begin(VerifiedImage image)
{
    cancel();
    if (auto error = obstacle())
    {
        return std::move(*error);
    }
    ++round_;
    to_read_ = 0;
    image_ = std::move(image);
    writer_ = other_than(state_->running).handler.get();
    if (state_->chosen == state_->running)
    {
        return start_writing();
    }
    // Power may go while the slot is half written: it must not be the chosen one then.
    phase_ = Phase::giving_up;
    SlotState after{state_->running, state_->running, false};
    selector_->fall_back(state_->running, ends_change(std::move(after), ends_phase()));
    return {};
}

Result<void> SlotsTarget::start_writing()
{
    phase_ = Phase::writing;
    auto begun = writer_->begin(std::exchange(image_, {}));
    if (!begun)
    {
        phase_ = Phase::stopped;
    }
    return begun;
}

/// Notes how the selector's part ended. A switch that nobody waits for any more is taken back.
SlotKeeper::Done SlotsTarget::ends_phase()
{
    ended_.reset();
    return [this, round = round_, phase = phase_](Result<void> result)
    {
        if (round == round_ && phase == phase_)
        {
            ended_ = std::move(result);
            wake();
            return;
        }
        if (result && phase == Phase::switching && state_)
        {
            SlotState after{state_->running, state_->running, false};
            selector_->fall_back(state_->running, ends_change(std::move(after), {}));
        }
    };
}

/// After a change that went well the state is known; after another one it is looked at.
SlotKeeper::Done SlotsTarget::ends_change(SlotState after, Done done)
{
    return [this, alive = alive_, after = std::move(after), done = std::move(done)](const Result<void>& result)
    {
        if (!*alive)
        {
            return;
        }
        changing_ = false;
        result ? set(after) : look();
        if (done)
        {
            done(result);
        }
    };
}

Result<bool> SlotsTarget::step()
{
    auto finished = work();
    if (!finished)
    {
        cancel();
    }
    return finished;
}

bool SlotsTarget::wants_step() const
{
    return phase_ == Phase::writing ? writer_->wants_step()
                                    : ended_.has_value() || phase_ == Phase::stopped || phase_ == Phase::reading_back;
}

Result<bool> SlotsTarget::work()
{
    if (phase_ == Phase::stopped)
    {
        return fail(ErrorKind::wrong_state, "nothing is being written to " + target_);
    }
    if (phase_ == Phase::writing || phase_ == Phase::reading_back)
    {
        const auto whole = phase_ == Phase::writing ? writer_->step() : read_back();
        if (whole && *whole)
        {
            start_switching();
            return false;
        }
        return whole;
    }
    if (!ended_)
    {
        return false;
    }
    const Result<void> ended = *std::exchange(ended_, std::nullopt);
    if (!ended)
    {
        return fail(ended.error().kind, ended.error().text + "; slot " + other_than(state_->running).name + " of " +
                                            target_ + " is not chosen, what ran before goes on");
    }
    if (phase_ == Phase::switching)
    {
        phase_ = Phase::stopped;
        return true;
    }
    const auto begun = start_writing();
    return begun ? Result<bool>{false} : Result<bool>{begun.error()};
}

/// Only when the slot is on the medium as it was verified.
void SlotsTarget::start_switching()
{
    streamed_.close();
    phase_ = Phase::switching;
    const std::string slot = other_slot();
    SlotState after{state_->running, slot, true};
    selector_->try_slot(slot, state_->running, ends_change(std::move(after), ends_phase()));
}

/// One slice of what has gathered in the slot. True: all of it, and it is what was verified.
Result<bool> SlotsTarget::read_back()
{
    constexpr std::size_t slice_size = 256UL * 1024; // bytes
    slice_.resize(std::min<std::uint64_t>(slice_size, to_read_ - read_));
    if (const auto read = streamed_.read_at(read_, slice_); !read)
    {
        return read.error();
    }
    hasher_.update(slice_);
    read_ += slice_.size();
    if (read_ < to_read_)
    {
        return false;
    }
    if (hasher_.digest() != image_.sha256)
    {
        return fail(ErrorKind::integrity, "slot " + other_slot() + " of " + target_ +
                                              " does not hold what was verified; it was not chosen, check the medium");
    }
    return true;
}

void SlotsTarget::cancel() noexcept
{
    streamed_.close();
    slice_ = {};
    if (phase_ == Phase::writing)
    {
        writer_->cancel();
    }
    const bool switched = phase_ == Phase::switching && ended_ && *ended_;
    phase_ = Phase::stopped;
    ++round_;
    image_ = {};
    ended_.reset();
    if (switched && state_) // chosen, but nobody will say so
    {
        SlotState after{state_->running, state_->running, false};
        selector_->fall_back(state_->running, ends_change(std::move(after), {}));
    }
}

std::uint64_t SlotsTarget::done() const
{
    return to_read_ != 0 ? read_ : writer_ != nullptr && phase_ != Phase::giving_up ? writer_->done() : 0;
}

std::uint64_t SlotsTarget::total() const
{
    return to_read_ != 0 ? to_read_ : writer_ != nullptr ? writer_->total() : 0;
}

void SlotsTarget::confirm(Done done)
{
    if (!state_ || changing_ || state_->chosen != state_->running)
    {
        done(fail(ErrorKind::wrong_state, "slot " + (state_ ? state_->running : "?") + " of " + target_ +
                                              " is not the chosen one, or the selection is being changed"));
        return;
    }
    changing_ = true;
    SlotState after{state_->running, state_->running, false};
    selector_->confirm(state_->running, ends_change(std::move(after), std::move(done)));
}

void SlotsTarget::fall_back(Done done)
{
    if (!state_ || changing_)
    {
        done(fail(ErrorKind::wrong_state, "the boot selection of " + target_ + " is not known or being changed"));
        return;
    }
    if (!state_->provisional)
    {
        done(fail(ErrorKind::not_found, "no other slot of " + target_ + " is known to be good"));
        return;
    }
    changing_ = true;
    const std::string& good = other_than(state_->chosen).name;
    selector_->fall_back(good, ends_change({state_->running, good, false}, std::move(done)));
}

} // namespace fwupdate::agent
