#include "bmc-agent/verification/content_digest.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t slice_size = 256UL * 1024; ///< bytes of one step

} // namespace

void ContentDigest::begin(package::ByteSource bytes)
{
    bytes_ = std::move(bytes);
    hasher_.reset();
    offset_ = 0;
}

Result<bool> ContentDigest::step()
{
    slice_.resize(std::min<std::uint64_t>(slice_size, bytes_.size - offset_));
    if (const auto read = bytes_.read(offset_, slice_); !read)
    {
        return read.error();
    }
    hasher_.update(slice_);
    offset_ += slice_.size();
    const bool end = offset_ == bytes_.size;
    if (end)
    {
        slice_ = {};
    }
    return end;
}

} // namespace fwupdate::agent
