#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/dbus/object_server.hpp"
#include "bmc-agent/dbus/sdbus_objects.hpp"
#include "common/bytes.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

namespace fwupdate::agent::dbus
{
namespace
{

constexpr const char* daemon_name = "org.freedesktop.DBus";
constexpr const char* daemon_path = "/org/freedesktop/DBus";
constexpr std::chrono::seconds pause{2}; ///< until what failed is tried again

class SdbusObjectServer final : public ObjectServer
{
  public:
    SdbusObjectServer(boost::asio::io_context& context, ObjectService service, ObjectOwner& owner, Log& log)
        : context_{context},
          service_{std::move(service)},
          owner_{owner},
          log_{log},
          timer_{context},
          bus_{make_bus(context)}
    {
    }

    void start()
    {
        bus_->connect(
            [this, alive = std::weak_ptr<void>{alive_}](const Result<void>& ready)
            {
                if (!alive.expired())
                {
                    ready ? attach() : try_again(ready.error().text);
                }
            });
    }

    void changed(const std::vector<TreeChange>& changes) override
    {
        if (objects_ == nullptr)
        {
            return;
        }
        if (!objects_->in_call())
        {
            guarded(
                [&]
                {
                    objects_->announce(changes);
                    objects_->settle();
                });
            return;
        }
        settle_soon(); // posted first: its turn is before the next message's
        guarded([&] { objects_->announce(changes); });
    }

    void stop() override
    {
        alive_.reset();
        timer_.cancel();
        bus_daemon_.reset();
        objects_.reset();
    }

  private:
    void settle_soon()
    {
        boost::asio::post(context_,
                          [this, objects = std::weak_ptr{objects_}]
                          {
                              if (const auto present = objects.lock())
                              {
                                  guarded([&] { present->settle(); });
                              }
                          });
    }

    /// What goes wrong with the connection ends what is on it.
    template <class Function> void guarded(Function function)
    {
        try
        {
            function();
        }
        catch (const std::exception& error)
        {
            end(printable(error.what()));
        }
        bus_->used();
    }

    void attach()
    {
        objects_ = std::make_shared<SdbusObjects>(bus_->connection(), service_, owner_);
        bus_->on_lost(objects_, [this](const std::string& why) { end("the bus is lost: " + printable(why)); });
        guarded(
            [this]
            {
                objects_->register_all();
                request_name();
            });
    }

    void request_name()
    {
        constexpr std::uint32_t wait_in_line = 0; // none of the flags of RequestName
        bus_daemon_ = sdbus::createProxy(*bus_->connection(), daemon_name, daemon_path);
        bus_daemon_->callMethodAsync("RequestName")
            .onInterface(daemon_name)
            .withArguments(service_.name, wait_in_line)
            .uponReplyInvoke(
                [this, alive = std::weak_ptr<void>{objects_}](const sdbus::Error* error, std::uint32_t result)
                {
                    if (!alive.expired())
                    {
                        name_requested(error, result);
                    }
                });
    }

    void name_requested(const sdbus::Error* error, std::uint32_t result)
    {
        constexpr std::uint32_t in_line = 2;
        if (error != nullptr)
        {
            end("the bus does not let the agent own " + service_.name + ": " + printable(error->getMessage()) +
                "; allow it in a policy under /etc/dbus-1/system.d");
            return;
        }
        told_.clear();
        if (result == in_line)
        {
            log_.event(Level::error, "Another program owns a name on D-Bus; it is ours when that gives it up",
                       {{"name", service_.name}, {"remedy", "stop that program"}});
            return;
        }
        log_.event(Level::info, "Serving objects on D-Bus", {{"name", service_.name}});
    }

    /// Posted: it may be within a call of what goes with it.
    void end(const std::string& why)
    {
        if (objects_ == nullptr)
        {
            return;
        }
        boost::asio::post(context_, [gone = std::exchange(objects_, nullptr),
                                     daemon = std::shared_ptr<sdbus::IProxy>{std::move(bus_daemon_)}] {});
        try_again(why);
    }

    /// Each trouble is told once.
    void try_again(const std::string& why)
    {
        if (std::exchange(told_, why) != why)
        {
            log_.event(Level::error, "Objects are not served on D-Bus; trying again",
                       {{"name", service_.name}, {"reason", why}});
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
    ObjectService service_;
    ObjectOwner& owner_;
    Log& log_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<Bus> bus_;
    std::shared_ptr<void> alive_{std::make_shared<char>()};
    std::shared_ptr<SdbusObjects> objects_; ///< of the present connection
    std::unique_ptr<sdbus::IProxy> bus_daemon_;
    std::string told_; ///< last
};

} // namespace

std::unique_ptr<ObjectServer> serve_objects(boost::asio::io_context& context, ObjectService service, ObjectOwner& owner,
                                            Log& log)
{
    auto server = std::make_unique<SdbusObjectServer>(context, std::move(service), owner, log);
    server->start();
    return server;
}

} // namespace fwupdate::agent::dbus
