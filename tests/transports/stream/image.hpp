// Images and fragments for tests, from a seeded generator that is the same on every machine.
#pragma once

#include "protocol-spec/messages.hpp"
#include "transports/stream/engine/geometry.hpp"

#include <cstdint>
#include <vector>

namespace fwupdate::test
{

/// xorshift64*: reproducible everywhere, unlike the standard library's distributions.
class Random
{
  public:
    explicit Random(std::uint64_t seed) : state_{seed * 0x9E3779B97F4A7C15ULL + 1} {}

    std::uint64_t next()
    {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545F4914F6CDD1DULL;
    }
    /// 0..limit-1
    std::uint64_t below(std::uint64_t limit)
    {
        return next() % limit;
    }
    /// 0..1
    double fraction()
    {
        return static_cast<double>(next() >> 11) / 9007199254740992.0;
    }

  private:
    std::uint64_t state_;
};

/// Bytes without structure.
[[nodiscard]] Bytes random_image(std::uint64_t size, std::uint64_t seed);

/// A request whose data it owns.
struct OwnedFragment
{
    protocol::WriteFragmentRequest request;
    Bytes data;

    [[nodiscard]] protocol::WriteFragmentRequest view() const
    {
        auto result = request;
        result.data.view = data;
        return result;
    }
};

[[nodiscard]] OwnedFragment make_fragment(ConstBytes image, const stream::Geometry& geometry, stream::Place place,
                                          bool acknowledge = false);
[[nodiscard]] OwnedFragment make_fill(std::uint32_t block, std::uint8_t value, bool acknowledge = false);

/// Every fragment of the image in order.
[[nodiscard]] std::vector<OwnedFragment> all_fragments(ConstBytes image, const stream::Geometry& geometry);

} // namespace fwupdate::test
