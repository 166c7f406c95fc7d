// Watches the upload directory on the loop: what is closed after writing is told by name. A file that is renamed into
// it is not noticed, as with OpenBMC.
#pragma once

#include "common/result.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace fwupdate::agent::software
{

class UploadWatch
{
  public:
    using Listener = std::function<void(const std::string& name)>;

    /// The directory must be there. Errors: input_output, with what to do.
    [[nodiscard]] static Result<std::unique_ptr<UploadWatch>>
    start(boost::asio::io_context& loop, const std::filesystem::path& directory, Listener listener);

  private:
    UploadWatch(boost::asio::io_context& loop, int descriptor, Listener listener);
    void wait();
    void take(std::size_t size);

    boost::asio::posix::stream_descriptor descriptor_;
    Listener listener_;
    alignas(8) std::array<std::uint8_t, 4096> buffer_{};
};

} // namespace fwupdate::agent::software
