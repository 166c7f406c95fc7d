#include "bmc-agent/channels/dbus/sdbus_attachment.hpp"
#include "common/bytes.hpp"
#include "common/time.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

namespace fwupdate::agent::dbus_ipmi
{
namespace
{

constexpr std::chrono::seconds pause{2}; ///< until what failed is tried again

class SdbusServer final : public BusServer
{
  public:
    SdbusServer(boost::asio::io_context& context, dbus::Bus& bus, const config::DbusIpmi& section, IpmiHost& host,
                Log& log)
        : context_{context}, bus_{bus}, section_{section}, host_{host}, log_{log}, timer_{context}
    {
    }

    void start()
    {
        bus_.connect(
            [this, alive = std::weak_ptr<void>{alive_}](const Result<void>& ready)
            {
                if (!alive.expired())
                {
                    ready ? attach() : try_again(ready.error().text);
                }
            });
    }

    void stop() override
    {
        alive_.reset();
        timer_.cancel();
        attachment_.reset();
    }

  private:
    void attach()
    {
        attachment_ = std::make_shared<Attachment>(bus_, section_, host_, log_,
                                                   [this](const std::string& why) { end_attachment(why); });
        bus_.on_lost(attachment_,
                     [this](const std::string& why) { end_attachment("the bus is lost: " + printable(why)); });
        attachment_->begin();
    }

    /// Posted: it may be within a call of what goes with it.
    void end_attachment(const std::string& why)
    {
        if (attachment_ == nullptr)
        {
            return;
        }
        boost::asio::post(context_, [gone = std::exchange(attachment_, nullptr)] {});
        host_.bus_lost(Clock::now());
        try_again(why);
    }

    /// Each trouble is told once.
    void try_again(const std::string& why)
    {
        if (std::exchange(told_, why) != why)
        {
            log_.event(Level::error, "IPMI over D-Bus is not served; trying again", {{"reason", why}});
        }
        timer_.expires_after(pause);
        timer_.async_wait(
            [this, alive = std::weak_ptr<void>{alive_}](boost::system::error_code stopped)
            {
                if (!stopped && !alive.expired())
                {
                    start();
                }
            });
    }

    boost::asio::io_context& context_;
    dbus::Bus& bus_;
    const config::DbusIpmi& section_;
    IpmiHost& host_;
    Log& log_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<void> alive_{std::make_shared<char>()};
    std::shared_ptr<Attachment> attachment_;
    std::string told_; ///< last
};

} // namespace

std::unique_ptr<BusServer> serve_bus(boost::asio::io_context& context, dbus::Bus& bus, const config::DbusIpmi& section,
                                     IpmiHost& host, Log& log)
{
    auto server = std::make_unique<SdbusServer>(context, bus, section, host, log);
    server->start();
    return server;
}

} // namespace fwupdate::agent::dbus_ipmi
