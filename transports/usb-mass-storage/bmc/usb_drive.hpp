// The virtual drive of a BMC: an image file with a FAT file system, a gadget that shows it, a reader for what the host
// left on it.
#pragma once

#include "common/random.hpp"
#include "transports/fetcher.hpp"
#include "transports/usb-mass-storage/bmc/drive_image.hpp"
#include "transports/usb-mass-storage/bmc/drive_reader.hpp"
#include "transports/usb-mass-storage/bmc/fat_tools.hpp"
#include "transports/usb-mass-storage/bmc/gadget.hpp"
#include "transports/usb-mass-storage/engine/virtual_drive.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::usb
{

struct UsbDriveSettings
{
    GadgetSettings gadget;
    std::filesystem::path directory; ///< for the drive's image; an absolute path
};

class UsbDrive final : public VirtualDrive, public transports::Fetcher
{
  public:
    using Report = std::function<void(const std::string&)>; ///< takes a sentence for the log

    /// Takes away what a former agent left, whether there is to be a drive now or not: its gadget and its image.
    static void clean_up(const UsbDriveSettings& settings, const Report& report);

    /// What stands in the way of a drive now, such as no controller, is reported; it may come.
    UsbDrive(boost::asio::io_context& context, UsbDriveSettings settings, FatTools tools, RandomSource& random,
             Report report);

    UsbDrive(const UsbDrive&) = delete;
    UsbDrive& operator=(const UsbDrive&) = delete;

    /// Leaves neither gadget nor image behind.
    ~UsbDrive() override;

    // VirtualDrive
    [[nodiscard]] Result<void> plug_in(std::uint64_t image_size) override;
    void plug_out() override;
    void drop() noexcept override;
    [[nodiscard]] std::optional<Drive> plugged_in() const override
    {
        return plugged_in_;
    }
    void on_written(std::function<void(TimePoint)> listener) override
    {
        listener_ = std::move(listener);
    }

    // Fetcher
    [[nodiscard]] Result<std::string> check(const transports::FetchOrder& order) const override;
    [[nodiscard]] bool needs_digest(const transports::FetchOrder&) const override
    {
        return false; // whoever may write to the drive is at the BMC's own host
    }
    void begin(const transports::FetchOrder& order, transports::FetchSink& sink) override;
    void cancel() noexcept override;

  private:
    /// A fetch that waits for the drive to be closed.
    struct Fetch
    {
        DrivePath path;
        transports::FetchSink* sink{};
    };

    enum class Stage : std::uint8_t
    {
        nothing,    ///< no drive, or none that could be closed
        plugged_in, ///< the host may write
        settling,   ///< plugged out for the client, not yet for the host
        closed,     ///< what the drive holds does not change any more
    };

    [[nodiscard]] Result<void> show(const Drive& drive, const DriveImage& image,
                                    const std::atomic<bool>& given_up) const;
    void look_again(Duration when, void (UsbDrive::*what)());
    void look_whether_written(TimePoint now);
    void look_for_writes();
    void look_whether_settled();
    void take_away();
    void taken_away(const Result<void>& result);
    void read_soon();
    void read();

    boost::asio::io_context& context_;
    Gadget gadget_;
    FatTools tools_;
    RandomSource& random_;
    Report report_;
    std::filesystem::path directory_;
    std::shared_ptr<DriveImage> image_; ///< shared with the worker's jobs
    std::optional<Drive> plugged_in_;
    Stage stage_{};
    std::string trouble_;    ///< why what the drive holds can't be used
    std::int64_t written_{}; ///< the image's time of the last look
    TimePoint changed_;      ///< when a look has seen another time last
    TimePoint plugged_out_;
    std::optional<Fetch> fetch_;
    DriveReader reader_;
    std::function<void(TimePoint)> listener_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<int> alive_;         ///< of this drive: completions that come after it see that it is gone
    boost::asio::thread_pool worker_{1}; ///< configfs blocks; one job after the other
};

} // namespace fwupdate::usb
