#include "bmc-agent/staging/seal.hpp"

#include <algorithm>

namespace fwupdate::agent
{

void Seal::reset()
{
    whole_ = {};
    open_.reset();
    open_size_ = 0;
}

void Seal::update(ConstBytes bytes)
{
    while (!bytes.empty())
    {
        const ConstBytes part = bytes.first(std::min<std::size_t>(bytes.size(), protocol::block_size - open_size_));
        open_.update(part);
        open_size_ += part.size();
        bytes = bytes.subspan(part.size());
        if (open_size_ == protocol::block_size)
        {
            whole_.push_back(open_.digest());
            open_.reset();
            open_size_ = 0;
        }
    }
}

bool Seal::holds(std::uint32_t block, ConstBytes bytes) const
{
    if (block < whole_.size())
    {
        return bytes.size() == protocol::block_size && sha256(bytes) == whole_[block];
    }
    return block == whole_.size() && bytes.size() == open_size_ && open_size_ != 0 && sha256(bytes) == open_.digest();
}

} // namespace fwupdate::agent
