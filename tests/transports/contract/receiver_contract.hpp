// What the receiving end of every transport promises, as tests. A transport's own test program supplies an adapter
// that plays the other side, and calls check_receiver_contract().
#pragma once

#include "common/result.hpp"
#include "tests/transports/contract/scripted_sink.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace fwupdate::test
{

/// A receiver with a peer that has the image.
class ReceiverUnderTest
{
  public:
    virtual ~ReceiverUnderTest() = default;

    /// The peer brings the bytes [block x 64 KiB, ...) of the image, and the receiver works until it has nothing more
    /// to do. A transport that cannot choose blocks brings at least this one. The error is what the transport reports
    /// of the sink's failure, or of being closed.
    virtual Result<void> bring(std::uint32_t block) = 0;

    /// Closes the receiver; the peer goes on.
    virtual void close() = 0;
};

/// Opens the transport under test for this image and sink; both outlive it. The sink may have blocks already.
using OpenReceiver = std::function<std::unique_ptr<ReceiverUnderTest>(const Bytes& image, ScriptedSink& sink)>;

/// Runs the whole suite inside the calling test case.
void check_receiver_contract(const OpenReceiver& open);

} // namespace fwupdate::test
