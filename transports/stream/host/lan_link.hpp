// Fragments over an RMCP+ session that someone else opened, many outstanding at a time.
#pragma once

#include "common/rmcpplus/client.hpp"
#include "common/rmcpplus/sequence_window.hpp"
#include "transports/stream/host/datagram_socket.hpp"
#include "transports/stream/host/fragment_link.hpp"

#include <cstdint>
#include <optional>

namespace fwupdate::stream
{

/// The session as its owner hands it over.
struct LanSession
{
    int descriptor{-1}; ///< connected UDP socket
    std::uint32_t bmc_session_id{};
    std::uint32_t console_session_id{};
    std::uint32_t next_sequence{}; ///< session sequence number of the next packet
    std::uint8_t responder_address{rmcpplus::bmc_address};
    std::uint8_t requester_address{rmcpplus::remote_console_address};
    /// Requester sequence numbers this link uses, by turns. Responses are told apart by what they say, so that a few
    /// are enough; the owner keeps its own next ones out of this range, and takes another range for the next link of
    /// the same session: an answer that comes late then belongs to nobody.
    std::uint8_t first_requester_sequence{32};
    std::uint8_t requester_sequences{16}; ///< first + count at most 64
};

class LanLink : public FragmentLink
{
  public:
    /// Borrows the session's socket for the life of the link. Errors: input_output, out_of_range (requester
    /// sequences).
    [[nodiscard]] static Result<LanLink> open(const LanSession& session, rmcpplus::SessionCipher cipher);

    [[nodiscard]] TimePoint now() const override;
    [[nodiscard]] std::size_t batch() const override;
    [[nodiscard]] Result<void> send(std::span<const ConstBytes> messages) override;
    [[nodiscard]] Result<void> wait(TimePoint deadline, std::vector<ipmi::Response>& responses) override;

    /// Before the owner uses the socket again: reads what is still coming, until nothing came for `quiet` or
    /// `deadline` passed.
    void drain(Duration quiet, TimePoint deadline);

    /// What the owner's next packet takes.
    [[nodiscard]] std::uint32_t next_sequence() const
    {
        return session_.next_sequence;
    }
    /// Request data bytes whose packet fits the path's MTU as the system knows it now; none: it doesn't know.
    [[nodiscard]] std::optional<std::size_t> largest_message() const;

    /// Datagrams that were no answer of this session: forged, repeated, damaged, or of another exchange.
    [[nodiscard]] std::uint64_t ignored() const
    {
        return ignored_;
    }
    [[nodiscard]] DatagramSocket& socket()
    {
        return socket_;
    }

  private:
    LanLink(const LanSession& session, rmcpplus::SessionCipher cipher, DatagramSocket socket);
    [[nodiscard]] Result<void> seal(ConstBytes message);
    void take(MutableBytes datagram, std::vector<ipmi::Response>& responses);
    [[nodiscard]] bool is_ours(const rmcpplus::LanResponse& response) const;

    LanSession session_;
    rmcpplus::SessionCipher cipher_;
    DatagramSocket socket_;
    rmcpplus::SequenceWindow window_;
    std::uint8_t turn_{};
    Bytes packets_;
    std::vector<std::size_t> ends_;
    std::uint64_t ignored_{};
};

} // namespace fwupdate::stream
