// Objects that come and go, on a real bus, asked by another connection.
#include "bmc-agent/dbus/object_server.hpp"
#include "tests/bmc-agent/dbus/bus_bench.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <cstdlib>
#include <fcntl.h>

using namespace fwupdate;
using namespace fwupdate::agent;
using test::BusBench;

namespace
{

constexpr const char* name = "test.Objects";
constexpr const char* root = "/test/objects";
constexpr const char* thing = "/test/objects/thing";
constexpr const char* other = "/test/objects/other";
constexpr const char* properties = "org.freedesktop.DBus.Properties";

const std::vector<dbus::InterfaceInfo> table{
    {"test.State", {{"Word", "s", true}, {"Number", "y", true}, {"Flag", "b", true}, {"Fixed", "s"}}, {}},
    {"test.Marker", {}, {}},
    {"test.List", {{"Names", "as", false, true}, {"Links", "a(sss)"}}, {}},
    {"test.Act",
     {},
     {{"Delete", "", {}, "", {}}, {"Make", "hs", {"Image", "Word"}, "o", {"Path"}}, {"Fail", "", {}, "", {}}}},
};

/// The objects' owner: each call does what its name says, and tells the server.
class Owner final : public dbus::ObjectOwner
{
  public:
    [[nodiscard]] const dbus::ObjectTree& tree() const override
    {
        return objects;
    }
    [[nodiscard]] std::optional<dbus::CallError> set(const std::string& path, const std::string& interface,
                                                     const std::string& property, const dbus::Value& value) override
    {
        const auto* const text = std::get_if<std::string>(&value);
        if (text != nullptr && *text == "wrong")
        {
            return dbus::CallError{"test.Error.Wrong", "it is wrong"};
        }
        if (text != nullptr && *text == "bug")
        {
            throw std::runtime_error("a bug of the owner");
        }
        ++set_calls;
        objects[path][interface][property] = value;
        objects[path]["test.Marker"]; // a setter that makes an interface
        server->changed({{dbus::ChangeKind::properties_changed, path, {{interface, {{property, value}}}}},
                         {dbus::ChangeKind::interfaces_added, path, {{"test.Marker", {}}}}});
        return std::nullopt;
    }
    [[nodiscard]] dbus::CallResult call(const dbus::MethodCall& call) override
    {
        if (call.method == "Fail")
        {
            return dbus::CallError{"test.Error.Failed", "it fails"};
        }
        if (call.method == "Delete")
        {
            remove(call.path);
            return {};
        }
        const auto& file = std::get<std::shared_ptr<const File>>(call.arguments.at(0));
        Bytes bytes(5);
        REQUIRE(file->read_at(0, bytes).has_value());
        CHECK(as_text(bytes) == "image");
        CHECK((::fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC) != 0); // child processes don't get it
        add(other, std::get<std::string>(call.arguments.at(1)));
        return std::string{other};
    }

    void add(const std::string& path, const std::string& word)
    {
        objects[path] = {{"test.State", {{"Word", word}, {"Number", std::uint8_t{7}}, {"Flag", true}, {"Fixed", word}}},
                         {"test.Act", {}}};
        server->changed({{dbus::ChangeKind::interfaces_added, path, objects[path]}});
    }
    void remove(const std::string& path)
    {
        const dbus::TreeChange change{
            dbus::ChangeKind::interfaces_removed, path, {{"test.State", {}}, {"test.Act", {}}}};
        objects.erase(path);
        server->changed({change});
    }

    dbus::ObjectTree objects;
    dbus::ObjectServer* server{};
    int set_calls{};
};

struct Bench : BusBench
{
    Bench()
    {
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + socket).c_str(), 1); // NOLINT(concurrency-mt-unsafe)
        start_daemon();
        server = dbus::serve_objects(context, {name, root, table}, owner, log);
        owner.server = server.get();
        REQUIRE(connect() == "connected");
        listen();
        await_name();
    }
    ~Bench()
    {
        server->stop();
        proxies.clear();
        matches.clear();
    }

    void await_name()
    {
        REQUIRE(until(
            [&]
            {
                bool has = false;
                bool told = false;
                auto& proxy = at("org.freedesktop.DBus", "/org/freedesktop/DBus");
                proxy.callMethodAsync("NameHasOwner")
                    .onInterface("org.freedesktop.DBus")
                    .withArguments(std::string{name})
                    .uponReplyInvoke(
                        [&](const sdbus::Error* error, bool value)
                        {
                            has = error == nullptr && value;
                            told = true;
                        });
                bus->used();
                REQUIRE(until([&] { return told; }));
                return has;
            }));
    }

    void listen()
    {
        matches.push_back(bus->connection()->addMatch("type='signal',path_namespace='/test'",
                                                      [this](sdbus::Message& message)
                                                      {
                                                          signals.push_back(message.getMemberName());
                                                          if (signals.back() == "PropertiesChanged")
                                                          {
                                                              std::string interface;
                                                              std::map<std::string, sdbus::Variant> values;
                                                              message >> interface >> values;
                                                              signals.back() += " " + values.begin()->first;
                                                          }
                                                      }));
    }

    sdbus::IProxy& at(const std::string& service, const std::string& path)
    {
        proxies.push_back(sdbus::createProxy(*bus->connection(), service, path));
        return *proxies.back();
    }

    /// The error's name; empty: it went well.
    template <class... Arguments>
    std::string call(const std::string& path, const std::string& interface, const std::string& method,
                     const Arguments&... arguments)
    {
        std::optional<std::string> end;
        auto& proxy = at(name, path);
        sdbus::MethodCall message = proxy.createMethodCall(interface, method);
        (void)(message << ... << arguments);
        proxy.callMethod(message,
                         [&](sdbus::MethodReply& reply, const sdbus::Error* error)
                         {
                             end = error == nullptr ? "" : error->getName();
                             if (error == nullptr && take)
                             {
                                 take(reply);
                             }
                         });
        bus->used();
        REQUIRE(until([&] { return end.has_value(); }));
        return *end;
    }

    std::string set(const std::string& property, const sdbus::Variant& value)
    {
        return call(thing, properties, "Set", std::string{"test.State"}, property, value);
    }

    std::string introspect(const std::string& path)
    {
        std::string xml;
        take = [&](sdbus::MethodReply& reply) { reply >> xml; };
        CHECK(call(path, "org.freedesktop.DBus.Introspectable", "Introspect").empty());
        take = nullptr;
        return xml;
    }

    template <class Value> Value get(const std::string& interface, const std::string& property)
    {
        Value value{};
        take = [&](sdbus::MethodReply& reply)
        {
            sdbus::Variant variant;
            reply >> variant;
            value = variant.get<Value>();
        };
        CHECK(call(thing, properties, "Get", interface, property).empty());
        take = nullptr;
        return value;
    }

    NullLog log;
    Owner owner;
    std::unique_ptr<dbus::ObjectServer> server;
    std::function<void(sdbus::MethodReply&)> take;
    std::vector<std::string> signals;
    std::vector<sdbus::Slot> matches;
    std::vector<std::unique_ptr<sdbus::IProxy>> proxies;
};

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("objects come, are asked and set, and go")
{
    Bench bench;
    CHECK(bench.call(thing, properties, "Get", std::string{"test.State"}, std::string{"Word"}) ==
          "org.freedesktop.DBus.Error.UnknownObject");
    bench.owner.add(thing, "first");
    CHECK(bench.get<std::string>("test.State", "Word") == "first");
    CHECK(bench.get<std::uint8_t>("test.State", "Number") == 7);
    CHECK(bench.get<bool>("test.State", "Flag"));
    CHECK(bench.signals == Words{"InterfacesAdded"});

    // A setter under which an interface comes: called once, and signalled before it is answered.
    std::size_t before{};
    bench.take = [&](sdbus::MethodReply&) { before = bench.signals.size(); };
    CHECK(bench.set("Word", sdbus::Variant{std::string{"second"}}).empty());
    bench.take = nullptr;
    CHECK(before == 3);
    CHECK(bench.get<std::string>("test.State", "Word") == "second");
    CHECK(bench.signals == Words{"InterfacesAdded", "PropertiesChanged Word", "InterfacesAdded"});
    CHECK(bench.owner.set_calls == 1);
    CHECK(bench.introspect(thing).find("test.Marker") != std::string::npos);
    CHECK(bench.set("Number", sdbus::Variant{std::uint8_t{9}}).empty());
    CHECK(bench.set("Flag", sdbus::Variant{false}).empty());

    CHECK(bench.call(thing, "test.Act", "Delete").empty());
    CHECK(bench.call(thing, "test.Act", "Delete") == "org.freedesktop.DBus.Error.UnknownObject");
    CHECK(bench.signals.back() == "InterfacesRemoved");
}

TEST_CASE("refusals have their names")
{
    Bench bench;
    bench.owner.add(thing, "first");
    CHECK(bench.set("Word", sdbus::Variant{std::string{"wrong"}}) == "test.Error.Wrong");
    CHECK(bench.set("Word", sdbus::Variant{std::int32_t{1}}) == "org.freedesktop.DBus.Error.InvalidArgs");
    CHECK(bench.set("Fixed", sdbus::Variant{std::string{"new"}}) == "org.freedesktop.DBus.Error.PropertyReadOnly");
    CHECK(bench.set("None", sdbus::Variant{std::string{"new"}}) == "org.freedesktop.DBus.Error.UnknownProperty");
    CHECK(bench.call(thing, "test.Act", "Fail") == "test.Error.Failed");
    CHECK(bench.call(thing, "test.Act", "Delete", std::string{"too much"}) == "org.freedesktop.DBus.Error.InvalidArgs");
    CHECK(bench.get<std::string>("test.State", "Word") == "first");
}

TEST_CASE("a descriptor arrives, and what its call made is announced before the answer")
{
    Bench bench;
    bench.owner.add(thing, "first");
    const auto file = bench.directory.path() / "image";
    std::ofstream{file} << "image";
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    std::string made;
    std::size_t before{};
    bench.take = [&](sdbus::MethodReply& reply)
    {
        sdbus::ObjectPath path;
        reply >> path;
        made = path;
        before = bench.signals.size();
    };
    CHECK(
        bench.call(thing, "test.Act", "Make", sdbus::UnixFd{descriptor, sdbus::adopt_fd}, std::string{"word"}).empty());
    CHECK(made == other);
    CHECK(before == 2);
}

TEST_CASE("what goes and comes back within one turn is there; lists and links are on the wire")
{
    Bench bench;
    bench.owner.add(thing, "first");
    bench.owner.remove(thing);
    bench.owner.add(thing, "again");
    CHECK(bench.get<std::string>("test.State", "Word") == "again");
    bench.owner.objects[thing]["test.List"] = {{"Names", Words{"a", "b"}},
                                               {"Links", std::vector<dbus::Association>{{"f", "r", "/e"}}}};
    bench.server->changed(
        {{dbus::ChangeKind::interfaces_added, thing, {{"test.List", bench.owner.objects[thing]["test.List"]}}}});
    CHECK(bench.get<Words>("test.List", "Names") == Words{"a", "b"});
    using Link = sdbus::Struct<std::string, std::string, std::string>;
    CHECK(bench.get<std::vector<Link>>("test.List", "Links") == std::vector<Link>{{std::make_tuple("f", "r", "/e")}});
}

TEST_CASE("calls in a row: what the first removed is neither listed for the next nor called by the third")
{
    Bench bench;
    bench.owner.add(thing, "first");
    bench.owner.add(other, "stays");
    Words ends;
    const auto send = [&](const std::string& path, const std::string& interface, const std::string& method)
    {
        auto& proxy = bench.at(name, path);
        sdbus::MethodCall message = proxy.createMethodCall(interface, method);
        proxy.callMethod(
            message,
            [&, method](sdbus::MethodReply& reply, const sdbus::Error* error)
            {
                ends.push_back(error == nullptr ? "" : error->getName());
                if (error == nullptr && method == "GetManagedObjects")
                {
                    std::map<sdbus::ObjectPath, std::map<std::string, std::map<std::string, sdbus::Variant>>> all;
                    reply >> all;
                    for (const auto& [each, interfaces] : all)
                    {
                        ends.back() += each;
                    }
                }
            });
    };
    send(thing, "test.Act", "Delete");
    send(root, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    send(thing, "test.Act", "Delete");
    bench.bus->used();
    REQUIRE(bench.until([&] { return ends.size() == 3; }));
    CHECK(ends.at(0) == "");
    CHECK(ends.at(1) == other);
    CHECK(ends.at(2) == "org.freedesktop.DBus.Error.UnknownObject");
}

TEST_CASE("an owner that fails within a setter is an error for the caller, and later changes are told as ever")
{
    Bench bench;
    bench.owner.add(thing, "first");
    CHECK(bench.set("Word", sdbus::Variant{std::string{"bug"}}) == "org.freedesktop.DBus.Error.Failed");
    CHECK(bench.set("Word", sdbus::Variant{std::string{"second"}}).empty());
    Words before;
    bench.take = [&](sdbus::MethodReply&) { before = bench.signals; };
    CHECK(bench.call(thing, "test.Act", "Delete").empty());
    CHECK(before == Words{"InterfacesAdded", "PropertiesChanged Word", "InterfacesAdded", "InterfacesRemoved"});
}

TEST_CASE("writes and methods are for administrators, reads for everybody")
{
    Bench bench;
    bench.owner.add(thing, "first");
    const std::string xml = bench.introspect(thing);
    const std::string mark = R"(<annotation name="org.freedesktop.systemd1.Privileged" value="true"/>)";
    const auto part = [&](const std::string& begin)
    {
        return xml.substr(xml.find(begin),
                          xml.find(begin.starts_with("<m") ? "</method>" : "</property>", xml.find(begin)) -
                              xml.find(begin));
    };
    CHECK(part("<method name=\"Delete\"").find(mark) != std::string::npos);
    CHECK(part("<property name=\"Word\"").find(mark) != std::string::npos);
    CHECK(part("<property name=\"Fixed\"").find(mark) == std::string::npos);
}

TEST_CASE("a bus that is lost and comes back has the objects again")
{
    Bench bench;
    bench.owner.add(thing, "first");
    bench.proxies.clear();
    bench.matches.clear();
    bench.stop_daemon();
    bench.owner.add(other, "meanwhile");
    bench.until([&] { return bench.bus->connection() == nullptr; });
    bench.start_daemon();
    REQUIRE(bench.connect() == "connected");
    bench.await_name();
    CHECK(bench.get<std::string>("test.State", "Word") == "first");
    CHECK(bench.call(other, "test.Act", "Fail") == "test.Error.Failed");
}
