#include "common/rmcpplus/sequence_window.hpp"

namespace fwupdate::rmcpplus
{

bool SequenceWindow::accept(std::uint32_t sequence)
{
    if (sequence == 0) // stands for "outside of a session"
    {
        return false;
    }
    const std::uint32_t ahead = started_ ? sequence - highest_ : 1; // modulo 2^32: the number wraps in a long stream
    if (ahead != 0 && ahead < 0x8000'0000U)
    {
        if (!started_ || ahead >= size)
        {
            seen_.reset();
        }
        for (std::uint32_t number = sequence - ahead + 1; ahead < size && number != sequence; ++number)
        {
            seen_.reset(number % size);
        }
        seen_.set(sequence % size);
        highest_ = sequence;
        started_ = true;
        return true;
    }
    const std::uint32_t behind = highest_ - sequence;
    if (behind >= size || seen_.test(sequence % size))
    {
        return false;
    }
    seen_.set(sequence % size);
    return true;
}

} // namespace fwupdate::rmcpplus
