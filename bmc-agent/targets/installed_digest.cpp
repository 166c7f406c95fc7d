#include "bmc-agent/targets/installed_digest.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::uint64_t slice_size = 256UL * 1024; ///< bytes

} // namespace

InstalledDigest::InstalledDigest(const TargetHandler& handler) : handler_{&handler}
{
    refresh();
}

void InstalledDigest::expect(std::optional<std::uint64_t> size)
{
    expected_ = size;
    identity_.reset();
    refresh();
}

void InstalledDigest::refresh()
{
    const auto content = handler_->installed(expected_);
    if (content && identity_ == content->identity)
    {
        return;
    }
    identity_.reset();
    installed_.reset();
    source_.reset();
    if (!content)
    {
        return;
    }
    identity_ = content->identity;
    hasher_.reset();
    offset_ = 0;
    if (auto source = content->open())
    {
        source_ = std::move(*source);
    }
}

void InstalledDigest::work()
{
    slice_.resize(std::min(slice_size, source_->size - offset_));
    if (const auto read = source_->read(offset_, slice_); !read)
    {
        source_.reset(); // unknown until something else is installed
        return;
    }
    hasher_.update(slice_);
    offset_ += slice_.size();
    if (offset_ == source_->size)
    {
        installed_ = Installed{source_->size, hasher_.digest()};
        source_.reset();
        slice_ = {};
    }
}

} // namespace fwupdate::agent
