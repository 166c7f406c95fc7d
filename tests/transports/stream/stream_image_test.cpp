// The host's loop over a scripted link with a clock of its own.
#include "transports/stream/host/stream_image.hpp"

#include "tests/common/result_printing.hpp"
#include "tests/transports/contract/scripted_sink.hpp"
#include "tests/transports/stream/image.hpp"
#include "tests/transports/stream/temporary_image.hpp"
#include "transports/stream/bmc/receiver.hpp"
#include "transports/stream/host/one_at_a_time_link.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

using namespace fwupdate;
using namespace fwupdate::stream;
using namespace fwupdate::test;
using namespace std::chrono_literals;

namespace
{

constexpr std::uint16_t transfer = 0x1234;

/// A BMC at the end of a link: every message takes a millisecond, there and back.
class ScriptedLink : public FragmentLink
{
  public:
    ScriptedLink(const Geometry& geometry, std::uint32_t window_blocks, ScriptedSink& sink)
        : receiver_{geometry, window_blocks, sink}
    {
    }

    [[nodiscard]] TimePoint now() const override
    {
        return now_;
    }
    [[nodiscard]] std::size_t batch() const override
    {
        return 16;
    }
    Result<void> send(std::span<const ConstBytes> messages) override
    {
        CHECK(messages.size() <= batch());
        for (const ConstBytes message : messages)
        {
            ++sent;
            longest = std::max(longest, message.size());
            if (send_error && sent > error_after)
            {
                return *send_error;
            }
            if (!silent)
            {
                deliver(message);
            }
        }
        return {};
    }
    Result<void> wait(TimePoint deadline, std::vector<ipmi::Response>& responses) override
    {
        if (wait_error)
        {
            return *wait_error;
        }
        now_ = waiting_.empty() ? std::max(now_, deadline) : now_ + 1ms;
        responses.insert(responses.end(), waiting_.begin(), waiting_.end());
        waiting_.clear();
        return {};
    }

    std::uint64_t sent{};
    std::size_t longest{};
    std::optional<Error> send_error;
    std::uint64_t error_after{};
    std::optional<Error> wait_error;
    bool silent{false};
    std::function<std::optional<ipmi::Response>(std::uint64_t message)> script; ///< instead of the receiver

  private:
    void deliver(ConstBytes message)
    {
        if (auto response = script ? script(sent) : std::nullopt)
        {
            waiting_.push_back(std::move(*response));
            return;
        }
        const auto request = codec::decode_request<protocol::WriteFragmentRequest>(message);
        REQUIRE(request);
        CHECK(request->transfer == transfer);
        const auto outcome = receiver_.on_fragment(*request, false);
        REQUIRE(outcome);
        if (outcome->acknowledgement)
        {
            waiting_.push_back(
                {ipmi::CompletionCode::ok, codec::encode(outcome->acknowledgement->response(request->transfer))});
        }
    }

    TimePoint now_{TimePoint{} + 1h};
    StreamReceiver receiver_;
    std::vector<ipmi::Response> waiting_;
};

struct Bench
{
    explicit Bench(Bytes bytes = random_image(700'000, 1), std::uint16_t fragment_size = 1388)
        : image{std::move(bytes)},
          file{image},
          reader{*ImageReader::open(file.path(), 8)},
          geometry{*Geometry::make(image.size(), fragment_size)},
          sink{image.size()},
          link{geometry, 16, sink}
    {
        options.window = 256;
        options.window_blocks = 16;
        options.give_up = 5s;
    }

    StreamOutcome run()
    {
        StreamSender sender{geometry, {}, options, link.now()};
        return stream_image(reader, transfer, sender, link, callbacks);
    }

    Bytes image;
    TemporaryImage file;
    ImageReader reader;
    Geometry geometry;
    ScriptedSink sink;
    ScriptedLink link;
    SenderOptions options;
    StreamCallbacks callbacks;
};

} // namespace

TEST_CASE("Complete: the image is there, progress ends at all of it")
{
    Bench bench;
    std::vector<std::uint64_t> progress;
    bench.callbacks.progress = [&](const StreamProgress& now)
    {
        CHECK(now.size == bench.image.size());
        progress.push_back(now.arrived);
    };
    const auto outcome = bench.run();
    CHECK(outcome.end == StreamEnd::complete);
    CHECK(outcome.text.empty());
    CHECK(bench.sink.image() == bench.image);
    REQUIRE(!progress.empty());
    CHECK(std::ranges::is_sorted(progress));
    CHECK(progress.back() == bench.image.size());
    CHECK(bench.link.longest <= protocol::largest_lan_message);
}

TEST_CASE("Fill blocks when the BMC takes them")
{
    Bytes image(20 * 65'536 + 9, 0xFF);
    image[5 * 65'536] = 0;
    Bench bench{image};
    bench.options.is_fill = fill_test(bench.reader);
    CHECK(bench.run().end == StreamEnd::complete);
    CHECK(bench.sink.image() == image);
    CHECK(bench.link.sent == 48 + 19 + 1);
}

TEST_CASE("Cancelled: resumable, and the BMC keeps what it has")
{
    Bench bench;
    bench.callbacks.cancelled = [&] { return bench.link.sent > 200; };
    const auto outcome = bench.run();
    CHECK(outcome.end == StreamEnd::interrupted);
    CHECK(!outcome.text.empty());
    CHECK(bench.sink.has_block(0));
    CHECK(!bench.sink.complete());
}

TEST_CASE("Silence ends after the time the caller gave, and cancelling still works in it")
{
    Bench bench;
    bench.link.silent = true;
    SUBCASE("given up")
    {
        const TimePoint start = bench.link.now();
        CHECK(bench.run().end == StreamEnd::no_progress);
        CHECK(bench.link.now() - start >= 5s);
        CHECK(bench.link.now() - start <= 5'250ms);
    }
    SUBCASE("cancelled")
    {
        const TimePoint start = bench.link.now();
        bench.callbacks.cancelled = [&] { return bench.link.now() - start > 2s; };
        CHECK(bench.run().end == StreamEnd::interrupted);
        CHECK(bench.link.now() - start <= 2'250ms);
    }
}

TEST_CASE("A refusal ends it with the code; busy and time-out codes do not")
{
    Bench bench;
    bench.link.script = [](std::uint64_t message) -> std::optional<ipmi::Response>
    {
        switch (message)
        {
        case 5:
            return ipmi::Response{ipmi::CompletionCode::node_busy, {}};
        case 7:
            return ipmi::Response{ipmi::CompletionCode::timeout, {}};
        case 300:
            return ipmi::Response{protocol::unknown_transfer, {}};
        default:
            return std::nullopt;
        }
    };
    const auto outcome = bench.run();
    CHECK(outcome.end == StreamEnd::refused);
    CHECK(outcome.code == protocol::unknown_transfer);
    CHECK(!outcome.text.empty());
    CHECK(bench.link.sent >= 300);
}

TEST_CASE("Responses that are none of this transfer, or no responses at all, are ignored")
{
    Bench bench;
    bench.link.script = [&](std::uint64_t message) -> std::optional<ipmi::Response>
    {
        Acknowledgement forged{{}, 0, bench.geometry.fragments(), 0xFFFF'FFFF, 0, {}};
        switch (message % 40)
        {
        case 3:
            return ipmi::Response{ipmi::CompletionCode::ok, codec::encode(forged.response(transfer + 1))};
        case 9:
            return ipmi::Response{ipmi::CompletionCode::ok, {}};
        case 12:
            return ipmi::Response{ipmi::CompletionCode::ok, Bytes(14, 0xFF)};
        default:
            return std::nullopt;
        }
    };
    CHECK(bench.run().end == StreamEnd::complete);
    CHECK(bench.sink.image() == bench.image);
}

TEST_CASE("Errors of link and file end it with their own sentence")
{
    Bench bench;
    SUBCASE("too large for the path")
    {
        bench.link.send_error = Error{ErrorKind::length, "too large"};
        bench.link.error_after = 10;
        const auto outcome = bench.run();
        CHECK(outcome.end == StreamEnd::message_too_large);
        CHECK(outcome.text == "too large");
    }
    SUBCASE("sending")
    {
        bench.link.send_error = Error{ErrorKind::input_output, "no socket"};
        CHECK(bench.run().end == StreamEnd::link_error);
    }
    SUBCASE("receiving")
    {
        bench.link.wait_error = Error{ErrorKind::input_output, "no socket"};
        const auto outcome = bench.run();
        CHECK(outcome.end == StreamEnd::link_error);
        CHECK(outcome.text == "no socket");
    }
    SUBCASE("the file")
    {
        bench.file.write(ConstBytes{bench.image}.first(300'000));
        const auto outcome = bench.run();
        CHECK(outcome.end == StreamEnd::image_error);
        CHECK(outcome.text.find("shorter") != std::string::npos);
    }
}

TEST_CASE("One at a time, over anything that exchanges one message for another")
{
    const Bytes image = random_image(200'001, 3);
    const TemporaryImage file{image};
    ScriptedSink sink{image.size()};
    const auto fragment_size = *fragment_size_for(image.size(), {protocol::largest_system_interface_message, true});
    const auto geometry = *Geometry::make(image.size(), fragment_size);
    StreamReceiver receiver{geometry, 4, sink};
    TimePoint now{TimePoint{} + 1h};
    std::uint64_t exchanges = 0;
    std::optional<Error> failure;

    OneAtATimeLink link{[&](ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data) -> Result<ipmi::Response>
                        {
                            CHECK(net_fn == ipmi::NetFn::firmware);
                            CHECK(command == 0x45);
                            CHECK(data.size() <= protocol::largest_system_interface_message);
                            now += 2ms;
                            ++exchanges;
                            if (failure && exchanges > 50)
                            {
                                return *failure;
                            }
                            const auto request = *codec::decode_request<protocol::WriteFragmentRequest>(data);
                            CHECK(request.flags.has(protocol::fragment_acknowledge));
                            const auto outcome = receiver.on_fragment(request, true);
                            if (exchanges % 20 == 0)
                            {
                                return fail(ErrorKind::timeout, "the answer was lost");
                            }
                            return ipmi::Response{ipmi::CompletionCode::ok,
                                                  codec::encode(outcome->acknowledgement->response(transfer))};
                        },
                        {[&] { return now; }, [&](TimePoint until) { now = std::max(now, until); }}};
    auto reader = *ImageReader::open(file.path());
    SenderOptions options;
    StreamSender sender{geometry, {}, options, now};
    SUBCASE("to the end, with answers lost")
    {
        CHECK(stream_image(reader, transfer, sender, link, {}).end == StreamEnd::complete);
        CHECK(sink.image() == image);
        CHECK(exchanges < geometry.fragments() * 12 / 10);
    }
    SUBCASE("an interface that fails")
    {
        failure = Error{ErrorKind::input_output, "the driver is gone"};
        const auto outcome = stream_image(reader, transfer, sender, link, {});
        CHECK(outcome.end == StreamEnd::link_error);
        CHECK(outcome.text == "the driver is gone");
    }
}

TEST_CASE("The map of staged blocks, part by part")
{
    std::vector<bool> present(20);
    const Bytes low{0x81, 0x02};
    enter_map({transfer, 0, 20, 3, {low}}, present);
    CHECK(present[0]);
    CHECK(present[7]);
    CHECK(present[9]);
    CHECK(std::ranges::count(present, true) == 3);
    const Bytes high{0xFF, 0xFF}; // more bits than blocks
    enter_map({transfer, 16, 20, 7, {high}}, present);
    CHECK(std::ranges::count(present, true) == 7);
    enter_map({transfer, 0xFFFF'FFF8, 20, 7, {high}}, present);
    CHECK(std::ranges::count(present, true) == 7);
}
