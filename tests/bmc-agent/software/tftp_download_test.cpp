#include "bmc-agent/software/tftp_download.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::software;
using test::TemporaryDirectory;

namespace
{

/// A fetcher whose server is the test.
class ScriptedFetcher final : public transports::Fetcher
{
  public:
    struct Script
    {
        transports::FetchSink* sink{};
        std::string uri;
        bool allowed{true};
        bool needs_digest{false};
        int cancelled{};
    };

    explicit ScriptedFetcher(Script& script) : script_{script} {}

    [[nodiscard]] Result<std::string> check(const transports::FetchOrder& order) const override
    {
        return script_.allowed ? Result<std::string>{order.uri}
                               : Result<std::string>{fail(ErrorKind::not_found, "no such host may be asked")};
    }
    [[nodiscard]] bool needs_digest(const transports::FetchOrder& /*order*/) const override
    {
        return script_.needs_digest;
    }
    void begin(const transports::FetchOrder& order, transports::FetchSink& sink) override
    {
        script_.uri = order.uri;
        script_.sink = &sink;
    }
    void cancel() noexcept override
    {
        ++script_.cancelled;
    }

  private:
    Script& script_;
};

struct Bench
{
    explicit Bench(bool vouched_for = true)
        : download{{directory.path(), 100, vouched_for},
                   std::make_unique<ScriptedFetcher>(script),
                   [this](const std::string& name) { arrived.push_back(name); },
                   log}
    {
    }

    [[nodiscard]] transports::FetchSink& server() const
    {
        REQUIRE(script.sink != nullptr);
        return *script.sink;
    }
    [[nodiscard]] std::string content(const std::string& name) const
    {
        std::ostringstream text;
        text << std::ifstream{directory.path() / name}.rdbuf();
        return text.str();
    }
    [[nodiscard]] std::size_t files() const
    {
        const std::filesystem::recursive_directory_iterator all{directory.path()};
        return static_cast<std::size_t>(
            std::count_if(begin(all), end(all), [](const auto& entry) { return entry.is_regular_file(); }));
    }

    TemporaryDirectory directory;
    NullLog log;
    ScriptedFetcher::Script script;
    std::vector<std::string> arrived;
    TftpDownload download;
    TimePoint now;
};

Result<void> send(Bench& bench, std::string_view bytes)
{
    return bench.server().accept(as_bytes(bytes), bench.now);
}

} // namespace

TEST_CASE("a file appears in the upload directory when it is whole")
{
    Bench bench;
    REQUIRE(bench.download.start({"an image?.tar", "fd00::1"}).has_value());
    CHECK(bench.script.uri == "tftp://[fd00::1]/an%20image%3F.tar");
    REQUIRE(bench.server().expect(8, bench.now).has_value());
    REQUIRE(bench.server().go_on_at(0, bench.now).has_value());
    REQUIRE(send(bench, "1234").has_value());
    CHECK(bench.server().present() == 4);
    REQUIRE(send(bench, "5678").has_value());
    CHECK_FALSE(std::filesystem::exists(bench.directory.path() / "an image?.tar"));
    CHECK(bench.arrived.empty());
    bench.server().finished({}, bench.now);
    CHECK(bench.arrived == std::vector<std::string>{"an image?.tar"});
    CHECK(bench.content("an image?.tar") == "12345678");
    CHECK(bench.files() == 1);
    REQUIRE(bench.download.start({"next", "server"}).has_value());
    CHECK(bench.script.uri == "tftp://server/next");
}

TEST_CASE("a server that begins anew")
{
    Bench bench;
    REQUIRE(bench.download.start({"image", "server"}).has_value());
    REQUIRE(send(bench, "12345678").has_value());
    REQUIRE(bench.server().go_on_at(0, bench.now).has_value());
    REQUIRE(send(bench, "abc").has_value());
    bench.server().finished({}, bench.now);
    CHECK(bench.content("image") == "abc");
}

TEST_CASE("what can't be leaves nothing, and the next one can")
{
    Bench bench;
    SUBCASE("too large, as it is announced")
    {
        REQUIRE(bench.download.start({"image", "server"}).has_value());
        CHECK_FALSE(bench.server().expect(101, bench.now).has_value());
    }
    SUBCASE("too large, as it comes")
    {
        REQUIRE(bench.download.start({"image", "server"}).has_value());
        REQUIRE(send(bench, std::string(100, 'x')).has_value());
        CHECK_FALSE(send(bench, "y").has_value());
    }
    SUBCASE("a server that gives up")
    {
        REQUIRE(bench.download.start({"image", "server"}).has_value());
        REQUIRE(send(bench, "1234").has_value());
        bench.server().finished(transports::FetchFailure{protocol::ReasonCode::transfer_timeout, "it is silent"},
                                bench.now);
    }
    SUBCASE("a directory of that name")
    {
        std::filesystem::create_directory(bench.directory.path() / "image");
        REQUIRE(bench.download.start({"image", "server"}).has_value());
        REQUIRE(send(bench, "1234").has_value());
        bench.server().finished({}, bench.now);
    }
    CHECK(bench.files() == 0);
    CHECK(bench.arrived.empty());
    REQUIRE(bench.download.start({"other", "server"}).has_value());
    bench.server().finished({}, bench.now);
    CHECK(bench.arrived == std::vector<std::string>{"other"});
}

TEST_CASE("refusals say what to do")
{
    Bench bench{false};
    SUBCASE("one at a time")
    {
        REQUIRE(bench.download.start({"image", "server"}).has_value());
        const auto second = bench.download.start({"other", "server"});
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error().code == ErrorCode::internal_failure);
        CHECK(second.error().text.find("image") != std::string::npos);
    }
    SUBCASE("an address that may not be asked")
    {
        bench.script.allowed = false;
        CHECK(bench.download.start({"image", "server"}).error().text == "no such host may be asked");
    }
    SUBCASE("nothing vouches for it")
    {
        bench.script.needs_digest = true;
        CHECK(bench.download.start({"image", "server"}).error().text.find("require signatures") != std::string::npos);
    }
    SUBCASE("not configured")
    {
        TftpDownload none{{bench.directory.path(), 100, true}, nullptr, {}, bench.log};
        CHECK(none.start({"image", "server"}).error().text.find("network") != std::string::npos);
    }
}

TEST_CASE("an end in the middle cancels the fetch")
{
    ScriptedFetcher::Script script;
    const TemporaryDirectory directory;
    NullLog log;
    {
        TftpDownload download{{directory.path(), 100, true}, std::make_unique<ScriptedFetcher>(script), {}, log};
        REQUIRE(download.start({"image", "server"}).has_value());
    }
    CHECK(script.cancelled == 1);
}
