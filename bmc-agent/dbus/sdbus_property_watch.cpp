#include "bmc-agent/dbus/property_watch.hpp"
#include "common/bytes.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <utility>
#include <vector>

namespace fwupdate::agent::dbus
{
namespace
{

constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr std::chrono::seconds pause{5}; ///< until a bus that is not there is looked for again

std::optional<Value> value_of(const sdbus::Variant& variant)
{
    if (variant.containsValueOfType<bool>())
    {
        return variant.get<bool>();
    }
    if (variant.containsValueOfType<std::uint8_t>())
    {
        return variant.get<std::uint8_t>();
    }
    return variant.containsValueOfType<std::string>() ? std::optional<Value>{variant.get<std::string>()} : std::nullopt;
}

/// What one connection has of the watch.
struct Attachment
{
    std::shared_ptr<sdbus::IConnection> connection; ///< outlives what is on it
    std::vector<sdbus::Slot> matches;
    std::unique_ptr<sdbus::IProxy> proxy;
};

class SdbusPropertyWatch final : public PropertyWatch
{
  public:
    SdbusPropertyWatch(boost::asio::io_context& context, Bus& bus, PropertyPlace place, Told told, Log& log)
        : context_{context}, bus_{bus}, place_{std::move(place)}, told_{std::move(told)}, log_{log}, timer_{context}
    {
    }

    void start()
    {
        bus_.connect(
            [this, alive = std::weak_ptr<void>{alive_}](const Result<void>& ready)
            {
                if (!alive.expired())
                {
                    ready ? attach() : try_again();
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
        attachment_ = std::make_shared<Attachment>();
        attachment_->connection = bus_.connection();
        bus_.on_lost(attachment_, [this](const std::string&) { end(); });
        try
        {
            match("type='signal',sender='" + place_.service + "',path='" + place_.path +
                  "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" + place_.interface +
                  "'");
            match("type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                  "member='NameOwnerChanged',arg0='" +
                  place_.service + "'");
            attachment_->proxy = sdbus::createProxy(*attachment_->connection, place_.service, place_.path);
            ask();
        }
        catch (const std::exception& error)
        {
            log_.event(Level::warning, "A property on D-Bus can't be watched",
                       {{"property", place_.property}, {"reason", printable(error.what())}});
            end();
        }
        bus_.used();
    }

    /// Whatever is signalled: what it is now is asked for, so that nobody's signal counts but the answer.
    void match(const std::string& rule)
    {
        attachment_->matches.push_back(attachment_->connection->addMatch(rule, [this](sdbus::Message&) { ask(); }));
    }

    void ask()
    {
        if (attachment_ == nullptr)
        {
            return; // a signal that was on its way
        }
        attachment_->proxy->callMethodAsync("Get")
            .onInterface(properties_interface)
            .withArguments(place_.interface, place_.property)
            .uponReplyInvoke(
                [this, alive = std::weak_ptr<Attachment>{attachment_}](const sdbus::Error* error,
                                                                       const sdbus::Variant& value)
                {
                    if (!alive.expired())
                    {
                        told_(error == nullptr ? value_of(value) : std::nullopt);
                    }
                });
        bus_.used();
    }

    /// Posted: it may be within a call of what goes with it.
    void end()
    {
        boost::asio::post(context_, [gone = std::exchange(attachment_, nullptr)] {});
        told_(std::nullopt);
        try_again();
    }

    void try_again()
    {
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
    Bus& bus_;
    PropertyPlace place_;
    Told told_;
    Log& log_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<void> alive_{std::make_shared<char>()};
    std::shared_ptr<Attachment> attachment_;
};

} // namespace

std::unique_ptr<PropertyWatch> watch_property(boost::asio::io_context& context, Bus& bus, PropertyPlace place,
                                              PropertyWatch::Told told, Log& log)
{
    auto watch = std::make_unique<SdbusPropertyWatch>(context, bus, std::move(place), std::move(told), log);
    watch->start();
    return watch;
}

} // namespace fwupdate::agent::dbus
