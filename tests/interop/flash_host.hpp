// What the host's tool for flash blobs sends and understands: phosphor-ipmi-blobs' OEM command over the kernel's
// device.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::test
{

using HostBytes = std::vector<std::uint8_t>;

/// The BMC refuses, or its answer makes no sense: nothing is tried again.
struct BlobError : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

/// The kernel's IPMI device.
class HostDevice
{
  public:
    /// Throws std::runtime_error where there is none.
    HostDevice();
    HostDevice(const HostDevice&) = delete;
    HostDevice& operator=(const HostDevice&) = delete;
    ~HostDevice();

    /// The answer, its completion code first. Throws BlobError where there is none in 15 s.
    [[nodiscard]] HostBytes call(std::uint8_t net_fn, std::uint8_t command, HostBytes data);

  private:
    [[nodiscard]] std::optional<HostBytes> receive() const;

    int file_;
    long number_{0}; ///< of the last request
};

/// The sub-commands. Each throws BlobError where the BMC refuses.
class HostBlobs
{
  public:
    [[nodiscard]] std::vector<std::string> list();
    [[nodiscard]] std::uint16_t open(std::string_view id, std::uint16_t flags);
    void write(std::uint16_t session, std::uint32_t offset, std::string_view data);
    void commit(std::uint16_t session);
    void close(std::uint16_t session);
    void remove(std::string_view id);
    [[nodiscard]] HostBytes metadata(std::uint16_t session);

  private:
    [[nodiscard]] HostBytes ask(std::uint8_t sub_command, const HostBytes& body);

    HostDevice device_;
};

} // namespace fwupdate::test
