#include "bmc-agent/channels/dbus/sdbus_attachment.hpp"

#include "bmc-agent/channels/dbus/sdbus_messages.hpp"
#include "common/bytes.hpp"
#include "common/time.hpp"

#include <algorithm>

namespace fwupdate::agent::dbus_ipmi
{
namespace
{

constexpr const char* daemon_name = "org.freedesktop.DBus";
constexpr const char* daemon_path = "/org/freedesktop/DBus";
constexpr const char* object_path = "/xyz/openbmc_project/Ipmi";
constexpr const char* server_interface = "xyz.openbmc_project.Ipmi.Server";
constexpr const char* session_interface = "xyz.openbmc_project.Ipmi.SessionInfo";
constexpr const char* legacy_interface = "org.openbmc.HostIpmi";
constexpr std::size_t most_legacy_bridges = 8; ///< a BMC has one; whoever makes more costs us no memory

// Rules as the D-Bus specification has them ("Match Rules").
const std::string owner_rule = "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                               "interface='org.freedesktop.DBus',member='NameOwnerChanged',";
constexpr const char* properties_rule = "type='signal',path_namespace='/xyz/openbmc_project/ipmi/session',"
                                        "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
                                        "arg0='xyz.openbmc_project.Ipmi.SessionInfo'";
constexpr const char* removed_rule = "type='signal',path='/xyz/openbmc_project/ipmi/session',"
                                     "interface='org.freedesktop.DBus.ObjectManager',member='InterfacesRemoved'";
constexpr const char* legacy_rule = "type='signal',interface='org.openbmc.HostIpmi',member='ReceivedMessage'";

} // namespace

/// What is wrong with a call of ours ends the attachment.
template <class Function> void Attachment::guarded(Function function)
{
    try
    {
        function();
    }
    catch (const std::exception& error)
    {
        failed_(printable(error.what()));
    }
    bus_.used();
}

/// An answer's handler: a method of ours, while we live.
template <class... Values> auto Attachment::then(void (Attachment::*method)(const sdbus::Error*, Values...))
{
    return [weak = weak_from_this(), method](const sdbus::Error* error, Values... values)
    {
        if (const auto self = weak.lock())
        {
            (self.get()->*method)(error, std::move(values)...);
        }
    };
}

/// What is wrong with a message of others is theirs.
void Attachment::match(const std::string& rule, void (Attachment::*method)(sdbus::Message&))
{
    matches_.push_back(
        connection_->addMatch(rule,
                              [this, method](sdbus::Message& message)
                              {
                                  try
                                  {
                                      (this->*method)(message);
                                  }
                                  catch (const std::exception& error)
                                  {
                                      log_.event(Level::debug, "D-Bus: a signal cannot be read",
                                                 {{"member", message.getMemberName()}, {"reason", error.what()}});
                                  }
                              }));
}

void Attachment::begin()
{
    connection_ = bus_.connection();
    guarded(
        [&]
        {
            match(owner_rule + "arg0namespace='xyz.openbmc_project.Ipmi'", &Attachment::owner_changed);
            if (section_.name != host_name)
            {
                match(owner_rule + "arg0='" + section_.name + "'", &Attachment::owner_changed);
            }
            match(properties_rule, &Attachment::properties_changed);
            match(removed_rule, &Attachment::interfaces_removed);
            bus_daemon_ = sdbus::createProxy(*connection_, daemon_name, daemon_path);
            bus_daemon_->callMethodAsync("ListNames")
                .onInterface(daemon_name)
                .uponReplyInvoke(then(&Attachment::names_listed));
        });
}

void Attachment::names_listed(const sdbus::Error* error, std::vector<std::string> names)
{
    if (error != nullptr)
    {
        failed_("the bus does not tell its names: " + printable(error->getMessage()));
        return;
    }
    std::ranges::sort(names); // ipmid does so: of two names of one owner the same counts
    std::erase_if(names, [this](const std::string& name) { return !host_.concerns_us(name); });
    owners_asked_ = names.size();
    guarded([&] { std::ranges::for_each(names, [this](const std::string& name) { ask_owner(name); }); });
    if (owners_asked_ == 0)
    {
        serve();
    }
}

/// A name that has gone meanwhile has no owner, and that was told.
void Attachment::ask_owner(const std::string& name)
{
    bus_daemon_->callMethodAsync("GetNameOwner")
        .onInterface(daemon_name)
        .withArguments(name)
        .uponReplyInvoke(
            [weak = weak_from_this(), name](const sdbus::Error* error, const std::string& owner)
            {
                const auto self = weak.lock();
                if (self == nullptr)
                {
                    return;
                }
                if (error == nullptr)
                {
                    self->host_.owner_changed(name, owner, Clock::now());
                }
                if (--self->owners_asked_ == 0)
                {
                    self->serve();
                }
            });
}

void Attachment::serve()
{
    constexpr std::uint32_t wait_in_line = 0; // none of the flags of RequestName
    guarded(
        [&]
        {
            if (section_.legacy)
            {
                match(legacy_rule, &Attachment::legacy_received);
            }
            object_ = sdbus::createObject(*connection_, object_path);
            object_->registerMethod(server_interface, "execute", execute_signature,
                                    {"netFn", "lun", "cmd", "data", "options"}, reply_signature, {"response"},
                                    [this](sdbus::MethodCall call) { execute(std::move(call)); });
            object_->finishRegistration();
            bus_daemon_->callMethodAsync("RequestName")
                .onInterface(daemon_name)
                .withArguments(section_.name, wait_in_line)
                .uponReplyInvoke(then(&Attachment::name_requested));
        });
}

/// That it is ours, the bus tells itself.
void Attachment::name_requested(const sdbus::Error* error, std::uint32_t result)
{
    constexpr std::uint32_t in_line = 2;
    if (error != nullptr)
    {
        failed_("the bus does not let the agent own " + section_.name + ": " + printable(error->getMessage()) +
                "; allow it in a policy under /etc/dbus-1/system.d");
        return;
    }
    if (result == in_line)
    {
        log_.event(Level::error, "IPMI over D-Bus: another program owns the name; it is ours when that gives it up",
                   {{"name", section_.name}, {"remedy", "stop that program, or write another name in dbus_ipmi"}});
    }
}

void Attachment::execute(sdbus::MethodCall call)
{
    try
    {
        const ExecuteRequest request = read_execute(call);
        sdbus::MethodReply reply = call.createReply();
        write_reply(host_.execute(request, call.getSender(), Clock::now()), reply);
        reply.send();
    }
    catch (const sdbus::Error&)
    {
        throw; // sdbus-c++ answers with it
    }
    catch (const std::exception& error)
    {
        throw sdbus::Error{"org.freedesktop.DBus.Error.Failed", error.what()};
    }
}

void Attachment::owner_changed(sdbus::Message& message)
{
    std::string name;
    std::string former;
    std::string owner;
    message >> name >> former >> owner;
    if (name == section_.name)
    {
        const bool ours = owner == connection_->getUniqueName();
        const bool lost = former == connection_->getUniqueName();
        if (ours || lost)
        {
            log_.event(ours ? Level::info : Level::error,
                       ours ? "Serving IPMI over D-Bus" : "IPMI over D-Bus: the name was taken away",
                       {{"name", section_.name}});
        }
        return;
    }
    host_.owner_changed(name, owner, Clock::now());
}

void Attachment::properties_changed(sdbus::Message& message)
{
    std::string interface;
    std::map<std::string, sdbus::Variant> changed;
    message >> interface >> changed;
    const auto state = changed.find("State");
    if (interface == session_interface && state != changed.end() && state->second.containsValueOfType<std::uint8_t>())
    {
        host_.session_state(message.getPath(), message.getSender(), state->second.get<std::uint8_t>(), Clock::now());
    }
}

void Attachment::interfaces_removed(sdbus::Message& message)
{
    sdbus::ObjectPath path;
    std::vector<std::string> interfaces;
    message >> path >> interfaces;
    if (std::ranges::count(interfaces, session_interface) != 0)
    {
        host_.session_gone(path, message.getSender(), Clock::now());
    }
}

void Attachment::legacy_received(sdbus::Message& message)
{
    const SendMessage answer = host_.receive(read_received_message(message), Clock::now());
    sdbus::IProxy& bridge = legacy_bridge(message.getSender(), message.getPath());
    sdbus::MethodCall call = bridge.createMethodCall(legacy_interface, "sendMessage");
    write_send_message(answer, call);
    bridge.callMethod(call,
                      [weak = weak_from_this()](sdbus::MethodReply&, const sdbus::Error* error)
                      {
                          if (const auto self = weak.lock(); self != nullptr && error != nullptr)
                          {
                              self->log_.event(Level::warning, "org.openbmc.HostIpmi: an answer was not taken",
                                               {{"reason", error->getMessage()}});
                          }
                      });
    bus_.used();
}

sdbus::IProxy& Attachment::legacy_bridge(const std::string& sender, const std::string& path)
{
    const std::pair key{sender, path};
    if (legacy_bridges_.size() >= most_legacy_bridges && !legacy_bridges_.contains(key))
    {
        legacy_bridges_.clear();
    }
    auto& bridge = legacy_bridges_[key];
    if (bridge == nullptr)
    {
        bridge = sdbus::createProxy(*connection_, sender, path);
    }
    return *bridge;
}

} // namespace fwupdate::agent::dbus_ipmi
