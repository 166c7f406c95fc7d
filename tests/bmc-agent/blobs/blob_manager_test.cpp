#include "bmc-agent/blobs/blob_manager.hpp"

#include "blobs_bench.hpp"

#include <map>
#include <set>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::blobs;
using blobs::test::host;
using blobs::test::remote;

namespace
{

/// Serves what it is told to, remembers what it was asked.
class PlayedHandler final : public BlobHandler
{
  public:
    explicit PlayedHandler(std::vector<std::string> ids) : served{std::move(ids)} {}

    [[nodiscard]] std::vector<std::string> ids() const override
    {
        return served;
    }
    [[nodiscard]] bool knows(SessionId session) const override
    {
        return sessions.contains(session);
    }
    Result<void> open(const OpenOrder& order, const Caller&, TimePoint) override
    {
        CHECK_FALSE(knows(order.session));
        return note("open " + std::string{order.id}, [&] { sessions.insert(order.session); });
    }
    Result<void> write(SessionId session, std::uint32_t, ConstBytes, const Caller&, TimePoint) override
    {
        CHECK(knows(session));
        return note("write", [] {});
    }
    Result<void> write_meta(SessionId session, std::uint32_t, ConstBytes) override
    {
        CHECK(knows(session));
        return note("write meta", [] {});
    }
    Result<void> commit(SessionId session, ConstBytes data, const Caller&, TimePoint) override
    {
        CHECK(knows(session));
        return note("commit " + as_text(data), [] {});
    }
    Result<void> close(SessionId session, const Caller&, TimePoint) override
    {
        CHECK(knows(session));
        return note("close", [&] { sessions.erase(session); });
    }
    Result<Bytes> read(SessionId session, std::uint32_t offset, std::uint32_t size) override
    {
        CHECK(knows(session));
        if (refuses)
        {
            return fail(ErrorKind::input_output, "refused");
        }
        const Bytes whole(20, 0x5A);
        const std::size_t from = std::min<std::size_t>(offset, whole.size());
        const std::size_t count = std::min<std::size_t>(size, whole.size() - from);
        return Bytes(count, 0x5A);
    }
    Result<void> remove(std::string_view id, const Caller&, TimePoint) override
    {
        return note("remove " + std::string{id}, [] {});
    }
    [[nodiscard]] Result<StatResponse> stat(std::string_view) const override
    {
        return StatResponse{0x1234, 20, {{1, 2}}};
    }
    Result<StatResponse> stat(SessionId session) override
    {
        CHECK(knows(session));
        return StatResponse{0x0001, 7, {}};
    }
    void expire(SessionId session, TimePoint) override
    {
        calls.emplace_back("expire");
        if (!keeps_expired)
        {
            sessions.erase(session);
        }
    }

    std::vector<std::string> served;
    std::set<SessionId> sessions;
    std::vector<std::string> calls;
    bool refuses{false};
    bool keeps_expired{false};

  private:
    template <class Function> Result<void> note(std::string call, Function function)
    {
        if (refuses)
        {
            return fail(ErrorKind::peer, "refused");
        }
        calls.push_back(std::move(call));
        function();
        return {};
    }
};

struct Bench
{
    PlayedHandler first{{"/a", "/both"}};
    PlayedHandler second{{"/b", "/both"}};
    BlobManager manager{{&first, &second}, 0xFFFE};
    TimePoint now{std::chrono::hours{1}};
};

constexpr std::uint16_t both = open_read | open_write;
const Bytes payload{1, 2, 3};

} // namespace

TEST_CASE("the list is that of the last count, the handlers' one after the other")
{
    Bench bench;
    CHECK_FALSE(bench.manager.enumerate(0).has_value());
    CHECK(bench.manager.count() == 4);
    bench.first.served = {"/a"};
    CHECK(*bench.manager.enumerate(1) == "/both");
    CHECK(*bench.manager.enumerate(3) == "/both");
    CHECK(bench.manager.enumerate(4).error().kind == ErrorKind::not_found);
    CHECK(bench.manager.enumerate(0xFFFFFFFF).error().kind == ErrorKind::not_found);
    CHECK(bench.manager.count() == 3);
    CHECK(*bench.manager.enumerate(1) == "/b");
}

TEST_CASE("the first handler that serves an id gets it; ids are case sensitive")
{
    Bench bench;
    CHECK(bench.manager.open(both, "/both", host(), bench.now).has_value());
    CHECK(bench.first.calls == std::vector<std::string>{"open /both"});
    CHECK(bench.second.calls.empty());
    CHECK(bench.manager.open(both, "/A", host(), bench.now).error().kind == ErrorKind::not_found);
    CHECK(bench.manager.open(0x0100, "/a", host(), bench.now).error().kind == ErrorKind::invalid_field);
}

TEST_CASE("sessions count on, wrap, and skip the ones in use")
{
    Bench bench;
    CHECK(*bench.manager.open(both, "/a", host(), bench.now) == 0xFFFE);
    CHECK(*bench.manager.open(both, "/a", host(), bench.now) == 0xFFFF);
    CHECK(*bench.manager.open(both, "/b", host(), bench.now) == 0x0000);
    for (int count = 0; count < 0xFFFD; ++count) // all the way round
    {
        const auto session = bench.manager.open(both, "/b", host(), bench.now);
        REQUIRE(session.has_value());
        REQUIRE(bench.manager.close(*session, host(), bench.now).has_value());
    }
    CHECK(*bench.manager.open(both, "/b", host(), bench.now) == 0x0001); // FFFEh, FFFFh and 0 are in use
}

TEST_CASE("a refused open uses no number and leaves no session")
{
    Bench bench;
    bench.first.refuses = true;
    CHECK_FALSE(bench.manager.open(both, "/a", host(), bench.now).has_value());
    CHECK_FALSE(bench.manager.stat(0xFFFE, host(), bench.now).has_value());
    bench.first.refuses = false;
    CHECK(*bench.manager.open(both, "/a", host(), bench.now) == 0xFFFE);
}

TEST_CASE("reading needs its flag and is silent without; writing needs its flag and is refused without")
{
    Bench bench;
    const auto reader = *bench.manager.open(open_read, "/a", host(), bench.now);
    const auto writer = *bench.manager.open(open_write, "/a", host(), bench.now);
    CHECK(bench.manager.read({reader, 15, 100}, host(), bench.now)->size() == 5);
    CHECK(bench.manager.read({writer, 0, 100}, host(), bench.now)->empty());
    CHECK(bench.manager.read({0x4444, 0, 100}, host(), bench.now)->empty());
    CHECK(bench.manager.write({reader, 0, {payload}}, host(), bench.now).error().kind == ErrorKind::denied);
    CHECK(bench.manager.write({writer, 0, {payload}}, host(), bench.now).has_value());
    CHECK(bench.manager.write_meta({reader, 0, {payload}}, host(), bench.now).has_value());
    CHECK(bench.manager.commit(reader, as_bytes("x"), host(), bench.now).has_value());
    CHECK(bench.manager.stat(reader, host(), bench.now)->size == 7);
    bench.first.refuses = true;
    CHECK_FALSE(bench.manager.read({reader, 0, 1}, host(), bench.now).has_value());
    CHECK_FALSE(bench.manager.write({writer, 0, {payload}}, host(), bench.now).has_value());
    CHECK_FALSE(bench.manager.write_meta({reader, 0, {payload}}, host(), bench.now).has_value());
    CHECK_FALSE(bench.manager.commit(reader, {}, host(), bench.now).has_value());
}

TEST_CASE("a close that the handler refuses keeps the session")
{
    Bench bench;
    const auto session = *bench.manager.open(both, "/a", host(), bench.now);
    bench.first.refuses = true;
    CHECK_FALSE(bench.manager.close(session, host(), bench.now).has_value());
    CHECK(bench.manager.stat(session, host(), bench.now).has_value());
    bench.first.refuses = false;
    CHECK(bench.manager.close(session, host(), bench.now).has_value());
    CHECK(bench.manager.close(session, host(), bench.now).error().kind == ErrorKind::not_found);
}

TEST_CASE("to anybody but its owner a session does not exist")
{
    Bench bench;
    const auto session = *bench.manager.open(both, "/a", remote("admin"), bench.now);
    Caller again = remote("admin");
    again.session = 99; // the same user, whose IPMI session broke
    CHECK(bench.manager.stat(session, again, bench.now).has_value());
    for (const Caller& other : {remote("eve"), host(), remote("")})
    {
        CHECK(bench.manager.read({session, 0, 4}, other, bench.now)->empty());
        CHECK(bench.manager.write({session, 0, {payload}}, other, bench.now).error().kind == ErrorKind::not_found);
        CHECK(bench.manager.write_meta({session, 0, {payload}}, other, bench.now).error().kind == ErrorKind::not_found);
        CHECK(bench.manager.commit(session, {}, other, bench.now).error().kind == ErrorKind::not_found);
        CHECK(bench.manager.close(session, other, bench.now).error().kind == ErrorKind::not_found);
        CHECK(bench.manager.stat(session, other, bench.now).error().kind == ErrorKind::not_found);
    }
    CHECK(bench.first.calls == std::vector<std::string>{"open /a"});
}

TEST_CASE("an id that is open is not deleted")
{
    Bench bench;
    const auto session = *bench.manager.open(both, "/a", host(), bench.now);
    CHECK(bench.manager.remove("/a", host(), bench.now).error().kind == ErrorKind::denied);
    CHECK(bench.manager.remove("/both", host(), bench.now).has_value());
    CHECK(bench.manager.remove("/none", host(), bench.now).error().kind == ErrorKind::not_found);
    REQUIRE(bench.manager.close(session, host(), bench.now).has_value());
    CHECK(bench.manager.remove("/a", host(), bench.now).has_value());
    CHECK(bench.manager.stat("/a")->state == 0x1234);
    CHECK_FALSE(bench.manager.stat("/none").has_value());
}

TEST_CASE("idle sessions expire when the same handler is opened or something of it deleted")
{
    Bench bench;
    const auto idle = *bench.manager.open(both, "/a", host(), bench.now);
    const auto busy = *bench.manager.open(both, "/a", host(), bench.now);
    bench.now += BlobManager::idle_limit - std::chrono::seconds{1};
    CHECK(bench.manager.stat(busy, host(), bench.now).has_value());
    CHECK(bench.manager.open(both, "/both", host(), bench.now).has_value());
    CHECK(bench.first.sessions.contains(idle));
    bench.now += std::chrono::seconds{1};
    CHECK(bench.manager.open(both, "/b", host(), bench.now).has_value()); // another handler's
    CHECK(bench.first.sessions.contains(idle));
    CHECK(bench.manager.remove("/a", host(), bench.now).error().kind == ErrorKind::denied);
    CHECK_FALSE(bench.first.sessions.contains(idle));
    CHECK(bench.first.sessions.contains(busy));
    CHECK_FALSE(bench.manager.stat(idle, host(), bench.now).has_value());
    CHECK(bench.manager.stat(busy, host(), bench.now).has_value());
}

TEST_CASE("a session that its handler keeps does not expire; one that it has closed by itself is gone")
{
    Bench bench;
    bench.first.keeps_expired = true;
    const auto session = *bench.manager.open(both, "/a", host(), bench.now);
    bench.now += BlobManager::idle_limit;
    CHECK(bench.manager.open(both, "/both", host(), bench.now).has_value());
    CHECK(bench.manager.stat(session, host(), bench.now).has_value());
    bench.first.sessions.erase(session);
    CHECK(bench.manager.stat(session, host(), bench.now).error().kind == ErrorKind::not_found);
    CHECK(bench.manager.remove("/a", host(), bench.now).has_value());
}

TEST_CASE("there is an end to sessions")
{
    Bench bench;
    for (std::size_t count = 0; count < BlobManager::most_sessions; ++count)
    {
        const std::string user = "user " + std::to_string(count / BlobManager::most_sessions_of_one);
        REQUIRE(bench.manager.open(both, "/a", remote(user), bench.now).has_value());
    }
    CHECK(bench.manager.open(both, "/b", host(), bench.now).error().kind == ErrorKind::no_space);
    bench.now += BlobManager::idle_limit;
    CHECK(bench.manager.open(both, "/a", host(), bench.now).has_value());
    CHECK(bench.first.sessions.size() == 1);
}

TEST_CASE("a host that opens and never closes leaves room for others")
{
    Bench bench;
    std::size_t opened = 0;
    for (std::size_t count = 0; count < 10'000; ++count)
    {
        opened += bench.manager.open(both, "/a", host(), bench.now).has_value() ? 1U : 0U;
    }
    CHECK(opened == BlobManager::most_sessions_of_one);
    CHECK(bench.manager.open(both, "/a", remote("admin"), bench.now).has_value());
    const SessionId mine = *bench.first.sessions.begin();
    CHECK(bench.manager.close(mine, host(), bench.now).has_value());
    CHECK(bench.manager.open(both, "/a", host(), bench.now).has_value());
}
