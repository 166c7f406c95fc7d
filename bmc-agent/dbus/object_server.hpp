// A service on the bus: one well-known name, an object manager, and objects that come and go. Its owner has the objects
// as values; what D-Bus is stays here.
#pragma once

#include "bmc-agent/dbus/object_tree.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/staging/file.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fwupdate::agent::dbus
{

/// A refusal: the error's name on D-Bus, and a sentence for people.
struct CallError
{
    std::string name;
    std::string text;
};

using Argument = std::variant<std::string, std::shared_ptr<const File>>;

struct MethodCall
{
    std::string path;
    std::string interface;
    std::string method;
    std::vector<Argument> arguments; ///< as the method's `in` has them
};

/// What a method gives back: an object path, or nothing; or why not.
using CallResult = std::variant<std::monostate, std::string, CallError>;

class ObjectOwner
{
  public:
    ObjectOwner() = default;
    ObjectOwner(const ObjectOwner&) = delete;
    ObjectOwner& operator=(const ObjectOwner&) = delete;
    virtual ~ObjectOwner() = default;

    /// As it is now; what changes in it is told to the server after that.
    [[nodiscard]] virtual const ObjectTree& tree() const = 0;

    /// A writable property, with a value of its signature. None: done.
    [[nodiscard]] virtual std::optional<CallError> set(const std::string& path, const std::string& interface,
                                                       const std::string& property, const Value& value) = 0;
    [[nodiscard]] virtual CallResult call(const MethodCall& call) = 0;
};

class ObjectServer
{
  public:
    ObjectServer() = default;
    ObjectServer(const ObjectServer&) = delete;
    ObjectServer& operator=(const ObjectServer&) = delete;
    virtual ~ObjectServer() = default;

    /// The owner's tree has changed in these steps: signals, in their order, with the values of their moment.
    virtual void changed(const std::vector<TreeChange>& changes) = 0;

    /// Nothing is served any more.
    virtual void stop() = 0;
};

struct ObjectService
{
    std::string name;    ///< well-known
    std::string manager; ///< path of the object manager
    std::vector<InterfaceInfo> interfaces;
};

/// Serves whenever `context` runs, on a connection of its own to the system's bus, which need not be there yet and may
/// go away. Owner and log outlive the server. nullptr: the agent was built without D-Bus.
[[nodiscard]] std::unique_ptr<ObjectServer> serve_objects(boost::asio::io_context& context, ObjectService service,
                                                          ObjectOwner& owner, Log& log);

} // namespace fwupdate::agent::dbus
