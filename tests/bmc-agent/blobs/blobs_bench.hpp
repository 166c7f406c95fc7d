// The blobs with everything real but the update behind them, which is played, asked by bytes as a channel does.
#pragma once

#include "bmc-agent/blobs/blob_commands.hpp"
#include "bmc-agent/blobs/cleanup_blob.hpp"
#include "bmc-agent/blobs/envelope.hpp"
#include "bmc-agent/blobs/firmware_blobs.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::agent::blobs::test
{

/// Keeps what it is told and answers as the test has laid out. It has opinions on what must never come.
class PlayedUpdate final : public FlashUpdate
{
  public:
    [[nodiscard]] bool is_held() const override
    {
        return held;
    }
    [[nodiscard]] bool admits(const Caller& caller, TimePoint /*now*/) const override
    {
        return !held || caller.user == owner;
    }
    Result<void> begin_image(std::string_view id, const Caller& caller, TimePoint /*now*/) override
    {
        return take("image " + std::string{id}, caller, [this] { image.clear(); });
    }
    Result<void> append(ConstBytes bytes, const Caller& caller, TimePoint /*now*/) override
    {
        CHECK(held);
        return take("append", caller, [&] { image.insert(image.end(), bytes.begin(), bytes.end()); });
    }
    Result<void> begin_signature(const Caller& caller, TimePoint /*now*/) override
    {
        return take("signature", caller, [this] { signature.clear(); });
    }
    Result<void> set_signature(ConstBytes bytes, const Caller& caller, TimePoint /*now*/) override
    {
        CHECK(held);
        return take("signed", caller, [&] { signature.assign(bytes.begin(), bytes.end()); });
    }
    Result<void> start_verification(const Caller& caller, TimePoint /*now*/) override
    {
        return take("verify", caller, [] {});
    }
    Result<void> start_update(const Caller& caller, TimePoint /*now*/) override
    {
        CHECK(last == FlashStatus::success);
        return take("update", caller, [this] { programming = true; });
    }
    [[nodiscard]] FlashStatus status() const override
    {
        if (!coming.empty())
        {
            last = coming.front();
            coming.pop_front();
        }
        return last;
    }
    void abort(TimePoint /*now*/) override
    {
        CHECK_FALSE(programming);
        leave("abort");
    }
    void detach(TimePoint /*now*/) override
    {
        CHECK(programming);
        leave("detach");
    }
    void finish(TimePoint /*now*/) override
    {
        leave("finish");
    }
    void clean_up(TimePoint /*now*/) override
    {
        calls.emplace_back("clean up");
    }

    bool held{false};
    std::string owner;                      ///< the user who holds it
    std::optional<ErrorKind> refusal;       ///< of the next call that can refuse
    mutable std::deque<FlashStatus> coming; ///< answers of status(); then the last one again
    mutable FlashStatus last{FlashStatus::unknown};
    bool programming{false};
    Bytes image;
    Bytes signature;
    std::vector<std::string> calls;

  private:
    template <class Function> Result<void> take(std::string call, const Caller& caller, Function function)
    {
        if (refusal)
        {
            return fail(*std::exchange(refusal, std::nullopt), "refused");
        }
        CHECK(admits(caller, {}));
        calls.push_back(std::move(call));
        held = true;
        owner = caller.user;
        function();
        return {};
    }

    void leave(std::string call)
    {
        CHECK(held);
        calls.push_back(std::move(call));
        held = false;
        programming = false;
        last = FlashStatus::unknown;
    }
};

inline Caller host()
{
    return {.channel = 15,
            .kind = ChannelKind::system_interface,
            .session = 0,
            .user = {},
            .user_id = 0,
            .privilege = ipmi::Privilege::administrator,
            .max_message = 240,
            .max_response = 240};
}

inline Caller remote(std::string user, ipmi::Privilege privilege = ipmi::Privilege::administrator)
{
    return {.channel = 1,
            .kind = ChannelKind::lan,
            .session = 7,
            .user = std::move(user),
            .user_id = 1,
            .privilege = privilege,
            .max_message = 1400,
            .max_response = 900};
}

/// Whatever went wrong, for tests that look at what the log says.
class KeptLog final : public Log
{
  public:
    std::vector<std::string> lines;

  private:
    void write(Level /*level*/, std::string_view sentence, std::span<const LogPair> pairs) override
    {
        lines.push_back(format_event(sentence, pairs));
    }
};

class BlobsBench
{
  public:
    explicit BlobsBench(SessionId first_session = 0x4321)
        : blobs{*FlashIds::make({"/flash/image", "/flash/bios"}), update},
          cleanup{update},
          manager{{&blobs, &cleanup}, first_session}
    {
        add_blob_commands(table, manager, log, [](const Caller&, TimePoint) {});
    }

    /// Request data as it travels; gives completion code and response data.
    Bytes ask_raw(ConstBytes data)
    {
        const Outcome outcome = table.dispatch({ipmi::NetFn::oem_group, 0, command_number, data}, caller, now);
        CHECK(outcome.answer);
        CHECK(outcome.response.data.size() <= caller.max_response);
        Bytes answer{static_cast<std::uint8_t>(outcome.response.completion_code)};
        answer.insert(answer.end(), outcome.response.data.begin(), outcome.response.data.end());
        return answer;
    }

    /// A sub-command with a body and its CRC; gives "00 <body>" in hexadecimal once the response's CRC is checked, or
    /// the completion code alone.
    std::string ask(SubCommand sub_command, ConstBytes body)
    {
        Bytes data = envelope(sub_command);
        if (!body.empty())
        {
            codec::append(CheckedData{crc16(body), {body}}, data);
        }
        const Bytes answer = ask_raw(data);
        REQUIRE(answer.size() >= 4);
        CHECK(std::ranges::equal(ConstBytes{answer}.subspan(1, 3), enterprise));
        if (answer.size() == 4)
        {
            return to_hex(ConstBytes{answer}.first(1));
        }
        const auto checked = codec::decode_request<CheckedData>(ConstBytes{answer}.subspan(4));
        REQUIRE(checked.has_value());
        CHECK(checked->crc == crc16(checked->body.view));
        return to_hex(ConstBytes{answer}.first(1)) + to_hex(checked->body.view);
    }

    template <codec::Message M> std::string ask(SubCommand sub_command, const M& message)
    {
        return ask(sub_command, ConstBytes{codec::encode(message)});
    }

    /// "00" and success, or a completion code; a session that opens becomes `session`.
    std::string open(std::string_view id, std::uint16_t flags)
    {
        std::string answer = ask(SubCommand::open, OpenRequest{flags, {with_nul(id)}});
        if (answer.size() != 6)
        {
            return answer;
        }
        const Bytes number = *from_hex(std::string_view{answer}.substr(2));
        session = codec::decode_response<SessionName>(number)->session;
        return "00";
    }
    std::string write(std::uint32_t offset, std::string_view data)
    {
        return ask(SubCommand::write, WriteRequest{session, offset, {as_bytes(data)}});
    }
    std::string commit()
    {
        return ask(SubCommand::commit, CommitRequest{session, 0, {}});
    }
    std::string close()
    {
        return ask(SubCommand::close, SessionName{session});
    }
    std::string stat()
    {
        return ask(SubCommand::session_stat, SessionName{session});
    }
    std::string remove(std::string_view id)
    {
        return ask(SubCommand::remove, BlobName{{with_nul(id)}});
    }
    std::string stat_id(std::string_view id)
    {
        return ask(SubCommand::stat, BlobName{{with_nul(id)}});
    }

    /// GetCount and Enumerate, as one line.
    std::string list()
    {
        const std::string counted = ask(SubCommand::get_count, ConstBytes{});
        const Bytes number = *from_hex(std::string_view{counted}.substr(2));
        const std::uint32_t count = codec::decode_response<GetCountResponse>(number)->count;
        std::string all;
        for (std::uint32_t index = 0; index < count; ++index)
        {
            const std::string answer = ask(SubCommand::enumerate, EnumerateRequest{index});
            const Bytes id = *from_hex(std::string_view{answer}.substr(2));
            all += (all.empty() ? "" : " ") + *read_id(id);
        }
        CHECK(ask(SubCommand::enumerate, EnumerateRequest{count}) == "cc");
        return all;
    }

    static Bytes envelope(SubCommand sub_command)
    {
        return codec::encode(Envelope{enterprise, static_cast<std::uint8_t>(sub_command), {}});
    }

    PlayedUpdate update;
    KeptLog log;
    FirmwareBlobs blobs;
    CleanupBlob cleanup;
    BlobManager manager;
    CommandTable table;
    Caller caller = host();
    TimePoint now{std::chrono::hours{1}};
    SessionId session{}; ///< opened last

  private:
    ConstBytes with_nul(std::string_view id)
    {
        text_.assign(id.begin(), id.end());
        text_.push_back(0);
        return text_;
    }

    Bytes text_;
};

// Flags of the stock client.
inline constexpr std::uint16_t data_flags = open_write | data_by_ipmi;

/// An image and a hash, both closed: verification pending.
inline void upload(BlobsBench& bench)
{
    REQUIRE(bench.open("/flash/image", data_flags) == "00");
    REQUIRE(bench.write(0, "image") == "00");
    REQUIRE(bench.close() == "00");
    REQUIRE(bench.open("/flash/hash", data_flags) == "00");
    REQUIRE(bench.write(0, "sig") == "00");
    REQUIRE(bench.close() == "00");
}

/// Opens /flash/verify or /flash/update, commits it, and asks until the end that is to come.
inline void run_action(BlobsBench& bench, std::string_view id, FlashStatus end)
{
    REQUIRE(bench.open(id, open_write) == "00");
    REQUIRE(bench.commit() == "00");
    bench.update.coming = {FlashStatus::running, end};
    bench.stat();
    bench.stat();
}

} // namespace fwupdate::agent::blobs::test
