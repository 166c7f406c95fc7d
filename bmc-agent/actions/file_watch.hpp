// Tells when a file may have changed: inotify on its directory, so that one that is replaced, removed or made later is
// seen as well.
#pragma once

#include "common/result.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace fwupdate::agent
{

class FileWatch
{
  public:
    explicit FileWatch(boost::asio::io_context& context) : descriptor_{context} {}

    /// `changed` is called from the loop, once for all that has happened since. It may stop or begin. Errors:
    /// input_output.
    Result<void> begin(const std::filesystem::path& file, std::function<void()> changed);
    void stop() noexcept;

  private:
    void wait();
    [[nodiscard]] bool concerns_us(std::size_t count) const;

    boost::asio::posix::stream_descriptor descriptor_;
    std::string name_; ///< in its directory
    std::function<void()> changed_;
    std::shared_ptr<void> watching_; ///< one for each begin
    alignas(8) std::array<char, 4096> buffer_{};
};

} // namespace fwupdate::agent
