#include "bmc-agent/ship-level/service.hpp"

#include <utility>

namespace fwupdate::agent::ship_level
{
namespace
{

constexpr const char* settings_name = "xyz.openbmc_project.Settings";

dbus::ObjectTree tree_of(bool required)
{
    return {
        {std::string{setting_path}, {{std::string{setting_interface}, {{std::string{setting_property}, required}}}}}};
}

} // namespace

dbus::InterfaceInfo setting_interface_info()
{
    return {setting_interface, {{setting_property, "b", true}}, {}};
}

std::unique_ptr<dbus::PropertyWatch> watch_setting(boost::asio::io_context& context, dbus::Bus& bus,
                                                   std::function<void(std::optional<bool>)> told, Log& log)
{
    return dbus::watch_property(
        context, bus,
        {settings_name, std::string{setting_path}, std::string{setting_interface}, std::string{setting_property}},
        [told = std::move(told)](const std::optional<dbus::Value>& value)
        {
            const auto* const required = value ? std::get_if<bool>(&*value) : nullptr;
            told(required == nullptr ? std::nullopt : std::optional{*required});
        },
        log);
}

ShipLevelService::ShipLevelService(boost::asio::io_context& context, dbus::Bus* bus, config::ShipLevel settings,
                                   package::VersionScheme scheme, Log& log)
    : context_{context},
      bus_{bus},
      settings_{std::move(settings)},
      scheme_{std::move(scheme)},
      log_{log},
      timer_{context},
      setting_{settings_.settings, log},
      required_{setting_.required()},
      tree_{tree_of(required_)},
      inventory_{make_inventory(bus)}
{
}

void ShipLevelService::start()
{
    if (inventory_ != nullptr)
    {
        look();
    }
    if (settings_.foreign_setting && bus_ != nullptr)
    {
        watch_ = watch_setting(
            context_, *bus_,
            [this](std::optional<bool> told) { required_ = told.value_or(true); }, // nobody tells: the default holds
            log_);
    }
}

void ShipLevelService::stop()
{
    timer_.cancel();
    if (watch_ != nullptr)
    {
        watch_->stop();
    }
    if (server_ != nullptr)
    {
        server_->stop();
    }
}

void ShipLevelService::serve_setting()
{
    server_ = dbus::serve_objects(context_, {settings_name, "/", {setting_interface_info()}}, *this, log_);
    changed_ = [this](const std::vector<dbus::TreeChange>& changes)
    {
        if (server_ != nullptr)
        {
            server_->changed(changes);
        }
    };
}

Verdict ShipLevelService::verdict() const
{
    return judge(required_, evaluate(settings_, scheme_, DiskView{}), reported_);
}

/// Settingsd writes and signals only what is another value.
std::optional<dbus::CallError> ShipLevelService::set(const std::string& /*path*/, const std::string& /*interface*/,
                                                     const std::string& /*property*/, const dbus::Value& value)
{
    const auto changed = setting_.set(std::get<bool>(value));
    if (!changed)
    {
        return dbus::CallError{"xyz.openbmc_project.Common.Error.InternalFailure", changed.error().text};
    }
    if (*changed)
    {
        required_ = setting_.required();
        tree_ = tree_of(required_);
        log_.event(Level::info, required_ ? "The minimum ship level is required" : "The minimum ship level is waived");
        if (changed_)
        {
            changed_({{dbus::ChangeKind::properties_changed, std::string{setting_path},
                       tree_.at(std::string{setting_path})}});
        }
    }
    return std::nullopt;
}

dbus::CallResult ShipLevelService::call(const dbus::MethodCall& call)
{
    return dbus::CallError{"org.freedesktop.DBus.Error.UnknownMethod", "there is no method " + call.method};
}

void ShipLevelService::look()
{
    look_later(); // whether anybody answers or not
    inventory_->read([this](const Reported& reported) { take(reported); });
}

void ShipLevelService::take(const Reported& reported)
{
    tell(read_trouble_, "Not all of the inventory says whether it meets the minimum ship level", reported.trouble);
    reported_ = reported.levels;
    produce(reported.levels);
}

/// Only what the inventory does not say already.
void ShipLevelService::produce(const InventoryLevels& present)
{
    if (!settings_.notify)
    {
        return;
    }
    InventoryLevels news;
    for (const auto& [path, met] : inventory_levels(evaluate(settings_, scheme_, DiskView{})))
    {
        const auto said = present.find(path);
        if (said == present.end() || said->second != met)
        {
            news.emplace(path, met);
        }
    }
    if (!news.empty())
    {
        inventory_->notify(news, [this](const std::string& trouble)
                           { tell(notify_trouble_, "The inventory does not take MeetsMinimumShipLevel", trouble); });
    }
}

void ShipLevelService::look_later()
{
    timer_.expires_after(interval);
    timer_.async_wait(
        [this](boost::system::error_code stopped)
        {
            if (!stopped)
            {
                look();
            }
        });
}

/// Each trouble is told once.
void ShipLevelService::tell(std::string& told, const char* sentence, const std::string& trouble)
{
    if (std::exchange(told, trouble) != trouble && !trouble.empty())
    {
        log_.event(Level::warning, sentence, {{"reason", trouble}});
    }
}

} // namespace fwupdate::agent::ship_level
