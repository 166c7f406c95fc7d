#include "bmc-agent/targets/medium_target.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{

MediumTarget::MediumTarget(std::unique_ptr<Medium> medium) : medium_{std::move(medium)} {}

MediumTarget::~MediumTarget()
{
    cancel();
}

Result<void> MediumTarget::begin(VerifiedImage image)
{
    cancel();
    done_ = 0;
    total_ = 2 * image.bytes.size;
    if (image.bytes.size == 0)
    {
        return fail(ErrorKind::length, "the image is empty; " + medium_->name() + " stays as it is");
    }
    if (auto opened = medium_->open(image.bytes.size); !opened)
    {
        medium_->close();
        return opened;
    }
    image_ = std::move(image);
    phase_ = Phase::starting;
    return {};
}

Result<bool> MediumTarget::step()
{
    auto finished = work();
    if (!finished || *finished)
    {
        cancel();
    }
    return finished;
}

void MediumTarget::cancel() noexcept
{
    if (phase_ != Phase::stopped)
    {
        medium_->close();
    }
    phase_ = Phase::stopped;
    image_ = {};
    head_ = {};
    slice_ = {};
    slice_read_ = false;
}

Result<bool> MediumTarget::work()
{
    if (phase_ == Phase::stopped)
    {
        return fail(ErrorKind::wrong_state, "nothing is being written to " + medium_->name());
    }
    const bool last = phase_ == Phase::reading_head;
    if (const auto advanced = advance(); !advanced)
    {
        return advanced.error();
    }
    return last;
}

Result<void> MediumTarget::advance()
{
    switch (phase_)
    {
    case Phase::approaching:
        return approach();
    case Phase::starting:
        return start();
    case Phase::clearing:
        return clear();
    case Phase::writing:
        return write_chunk();
    case Phase::reading_back:
        return read_chunk_back();
    case Phase::writing_head:
        return write_head();
    case Phase::reading_head:
        return read_head_back();
    case Phase::stopped:
        break;
    }
    return {};
}

Result<void> MediumTarget::approach()
{
    const auto there = image_.approach ? image_.approach() : Result<bool>{true};
    if (!there)
    {
        return there.error();
    }
    if (*there)
    {
        phase_ = Phase::starting;
    }
    return {};
}

/// The image is read from front to back, as what unpacks it can do nothing else: its first chunk waits in memory.
Result<void> MediumTarget::start()
{
    head_.resize(std::min<std::uint64_t>(medium_->chunk_size(), image_.bytes.size));
    if (const auto read = image_.bytes.read(0, head_); !read)
    {
        return read.error();
    }
    hasher_.reset();
    hasher_.update(head_);
    phase_ = Phase::clearing;
    return {};
}

Result<void> MediumTarget::clear()
{
    torn_ = true;
    const auto cleared = medium_->clear_head();
    if (!cleared)
    {
        return cleared.error();
    }
    if (*cleared == Placed::written)
    {
        rewind_to_second_chunk();
        phase_ = Phase::writing;
    }
    return {};
}

void MediumTarget::rewind_to_second_chunk()
{
    offset_ = head_.size();
    slice_read_ = false;
}

std::size_t MediumTarget::next_chunk()
{
    slice_.resize(std::min<std::uint64_t>(medium_->chunk_size(), image_.bytes.size - offset_));
    return slice_.size();
}

void MediumTarget::advance_by(std::size_t size)
{
    offset_ += size;
    done_ += size;
}

Result<void> MediumTarget::write_chunk()
{
    if (offset_ == image_.bytes.size)
    {
        return end_writing();
    }
    const std::size_t size = next_chunk();
    if (!slice_read_)
    {
        if (const auto read = image_.bytes.read(offset_, slice_); !read)
        {
            return read.error();
        }
        hasher_.update(slice_);
        slice_read_ = true;
    }
    const auto placed = medium_->write(offset_ / medium_->chunk_size(), slice_);
    if (!placed)
    {
        return placed.error();
    }
    if (*placed == Placed::moved)
    {
        start_again();
    }
    else if (*placed == Placed::written)
    {
        slice_read_ = false;
        advance_by(size);
    }
    return {};
}

void MediumTarget::start_again()
{
    done_ = 0;
    phase_ = Phase::approaching;
}

/// Before the first chunk goes out: without it nobody takes wrong bytes for an image.
Result<void> MediumTarget::end_writing()
{
    if (hasher_.digest() != image_.sha256)
    {
        return fail(ErrorKind::integrity, "the staged image changed after it was verified");
    }
    if (auto flushed = medium_->flush(); !flushed)
    {
        return flushed;
    }
    hasher_.reset();
    hasher_.update(head_);
    rewind_to_second_chunk();
    phase_ = Phase::reading_back;
    return {};
}

Error MediumTarget::reads_back_differently() const
{
    return fail(ErrorKind::integrity,
                "what was written to " + medium_->name() + " reads back differently; check the medium");
}

Result<void> MediumTarget::read_chunk_back()
{
    if (offset_ == image_.bytes.size)
    {
        phase_ = Phase::writing_head;
        return hasher_.digest() == image_.sha256 ? Result<void>{} : Result<void>{reads_back_differently()};
    }
    const std::size_t size = next_chunk();
    if (auto read = medium_->read(offset_ / medium_->chunk_size(), slice_); !read)
    {
        return read;
    }
    hasher_.update(slice_);
    advance_by(size);
    return {};
}

Result<void> MediumTarget::write_head()
{
    const auto placed = medium_->write(0, head_);
    if (!placed)
    {
        return placed.error();
    }
    if (*placed == Placed::moved)
    {
        start_again();
        return {};
    }
    done_ += *placed == Placed::written ? head_.size() : 0;
    phase_ = *placed == Placed::written ? Phase::reading_head : phase_;
    return *placed == Placed::written ? medium_->flush() : Result<void>{};
}

Result<void> MediumTarget::read_head_back()
{
    slice_.resize(head_.size());
    if (auto read = medium_->read(0, slice_); !read)
    {
        return read;
    }
    if (slice_ != head_)
    {
        return reads_back_differently();
    }
    done_ += head_.size();
    torn_ = false;
    return {};
}

std::optional<InstalledContent> MediumTarget::installed(std::optional<std::uint64_t> size) const
{
    return size && phase_ == Phase::stopped ? medium_->installed(*size) : std::nullopt;
}

} // namespace fwupdate::agent
