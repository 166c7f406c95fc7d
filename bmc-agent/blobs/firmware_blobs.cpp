#include "bmc-agent/blobs/firmware_blobs.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace fwupdate::agent::blobs
{
namespace
{

/// A session's bits that are the client's; the others say how a commit went, and are ours.
constexpr std::uint16_t client_bits = open_read | open_write | own_flags;

Error no_session()
{
    return fail(ErrorKind::not_found, "the blob session has ended: begin again");
}

bool is_over(FlashState state)
{
    return state == FlashState::not_yet_started;
}

} // namespace

FirmwareBlobs::FirmwareBlobs(FlashIds configured, FlashUpdate& update)
    : configured_{std::move(configured)}, update_{update}
{
}

void FirmwareBlobs::refresh()
{
    if (!is_over(state_) && !update_.is_held())
    {
        static_cast<void>(fire(FlashEvent::lost, {}));
    }
}

bool FirmwareBlobs::lists_verify() const
{
    return !image_id_.empty() &&
           (state_ == FlashState::verification_pending || state_ == FlashState::verification_started ||
            state_ == FlashState::verification_completed);
}

bool FirmwareBlobs::lists_update() const
{
    return state_ == FlashState::update_pending || state_ == FlashState::update_started ||
           state_ == FlashState::update_completed;
}

std::vector<std::string> FirmwareBlobs::ids() const
{
    std::vector<std::string> ids{std::string{hash_id}};
    ids.insert(ids.end(), configured_.all().begin(), configured_.all().end());
    const auto list = [&](bool listed, std::string_view id)
    {
        if (listed)
        {
            ids.emplace_back(id);
        }
    };
    list(!image_id_.empty(), active_image_id);
    list(hash_begun_, active_hash_id);
    list(lists_verify(), verify_id);
    list(lists_update(), update_id);
    return ids;
}

/// None: one of the ids that only tell that something has begun.
std::optional<FirmwareBlobs::Part> FirmwareBlobs::part_of(std::string_view id) const
{
    if (configured_.contains(id))
    {
        return Part::image;
    }
    if (id == hash_id)
    {
        return Part::hash;
    }
    if (id == verify_id)
    {
        return Part::verify;
    }
    return id == update_id ? std::optional{Part::update} : std::nullopt;
}

FlashEvent FirmwareBlobs::event_of_open(Part part)
{
    switch (part)
    {
    case Part::image:
        return FlashEvent::open_image;
    case Part::hash:
        return FlashEvent::open_hash;
    case Part::verify:
        return FlashEvent::open_verify;
    case Part::update:
        break;
    }
    return FlashEvent::open_update;
}

Result<void> FirmwareBlobs::check_data_open(const OpenOrder& order, Part part) const
{
    if (part == Part::image && !image_id_.empty() && image_id_ != order.id)
    {
        return fail(ErrorKind::wrong_state, "the update of " + image_id_ + " has begun: delete it first");
    }
    if ((order.flags & own_flags) != data_by_ipmi)
    {
        return fail(ErrorKind::unsupported, "data comes over IPMI alone (flag 0100h), not over PCI, LPC or a network");
    }
    return {};
}

Result<void> FirmwareBlobs::open(const OpenOrder& order, const Caller& caller, TimePoint now)
{
    if (session_)
    {
        return fail(ErrorKind::wrong_state, "another flash blob is open: one at a time");
    }
    const auto part = part_of(order.id);
    if (!part)
    {
        return fail(ErrorKind::unsupported, "this blob only tells that an update has begun");
    }
    if ((order.flags & open_write) == 0)
    {
        return fail(ErrorKind::unsupported, "flash blobs are opened for writing");
    }
    if (!update_.admits(caller, now))
    {
        return fail(ErrorKind::wrong_state, "somebody else is updating this BMC");
    }
    if (*part == Part::image || *part == Part::hash)
    {
        if (const auto checked = check_data_open(order, *part); !checked)
        {
            return checked.error();
        }
    }
    if (const auto fired = fire(event_of_open(*part), {&caller, now, order.id, {}}); !fired)
    {
        return fired.error();
    }
    session_ = Session{order.session, *part, static_cast<std::uint16_t>(order.flags & client_bits), 0, 0, {}};
    return {};
}

Result<void> FirmwareBlobs::write(SessionId session, std::uint32_t offset, ConstBytes data, const Caller& caller,
                                  TimePoint now)
{
    if (!knows(session))
    {
        return no_session();
    }
    const bool repeated = offset == session_->last_from && std::ranges::equal(data, session_->last);
    if (repeated && !session_->last.empty()) // its answer was lost
    {
        return {};
    }
    if (offset != session_->size)
    {
        return fail(ErrorKind::out_of_range, "the next byte to be written is " + std::to_string(session_->size) +
                                                 ", not " + std::to_string(offset));
    }
    if (data.size() > std::numeric_limits<std::uint32_t>::max() - session_->size)
    {
        return fail(ErrorKind::no_space, "a blob has less than 4 GiB");
    }
    if (const auto fired = fire(FlashEvent::write, {&caller, now, {}, data}); !fired)
    {
        return fired.error();
    }
    session_->size += data.size();
    session_->last_from = offset;
    session_->last.assign(data.begin(), data.end());
    return {};
}

Result<void> FirmwareBlobs::write_meta(SessionId /*session*/, std::uint32_t /*offset*/, ConstBytes /*data*/)
{
    return fail(ErrorKind::unsupported, "data comes over IPMI alone: there is no bridge to set up");
}

Result<void> FirmwareBlobs::commit(SessionId session, ConstBytes /*data*/, const Caller& caller, TimePoint now)
{
    if (!knows(session))
    {
        return no_session();
    }
    if (const auto fired = fire(FlashEvent::commit, {&caller, now, {}, {}}); !fired)
    {
        return fired.error();
    }
    session_->state |= state_committing;
    return {};
}

/// The session ends even if what it should leave behind was refused.
Result<void> FirmwareBlobs::close(SessionId session, const Caller& caller, TimePoint now)
{
    if (!knows(session))
    {
        return no_session();
    }
    const bool failed = result_ == FlashStatus::failed;
    auto closed = fire(failed ? FlashEvent::close_failed : FlashEvent::close, {&caller, now, {}, {}});
    session_.reset();
    result_ = FlashStatus::unknown;
    return closed;
}

Result<Bytes> FirmwareBlobs::read(SessionId /*session*/, std::uint32_t /*offset*/, std::uint32_t /*size*/)
{
    return Bytes{};
}

Result<void> FirmwareBlobs::remove(std::string_view /*id*/, const Caller& caller, TimePoint now)
{
    if (!update_.admits(caller, now))
    {
        return fail(ErrorKind::wrong_state, "somebody else is updating this BMC");
    }
    return fire(FlashEvent::remove, {&caller, now, {}, {}});
}

Result<StatResponse> FirmwareBlobs::stat(std::string_view id) const
{
    if (id != hash_id && !configured_.contains(id))
    {
        return fail(ErrorKind::unsupported, "only a session on this blob can be asked, not the blob");
    }
    return StatResponse{data_by_any, 0, {}};
}

Result<StatResponse> FirmwareBlobs::stat(SessionId session)
{
    if (!knows(session))
    {
        return no_session();
    }
    StatResponse response;
    if (session_->part == Part::verify || session_->part == Part::update)
    {
        response.metadata.items = {static_cast<std::uint8_t>(learn_status())};
    }
    response.state = session_->state;
    response.size = static_cast<std::uint32_t>(session_->size);
    return response;
}

void FirmwareBlobs::expire(SessionId session, TimePoint now)
{
    if (knows(session))
    {
        static_cast<void>(fire(FlashEvent::expire, {nullptr, now, {}, {}}));
    }
}

/// The end of what was started counts once a client has learned of it.
FlashStatus FirmwareBlobs::learn_status()
{
    if (state_ != FlashState::verification_started && state_ != FlashState::update_started)
    {
        return result_;
    }
    const FlashStatus status = update_.status();
    if (status != FlashStatus::success && status != FlashStatus::failed)
    {
        return status;
    }
    const bool success = status == FlashStatus::success;
    static_cast<void>(fire(success ? FlashEvent::succeeded : FlashEvent::failed, {}));
    result_ = status;
    session_->state = static_cast<std::uint16_t>((session_->state & ~state_committing) |
                                                 (success ? state_committed : state_commit_error));
    return status;
}

} // namespace fwupdate::agent::blobs
