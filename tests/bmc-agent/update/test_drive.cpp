// Images that the session does not get by messages: the virtual drive and what is fetched from it.
#include "common/sha256.hpp"
#include "tests/bmc-agent/update/update_bench.hpp"

#include <utility>

using namespace fwupdate;
using namespace fwupdate::test;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::UpdateState;

namespace
{

/// A drive and its reader, moved by hand.
class ScriptedDrive final : public usb::VirtualDrive, public transports::Fetcher
{
  public:
    Result<void> plug_in(std::uint64_t image_size) override
    {
        if (failure)
        {
            return *failure;
        }
        room = image_size;
        drive = usb::Drive{{"0123456789ABCDEF", "FWLABEL"}, 8U << 20};
        ++plugged;
        held = true;
        return {};
    }
    void plug_out() override
    {
        drive.reset();
    }
    void drop() noexcept override
    {
        drive.reset();
        held = false;
    }
    [[nodiscard]] std::optional<usb::Drive> plugged_in() const override
    {
        return drive;
    }
    void on_written(std::function<void(TimePoint)> listener) override
    {
        written = std::move(listener);
    }
    [[nodiscard]] Result<std::string> check(const transports::FetchOrder& order) const override
    {
        return order.uri == "usb://bad*" ? Result<std::string>{fail(ErrorKind::invalid_field, "that is no path")}
                                         : Result<std::string>{order.uri};
    }
    [[nodiscard]] bool needs_digest(const transports::FetchOrder&) const override
    {
        return false;
    }
    void begin(const transports::FetchOrder& order, transports::FetchSink& to) override
    {
        asked = order.uri;
        sink = &to;
    }
    void cancel() noexcept override
    {
        sink = nullptr;
    }

    /// Delivers bytes as the reader does.
    void deliver(ConstBytes bytes, TimePoint now, std::size_t piece = 50'000)
    {
        REQUIRE(sink != nullptr);
        if (!sink->expect(bytes.size(), now))
        {
            return;
        }
        for (std::size_t at = 0; at < bytes.size(); at += piece)
        {
            REQUIRE(sink != nullptr);
            if (!sink->accept(bytes.subspan(at, std::min(piece, bytes.size() - at)), now))
            {
                return;
            }
        }
        std::exchange(sink, nullptr)->finished({}, now);
    }

    std::optional<usb::Drive> drive;
    std::optional<Error> failure;
    std::function<void(TimePoint)> written;
    transports::FetchSink* sink{nullptr};
    std::string asked;
    std::uint64_t room{};
    int plugged{0};
    bool held{false}; ///< something is on the drive
};

/// Outlives the session.
struct WithDrive
{
    ScriptedDrive usb;
};

struct DriveBench : WithDrive, UpdateBench
{
    DriveBench() : UpdateBench{protocol::Restart::nothing}
    {
        transports.drive = &usb;
        transports.fetchers.push_back({"usb", protocol::scheme_usb, &usb});
        restart_agent();
        REQUIRE(enter(host) == CompletionCode::ok);
    }

    CompletionCode set_uri(const std::string& uri)
    {
        return send(host, Command::update_control,
                    protocol::UpdateControlRequest{protocol::Control::set_uri, protocol::Text<255>{uri}})
            .response.completion_code;
    }
    std::uint8_t flags()
    {
        const Bytes nothing{0};
        return get<protocol::UpdateControlResponse>(host, Command::update_control, nothing).flags.bits;
    }
    protocol::GetUsbDriveResponse usb_drive()
    {
        return get<protocol::GetUsbDriveResponse>(host, Command::get_usb_drive);
    }
    CompletionCode begin(ConstBytes bytes)
    {
        return send(host, Command::begin_transfer,
                    protocol::BeginTransferRequest{protocol::no_target, {}, 200, bytes.size(), sha256(bytes)})
            .response.completion_code;
    }
    /// From start to the fetch.
    void fetch_begins()
    {
        REQUIRE(code(host, "29 05") == CompletionCode::ok);
        REQUIRE(code(host, "29 06") == CompletionCode::ok);
        REQUIRE(set_uri("usb://image.bin") == CompletionCode::ok);
        REQUIRE(code(host, "29 02") == CompletionCode::ok);
        REQUIRE(state(host) == UpdateState::download);
        REQUIRE(usb.sink != nullptr);
    }

    agent::Caller host = host_caller();
    Bytes image = Bytes(150'000, 0x5A);
};

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("base profile: start, attach, detach, URI, complete, exit")
{
    DriveBench bench;
    CHECK(bench.code(bench.host, "29 05") == CompletionCode::not_supported_in_present_state); // before start
    REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
    CHECK(bench.code(bench.host, "29 06") == CompletionCode::invalid_data_field); // not attached
    REQUIRE(bench.code(bench.host, "29 05") == CompletionCode::ok);
    CHECK(bench.flags() == (protocol::flag_started | protocol::flag_usb_attached));
    CHECK(bench.usb.room == UpdateBench::limit);                                  // the size is not known
    CHECK(bench.code(bench.host, "29 05") == CompletionCode::invalid_data_field); // twice
    CHECK(bench.code(bench.host, "2c 01 02") == CompletionCode::not_supported_in_present_state);
    CHECK(bench.code(bench.host, "29 02") == CompletionCode::not_supported_in_present_state); // still attached
    CHECK(bench.usb_drive().attached == 1);
    CHECK(bench.usb_drive().serial.value == "0123456789ABCDEF");
    CHECK(bench.usb_drive().label.value == "FWLABEL");
    CHECK(bench.usb_drive().size == 8U << 20);
    REQUIRE(bench.code(bench.host, "29 06") == CompletionCode::ok);
    CHECK(bench.flags() == protocol::flag_started);
    CHECK(bench.usb_drive() == protocol::GetUsbDriveResponse{});
    REQUIRE(bench.set_uri("usb://image.bin") == CompletionCode::ok);
    CHECK(bench.code(bench.host, "2c 01 02") == CompletionCode::not_supported_in_present_state);
    REQUIRE(bench.code(bench.host, "29 02") == CompletionCode::ok);
    CHECK(bench.flags() == (protocol::flag_started | protocol::flag_completed));
    CHECK(bench.usb.asked == "usb://image.bin");
    CHECK(bench.session().status().percent == 0);
    REQUIRE(bench.usb.sink->expect(bench.image.size(), bench.now).has_value());
    REQUIRE(bench.usb.sink->accept(ConstBytes{bench.image}.first(75'000), bench.now).has_value());
    CHECK(bench.session().status().percent == 50);
    for (const char* refused : {"29 05", "29 06", "29 02", "2c 01 02"})
    {
        CHECK_MESSAGE(bench.code(bench.host, refused) == CompletionCode::not_supported_in_present_state, refused);
    }
    CHECK(bench.set_uri("usb://other") == CompletionCode::not_supported_in_present_state);
    REQUIRE(bench.usb.sink->accept(ConstBytes{bench.image}.subspan(75'000), bench.now).has_value());
    std::exchange(bench.usb.sink, nullptr)->finished({}, bench.now);
    CHECK_FALSE(bench.usb.held); // dropped: it has served
    bench.work();
    CHECK(bench.state(bench.host) == UpdateState::ready);
    CHECK(bench.installed() == as_text(bench.image));
    CHECK(bench.code(bench.host, "28") == CompletionCode::ok);
    CHECK(bench.session().history().entries().front().transport == protocol::Transport::usb);
}

TEST_CASE("extended profile: the drive has room for the image, and the name decides")
{
    DriveBench bench;
    REQUIRE(bench.begin(bench.image) == CompletionCode::ok);
    bench.fetch_begins();
    CHECK(bench.usb.room == bench.image.size());
    bench.usb.deliver(bench.image, bench.now, 70'001); // pieces that fit no block
    bench.work();
    CHECK(bench.state(bench.host) == UpdateState::ready);
    CHECK(bench.installed() == as_text(bench.image));
}

TEST_CASE("blocks that were streamed before stay; an image that is whole is not fetched")
{
    DriveBench bench;
    REQUIRE(bench.begin(bench.image) == CompletionCode::ok);
    bench.fetch_begins();
    REQUIRE(bench.usb.sink->expect(bench.image.size(), bench.now).has_value());
    REQUIRE(bench.usb.sink->accept(ConstBytes{bench.image}.first(140'000), bench.now).has_value());
    std::exchange(bench.usb.sink, nullptr)->finished(fail(ErrorKind::peer, "it broke"), bench.now);
    CHECK(bench.state(bench.host) == UpdateState::error);
    REQUIRE(bench.begin(bench.image) == CompletionCode::ok);
    CHECK(bench.session().transfer().blocks_present == 2);
    bench.fetch_begins();
    bench.usb.deliver(bench.image, bench.now);
    bench.work();
    CHECK(bench.state(bench.host) == UpdateState::ready);
}

TEST_CASE("whatever goes wrong while it is read becomes an error with a reason, and the next try is clean")
{
    struct Case
    {
        std::string what;
        std::function<void(DriveBench&)> happens;
        std::string reason;
    };
    const Bytes other(150'000, 0x77);
    for (const Case& mishap :
         std::vector<Case>{
             {"no such file",
              [](DriveBench& bench)
              { std::exchange(bench.usb.sink, nullptr)->finished(fail(ErrorKind::not_found, "no file"), bench.now); },
              "no file"},
             {"empty", [](DriveBench& bench) { bench.usb.deliver({}, bench.now); }, "is empty, 0 bytes"},
             {"another size", [](DriveBench& bench) { bench.usb.deliver(Bytes(149'999), bench.now); },
              "149999 bytes, announced were 150000"},
             {"less than it said",
              [](DriveBench& bench)
              {
                  REQUIRE(bench.usb.sink->expect(150'000, bench.now).has_value());
                  REQUIRE(bench.usb.sink->accept(Bytes(10), bench.now).has_value());
                  std::exchange(bench.usb.sink, nullptr)->finished({}, bench.now);
              },
              "only 0 bytes came"},
             {"other bytes",
              [&](DriveBench& bench)
              {
                  bench.usb.deliver(other, bench.now);
                  bench.work();
              },
              "SHA-256"}})
    {
        DriveBench bench;
        REQUIRE(bench.begin(bench.image) == CompletionCode::ok);
        bench.fetch_begins();
        mishap.happens(bench);
        CHECK_MESSAGE(bench.state(bench.host) == UpdateState::error, mishap.what);
        CHECK_MESSAGE(has(bench.reason(bench.host), mishap.reason), bench.reason(bench.host));
        CHECK(bench.installed() == "old firmware");
        REQUIRE(bench.begin(bench.image) == CompletionCode::ok);
        bench.fetch_begins();
        bench.usb.deliver(bench.image, bench.now);
        bench.work();
        CHECK_MESSAGE(bench.state(bench.host) == UpdateState::ready, mishap.what);
    }
}

TEST_CASE("a name that is wrong can be corrected: the drive keeps what it holds until the mode is left")
{
    DriveBench bench;
    REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
    bench.fetch_begins();
    std::exchange(bench.usb.sink, nullptr)->finished(fail(ErrorKind::not_found, "no file"), bench.now);
    CHECK(bench.state(bench.host) == UpdateState::error);
    CHECK(bench.usb.held);
    REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
    REQUIRE(bench.set_uri("usb://right.bin") == CompletionCode::ok);
    REQUIRE(bench.code(bench.host, "29 02") == CompletionCode::ok);
    bench.usb.deliver(bench.image, bench.now);
    bench.work();
    CHECK(bench.state(bench.host) == UpdateState::ready);
    CHECK(bench.usb.plugged == 1);
}

TEST_CASE("abort, exit, a new start and the lease's end stop the fetch and take the drive away")
{
    for (const std::string end : {"29 03", "28", "29 01", "lease"})
    {
        DriveBench bench;
        REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
        bench.fetch_begins();
        if (end == "lease")
        {
            bench.pass(std::chrono::seconds{301});
            CHECK(bench.state(bench.host) == UpdateState::init);
        }
        else
        {
            CHECK_MESSAGE(bench.code(bench.host, end) == CompletionCode::ok, end);
        }
        CHECK_MESSAGE(bench.usb.sink == nullptr, end);
        CHECK_MESSAGE(!bench.usb.drive, end);
        CHECK_MESSAGE(bench.usb.held == (end == "29 03" || end == "29 01"), end);
    }
    DriveBench bench; // with the drive still plugged in
    REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
    REQUIRE(bench.code(bench.host, "29 05") == CompletionCode::ok);
    bench.pass(std::chrono::seconds{301});
    CHECK(bench.state(bench.host) == UpdateState::init);
    CHECK(!bench.usb.drive);
    CHECK(!bench.usb.held);
}

TEST_CASE("the host's writes renew the lease, and so does what is read")
{
    DriveBench bench;
    REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
    REQUIRE(bench.code(bench.host, "29 05") == CompletionCode::ok);
    for (int round = 0; round < 10; ++round)
    {
        bench.pass(std::chrono::seconds{200});
        bench.usb.written(bench.now);
    }
    REQUIRE(bench.code(bench.host, "29 06") == CompletionCode::ok);
    REQUIRE(bench.set_uri("usb://image.bin") == CompletionCode::ok);
    REQUIRE(bench.code(bench.host, "29 02") == CompletionCode::ok);
    REQUIRE(bench.usb.sink->expect(1000, bench.now).has_value());
    for (int round = 0; round < 10; ++round)
    {
        bench.pass(std::chrono::seconds{200});
        REQUIRE(bench.usb.sink->accept(Bytes(100), bench.now).has_value());
    }
    std::exchange(bench.usb.sink, nullptr)->finished({}, bench.now);
    bench.work();
    CHECK(bench.state(bench.host) == UpdateState::ready);
}

TEST_CASE("URIs that can't be are refused with what can be; a drive that can't be plugged in is 80h")
{
    DriveBench bench;
    REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
    CHECK(bench.set_uri("gopher://x/y") == CompletionCode::invalid_data_field);
    CHECK(has(bench.reason(bench.host), "it fetches usb://"));
    CHECK(bench.set_uri("image.bin") == CompletionCode::invalid_data_field);
    CHECK(bench.set_uri("usb://bad*") == CompletionCode::invalid_data_field);
    CHECK(has(bench.reason(bench.host), "that is no path"));
    CHECK(bench.set_uri("USB://image.bin") == CompletionCode::ok);
    bench.usb.failure = fail(ErrorKind::not_found, "no controller");
    CHECK(bench.code(bench.host, "29 05") == protocol::usb_failure);
    CHECK(has(bench.reason(bench.host), "no controller"));
    CHECK(bench.flags() == protocol::flag_started);
}

TEST_CASE("without a drive: 80h, C1h, and no feature bit")
{
    UpdateBench bench;
    const agent::Caller host = host_caller();
    REQUIRE(bench.enter(host) == CompletionCode::ok);
    REQUIRE(bench.code(host, "29 01") == CompletionCode::ok);
    CHECK(bench.code(host, "29 05") == protocol::usb_failure);
    CHECK(bench.code(host, "4c") == CompletionCode::invalid_command);
    const auto capabilities = bench.get<protocol::GetCapabilitiesResponse>(host, Command::get_capabilities);
    CHECK_FALSE(capabilities.features.has(protocol::feature_usb));
    CHECK(capabilities.schemes.bits == 0);
    DriveBench with;
    const auto more = with.get<protocol::GetCapabilitiesResponse>(with.host, Command::get_capabilities);
    CHECK(more.features.has(protocol::feature_usb));
    CHECK(more.schemes.bits == protocol::scheme_usb);
}

TEST_CASE("45h is refused once a URI is recorded; an image that is larger than the BMC takes is not read")
{
    DriveBench bench;
    REQUIRE(bench.code(bench.host, "29 01") == CompletionCode::ok);
    bench.fetch_begins();
    CHECK_FALSE(bench.usb.sink->expect(UpdateBench::limit + 1, bench.now).has_value());
    CHECK(bench.state(bench.host) == UpdateState::error);
    CHECK(has(bench.reason(bench.host), "more than the"));
}
