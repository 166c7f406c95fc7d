#include "bmc-agent/update/inflow.hpp"

#include "protocol-spec/messages.hpp"

#include <algorithm>

namespace fwupdate::agent
{

void Inflow::begin(std::uint64_t offset)
{
    block_ = {};
    offset_ = offset;
}

Result<void> Inflow::accept(ConstBytes bytes)
{
    if (!staging_.is_named())
    {
        return staging_.append(bytes);
    }
    while (!bytes.empty())
    {
        if (offset_ + block_.size() >= staging_.size())
        {
            return fail(ErrorKind::out_of_range,
                        "there is more than the " + std::to_string(staging_.size()) + " bytes that were announced");
        }
        const std::uint64_t length = std::min<std::uint64_t>(protocol::block_size, staging_.size() - offset_);
        const std::size_t part = std::min<std::size_t>(bytes.size(), length - block_.size());
        block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
        bytes = bytes.subspan(part);
        if (block_.size() == length)
        {
            if (auto taken = take_block(); !taken)
            {
                return taken;
            }
        }
    }
    return {};
}

Result<void> Inflow::take_block()
{
    const auto number = static_cast<std::uint32_t>(offset_ / protocol::block_size);
    Result<void> written;
    if (!staging_.has_block(number))
    {
        written = staging_.write_block(number, block_);
    }
    offset_ += block_.size();
    block_.clear();
    return written;
}

} // namespace fwupdate::agent
