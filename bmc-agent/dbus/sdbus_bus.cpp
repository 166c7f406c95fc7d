#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/dbus/probe.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace fwupdate::agent::dbus
{
namespace
{

namespace asio = boost::asio;

constexpr std::chrono::seconds probe_limit{10};
/// For the one call that sdbus-c++ waits for, adding a match: the bus has just answered.
constexpr std::chrono::seconds call_limit{2};
constexpr int most_in_a_row = 64; ///< messages until the rest of the agent has its turn
constexpr const char* usual_address = "unix:path=/run/dbus/system_bus_socket";

class SdbusBus final : public Bus
{
  public:
    SdbusBus(asio::io_context& context, std::string address)
        : context_{&context},
          descriptor_{context},
          timer_{context},
          address_{std::move(address)},
          alive_{std::make_shared<char>()}
    {
    }
    SdbusBus(const SdbusBus&) = delete;
    SdbusBus& operator=(const SdbusBus&) = delete;
    ~SdbusBus() override
    {
        detach();
    }

    void connect(Ready ready) override
    {
        waiting_.push_back(std::move(ready));
        if (waiting_.size() > 1)
        {
            return; // on its way
        }
        const std::string socket = connection_ == nullptr ? socket_of(place()) : std::string{};
        if (socket.empty())
        {
            asio::post(*context_, while_alive([this] { open({}); }));
            return;
        }
        probe(*context_, socket, probe_limit,
              [this, alive = std::weak_ptr<void>{alive_}](const Result<void>& answers)
              {
                  if (!alive.expired())
                  {
                      open(answers);
                  }
              });
    }

    [[nodiscard]] std::shared_ptr<sdbus::IConnection> connection() const override
    {
        return connection_;
    }

    void used() override
    {
        if (!std::exchange(pumping_, true))
        {
            asio::post(*context_, while_alive([this] { pump(); }));
        }
    }

    void on_lost(std::weak_ptr<void> owner, Lost lost) override
    {
        std::erase_if(owners_, [](const auto& entry) { return entry.first.expired(); });
        owners_.emplace_back(std::move(owner), std::move(lost));
    }

  private:
    [[nodiscard]] std::string place() const
    {
        const char* told = std::getenv("DBUS_SYSTEM_BUS_ADDRESS"); // NOLINT(concurrency-mt-unsafe): nobody sets it
        return !address_.empty() ? address_ : told != nullptr ? told : usual_address;
    }

    /// A handler that does nothing once we are gone.
    [[nodiscard]] std::function<void()> while_alive(std::function<void()> function) const
    {
        return [alive = std::weak_ptr<void>{alive_}, function = std::move(function)]
        {
            if (!alive.expired())
            {
                function();
            }
        };
    }

    void open(const Result<void>& answers)
    {
        Result<void> result = answers;
        if (result && connection_ == nullptr)
        {
            result = attach();
        }
        if (!result)
        {
            result = fail(result.error().kind, "cannot connect to D-Bus at " + place() + ": " + result.error().text +
                                                   "; check that it runs (systemctl status dbus.socket)");
        }
        for (const Ready& ready : std::exchange(waiting_, {}))
        {
            ready(result);
        }
    }

    Result<void> attach()
    {
        try
        {
            connection_ = address_.empty() ? sdbus::createSystemBusConnection()
                                           : sdbus::createSessionBusConnectionWithAddress(address_);
            connection_->setMethodCallTimeout(call_limit);
            descriptor_.assign(connection_->getEventLoopPollData().fd);
        }
        catch (const std::exception& error)
        {
            connection_ = nullptr;
            return fail(ErrorKind::input_output, error.what());
        }
        used();
        return {};
    }

    /// The descriptor is the connection's: it is only let go.
    void detach() noexcept
    {
        try
        {
            if (descriptor_.is_open())
            {
                descriptor_.release();
            }
            timer_.cancel();
        }
        catch (const std::exception&)
        {
            reading_ = nullptr; // the loop did not know it any more, which is what was wanted
        }
        reading_ = writing_ = nullptr;
        connection_ = nullptr;
    }

    /// Handles what has come, and waits for what comes next. After a message that made somebody use the connection,
    /// what was posted meanwhile has its turn before the next message.
    void pump()
    {
        pumping_ = false;
        if (connection_ == nullptr)
        {
            return;
        }
        try
        {
            int handled = 0;
            while (!pumping_ && handled < most_in_a_row && connection_->processPendingRequest())
            {
                ++handled;
            }
            if (pumping_ || handled == most_in_a_row)
            {
                used();
                return;
            }
            arm(connection_->getEventLoopPollData());
        }
        catch (const std::exception& error)
        {
            lose(error.what());
        }
    }

    void arm(const sdbus::IConnection::PollData& wanted)
    {
        if ((wanted.events & POLLIN) != 0)
        {
            wait(asio::posix::descriptor_base::wait_read, reading_);
        }
        if ((wanted.events & POLLOUT) != 0)
        {
            wait(asio::posix::descriptor_base::wait_write, writing_);
        }
        timer_.cancel();
        if (wanted.timeout_usec != UINT64_MAX)
        {
            using std::chrono::microseconds;
            const auto most = static_cast<std::uint64_t>(microseconds::max().count()) / 1000;
            const microseconds when{std::min(wanted.timeout_usec, most)}; // of CLOCK_MONOTONIC
            timer_.expires_at(std::chrono::steady_clock::time_point{when});
            timer_.async_wait(
                [this, alive = std::weak_ptr<void>{alive_}](boost::system::error_code stopped)
                {
                    if (!stopped && !alive.expired())
                    {
                        used();
                    }
                });
        }
    }

    /// `armed`: while this connection is waited for in this way.
    void wait(asio::posix::descriptor_base::wait_type type, std::shared_ptr<void>& armed)
    {
        if (armed != nullptr)
        {
            return;
        }
        armed = std::make_shared<char>();
        descriptor_.async_wait(type,
                               [this, &armed, mine = std::weak_ptr<void>{armed}](boost::system::error_code)
                               {
                                   if (!mine.expired())
                                   {
                                       armed = nullptr;
                                       used();
                                   }
                               });
    }

    void lose(const std::string& why)
    {
        detach();
        for (const auto& [owner, lost] : std::exchange(owners_, {}))
        {
            if (!owner.expired())
            {
                lost(why);
            }
        }
    }

    asio::io_context* context_;
    asio::posix::stream_descriptor descriptor_;
    asio::steady_timer timer_;
    std::string address_; ///< empty: the system's
    std::shared_ptr<sdbus::IConnection> connection_;
    std::vector<Ready> waiting_; ///< for the connection
    std::vector<std::pair<std::weak_ptr<void>, Lost>> owners_;
    std::shared_ptr<void> reading_; ///< while the descriptor is waited for
    std::shared_ptr<void> writing_;
    std::shared_ptr<void> alive_;
    bool pumping_{false}; ///< pump() is on its way
};

} // namespace

std::unique_ptr<Bus> make_bus(asio::io_context& context, std::string address)
{
    return std::make_unique<SdbusBus>(context, std::move(address));
}

} // namespace fwupdate::agent::dbus
