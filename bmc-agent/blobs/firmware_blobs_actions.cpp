// What the flash blobs do on the way: the actions of the table.
#include "bmc-agent/blobs/firmware_blobs.hpp"

namespace fwupdate::agent::blobs
{

/// Does what the row says, then is in its state; where the action is refused, nothing has happened.
Result<void> FirmwareBlobs::fire(FlashEvent event, const Cause& cause)
{
    const auto row = find_flash_transition(state_, event);
    if (!row)
    {
        return fail(ErrorKind::wrong_state, "the update is not as far, or farther: its blobs are open one after the "
                                            "other, image, hash, verify, update");
    }
    if (row->action == FlashAction::end_data)
    {
        state_ = row->to; // a hash that is refused does not keep its session open
        return end_data(cause);
    }
    if (auto done = act(row->action, cause); !done)
    {
        return done;
    }
    state_ = row->to;
    if (state_ == FlashState::not_yet_started)
    {
        start_over();
    }
    return {};
}

Result<void> FirmwareBlobs::act(FlashAction action, const Cause& cause)
{
    switch (action)
    {
    case FlashAction::none:
    case FlashAction::end_data: // by fire
    case FlashAction::keep_result:
    case FlashAction::forget:
        return {};
    case FlashAction::begin_image:
        return begin_image(cause);
    case FlashAction::begin_hash:
        return begin_hash(cause);
    case FlashAction::accept_data:
        return accept_data(cause);
    case FlashAction::start_verification:
        return update_.start_verification(*cause.caller, cause.now);
    case FlashAction::start_update:
        return update_.start_update(*cause.caller, cause.now);
    case FlashAction::abort:
        update_.abort(cause.now);
        return {};
    case FlashAction::detach:
        update_.detach(cause.now);
        return {};
    case FlashAction::finish:
        update_.finish(cause.now);
        return {};
    }
    return {};
}

Result<void> FirmwareBlobs::begin_image(const Cause& cause)
{
    if (auto begun = update_.begin_image(cause.id, *cause.caller, cause.now); !begun)
    {
        return begun;
    }
    image_id_ = cause.id;
    return {};
}

Result<void> FirmwareBlobs::begin_hash(const Cause& cause)
{
    if (auto begun = update_.begin_signature(*cause.caller, cause.now); !begun)
    {
        return begun;
    }
    hash_begun_ = true;
    hash_.clear();
    return {};
}

Result<void> FirmwareBlobs::accept_data(const Cause& cause)
{
    if (session_->part == Part::image)
    {
        return update_.append(cause.data, *cause.caller, cause.now);
    }
    if (cause.data.size() > largest_hash - hash_.size())
    {
        return fail(ErrorKind::no_space, "a signature has at most 16,384 bytes");
    }
    hash_.insert(hash_.end(), cause.data.begin(), cause.data.end());
    return {};
}

Result<void> FirmwareBlobs::end_data(const Cause& cause)
{
    if (session_->part != Part::hash || hash_.empty())
    {
        return {};
    }
    return update_.set_signature(hash_, *cause.caller, cause.now);
}

void FirmwareBlobs::start_over()
{
    session_.reset();
    image_id_.clear();
    hash_begun_ = false;
    hash_.clear();
    result_ = FlashStatus::unknown;
}

} // namespace fwupdate::agent::blobs
