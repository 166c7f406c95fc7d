// What carries Write Fragment requests to the BMC and their responses back. Messages are request and response data;
// NetFn 08h, command 45h are understood.
#pragma once

#include "common/bytes.hpp"
#include "common/ipmi/message.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace fwupdate::stream
{

class FragmentLink
{
  public:
    virtual ~FragmentLink() = default;

    [[nodiscard]] virtual TimePoint now() const = 0;

    /// Messages that one send() takes.
    [[nodiscard]] virtual std::size_t batch() const = 0;

    /// Sends messages, in order. What the network drops is no error. Errors: length (longer than the path's MTU),
    /// input_output, peer.
    [[nodiscard]] virtual Result<void> send(std::span<const ConstBytes> messages) = 0;

    /// Waits until something arrived or `deadline` passed, then appends everything that is there to `responses`;
    /// a deadline in the past doesn't wait. Errors: input_output.
    [[nodiscard]] virtual Result<void> wait(TimePoint deadline, std::vector<ipmi::Response>& responses) = 0;
};

} // namespace fwupdate::stream
