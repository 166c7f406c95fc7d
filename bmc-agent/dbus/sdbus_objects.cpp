#include "bmc-agent/dbus/sdbus_objects.hpp"

#include <fcntl.h>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

namespace fwupdate::agent::dbus
{
namespace
{

constexpr const char* object_manager = "org.freedesktop.DBus.ObjectManager";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";

// As the D-Bus specification names them.
constexpr const char* unknown_object = "org.freedesktop.DBus.Error.UnknownObject";
constexpr const char* invalid_arguments = "org.freedesktop.DBus.Error.InvalidArgs";
constexpr const char* limits_exceeded = "org.freedesktop.DBus.Error.LimitsExceeded";
constexpr const char* failed = "org.freedesktop.DBus.Error.Failed";

using WireAssociations = std::vector<sdbus::Struct<std::string, std::string, std::string>>;

WireAssociations on_wire(const std::vector<Association>& associations)
{
    WireAssociations wire;
    for (const Association& each : associations)
    {
        wire.emplace_back(std::make_tuple(each.forward, each.reverse, each.endpoint));
    }
    return wire;
}

/// Gives the value to `put` as what sdbus-c++ knows.
template <class Put> auto with_wire_value(const Value& value, Put put)
{
    return std::visit(
        [&](const auto& each)
        {
            if constexpr (std::is_same_v<std::decay_t<decltype(each)>, std::vector<Association>>)
            {
                return put(on_wire(each));
            }
            else
            {
                return put(each);
            }
        },
        value);
}

using WireProperties = std::map<std::string, sdbus::Variant>;

WireProperties on_wire(const Properties& properties)
{
    WireProperties wire;
    for (const auto& [name, value] : properties)
    {
        wire.emplace(name, with_wire_value(value, [](const auto& each) { return sdbus::Variant{each}; }));
    }
    return wire;
}

template <class Type> Value read(sdbus::Message& message)
{
    Type value{};
    message >> value;
    return value;
}

/// The bus library has checked that the value has this signature.
Value read_value(sdbus::Message& message, std::string_view signature)
{
    if (signature == "b")
    {
        return read<bool>(message);
    }
    if (signature == "y")
    {
        return read<std::uint8_t>(message);
    }
    if (signature == "s")
    {
        return read<std::string>(message);
    }
    throw sdbus::Error{invalid_arguments, "no property is written in this form"};
}

Argument read_argument(sdbus::Message& message, char type)
{
    if (type == 'h')
    {
        sdbus::UnixFd descriptor;
        message >> descriptor;
        const int own = ::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0); // sdbus-c++'s goes on to child processes
        if (own < 0)
        {
            throw sdbus::Error{limits_exceeded, system_error("keep", "the image that was handed over").text};
        }
        return std::make_shared<const File>(File::adopt(own, "the image that was handed over"));
    }
    std::string text;
    message >> text;
    return text;
}

/// As OpenBMC's services have it: for root, and for whoever the agent runs as.
sdbus::Flags administrators()
{
    sdbus::Flags flags;
    flags.set(sdbus::Flags::PRIVILEGED);
    return flags;
}

/// Counts what is under way.
class Counted
{
  public:
    explicit Counted(int& count) : count_{count}
    {
        ++count_;
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted()
    {
        --count_;
    }

  private:
    int& count_;
};

std::vector<std::string> texts(const std::vector<std::string_view>& names)
{
    return {names.begin(), names.end()};
}

/// Anything but an error of D-Bus must not reach its library.
template <class Function> void answered(Function function)
{
    try
    {
        function();
    }
    catch (const sdbus::Error&)
    {
        throw;
    }
    catch (const std::exception& error)
    {
        throw sdbus::Error{failed, error.what()};
    }
}

} // namespace

SdbusObjects::SdbusObjects(std::shared_ptr<sdbus::IConnection> connection, const ObjectService& service,
                           ObjectOwner& owner)
    : connection_{std::move(connection)}, service_{service}, owner_{owner}
{
}

void SdbusObjects::register_all()
{
    manager_ = sdbus::createObject(*connection_, service_.manager);
    manager_->addObjectManager();
    add_all();
}

void SdbusObjects::add_all()
{
    for (const auto& [path, interfaces] : owner_.tree())
    {
        for (const auto& [interface, properties] : interfaces)
        {
            add(path, interface);
        }
    }
}

/// One that has gone and comes back before it is dropped is the same again.
void SdbusObjects::add(const std::string& path, const std::string& interface)
{
    const Key key{path, interface};
    if (objects_.contains(key))
    {
        return;
    }
    const auto info = std::ranges::find(service_.interfaces, interface, &InterfaceInfo::name);
    auto object = sdbus::createObject(*connection_, path);
    object->setInterfaceFlags(interface, {}); // there is one without members, too
    if (info != service_.interfaces.end())
    {
        for (const PropertyInfo& property : info->properties)
        {
            add_property(*object, key, property);
        }
        for (const MethodInfo& method : info->methods)
        {
            add_method(*object, key, method);
        }
    }
    object->finishRegistration();
    objects_.emplace(key, std::move(object));
}

void SdbusObjects::add_property(sdbus::IObject& object, const Key& key, const PropertyInfo& property)
{
    sdbus::Flags flags = property.writable ? administrators() : sdbus::Flags{};
    if (property.constant)
    {
        flags.set(sdbus::Flags::CONST_PROPERTY_VALUE);
    }
    sdbus::property_set_callback setter;
    if (property.writable)
    {
        setter = [this, key, &property](sdbus::PropertySetCall call) { answered([&] { set(key, property, call); }); };
    }
    object.registerProperty(
        key.second, std::string{property.name}, std::string{property.signature},
        [this, key, name = std::string{property.name}](sdbus::PropertyGetReply& reply)
        { answered([&] { with_wire_value(value_of(key, name), [&](const auto& each) { reply << each; }); }); },
        std::move(setter), flags);
}

void SdbusObjects::add_method(sdbus::IObject& object, const Key& key, const MethodInfo& method)
{
    object.registerMethod(
        key.second, std::string{method.name}, std::string{method.in}, texts(method.in_names), std::string{method.out},
        texts(method.out_names),
        [this, key, &method](sdbus::MethodCall received) { answered([&] { call(key, method, std::move(received)); }); },
        administrators());
}

const Properties* SdbusObjects::find(const Key& key) const
{
    const auto object = owner_.tree().find(key.first);
    if (object == owner_.tree().end())
    {
        return nullptr;
    }
    const auto interface = object->second.find(key.second);
    return interface == object->second.end() ? nullptr : &interface->second;
}

const Value& SdbusObjects::value_of(const Key& key, const std::string& property) const
{
    const Properties* const properties = find(key);
    if (properties != nullptr)
    {
        if (const auto value = properties->find(property); value != properties->end())
        {
            return value->second;
        }
    }
    throw sdbus::Error{unknown_object, key.first + " has no " + key.second + " any more"};
}

void SdbusObjects::set(const Key& key, const PropertyInfo& property, sdbus::PropertySetCall& call)
{
    if (find(key) == nullptr)
    {
        throw sdbus::Error{unknown_object, key.first + " has no " + key.second + " any more"};
    }
    const Value value = read_value(call, property.signature);
    const Counted calls{calls_};
    const Counted setters{setters_};
    const auto error = owner_.set(key.first, key.second, std::string{property.name}, value);
    if (error)
    {
        throw sdbus::Error{error->name, error->text};
    }
}

void SdbusObjects::call(const Key& key, const MethodInfo& method, sdbus::MethodCall received)
{
    if (find(key) == nullptr)
    {
        throw sdbus::Error{unknown_object, key.first + " has no " + key.second + " any more"};
    }
    MethodCall order{key.first, key.second, std::string{method.name}, {}};
    for (const char type : method.in)
    {
        order.arguments.push_back(read_argument(received, type));
    }
    const Counted calls{calls_};
    const CallResult result = owner_.call(order);
    if (const auto* const error = std::get_if<CallError>(&result))
    {
        throw sdbus::Error{error->name, error->text};
    }
    sdbus::MethodReply reply = received.createReply();
    if (const auto* const path = std::get_if<std::string>(&result))
    {
        reply << sdbus::ObjectPath{*path};
    }
    reply.send();
}

void SdbusObjects::announce(const std::vector<TreeChange>& changes)
{
    if (setters_ == 0)
    {
        add_all();
    }
    for (const TreeChange& change : changes)
    {
        emit(change);
    }
}

void SdbusObjects::settle()
{
    add_all();
    std::erase_if(objects_, [this](const auto& entry) { return find(entry.first) == nullptr; });
}

void SdbusObjects::emit(const TreeChange& change)
{
    if (change.kind == ChangeKind::properties_changed)
    {
        emit_changed(change);
        return;
    }
    const bool added = change.kind == ChangeKind::interfaces_added;
    sdbus::Signal signal = manager_->createSignal(object_manager, added ? "InterfacesAdded" : "InterfacesRemoved");
    signal << sdbus::ObjectPath{change.path};
    if (added)
    {
        std::map<std::string, WireProperties> interfaces;
        for (const auto& [interface, properties] : change.interfaces)
        {
            interfaces.emplace(interface, on_wire(properties));
        }
        signal << interfaces;
    }
    else
    {
        std::vector<std::string> names;
        for (const auto& [interface, properties] : change.interfaces)
        {
            names.push_back(interface);
        }
        signal << names;
    }
    manager_->emitSignal(signal);
}

/// From an object without members: the one at the path may wait for its registration.
void SdbusObjects::emit_changed(const TreeChange& change)
{
    const auto emitter = sdbus::createObject(*connection_, change.path);
    for (const auto& [interface, properties] : change.interfaces)
    {
        sdbus::Signal signal = emitter->createSignal(properties_interface, "PropertiesChanged");
        signal << interface << on_wire(properties) << std::vector<std::string>{};
        emitter->emitSignal(signal);
    }
}

} // namespace fwupdate::agent::dbus
