#include "bmc-agent/channels/system-interface/host_device.hpp"

#include "bmc-agent/channels/system-interface/host_device_protocol.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <linux/ipmi_bmc.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fwupdate::agent::system_interface
{
namespace
{

namespace asio = boost::asio;
using boost::system::error_code;

std::string cause_of(int error)
{
    return std::generic_category().message(error);
}

/// One opened device: waits, reads, answers, writes. bt-bmc.c sleeps in read() and write() whatever O_NONBLOCK says, so
/// each is asked for with poll() first; kcs_bmc_cdev_ipmi.c never tells that it is writable, so KCS is written at once.
/// Lives as long as its handlers.
class OpenDevice final : public std::enable_shared_from_this<OpenDevice>
{
  public:
    struct Events
    {
        std::function<void()> served;
        std::function<void(const std::string& cause)> failed; ///< the last event; the device is closed
    };

    OpenDevice(asio::io_context& context, config::HostType type, const HostDeviceProtocol& protocol, Events events)
        : device_{context}, bt_{type == config::HostType::bt}, protocol_{protocol}, events_{std::move(events)}
    {
    }

    /// Takes the descriptor.
    void start(int descriptor)
    {
        error_code error;
        device_.assign(descriptor, error);
        if (error)
        {
            ::close(descriptor);
            fail(error.message());
            return;
        }
        wait_for_request();
    }

    void close()
    {
        error_code ignored; // it ends either way
        device_.close(ignored);
        events_ = {};
    }

  private:
    void wait_for_request()
    {
        device_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](error_code error)
                           {
                               if (self->goes_on(error) && self->read())
                               {
                                   self->wait_for_request();
                               }
                           });
    }

    void wait_for_room()
    {
        if (std::exchange(waits_for_room_, true))
        {
            return;
        }
        device_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [self = shared_from_this()](error_code error)
                           {
                               self->waits_for_room_ = false;
                               if (self->goes_on(error))
                               {
                                   self->write();
                               }
                           });
    }

    /// False: closed meanwhile, or in trouble, which is told.
    bool goes_on(error_code error)
    {
        if (error && device_.is_open())
        {
            fail(error.message());
        }
        return !error && device_.is_open();
    }

    /// What poll(2) tells now.
    [[nodiscard]] short state(short wanted)
    {
        pollfd descriptor{device_.native_handle(), wanted, 0};
        return ::poll(&descriptor, 1, 0) < 0 ? short{POLLERR} : descriptor.revents;
    }

    /// False: the device is closed.
    bool read()
    {
        const short ready = state(POLLIN);
        if ((ready & POLLIN) == 0)
        {
            return (ready & (POLLERR | POLLHUP | POLLNVAL)) == 0 || fail("the device is gone");
        }
        std::array<std::uint8_t, largest_device_message> buffer{};
        const ssize_t size = ::read(device_.native_handle(), buffer.data(), buffer.size());
        if (size < 0)
        {
            const bool withdrawn = errno == EAGAIN || errno == EINTR; // by the host, between poll() and read()
            return withdrawn || fail(cause_of(errno));
        }
        if (size == 0 && (ready & POLLHUP) != 0)
        {
            return fail("the device is gone");
        }
        return answer(ConstBytes{buffer}.first(static_cast<std::size_t>(size)));
    }

    /// A response that the host has not taken is for a request it has given up: the newer one replaces it.
    bool answer(ConstBytes message)
    {
        auto response = protocol_.answer(message, Clock::now());
        if (!response)
        {
            refuse();
            return true;
        }
        response_ = std::move(*response);
        return write();
    }

    /// The host waits for an answer to what was no message: KCS can tell it to stop.
    void refuse()
    {
        if (!bt_)
        {
            ::ioctl(device_.native_handle(), IPMI_BMC_IOCTL_FORCE_ABORT); // else it gives up by itself
        }
    }

    bool write()
    {
        if (response_.empty())
        {
            return true;
        }
        if (bt_ && (state(POLLOUT) & POLLOUT) == 0)
        {
            wait_for_room();
            return true;
        }
        const Bytes response = std::exchange(response_, {});
        const ssize_t written = ::write(device_.native_handle(), response.data(), response.size());
        const bool withdrawn = written < 0 && (errno == EINVAL || errno == EAGAIN); // by the host: it has aborted
        if (written < 0 && !withdrawn)
        {
            return fail(cause_of(errno));
        }
        events_.served();
        return true;
    }

    /// False, for the callers' convenience.
    bool fail(const std::string& cause)
    {
        const auto failed = std::move(events_.failed);
        close();
        if (failed)
        {
            failed(cause);
        }
        return false;
    }

    asio::posix::stream_descriptor device_;
    bool bt_;
    const HostDeviceProtocol& protocol_;
    Events events_;
    Bytes response_; ///< not yet taken by the host; empty: none
    bool waits_for_room_{false};
};

/// Opens the device, again and again.
class DeviceServer final : public HostServer
{
  public:
    DeviceServer(asio::io_context& context, const config::SystemInterface& settings, const CommandTable& commands,
                 Log& log, DeviceOpener open)
        : context_{context},
          settings_{settings},
          channel_{settings, commands},
          protocol_{settings.type, channel_},
          log_{log},
          open_{std::move(open)},
          timer_{context}
    {
        open_now();
    }
    ~DeviceServer() override
    {
        close();
    }

    [[nodiscard]] std::string name() const override
    {
        return settings_.device.string();
    }

    void stop() override
    {
        timer_.cancel();
        close();
    }

  private:
    void open_now()
    {
        const auto descriptor = open_(settings_.device);
        if (!descriptor)
        {
            trouble(descriptor.error().text);
            return;
        }
        if (reopening_.opened())
        {
            log_.event(Level::info, "Host's device opened", {{"device", name()}});
        }
        device_ = std::make_shared<OpenDevice>(
            context_, settings_.type, protocol_,
            OpenDevice::Events{[this] { works(); }, [this](const std::string& cause) { trouble(cause); }});
        const auto device = device_; // lives on when it fails at once
        device->start(*descriptor);
    }

    void close()
    {
        if (const auto device = std::exchange(device_, nullptr))
        {
            device->close();
        }
    }

    void works()
    {
        if (reopening_.served())
        {
            log_.event(Level::info, "Host's device serves again", {{"device", name()}});
        }
    }

    void trouble(const std::string& cause)
    {
        device_.reset();
        const Reopening::Verdict verdict = reopening_.failed(cause);
        if (verdict.tell)
        {
            log_.event(Level::warning, "Host's device can't be used; it is tried again every few seconds",
                       {{"device", name()}, {"reason", cause}});
        }
        timer_.expires_after(verdict.delay);
        timer_.async_wait(
            [this](error_code error)
            {
                if (error != asio::error::operation_aborted) // this may be gone
                {
                    open_now();
                }
            });
    }

    asio::io_context& context_;
    const config::SystemInterface& settings_;
    HostChannel channel_;
    HostDeviceProtocol protocol_;
    Log& log_;
    DeviceOpener open_;
    Reopening reopening_;
    asio::steady_timer timer_;
    std::shared_ptr<OpenDevice> device_;
};

} // namespace

Result<int> open_device(const std::filesystem::path& path)
{
    const int descriptor = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
    {
        return fail(ErrorKind::input_output, errno == EBUSY ? "another program has it open" : cause_of(errno));
    }
    struct stat status
    {
    };
    if (::fstat(descriptor, &status) != 0 || !S_ISCHR(status.st_mode))
    {
        ::close(descriptor);
        return fail(ErrorKind::input_output, "it is not a character device");
    }
    return descriptor;
}

std::unique_ptr<HostServer> serve_host_device(asio::io_context& context, const config::SystemInterface& settings,
                                              const CommandTable& commands, Log& log, DeviceOpener open)
{
    return std::make_unique<DeviceServer>(context, settings, commands, log, std::move(open));
}

} // namespace fwupdate::agent::system_interface
