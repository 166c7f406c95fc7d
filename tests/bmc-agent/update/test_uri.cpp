// Images that the BMC fetches from a URI: what goes with it, what is shown of it, what is left out of it.
#include "tests/bmc-agent/update/transfer_steps.hpp"

#include <utility>

using namespace fwupdate;
using namespace fwupdate::test;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::ReasonCode;
using protocol::UpdateState;

namespace
{

/// A downloader moved by hand. Whatever stands before an @ is a secret.
class ScriptedFetcher final : public transports::Fetcher
{
  public:
    [[nodiscard]] Result<std::string> check(const transports::FetchOrder& order) const override
    {
        const std::size_t at = order.uri.find('@');
        return order.uri.ends_with("denied")
                   ? Result<std::string>{fail(ErrorKind::denied, "the policy says no")}
                   : Result<std::string>{at == std::string::npos ? order.uri : "http://" + order.uri.substr(at + 1)};
    }
    [[nodiscard]] bool needs_digest(const transports::FetchOrder& order) const override
    {
        return order.uri.starts_with("http:");
    }
    void begin(const transports::FetchOrder& order, transports::FetchSink& to) override
    {
        asked = order;
        sink = &to;
    }
    void cancel() noexcept override
    {
        sink = nullptr;
    }

    /// The bytes from where the sink wants to go on.
    void deliver(const Bytes& image, TimePoint now)
    {
        REQUIRE(sink != nullptr);
        offset = sink->present();
        if (!sink->expect(image.size(), now))
        {
            return;
        }
        REQUIRE(sink->go_on_at(offset, now).has_value());
        REQUIRE(sink->accept(ConstBytes{image}.subspan(offset), now).has_value());
        finish({}, now);
    }
    void finish(transports::FetchResult result, TimePoint now)
    {
        std::exchange(sink, nullptr)->finished(std::move(result), now);
    }

    transports::FetchOrder asked;
    transports::FetchSink* sink{nullptr};
    std::uint64_t offset{};
};

/// Outlives the session.
struct WithFetcher
{
    ScriptedFetcher fetcher;
};

struct UriBench : WithFetcher, UpdateBench
{
    UriBench() : UpdateBench{protocol::Restart::nothing}
    {
        transports.fetchers.push_back({"http", protocol::scheme_http, &fetcher});
        transports.fetchers.push_back({"https", protocol::scheme_https, &fetcher});
        restart_agent();
        REQUIRE(enter(console) == CompletionCode::ok);
    }

    CompletionCode set_uri(const std::string& uri)
    {
        return send(console, Command::update_control,
                    protocol::UpdateControlRequest{protocol::Control::set_uri, protocol::Text<255>{uri}})
            .response.completion_code;
    }
    template <codec::Message Part> CompletionCode set_part(protocol::UriPart part, const Part& message)
    {
        const Bytes data = codec::encode(message);
        return send(console, Command::set_uri_parameters, protocol::SetUriParametersRequest{part, {data}})
            .response.completion_code;
    }
    CompletionCode expect(std::uint64_t size, const Sha256& digest)
    {
        return set_part(protocol::UriPart::expectation, protocol::UriExpectation{size, digest});
    }
    ReasonCode reason_code()
    {
        const Bytes from_start{0, 0};
        return get<protocol::GetReasonResponse>(console, Command::get_reason, from_start).code;
    }
    void fetch_begins(const std::string& uri = "https://h/f")
    {
        REQUIRE(set_uri(uri) == CompletionCode::ok);
        REQUIRE(code(console, "29 02") == CompletionCode::ok);
        REQUIRE(state(console) == UpdateState::download);
        REQUIRE(fetcher.sink != nullptr);
    }

    agent::Caller console = lan_caller(1);
    Bytes image = make_image(150'000);
};

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("4Dh: its parts are as long as they must be, and reach the fetcher")
{
    UriBench bench;
    const auto code = [&](const char* hex) { return bench.code(bench.console, hex); };
    CHECK(code("4d") == CompletionCode::data_length_invalid);
    CHECK(code("4d 00") == CompletionCode::data_length_invalid);
    CHECK(code("4d 01 00") == CompletionCode::data_length_invalid);
    CHECK(code("4d 02 01 61") == CompletionCode::data_length_invalid);
    CHECK(code("4d 02 01 61 01 62 63") == CompletionCode::data_length_invalid);
    CHECK(code("4d 03") == CompletionCode::invalid_data_field);
    CHECK(bench.send(lan_caller(2, "other"), Command::set_uri_parameters, *from_hex("0201610162"))
              .response.completion_code == CompletionCode::not_supported_in_present_state);
    const Sha256 pin{1, 2, 3};
    CHECK(bench.set_part(protocol::UriPart::tls_pin, protocol::UriTlsPin{pin}) == CompletionCode::ok);
    CHECK(code("4d 02 01 61 02 62 63") == CompletionCode::ok);
    REQUIRE(code("29 01") == CompletionCode::ok);
    bench.fetch_begins();
    CHECK(bench.fetcher.asked.tls_pin == pin);
    CHECK(bench.fetcher.asked.credentials == transports::Credentials{"a", "bc"});
    CHECK(code("4d 02 01 61 02 62 63") == CompletionCode::not_supported_in_present_state); // it runs
    CHECK(code("28") == CompletionCode::ok);
    REQUIRE(bench.enter(bench.console) == CompletionCode::ok); // nothing of it is kept
    REQUIRE(code("29 01") == CompletionCode::ok);
    bench.fetch_begins();
    CHECK_FALSE(bench.fetcher.asked.tls_pin.has_value());
    CHECK_FALSE(bench.fetcher.asked.credentials.has_value());
}

TEST_CASE("without a network transport 4Dh is not served, with one a feature tells")
{
    UpdateBench plain;
    CHECK(plain.code(lan_caller(1), "4d 02 00 00") == CompletionCode::invalid_command);
    UriBench bench;
    const auto capabilities = bench.get<protocol::GetCapabilitiesResponse>(bench.console, Command::get_capabilities);
    CHECK(capabilities.features.has(protocol::feature_uri));
    CHECK(capabilities.schemes.bits == (protocol::scheme_http | protocol::scheme_https));
}

TEST_CASE("an expectation is the digest of 2Bh with a size, and must agree with a name")
{
    UriBench bench;
    CHECK(bench.expect(150'000, sha256(bench.image)) == CompletionCode::ok);
    REQUIRE(bench.code(bench.console, "29 01") == CompletionCode::ok);
    bench.fetch_begins("http://h/f");
    CHECK(bench.fetcher.sink->knows_digest());
    bench.fetcher.deliver(Bytes(149'999), bench.now);
    CHECK(bench.state(bench.console) == UpdateState::error);
    CHECK(has(bench.reason(bench.console), "149999 bytes, announced were 150000"));
    REQUIRE(bench.code(bench.console, "29 01") == CompletionCode::ok); // it holds until the mode is left
    bench.fetch_begins("http://h/f");
    bench.fetcher.deliver(bench.image, bench.now);
    bench.work();
    CHECK(bench.state(bench.console) == UpdateState::ready);

    UriBench named;
    begin(named, named.console, named.image);
    CHECK(named.expect(0, sha256(named.image)) == CompletionCode::ok);
    CHECK(named.expect(150'000, sha256(named.image)) == CompletionCode::ok);
    CHECK(named.expect(150'001, sha256(named.image)) == CompletionCode::invalid_data_field);
    CHECK(named.expect(150'000, Sha256{}) == CompletionCode::invalid_data_field);
}

TEST_CASE("what nobody on the way vouches for wants a digest, which may still be given")
{
    UriBench bench;
    REQUIRE(bench.code(bench.console, "29 01") == CompletionCode::ok);
    REQUIRE(bench.set_uri("http://h/f") == CompletionCode::ok);
    CHECK(bench.code(bench.console, "29 02") == protocol::refused_by_policy);
    CHECK(bench.reason_code() == ReasonCode::policy_refused);
    CHECK(has(bench.reason(bench.console), "SHA-256"));
    CHECK(bench.state(bench.console) == UpdateState::download);
    CHECK(bench.fetcher.sink == nullptr);
    CHECK(bench.code(bench.console, "2b 04 04 " + to_hex(sha256(bench.image))) == CompletionCode::ok);
    CHECK(bench.code(bench.console, "29 02") == CompletionCode::ok);
    bench.fetcher.deliver(bench.image, bench.now);
    bench.work();
    CHECK(bench.state(bench.console) == UpdateState::ready);
}

TEST_CASE("secrets of a URI are in no reason and not in the log of updates")
{
    UriBench bench;
    REQUIRE(bench.code(bench.console, "29 01") == CompletionCode::ok);
    bench.fetch_begins("https://me:hush@h/f");
    CHECK(has(bench.fetcher.asked.uri, "hush")); // only the fetcher sees them
    bench.fetcher.deliver({}, bench.now);
    CHECK(bench.state(bench.console) == UpdateState::error);
    CHECK(has(bench.reason(bench.console), "http://h/f is empty"));
    CHECK_FALSE(has(bench.reason(bench.console), "hush"));
    CHECK_FALSE(has(bench.session().history().entries().front().text, "hush"));
}

TEST_CASE("a URI that the policy refuses is told at once")
{
    UriBench bench;
    REQUIRE(bench.code(bench.console, "29 01") == CompletionCode::ok);
    CHECK(bench.set_uri("https://h/denied") == CompletionCode::invalid_data_field);
    CHECK(bench.reason_code() == ReasonCode::uri_refused);
    CHECK(bench.set_uri("file:///etc/passwd") == CompletionCode::invalid_data_field);
    CHECK(bench.set_uri("https") == CompletionCode::invalid_data_field);
    CHECK(bench.code(bench.console, "29 02") == CompletionCode::not_supported_in_present_state); // nothing is set
}

TEST_CASE("a fetch leaves out what is here, whatever brought it")
{
    UriBench bench;
    const auto transfer = begin(bench, bench.console, bench.image).transfer;
    REQUIRE(send_block(bench, bench.console, transfer, bench.image, 0) == CompletionCode::ok);
    REQUIRE(send_block(bench, bench.console, transfer, bench.image, 2) == CompletionCode::ok); // beyond a hole
    bench.fetch_begins();
    bench.fetcher.deliver(bench.image, bench.now);
    CHECK(bench.fetcher.offset == protocol::block_size);
    bench.work();
    CHECK(bench.state(bench.console) == UpdateState::ready);
    CHECK(bench.installed() == as_text(bench.image));
}

TEST_CASE("an image with a name goes on behind its last whole block, after the agent was killed too")
{
    UriBench bench;
    begin(bench, bench.console, bench.image);
    bench.fetch_begins();
    REQUIRE(bench.fetcher.sink->accept(ConstBytes{bench.image}.first(140'000), bench.now).has_value());
    CHECK(bench.fetcher.sink->present() == 2 * protocol::block_size);
    REQUIRE(bench.fetcher.sink->go_on_at(2 * protocol::block_size, bench.now).has_value());
    REQUIRE(bench.fetcher.sink->accept(ConstBytes{bench.image}.subspan(2 * protocol::block_size, 10), bench.now)
                .has_value());
    bench.restart_agent();
    REQUIRE(bench.enter(bench.console) == CompletionCode::ok);
    CHECK(begin(bench, bench.console, bench.image).blocks_present == 2);
    bench.fetch_begins();
    bench.fetcher.deliver(bench.image, bench.now);
    CHECK(bench.fetcher.offset == 2 * protocol::block_size);
    bench.work();
    CHECK(bench.installed() == as_text(bench.image));
}

TEST_CASE("an image without a name goes on at the last byte, or begins anew")
{
    UriBench bench;
    REQUIRE(bench.code(bench.console, "29 01") == CompletionCode::ok);
    bench.fetch_begins();
    auto& sink = *bench.fetcher.sink;
    CHECK_FALSE(sink.knows_digest());
    REQUIRE(sink.expect(150'000, bench.now).has_value());
    REQUIRE(sink.accept(Bytes(1234, 0xEE), bench.now).has_value());
    CHECK(sink.present() == 1234);
    REQUIRE(sink.go_on_at(0, bench.now).has_value());
    CHECK(sink.present() == 0);
    REQUIRE(sink.accept(ConstBytes{bench.image}.first(777), bench.now).has_value());
    REQUIRE(sink.go_on_at(777, bench.now).has_value());
    REQUIRE(sink.accept(ConstBytes{bench.image}.subspan(777), bench.now).has_value());
    bench.fetcher.finish({}, bench.now);
    bench.work();
    CHECK(bench.state(bench.console) == UpdateState::ready);
    CHECK(bench.installed() == as_text(bench.image));
}

TEST_CASE("sizes are bounded before a byte comes, and while they come")
{
    UriBench told;
    REQUIRE(told.code(told.console, "29 01") == CompletionCode::ok);
    told.fetch_begins();
    CHECK_FALSE(told.fetcher.sink->expect(UpdateBench::limit + 1, told.now).has_value());
    CHECK(told.reason_code() == ReasonCode::image_too_large);
    CHECK(told.fetcher.sink == nullptr);

    UriBench untold;
    REQUIRE(untold.code(untold.console, "29 01") == CompletionCode::ok);
    untold.fetch_begins();
    const Bytes piece(1 << 20);
    auto* sink = untold.fetcher.sink;
    for (int at = 0; at < 4; ++at)
    {
        REQUIRE(sink->accept(piece, untold.now).has_value());
    }
    CHECK_FALSE(sink->accept(piece, untold.now).has_value());
    CHECK(untold.reason_code() == ReasonCode::image_too_large);
}

TEST_CASE("what is longer than its name says leaves nothing under that name")
{
    UriBench bench;
    begin(bench, bench.console, bench.image);
    bench.fetch_begins();
    auto* sink = bench.fetcher.sink;
    REQUIRE(sink->accept(Bytes(150'000), bench.now).has_value());
    CHECK_FALSE(sink->accept(Bytes(1), bench.now).has_value());
    CHECK(bench.reason_code() == ReasonCode::image_too_large);
    CHECK(begin(bench, bench.console, bench.image).blocks_present == 0);
}

TEST_CASE("a failure keeps its code")
{
    UriBench bench;
    REQUIRE(bench.code(bench.console, "29 01") == CompletionCode::ok);
    bench.fetch_begins();
    bench.fetcher.finish(transports::FetchFailure{ReasonCode::host_not_found, "no such host"}, bench.now);
    CHECK(bench.state(bench.console) == UpdateState::error);
    CHECK(bench.reason_code() == ReasonCode::host_not_found);
    CHECK(bench.session().history().entries().front().code == ReasonCode::host_not_found);
}
