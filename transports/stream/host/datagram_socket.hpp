// A connected UDP socket that belongs to someone else, used for bulk: batches of datagrams in few system calls, no IP
// fragments. What is changed on it is put back.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace fwupdate::stream
{

class DatagramSocket
{
  public:
    /// Borrows `descriptor`: datagrams larger than the path's MTU are refused from now on, buffers grow to a megabyte
    /// where the system allows. Errors: input_output.
    [[nodiscard]] static Result<DatagramSocket> borrow(int descriptor);

    DatagramSocket(DatagramSocket&& other) noexcept;
    DatagramSocket& operator=(DatagramSocket&&) = delete;
    DatagramSocket(const DatagramSocket&) = delete;
    DatagramSocket& operator=(const DatagramSocket&) = delete;
    ~DatagramSocket();

    /// Sends datagrams that lie one behind the other in `packets`, cut at `ends`. Waits while the socket's buffer is
    /// full. Errors: length (larger than the path's MTU), input_output.
    [[nodiscard]] Result<void> send(ConstBytes packets, std::span<const std::size_t> ends);

    /// Waits for a datagram until `deadline`, then hands every waiting one to `take`, at most a few hundred.
    /// Errors: input_output.
    [[nodiscard]] Result<void> receive(TimePoint deadline, const std::function<void(MutableBytes)>& take);

    /// UDP payload bytes that fit the path's MTU as the system knows it now.
    [[nodiscard]] std::optional<std::size_t> largest_payload() const;

    /// Whether the system takes a batch of equal datagrams as one (UDP_SEGMENT).
    [[nodiscard]] bool segments() const
    {
        return segments_;
    }
    /// For tests and measurements.
    void disable_segmentation()
    {
        segments_ = false;
    }

  private:
    /// Datagrams of one size, one behind the other; only the last may be shorter.
    struct Run
    {
        std::size_t start{};
        std::size_t size{}; ///< of each
        std::size_t end{};
    };
    struct Saved
    {
        int level{};
        int name{};
        int value{};
    };

    explicit DatagramSocket(int descriptor) : descriptor_{descriptor} {}
    [[nodiscard]] Result<void> tune();
    void change(int level, int name, int value);
    void gather_runs(std::span<const std::size_t> ends);
    [[nodiscard]] std::size_t send_runs(ConstBytes packets, std::size_t first) const;
    enum class Recovery : std::uint8_t
    {
        again, ///< the same run
        cut,   ///< the same datagrams, each by itself
        skip,  ///< the network dropped it
    };
    /// What to do after sendmmsg failed with errno.
    [[nodiscard]] Result<Recovery> recover(const Run& run);
    [[nodiscard]] Result<bool> receive_batch(const std::function<void(MutableBytes)>& take);

    int descriptor_;
    bool ipv6_{false};
    bool segments_{true};
    std::vector<Saved> saved_;
    std::vector<Run> runs_;
    Bytes received_;
};

} // namespace fwupdate::stream
