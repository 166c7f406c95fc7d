// Random bytes as the pure core sees them; the shell hands in the system's generator, tests a scripted one.
#pragma once

#include "common/bytes.hpp"

namespace fwupdate
{

class RandomSource
{
  public:
    virtual ~RandomSource() = default;

    /// Fills the buffer with bytes that nobody can predict.
    virtual void fill(MutableBytes out) = 0;
};

/// OpenSSL's cryptographically secure generator.
class SystemRandom final : public RandomSource
{
  public:
    void fill(MutableBytes out) override;
};

} // namespace fwupdate
