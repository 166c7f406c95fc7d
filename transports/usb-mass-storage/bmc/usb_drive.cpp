#include "transports/usb-mass-storage/bmc/usb_drive.hpp"

#include "transports/usb-mass-storage/engine/drive_layout.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>
#include <utility>

namespace fwupdate::usb
{
namespace
{

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto plug_in_limit = 3s;      ///< for the kernel to make the gadget
constexpr auto write_interval = 1s;     ///< between two looks for writes of the host
constexpr auto settle_interval = 100ms; ///< between two looks while plugging out
constexpr auto quiet = 500ms;           ///< without a write: the host has nothing left to write
constexpr auto longest_settling = 10s;  ///< then the drive is taken away from a host that still writes
constexpr std::string_view image_prefix = "usb-drive-";
constexpr std::string_view image_suffix = ".img";
constexpr std::uint64_t space_reserve = 1U << 20; ///< bytes that a drive leaves to others

/// Whether a file's name is one that image_name() makes.
bool is_image(std::string_view name)
{
    if (!name.starts_with(image_prefix) || !name.ends_with(image_suffix))
    {
        return false;
    }
    name.remove_prefix(image_prefix.size());
    name.remove_suffix(image_suffix.size());
    return name.size() == serial_length && name.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

/// The drive's image may fill up to its last byte: others must still have room. Errors: no_space, input_output.
Result<void> require_space(const std::filesystem::path& directory, std::uint64_t size)
{
    std::error_code error;
    const auto space = std::filesystem::space(directory, error);
    if (error)
    {
        return fail(ErrorKind::input_output, "cannot look at " + directory.string() + ": " + error.message());
    }
    const std::uint64_t wanted = size + space_reserve;
    return space.available >= wanted
               ? Result<void>{}
               : fail(ErrorKind::no_space, "a USB drive for this image takes " + std::to_string(wanted) + " bytes, " +
                                               directory.string() + " has " + std::to_string(space.available));
}

/// What former agents have left.
void remove_images(const std::filesystem::path& directory)
{
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{directory, error})
    {
        if (is_image(entry.path().filename().string()))
        {
            std::error_code ignored; // it only takes room
            std::filesystem::remove(entry.path(), ignored);
        }
    }
}

} // namespace

UsbDrive::UsbDrive(asio::io_context& context, UsbDriveSettings settings, FatTools tools, RandomSource& random,
                   Report report)
    : context_{context},
      gadget_{std::move(settings.gadget)},
      tools_{std::move(tools)},
      random_{random},
      report_{std::move(report)},
      directory_{std::move(settings.directory)},
      reader_{context, tools_},
      timer_{context}
{
    if (const auto usable = gadget_.check(); !usable)
    {
        report_(usable.error().text);
    }
}

void UsbDrive::clean_up(const UsbDriveSettings& settings, const Report& report)
{
    const auto removed = Gadget{settings.gadget}.remove();
    remove_images(settings.directory);
    if (!removed || *removed)
    {
        report(!removed ? removed.error().text : "took away a drive that a former agent had left plugged in");
    }
}

UsbDrive::~UsbDrive()
{
    drop();
    worker_.join();
}

Result<void> UsbDrive::plug_in(std::uint64_t image_size)
{
    drop();
    Drive drive{make_identity(random_), drive_size(image_size)};
    auto image = DriveImage::create(
        directory_ / (std::string{image_prefix} + drive.identity.serial + std::string{image_suffix}), drive.size);
    if (!image)
    {
        return image.error();
    }
    const auto given_up = std::make_shared<std::atomic<bool>>(false);
    std::packaged_task<Result<void>()> job{[this, drive, image = *image, given_up]
                                           { return show(drive, *image, *given_up); }};
    std::future<Result<void>> done = job.get_future();
    asio::post(worker_, std::move(job));
    image_ = std::move(*image);
    if (done.wait_for(plug_in_limit) != std::future_status::ready)
    {
        given_up->store(true);
        drop();
        return fail(ErrorKind::timeout, "the USB drive could not be shown within " +
                                            std::to_string(plug_in_limit.count()) +
                                            " s: a former one is still being taken away; try again");
    }
    if (auto plugged_in = done.get(); !plugged_in)
    {
        image_.reset();
        return plugged_in;
    }
    plugged_in_ = std::move(drive);
    stage_ = Stage::plugged_in;
    alive_ = std::make_shared<int>();
    written_ = image_->written();
    look_again(write_interval, &UsbDrive::look_for_writes);
    return {};
}

/// On the worker.
Result<void> UsbDrive::show(const Drive& drive, const DriveImage& image, const std::atomic<bool>& given_up) const
{
    if (auto room = require_space(directory_, drive.size); !room)
    {
        return room;
    }
    if (auto formatted = tools_.format(image.path(), drive); !formatted)
    {
        return formatted;
    }
    if (auto cleared = image.clear_partition_table(); !cleared)
    {
        return cleared;
    }
    return given_up ? Result<void>{fail(ErrorKind::timeout, "given up")}
                    : gadget_.plug_in(drive.identity, image.path());
}

void UsbDrive::drop() noexcept
{
    cancel();
    timer_.cancel();
    plugged_in_.reset();
    alive_.reset();
    trouble_.clear();
    stage_ = Stage::nothing;
    if (image_)
    {
        asio::post(worker_,
                   [this, image = std::exchange(image_, nullptr)]
                   {
                       // The gadget first: it has the image open.
                       static_cast<void>(gadget_.remove());
                   });
    }
}

void UsbDrive::look_again(Duration when, void (UsbDrive::*what)())
{
    timer_.expires_after(when);
    timer_.async_wait(
        [this, what, drive = std::weak_ptr{alive_}](boost::system::error_code error)
        {
            if (!error && !drive.expired())
            {
                (this->*what)();
            }
        });
}

void UsbDrive::look_whether_written(TimePoint now)
{
    const std::int64_t written = image_->written();
    if (std::exchange(written_, written) == written)
    {
        return;
    }
    changed_ = now;
    if (listener_)
    {
        listener_(now);
    }
}

void UsbDrive::look_for_writes()
{
    if (stage_ != Stage::plugged_in) // its time had come just when the drive was plugged out
    {
        return;
    }
    look_whether_written(Clock::now());
    look_again(write_interval, &UsbDrive::look_for_writes);
}

void UsbDrive::plug_out()
{
    if (stage_ != Stage::plugged_in)
    {
        return;
    }
    plugged_in_.reset();
    stage_ = Stage::settling;
    written_ = image_->written();
    plugged_out_ = changed_ = Clock::now();
    look_again(settle_interval, &UsbDrive::look_whether_settled);
}

void UsbDrive::look_whether_settled()
{
    if (stage_ != Stage::settling)
    {
        return;
    }
    const TimePoint now = Clock::now();
    look_whether_written(now);
    if (now - plugged_out_ >= longest_settling)
    {
        trouble_ = "the host was still writing to the USB drive when it was taken away, so what is on it cannot be "
                   "trusted: let the host finish and unmount the drive before it is plugged out";
        report_(trouble_);
        take_away();
    }
    else if (now - changed_ >= quiet)
    {
        take_away();
    }
    else
    {
        look_again(settle_interval, &UsbDrive::look_whether_settled);
    }
}

void UsbDrive::take_away()
{
    asio::post(worker_,
               [this, image = image_, drive = std::weak_ptr{alive_}]
               {
                   const auto removed = gadget_.remove();
                   auto result = !removed          ? Result<void>{removed.error()}
                                 : drive.expired() ? Result<void>{} // nobody wants it any more
                                                   : image->seal();
                   asio::post(context_,
                              [this, drive, result = std::move(result)]
                              {
                                  if (!drive.expired())
                                  {
                                      taken_away(result);
                                  }
                              });
               });
}

void UsbDrive::taken_away(const Result<void>& result)
{
    if (!result)
    {
        trouble_ = result.error().text;
        report_(trouble_);
    }
    stage_ = trouble_.empty() ? Stage::closed : Stage::nothing;
    if (fetch_)
    {
        read();
    }
}

Result<std::string> UsbDrive::check(const transports::FetchOrder& order) const
{
    const auto path = DrivePath::parse(order.uri);
    if (!path)
    {
        return path.error();
    }
    return image_ ? Result<std::string>{order.uri}
                  : fail(ErrorKind::wrong_state, "no USB drive has been plugged in for this transfer: plug it in, copy "
                                                 "the file, plug it out");
}

void UsbDrive::begin(const transports::FetchOrder& order, transports::FetchSink& sink)
{
    cancel();
    const auto path = DrivePath::parse(order.uri);
    fetch_.emplace(Fetch{path.value(), &sink}); // check() has passed
    alive_ = alive_ ? alive_ : std::make_shared<int>();
    if (stage_ != Stage::settling)
    {
        read_soon();
    }
}

/// From the loop: a sink never hears anything within begin().
void UsbDrive::read_soon()
{
    asio::post(context_,
               [this, drive = std::weak_ptr{alive_}]
               {
                   if (!drive.expired() && fetch_)
                   {
                       read();
                   }
               });
}

void UsbDrive::read()
{
    const Fetch fetch = std::move(*fetch_);
    fetch_.reset();
    if (stage_ == Stage::closed && image_->is_dirty() && !fetch.sink->knows_digest())
    {
        fetch.sink->finished(fail(ErrorKind::integrity,
                                  "the USB drive was not unmounted by the host, so a file on it may be "
                                  "half written, and no SHA-256 would show it: plug it in again, "
                                  "copy, unmount ('eject'), then plug it out"),
                             Clock::now());
        return;
    }
    if (stage_ == Stage::closed)
    {
        reader_.begin(image_->descriptor(), fetch.path, *fetch.sink);
        return;
    }
    fetch.sink->finished(fail(ErrorKind::input_output, trouble_.empty() ? "the USB drive is not closed" : trouble_),
                         Clock::now());
}

void UsbDrive::cancel() noexcept
{
    fetch_.reset();
    reader_.cancel();
}

} // namespace fwupdate::usb
