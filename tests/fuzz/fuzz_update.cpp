// The update session under a hostile client: any commands, in any order, from several callers, while time passes,
// sessions close and the agent is killed. What must hold: it never crashes, and the target holds either what was there
// or bytes that were verified whole.
#include "bmc-agent/update/firmware_commands.hpp"
#include "bmc-agent/update/session.hpp"
#include "bmc-agent/verification/check_table.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

using namespace fwupdate;

namespace
{

constexpr std::uint64_t limit = 300'000; ///< bytes of an image: a few blocks

class FixedRandom final : public RandomSource
{
  public:
    void fill(MutableBytes out) override
    {
        std::ranges::fill(out, std::uint8_t{0x11}); // the input can know the challenge and the transfer's number
    }
};

config::Verification signatures_optional()
{
    config::Verification verification;
    verification.signature_required = false;
    return verification;
}

class NoCommands final : public agent::CommandRunner
{
  public:
    void run(const std::vector<std::string>&, std::function<void(const agent::CommandResult&)> done) override
    {
        done({true, "1", {}});
    }
};

/// A virtual drive whose reader delivers what the input says, when it says.
class FuzzedDrive final : public usb::VirtualDrive, public transports::Fetcher
{
  public:
    Result<void> plug_in(std::uint64_t image_size) override
    {
        drive_ = usb::Drive{{"0123456789ABCDEF", "FWLABEL"}, image_size};
        return {};
    }
    void plug_out() override
    {
        drive_.reset();
    }
    void drop() noexcept override
    {
        drive_.reset();
    }
    [[nodiscard]] std::optional<usb::Drive> plugged_in() const override
    {
        return drive_;
    }
    void on_written(std::function<void(TimePoint)> listener) override
    {
        listener_ = std::move(listener);
    }
    [[nodiscard]] Result<std::string> check(const transports::FetchOrder& order) const override
    {
        return order.uri;
    }
    [[nodiscard]] bool needs_digest(const transports::FetchOrder& order) const override
    {
        return order.uri.ends_with("d");
    }
    void begin(const transports::FetchOrder&, transports::FetchSink& sink) override
    {
        sink_ = &sink;
        expected_ = false;
    }
    void cancel() noexcept override
    {
        sink_ = nullptr;
    }

    /// The host writes, or the reader goes on: 0 writes, 1 to 7 deliver, 8 ends well, 9 fails.
    void act(unsigned what, TimePoint now)
    {
        if (what == 0 && listener_)
        {
            listener_(now);
        }
        if (what == 0 || sink_ == nullptr)
        {
            return;
        }
        if (what >= 8)
        {
            std::exchange(sink_, nullptr)
                ->finished(what == 8 ? transports::FetchResult{}
                                     : transports::FetchResult{fail(ErrorKind::peer, "it broke")},
                           now);
            return;
        }
        if (!std::exchange(expected_, true) && !sink_->expect(what * 40'000, now))
        {
            return;
        }
        if (sink_ != nullptr)
        {
            (void)sink_->accept(Bytes(20'000, static_cast<std::uint8_t>(what)), now);
        }
    }

  private:
    std::optional<usb::Drive> drive_;
    std::function<void(TimePoint)> listener_;
    transports::FetchSink* sink_{nullptr};
    bool expected_{false};
};

/// One agent on a directory of its own.
class World
{
  public:
    World()
    {
        transports_.drive = &drive_;
        transports_.fetchers.push_back({"usb", protocol::scheme_usb, &drive_});
        (void)agent::write_file_atomically(target_path(), "old");
        start();
    }

    void restart()
    {
        session_.reset();
        start();
    }

    void command(std::uint8_t who, std::uint8_t number, ConstBytes data)
    {
        const bool host = who == 0;
        const agent::Caller caller{.channel = static_cast<std::uint8_t>(host ? 15 : 1),
                                   .kind = host ? agent::ChannelKind::system_interface : agent::ChannelKind::lan,
                                   .session = host ? 0U : who,
                                   .user = host ? std::string{} : std::string{who == 3 ? "eve" : "admin"},
                                   .user_id = who,
                                   .privilege = ipmi::Privilege::administrator,
                                   .max_message = static_cast<std::uint16_t>(host ? 240 : 1400),
                                   .max_response = static_cast<std::uint16_t>(host ? 240 : 900)};
        const agent::Outcome outcome = table_->dispatch({ipmi::NetFn::firmware, 0, number, data}, caller, now_);
        require(outcome.response.data.size() <= caller.max_response);
        require(outcome.answer || !host);
    }

    void pass(std::chrono::seconds seconds)
    {
        now_ += seconds;
        session_->on_deadline(now_);
    }

    void work(unsigned slices)
    {
        for (unsigned slice = 0; slice < slices && session_->wants_work(); ++slice)
        {
            session_->work(now_);
        }
    }

    void drive(unsigned what)
    {
        drive_.act(what, now_);
    }

    void close(std::uint32_t session)
    {
        session_->session_closed(1, session, now_);
    }

    /// Whatever is installed is what the log says was verified, or what was there at the beginning.
    void check() const
    {
        const auto text = agent::read_file(target_path(), limit + 1);
        require(text.has_value());
        const Sha256 digest = sha256(as_bytes(*text));
        const bool known =
            *text == "old" ||
            std::ranges::any_of(history_->entries(),
                                [&](const agent::HistoryEntry& entry) {
                                    return entry.result == protocol::UpdateResult::programmed && entry.sha256 == digest;
                                }) ||
            history_->entries().size() == agent::History::most_entries;
        require(known);
    }

  private:
    static void require(bool condition)
    {
        if (!condition)
        {
            std::abort();
        }
    }

    [[nodiscard]] std::filesystem::path target_path() const
    {
        return directory_.path() / "target";
    }

    void start()
    {
        config::Target target;
        target.id = 1;
        target.name = "bios";
        target.type = "file";
        target.path = target_path();
        target.restart = {protocol::Restart::bmc, {"restart"}};
        staging_ = std::make_unique<agent::Staging>(std::move(*agent::Staging::open(directory_.path() / "s", limit)));
        targets_ = std::make_unique<agent::Targets>(std::vector{target}, std::uint8_t{1});
        checks_ = agent::make_checks({limit, verification_, agent::Places{*targets_, machine_, trust_}, floors_,
                                      [] { return std::nullopt; }, log_});
        history_ = std::make_unique<agent::History>(directory_.path() / "history.json", log_);
        session_ = std::make_unique<agent::UpdateSession>(
            agent::UpdateSettings{.lease = {},
                                  .max_image_size = limit,
                                  .retention = std::chrono::hours{1},
                                  .persistent_staging = true,
                                  .boot_id = {1},
                                  .instance_id = {++instance_},
                                  .started = now_,
                                  .wall_clock = [] { return std::uint64_t{1}; }},
            agent::UpdateParts{*staging_, *targets_, checks_, floors_, *history_, runner_, random_, log_, transports_});
        table_ = std::make_unique<agent::CommandTable>();
        agent::add_base_commands(*table_, *session_);
        agent::add_extended_commands(*table_, *session_);
    }

    test::TemporaryDirectory directory_;
    agent::NullLog log_;
    FuzzedDrive drive_;
    agent::TransportTable transports_;
    FixedRandom random_;
    NoCommands runner_;
    TimePoint now_{std::chrono::hours{1}};
    std::uint8_t instance_{};
    std::unique_ptr<agent::Staging> staging_;
    std::unique_ptr<agent::Targets> targets_;
    config::Verification verification_ = signatures_optional();
    config::Machine machine_;
    agent::Trust trust_;
    agent::VersionFloors floors_{directory_.path(), package::VersionScheme::usual()};
    agent::CheckChain checks_;
    std::unique_ptr<agent::History> history_;
    std::unique_ptr<agent::UpdateSession> session_;
    std::unique_ptr<agent::CommandTable> table_;
};

/// One step: a first byte that says what, and what it needs. Gives the rest of the input.
ConstBytes step(World& world, ConstBytes input)
{
    const std::uint8_t what = input[0];
    ConstBytes rest = input.subspan(1);
    switch (what >> 5)
    {
    case 0:
        world.pass(std::chrono::seconds{what & 0x1F});
        return rest;
    case 1:
        world.work(what & 0x1FU);
        return rest;
    case 2:
        world.close(what & 3U);
        return rest;
    case 3:
        if (what == 0x60)
        {
            world.restart();
        }
        else if (what >= 0x70)
        {
            world.drive(what & 0x0FU);
        }
        return rest;
    default:
        break;
    }
    if (rest.size() < 2)
    {
        return {};
    }
    const std::uint8_t number = rest[0];
    const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
    world.command(what & 3U, number, rest.subspan(2, length));
    return rest.subspan(2 + length);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    World world;
    ConstBytes input{data, size};
    for (int count = 0; !input.empty() && count < 200; ++count)
    {
        input = step(world, input);
    }
    world.check();
    return 0;
}
