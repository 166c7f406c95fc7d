// A sink in memory that records what it is told and fails when the script says so.
#pragma once

#include "protocol-spec/messages.hpp"
#include "transports/image_sink.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace fwupdate::test
{

class ScriptedSink : public transports::ImageSink
{
  public:
    explicit ScriptedSink(std::uint64_t size)
        : image_(size), staged_((size + protocol::block_size - 1) / protocol::block_size)
    {
    }

    [[nodiscard]] std::uint64_t size() const override
    {
        return image_.size();
    }
    [[nodiscard]] bool has_block(std::uint32_t block) const override
    {
        return block < staged_.size() && staged_[block];
    }
    [[nodiscard]] Result<void> write_block(std::uint32_t block, ConstBytes bytes) override
    {
        writes_.push_back(block);
        if (const auto failure = failures_.find(block); failure != failures_.end())
        {
            const Error error = failure->second;
            failures_.erase(failure);
            return error;
        }
        put(block, bytes);
        return {};
    }

    /// The next write of this block fails.
    void fail_once(std::uint32_t block, ErrorKind kind)
    {
        failures_[block] = {kind, "scripted"};
    }
    /// As if another transport had brought it.
    void put(std::uint32_t block, ConstBytes bytes)
    {
        staged_.at(block) = true;
        std::ranges::copy(bytes, image_.begin() + static_cast<std::ptrdiff_t>(block) * protocol::block_size);
    }
    /// As if the staged block had turned out damaged.
    void drop(std::uint32_t block)
    {
        staged_.at(block) = false;
    }
    [[nodiscard]] bool complete() const
    {
        return std::ranges::all_of(staged_, [](bool staged) { return staged; });
    }
    [[nodiscard]] const Bytes& image() const
    {
        return image_;
    }
    /// Every call of write_block, in order.
    [[nodiscard]] const std::vector<std::uint32_t>& writes() const
    {
        return writes_;
    }

  private:
    Bytes image_;
    std::vector<bool> staged_;
    std::vector<std::uint32_t> writes_;
    std::map<std::uint32_t, Error> failures_;
};

} // namespace fwupdate::test
