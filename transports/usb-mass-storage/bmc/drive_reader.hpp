// Reads one file out of the image of a drive that is plugged out.
#pragma once

#include "transports/fetcher.hpp"
#include "transports/usb-mass-storage/bmc/confined_run.hpp"
#include "transports/usb-mass-storage/bmc/fat_tools.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>

namespace fwupdate::usb
{

class DriveReader
{
  public:
    DriveReader(boost::asio::io_context& context, const FatTools& tools) : context_{context}, tools_{tools} {}
    DriveReader(const DriveReader&) = delete;
    DriveReader& operator=(const DriveReader&) = delete;
    ~DriveReader()
    {
        cancel();
    }

    /// Delivers the file to the sink, size first. `image` is a descriptor that stays open until the end; anybody may
    /// read the file behind it, and nobody writes it any more.
    void begin(int image, DrivePath path, transports::FetchSink& sink);

    void cancel() noexcept;

  private:
    void tell_size();
    void size_told(const Result<void>& result);
    void list_root(const std::string& failure);
    void copy();
    [[nodiscard]] bool take(ConstBytes bytes);
    void copied(const Result<void>& result);
    void run(std::vector<std::string> argv, std::function<bool(ConstBytes)> output,
             std::function<void(Result<void>)> finished);
    [[nodiscard]] bool keep_listing(ConstBytes bytes);
    void end(Result<void> result);

    boost::asio::io_context& context_;
    const FatTools& tools_;
    std::shared_ptr<ConfinedRun> run_;
    transports::FetchSink* sink_{nullptr};
    std::optional<DrivePath> path_;
    int image_{-1};
    std::string listing_;
    std::uint64_t size_{};
    std::uint64_t taken_{};
};

} // namespace fwupdate::usb
