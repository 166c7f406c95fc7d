// The blobs under hostile clients: any requests, in any order, from several callers, while time passes and the update
// is taken away. What must hold: nothing crashes, responses fit the channel, nothing is programmed but what was
// verified last, byte for byte, and programming is never interrupted.
#include "bmc-agent/blobs/blob_commands.hpp"
#include "bmc-agent/blobs/cleanup_blob.hpp"
#include "bmc-agent/blobs/envelope.hpp"
#include "bmc-agent/blobs/firmware_blobs.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::blobs;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

/// Keeps the rules of FlashUpdate and demands that the blobs keep them too.
class StrictUpdate final : public FlashUpdate
{
  public:
    [[nodiscard]] bool is_held() const override
    {
        return held_;
    }
    [[nodiscard]] bool admits(const Caller& caller, TimePoint /*now*/) const override
    {
        return !held_ || caller.user == owner_;
    }
    Result<void> begin_image(std::string_view id, const Caller& caller, TimePoint /*now*/) override
    {
        require(id == "/flash/image" || id == "/flash/bios");
        return take(caller, [this] { image_.emplace(); });
    }
    Result<void> append(ConstBytes bytes, const Caller& caller, TimePoint /*now*/) override
    {
        require(held_ && image_.has_value() && !bytes.empty());
        return take(caller, [&] { image_->insert(image_->end(), bytes.begin(), bytes.end()); });
    }
    Result<void> begin_signature(const Caller& caller, TimePoint /*now*/) override
    {
        return take(caller, [] {});
    }
    Result<void> set_signature(ConstBytes signature, const Caller& caller, TimePoint /*now*/) override
    {
        require(held_ && !signature.empty() && signature.size() <= FirmwareBlobs::largest_hash);
        return take(caller, [] {});
    }
    Result<void> start_verification(const Caller& caller, TimePoint /*now*/) override
    {
        require(held_ && image_.has_value());
        return take(caller,
                    [this]
                    {
                        verifying_ = true;
                        under_verification_ = *image_;
                    });
    }
    Result<void> start_update(const Caller& caller, TimePoint /*now*/) override
    {
        require(held_ && verified_ == image_ && verified_.has_value());
        return take(caller, [this] { programming_ = true; });
    }
    [[nodiscard]] FlashStatus status() const override
    {
        return verifying_ || programming_ ? FlashStatus::running : last_;
    }
    void abort(TimePoint /*now*/) override
    {
        require(held_ && !programming_);
        *this = {};
    }
    void detach(TimePoint /*now*/) override
    {
        require(held_);
        *this = {};
    }
    void finish(TimePoint /*now*/) override
    {
        require(held_ && !programming_);
        *this = {};
    }
    void clean_up(TimePoint /*now*/) override {}

    /// What runs ends, once.
    void end(bool well)
    {
        if (!verifying_ && !programming_)
        {
            return;
        }
        last_ = well ? FlashStatus::success : FlashStatus::failed;
        if (verifying_ && well)
        {
            verified_ = under_verification_;
        }
        verifying_ = false;
        programming_ = false;
    }
    void take_away()
    {
        *this = {};
    }
    void refuse_next()
    {
        refuses_ = true;
    }

  private:
    template <class Function> Result<void> take(const Caller& caller, Function function)
    {
        require(admits(caller, {}) && !programming_ && !verifying_);
        if (refuses_)
        {
            refuses_ = false;
            return fail(ErrorKind::input_output, "refused");
        }
        held_ = true;
        owner_ = caller.user;
        last_ = FlashStatus::unknown;
        function();
        return {};
    }

    bool held_{false};
    bool refuses_{false};
    bool verifying_{false};
    bool programming_{false};
    FlashStatus last_{FlashStatus::unknown};
    std::string owner_;
    std::optional<Bytes> image_;
    std::optional<Bytes> under_verification_;
    std::optional<Bytes> verified_;
};

Caller caller_of(unsigned who)
{
    const bool is_host = who == 0;
    return {.channel = static_cast<std::uint8_t>(is_host ? 15 : 1),
            .kind = is_host ? ChannelKind::system_interface : ChannelKind::lan,
            .session = who,
            .user = is_host    ? ""
                    : who == 3 ? "eve"
                               : "admin",
            .user_id = static_cast<std::uint8_t>(who),
            .privilege = ipmi::Privilege::administrator,
            .max_message = static_cast<std::uint16_t>(is_host ? 240 : 1400),
            .max_response = static_cast<std::uint16_t>(is_host ? 64 : 900)};
}

class World
{
  public:
    World()
    {
        add_blob_commands(table_, manager_, log_, [](const Caller&, TimePoint) {});
    }

    /// Request data as it is.
    void command(unsigned who, ConstBytes data)
    {
        const Caller caller = caller_of(who);
        const Outcome outcome = table_.dispatch({ipmi::NetFn::oem_group, 0, command_number, data}, caller, now_);
        require(outcome.answer && outcome.response.data.size() <= caller.max_response);
        require(outcome.response.completion_code == ipmi::CompletionCode::ok || outcome.response.data.size() <= 3);
    }

    /// A sub-command and a body, made into a request with the right CRC: most of the code is behind it.
    void sub_command(unsigned who, std::uint8_t number, ConstBytes body)
    {
        Bytes data = codec::encode(Envelope{enterprise, number, {}});
        if (!body.empty())
        {
            codec::append(CheckedData{crc16(body), {body}}, data);
        }
        command(who, data);
    }

    void pass(unsigned minutes)
    {
        now_ += std::chrono::minutes{minutes};
    }

    StrictUpdate update;

  private:
    NullLog log_;
    FirmwareBlobs blobs_{*FlashIds::make({"/flash/image", "/flash/bios"}), update};
    CleanupBlob cleanup_{update};
    BlobManager manager_{{&blobs_, &cleanup_}, 0};
    CommandTable table_;
    TimePoint now_{std::chrono::hours{1}};
};

/// One step: a first byte that says what and by whom, and what it needs. Gives the rest of the input.
ConstBytes step(World& world, ConstBytes input)
{
    const std::uint8_t what = input[0];
    ConstBytes rest = input.subspan(1);
    switch (what >> 5)
    {
    case 0:
        world.pass(what & 0x0FU);
        return rest;
    case 1:
        world.update.end((what & 1) == 0);
        return rest;
    case 2:
        (what & 1) == 0 ? world.update.take_away() : world.update.refuse_next();
        return rest;
    default:
        break;
    }
    if (rest.empty())
    {
        return {};
    }
    const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 1);
    const ConstBytes data = rest.subspan(1, length);
    const bool raw = what >> 5 == 3;
    if (raw)
    {
        world.command(what & 3U, data);
    }
    else
    {
        world.sub_command(what & 3U, static_cast<std::uint8_t>((what >> 2) & 0x0F), data);
    }
    return rest.subspan(1 + length);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    World world;
    ConstBytes input{data, size};
    for (int count = 0; !input.empty() && count < 400; ++count)
    {
        input = step(world, input);
    }
    return 0;
}
