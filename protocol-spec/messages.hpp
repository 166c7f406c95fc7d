// The messages of the firmware-transfer protocol, NetFn 08h: the one definition that both ends compile.
// Byte tables, examples and rules: protocol-spec/README.md; a test proves that they and this header agree.
#pragma once

#include "common/codec.hpp"
#include "common/ipmi/message.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <tuple>

namespace fwupdate::protocol
{

using codec::CountedList;
using codec::Field;
using codec::Flags;
using codec::Text;
using codec::TrailingBytes;

using Challenge = std::array<std::uint8_t, 8>;
using Identifier = std::array<std::uint8_t, 16>;

inline constexpr std::uint32_t block_size = 64 * 1024;        ///< bytes of a block; the last one may be shorter
inline constexpr std::size_t fragment_header_size = 8;        ///< bytes of WriteFragmentRequest before data
inline constexpr std::size_t block_check_size = 4;            ///< bytes of the CRC-32 behind a block's last fragment
inline constexpr std::size_t largest_lan_message = 1400;      ///< data bytes: IPv4, MTU 1500, suite 17, no IP fragment
inline constexpr std::size_t largest_lan_message_ipv6 = 1384; ///< the same over IPv6
inline constexpr std::size_t largest_system_interface_message = 240;   ///< data bytes: fits KCS and BT drivers
inline constexpr std::size_t largest_response = 900;                   ///< data bytes: ipmitool's receive buffer
inline constexpr std::uint32_t largest_base_write_lan = 51'200;        ///< bytes of one 2Ch on LAN
inline constexpr std::uint64_t largest_image = std::uint64_t{1} << 32; ///< 65,536 blocks
inline constexpr std::uint8_t version_major = 1;
inline constexpr std::uint8_t version_minor = 0;
inline constexpr std::array<std::uint8_t, 4> signature{'F', 'W', 'U', 'P'};

/// Command numbers on NetFn 08h.
enum class Command : std::uint8_t
{
    get_version_info = 0x20,
    get_security_version_info = 0x21,
    get_update_channel_info = 0x22,
    get_execution_context = 0x23,
    get_root_cert_data = 0x25,
    get_random_number = 0x26,
    enter_update_mode = 0x27,
    exit_update_mode = 0x28,
    update_control = 0x29,
    get_update_status = 0x2A,
    set_update_options = 0x2B,
    write_image_data = 0x2C,
    get_capabilities = 0x40,
    get_update_session = 0x41,
    take_over = 0x42,
    set_update_parameters = 0x43,
    begin_transfer = 0x44,
    write_fragment = 0x45,
    get_transfer_map = 0x46,
    get_reason = 0x47,
    get_update_log = 0x48,
    get_target_info = 0x49,
    plan = 0x4A,
    get_verdict = 0x4B,
    get_usb_drive = 0x4C,
    set_uri_parameters = 0x4D,
    write_signature_part = 0x4E,
    confirm_update = 0x4F,
};

/// Completion codes of the commands' own, 80h-BEh.
inline constexpr ipmi::CompletionCode usb_failure{0x80};         ///< 29h: the virtual drive could not be attached
inline constexpr ipmi::CompletionCode unknown_transfer{0x81};    ///< 45h, 46h: this transfer is not the present one
inline constexpr ipmi::CompletionCode transfer_incomplete{0x82}; ///< 29h-2: blocks are missing, see 46h
inline constexpr ipmi::CompletionCode refused_by_policy{0x83};   ///< 29h-1, 44h: the text is in 47h

/// Update state (2Ah, 41h).
enum class UpdateState : std::uint8_t
{
    init = 0x00,     ///< not in update mode
    idle = 0x01,     ///< in the mode, no transfer started
    download = 0x02, ///< receiving or fetching the image
    verify = 0x03,
    program = 0x04,
    ready = 0x05, ///< programmed and read back; exit makes it run
    error = 0x0F,
    host_restart_required = 0x83, ///< as ready, for a target that the host's restart activates
};
constexpr bool is_defined(UpdateState value)
{
    return value <= UpdateState::ready || value == UpdateState::error || value == UpdateState::host_restart_required;
}

/// Integrity byte of 2Ah: the SHA-256 check of the options command.
enum class IntegrityCheck : std::uint8_t
{
    not_requested = 0x00,
    requested = 0x01,
    good = 0x02,
    failed = 0xE2,
};
constexpr bool is_defined(IntegrityCheck value)
{
    return value <= IntegrityCheck::good || value == IntegrityCheck::failed;
}

// ------------------------------------------------------------------------------------------- base profile, 22h-2Ch

/// Channel kinds of 22h.
enum class UpdateChannel : std::uint8_t
{
    kcs = 1,
    ipmb = 2,
    rmcp_plus = 3,
};
constexpr bool is_defined(UpdateChannel value)
{
    return value >= UpdateChannel::kcs && value <= UpdateChannel::rmcp_plus;
}

/// One channel in Get FW Update Channel Info.
struct UpdateChannelEntry
{
    UpdateChannel channel{};
    std::uint32_t max_transfer_size{}; ///< bytes of one 2Ch

    using Self = UpdateChannelEntry;
    static constexpr auto layout =
        std::tuple{Field{"channel", &Self::channel}, Field{"max_transfer_size", &Self::max_transfer_size}};
    bool operator==(const Self&) const = default;
};

/// A request without data.
struct EmptyRequest
{
    static constexpr std::tuple<> layout{};
    bool operator==(const EmptyRequest&) const = default;
};

/// A response that is its completion code alone.
struct EmptyResponse
{
    static constexpr std::tuple<> layout{};
    bool operator==(const EmptyResponse&) const = default;
};

/// 22h Get FW Update Channel Info.
struct GetUpdateChannelInfoResponse
{
    CountedList<UpdateChannelEntry> channels;

    using Self = GetUpdateChannelInfoResponse;
    static constexpr auto layout = std::tuple{Field{"channels", &Self::channels}};
    bool operator==(const Self&) const = default;
};

/// 23h Get BMC Execution Context.
struct GetExecutionContextResponse
{
    std::uint8_t context{};   ///< 10h Linux, 11h boot loader
    std::uint8_t partition{}; ///< 0 unknown, 1 primary, 2 secondary

    using Self = GetExecutionContextResponse;
    static constexpr auto layout = std::tuple{Field{"context", &Self::context}, Field{"partition", &Self::partition}};
    bool operator==(const Self&) const = default;
};

/// 26h Get FW Update Random Number: valid 30 s, once, for the asking user on the asking channel.
struct GetRandomNumberResponse
{
    Challenge challenge{};

    using Self = GetRandomNumberResponse;
    static constexpr auto layout = std::tuple{Field{"challenge", &Self::challenge}};
    bool operator==(const Self&) const = default;
};

/// 27h Set FW Update Mode (enter).
struct EnterUpdateModeRequest
{
    Challenge challenge{};

    using Self = EnterUpdateModeRequest;
    static constexpr auto layout = std::tuple{Field{"challenge", &Self::challenge}};
    bool operator==(const Self&) const = default;
};

/// What 29h is to do.
enum class Control : std::uint8_t
{
    get_flags = 0,
    transfer_start = 1,
    transfer_complete = 2,
    transfer_abort = 3,
    set_uri = 4,
    usb_attach = 5,
    usb_detach = 6,
};
constexpr bool is_defined(Control value)
{
    return value <= Control::usb_detach;
}

/// 29h Get/Set FW Update Control. The URI goes with set_uri and with nothing else.
struct UpdateControlRequest
{
    Control control{};
    std::optional<Text<255>> uri;

    using Self = UpdateControlRequest;
    static constexpr auto layout = std::tuple{Field{"control", &Self::control}, Field{"uri", &Self::uri}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint8_t flag_started = 0x01;
inline constexpr std::uint8_t flag_completed = 0x02;
inline constexpr std::uint8_t flag_aborted = 0x04;
inline constexpr std::uint8_t flag_usb_attached = 0x08;

struct UpdateControlResponse
{
    Flags<std::uint8_t, 0x0F> flags;

    using Self = UpdateControlResponse;
    static constexpr auto layout = std::tuple{Field{"flags", &Self::flags}};
    bool operator==(const Self&) const = default;
};

/// 2Ah Get FW Update Status.
struct GetUpdateStatusResponse
{
    UpdateState state{};
    std::uint8_t percent{}; ///< of the present state, 0..100; 0 while the size is unknown
    IntegrityCheck integrity{};

    using Self = GetUpdateStatusResponse;
    static constexpr auto layout = std::tuple{Field{"state", &Self::state}, Field{"percent", &Self::percent},
                                              Field{"integrity", &Self::integrity}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint8_t option_no_downgrade = 0x01;
inline constexpr std::uint8_t option_defer_restart = 0x02;
inline constexpr std::uint8_t option_digest_check = 0x04;

/// 2Bh Set FW Update Options: bits of `mask` take the value of `value`; the digest goes with option_digest_check set.
struct SetUpdateOptionsRequest
{
    Flags<std::uint8_t, 0x07> mask;
    Flags<std::uint8_t, 0x07> value;
    std::optional<Sha256> sha256;

    using Self = SetUpdateOptionsRequest;
    static constexpr auto layout =
        std::tuple{Field{"mask", &Self::mask}, Field{"value", &Self::value}, Field{"sha256", &Self::sha256}};
    bool operator==(const Self&) const = default;
};

struct SetUpdateOptionsResponse
{
    Flags<std::uint8_t, 0x07> options; ///< in force now

    using Self = SetUpdateOptionsResponse;
    static constexpr auto layout = std::tuple{Field{"options", &Self::options}};
    bool operator==(const Self&) const = default;
};

/// 2Ch FW Image Write Data: appended to the image.
struct WriteImageDataRequest
{
    TrailingBytes data; ///< at least one byte

    using Self = WriteImageDataRequest;
    static constexpr auto layout = std::tuple{Field{"data", &Self::data}};
    bool operator==(const Self&) const = default;
};

struct WriteImageDataResponse
{
    std::uint32_t written{}; ///< bytes of this write

    using Self = WriteImageDataResponse;
    static constexpr auto layout = std::tuple{Field{"written", &Self::written}};
    bool operator==(const Self&) const = default;
};

// --------------------------------------------------------------------------------------- extended profile, 40h-4Fh

inline constexpr std::uint32_t feature_window = 1U << 0;        ///< more than one fragment outstanding on this channel
inline constexpr std::uint32_t feature_resume = 1U << 1;        ///< named transfers survive session and agent
inline constexpr std::uint32_t feature_resume_reboot = 1U << 2; ///< ... and the BMC's restart
inline constexpr std::uint32_t feature_fill = 1U << 3;          ///< BlockEncoding::fill
inline constexpr std::uint32_t feature_copy = 1U << 4;          ///< reserved, next minor version
inline constexpr std::uint32_t feature_zstd = 1U << 5;          ///< reserved, next minor version
inline constexpr std::uint32_t feature_plan = 1U << 6;          ///< 4Ah
inline constexpr std::uint32_t feature_log = 1U << 7;           ///< 48h
inline constexpr std::uint32_t feature_usb = 1U << 8;           ///< USB transport and 4Ch
inline constexpr std::uint32_t feature_uri = 1U << 9;           ///< URI transport and 4Dh
inline constexpr std::uint32_t feature_signature = 1U << 10;    ///< 4Eh
inline constexpr std::uint32_t feature_confirm = 1U << 11;      ///< 4Fh
inline constexpr std::uint32_t feature_must_be_signed = 1U << 12; ///< nothing without a CMS signature is programmed

inline constexpr std::uint16_t scheme_http = 1U << 0;
inline constexpr std::uint16_t scheme_https = 1U << 1;
inline constexpr std::uint16_t scheme_tftp = 1U << 2;
inline constexpr std::uint16_t scheme_ftp = 1U << 3;
inline constexpr std::uint16_t scheme_ftps = 1U << 4;
inline constexpr std::uint16_t scheme_usb = 1U << 5;

/// 40h Get Capabilities: what this BMC offers on the asking channel. The signature comes first, so that a foreign
/// BMC's answer to 40h cannot be mistaken.
struct GetCapabilitiesResponse
{
    std::array<std::uint8_t, 4> signature{}; ///< "FWUP"
    std::uint8_t major{};
    std::uint8_t minor{};
    Flags<std::uint32_t, 0x1FFF> features;
    std::uint32_t block_size{};     ///< bytes
    std::uint16_t max_message{};    ///< data bytes of the largest request on this channel, fragment header included
    std::uint16_t window{};         ///< fragments that may be outstanding; 1: one at a time
    std::uint16_t window_blocks{};  ///< incomplete blocks the BMC assembles at a time
    std::uint64_t max_image_size{}; ///< bytes
    std::uint16_t lease{};          ///< seconds
    std::uint32_t retention{};      ///< seconds that named staged blocks are kept
    Flags<std::uint16_t, 0x003F> schemes;

    using Self = GetCapabilitiesResponse;
    static constexpr auto layout = std::tuple{Field{"signature", &Self::signature},
                                              Field{"major", &Self::major},
                                              Field{"minor", &Self::minor},
                                              Field{"features", &Self::features},
                                              Field{"block_size", &Self::block_size},
                                              Field{"max_message", &Self::max_message},
                                              Field{"window", &Self::window},
                                              Field{"window_blocks", &Self::window_blocks},
                                              Field{"max_image_size", &Self::max_image_size},
                                              Field{"lease", &Self::lease},
                                              Field{"retention", &Self::retention},
                                              Field{"schemes", &Self::schemes}};
    bool operator==(const Self&) const = default;
};

/// How the image travels (41h, 48h).
enum class Transport : std::uint8_t
{
    none = 0,
    base_stream = 1, ///< 2Ch
    stream = 2,      ///< 45h
    usb = 3,
    uri = 4,
    blobs = 5, ///< the flash blobs of phosphor-ipmi-flash
    local = 6, ///< another program of the BMC hands it over, by D-Bus
};
constexpr bool is_defined(Transport value)
{
    return value <= Transport::local;
}

inline constexpr std::uint8_t session_in_mode = 0x01;         ///< update mode is held
inline constexpr std::uint8_t session_yours = 0x02;           ///< by the asking session (system interface: channel)
inline constexpr std::uint8_t session_same_user = 0x04;       ///< by the asking user on the asking channel
inline constexpr std::uint8_t session_holder_alive = 0x08;    ///< the holder's session is still open
inline constexpr std::uint8_t session_restart_pending = 0x10; ///< a deferred update waits for a restart
inline constexpr std::uint8_t session_named = 0x20;           ///< the transfer has size and digest: it can be resumed
inline constexpr std::uint8_t session_acting = 0x40;          ///< what the BMC's configuration starts is running

inline constexpr std::uint8_t no_target = 0xFF;

/// 41h Get Update Session: the state, who holds it and how far it is. A query: it renews the owner's lease only when
/// the owner asks.
struct GetUpdateSessionResponse
{
    UpdateState state{};
    std::uint8_t percent{};
    IntegrityCheck integrity{};
    Flags<std::uint8_t, 0x3F> flags;
    Transport transport{};
    std::uint8_t target{};           ///< id; FFh: none
    std::uint16_t transfer{};        ///< 0: none
    std::uint64_t size{};            ///< bytes of the image; 0: unknown
    std::uint64_t received{};        ///< bytes of it that arrived
    std::uint64_t done{};            ///< bytes done in the present state
    std::uint16_t lease_remaining{}; ///< seconds
    std::uint16_t idle{};            ///< seconds since the owner's last command
    std::uint8_t holder_channel{};
    Text<16> holder; ///< user name; empty on a system interface

    using Self = GetUpdateSessionResponse;
    static constexpr auto layout = std::tuple{Field{"state", &Self::state},
                                              Field{"percent", &Self::percent},
                                              Field{"integrity", &Self::integrity},
                                              Field{"flags", &Self::flags},
                                              Field{"transport", &Self::transport},
                                              Field{"target", &Self::target},
                                              Field{"transfer", &Self::transfer},
                                              Field{"size", &Self::size},
                                              Field{"received", &Self::received},
                                              Field{"done", &Self::done},
                                              Field{"lease_remaining", &Self::lease_remaining},
                                              Field{"idle", &Self::idle},
                                              Field{"holder_channel", &Self::holder_channel},
                                              Field{"holder", &Self::holder}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint8_t take_over_discard = 0x01; ///< and abort and drop what is staged; in idle, download, error

/// 42h Take Over: an administrator becomes the owner, whoever held the mode; work goes on under the new owner. D5h
/// when the mode is not held, looked at before the number.
struct TakeOverRequest
{
    Challenge challenge{}; ///< from 26h
    Flags<std::uint8_t, 0x01> flags;

    using Self = TakeOverRequest;
    static constexpr auto layout = std::tuple{Field{"challenge", &Self::challenge}, Field{"flags", &Self::flags}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint16_t parameter_no_downgrade = 0x0001;
inline constexpr std::uint16_t parameter_defer_restart = 0x0002;
inline constexpr std::uint16_t parameter_debug = 0x0008; ///< keep the staged image and a verbose record
inline constexpr std::uint16_t parameter_force = 0x0010; ///< what it overrides is the configuration's choice

/// When a programmed image starts to run.
enum class ApplyTime : std::uint8_t
{
    immediate = 0, ///< exit restarts what the target says
    on_reset = 1,  ///< the next restart, whoever makes it: the same as parameter_defer_restart
    unchanged = 0xFF,
};
constexpr bool is_defined(ApplyTime value)
{
    return value <= ApplyTime::on_reset || value == ApplyTime::unchanged;
}

/// 43h Set Update Parameters: what the base options have no bit for. Bits of `mask` take the value of `value`.
struct SetUpdateParametersRequest
{
    Flags<std::uint16_t, 0x001B> mask;
    Flags<std::uint16_t, 0x001B> value;
    ApplyTime apply_time{ApplyTime::unchanged};
    std::uint8_t target{no_target}; ///< id; FFh: unchanged

    using Self = SetUpdateParametersRequest;
    static constexpr auto layout = std::tuple{Field{"mask", &Self::mask}, Field{"value", &Self::value},
                                              Field{"apply_time", &Self::apply_time}, Field{"target", &Self::target}};
    bool operator==(const Self&) const = default;
};

struct SetUpdateParametersResponse
{
    Flags<std::uint16_t, 0x001B> parameters; ///< in force now
    ApplyTime apply_time{};
    std::uint8_t target{}; ///< id in force; before any choice the default target's

    using Self = SetUpdateParametersResponse;
    static constexpr auto layout = std::tuple{Field{"parameters", &Self::parameters},
                                              Field{"apply_time", &Self::apply_time}, Field{"target", &Self::target}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint8_t begin_discard = 0x01; ///< forget staged blocks of this image, start afresh

/// 44h Begin Transfer: names the image by target, size and SHA-256; the extended profile's 29h-1.
struct BeginTransferRequest
{
    std::uint8_t target{}; ///< id; FFh: the one of 43h, else the default target
    Flags<std::uint8_t, 0x01> flags;
    std::uint16_t fragment_size{}; ///< image bytes of each fragment but a block's last
    std::uint64_t size{};          ///< bytes of the image, 1..max_image_size
    Sha256 sha256{};

    using Self = BeginTransferRequest;
    static constexpr auto layout = std::tuple{Field{"target", &Self::target}, Field{"flags", &Self::flags},
                                              Field{"fragment_size", &Self::fragment_size}, Field{"size", &Self::size},
                                              Field{"sha256", &Self::sha256}};
    bool operator==(const Self&) const = default;
};

struct BeginTransferResponse
{
    std::uint16_t transfer{};       ///< names it in 45h and 46h; never 0
    std::uint8_t target{};          ///< id; the resolved target
    std::uint16_t fragment_size{};  ///< granted: the smaller of what was asked and max_message - 12
    std::uint32_t blocks{};         ///< of the image
    std::uint32_t blocks_present{}; ///< of them already staged: see 46h

    using Self = BeginTransferResponse;
    static constexpr auto layout =
        std::tuple{Field{"transfer", &Self::transfer}, Field{"target", &Self::target},
                   Field{"fragment_size", &Self::fragment_size}, Field{"blocks", &Self::blocks},
                   Field{"blocks_present", &Self::blocks_present}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint8_t fragment_acknowledge = 0x01; ///< answer this one
inline constexpr std::uint8_t fragment_block_end = 0x02;   ///< last of its block: four bytes of CRC-32 follow the data

/// How a block's bytes are written in its fragments.
enum class BlockEncoding : std::uint8_t
{
    raw = 0,
    fill = 1, ///< one fragment, one byte: the whole block has this value
    copy = 2, ///< reserved, next minor version: four bytes, number of the installed image's block
    zstd = 3, ///< reserved, next minor version: a zstd frame
};
constexpr bool is_defined(BlockEncoding value)
{
    return value <= BlockEncoding::fill;
}

/// 45h Write Fragment: addressed, idempotent, in any order.
struct WriteFragmentRequest
{
    std::uint16_t transfer{};
    Flags<std::uint8_t, 0x03> flags;
    BlockEncoding encoding{};
    std::uint16_t block{};
    std::uint16_t offset{}; ///< bytes into the block as carried, a multiple of fragment_size
    TrailingBytes data;     ///< the bytes; in the block's last fragment followed by the CRC-32 of the block as carried

    using Self = WriteFragmentRequest;
    static constexpr auto layout = std::tuple{Field{"transfer", &Self::transfer}, Field{"flags", &Self::flags},
                                              Field{"encoding", &Self::encoding}, Field{"block", &Self::block},
                                              Field{"offset", &Self::offset},     Field{"data", &Self::data}};
    bool operator==(const Self&) const = default;
};

/// What became of the fragment that the acknowledgement answers.
enum class FragmentStatus : std::uint8_t
{
    accepted = 0,
    block_check_failed = 1, ///< the block's CRC-32 does not match: send the whole block again
    outside_window = 2,     ///< not in the first window_blocks blocks that are not staged: not kept, send it later
};
constexpr bool is_defined(FragmentStatus value)
{
    return value <= FragmentStatus::outside_window;
}

/// Acknowledgement, the response to a fragment. Fragments count from 0 through the image: block x fragments per
/// block + offset / fragment_size, where fragments per block = block_size / fragment_size, rounded up.
struct WriteFragmentResponse
{
    std::uint16_t transfer{};
    FragmentStatus status{};
    std::uint32_t fragment{};      ///< the one that asked, or that revealed the gap
    std::uint32_t first_missing{}; ///< every fragment before it is here; equal to the number of fragments: all are
    std::uint32_t received{};      ///< fragments taken since Begin Transfer, repetitions not counted
    TrailingBytes bitmap;          ///< bit n of byte m: fragment first_missing + 1 + 8m + n is here; at most 256 bytes

    using Self = WriteFragmentResponse;
    static constexpr auto layout =
        std::tuple{Field{"transfer", &Self::transfer}, Field{"status", &Self::status},
                   Field{"fragment", &Self::fragment}, Field{"first_missing", &Self::first_missing},
                   Field{"received", &Self::received}, Field{"bitmap", &Self::bitmap}};
    bool operator==(const Self&) const = default;
};

/// 46h Get Transfer Map: which blocks are staged.
struct GetTransferMapRequest
{
    std::uint16_t transfer{};
    std::uint32_t first_block{}; ///< a multiple of 8

    using Self = GetTransferMapRequest;
    static constexpr auto layout =
        std::tuple{Field{"transfer", &Self::transfer}, Field{"first_block", &Self::first_block}};
    bool operator==(const Self&) const = default;
};

struct GetTransferMapResponse
{
    std::uint16_t transfer{};
    std::uint32_t first_block{};
    std::uint32_t blocks{};         ///< of the image
    std::uint32_t blocks_present{}; ///< of them staged
    TrailingBytes bitmap; ///< bit n of byte m: block first_block + 8m + n is staged; as many as fit the channel

    using Self = GetTransferMapResponse;
    static constexpr auto layout = std::tuple{
        Field{"transfer", &Self::transfer}, Field{"first_block", &Self::first_block}, Field{"blocks", &Self::blocks},
        Field{"blocks_present", &Self::blocks_present}, Field{"bitmap", &Self::bitmap}};
    bool operator==(const Self&) const = default;
};

/// Why an update failed or was refused; the numbers never change meaning.
enum class ReasonCode : std::uint16_t
{
    none = 0,
    aborted = 1, ///< by the owner
    lease_expired = 2,
    taken_over = 3,
    agent_restarted = 4, ///< the agent stopped in mid-update
    mode_held = 5,       ///< by somebody else
    digest_mismatch = 10,
    image_incomplete = 11,
    image_too_large = 12,
    no_space = 13,
    image_empty = 14,
    staged_damaged = 15, ///< staged blocks no longer match their checksums: resume sends them again
    target_unknown = 20,
    target_ambiguous = 21,
    program_failed = 22,
    read_back_mismatch = 23,
    restart_failed = 24,
    action_failed = 25, ///< what the configuration starts around an update: preparation, verification, update
    not_confirmed = 26, ///< the probation ended without 4Fh, or the health command failed
    downgrade_refused = 30,
    version_unknown = 31,
    signature_required = 32,
    signature_bad = 33,
    wrong_machine = 34,
    policy_refused = 35,
    package_bad = 36,
    uri_refused = 40,
    transport_failed = 41,
    host_not_found = 42,
    connection_failed = 43,
    transfer_timeout = 44,
    file_not_found = 45,
    access_denied = 46,
    tls_failed = 47,
    server_failed = 48,
    input_output = 50,
    internal = 99,
};
constexpr bool is_defined(ReasonCode)
{
    return true; // only ever read by clients, who keep what they do not know
}

/// 47h Get Reason: the last failure or refusal. Text longer than the channel carries is read on from `offset`.
struct GetReasonRequest
{
    std::uint16_t offset{}; ///< bytes into the text

    using Self = GetReasonRequest;
    static constexpr auto layout = std::tuple{Field{"offset", &Self::offset}};
    bool operator==(const Self&) const = default;
};

struct GetReasonResponse
{
    ReasonCode code{};
    UpdateState phase{};         ///< the state it happened in
    std::uint16_t text_length{}; ///< bytes in all, at most 900
    TrailingBytes text;          ///< UTF-8, from offset on

    using Self = GetReasonResponse;
    static constexpr auto layout = std::tuple{Field{"code", &Self::code}, Field{"phase", &Self::phase},
                                              Field{"text_length", &Self::text_length}, Field{"text", &Self::text}};
    bool operator==(const Self&) const = default;
};

/// How an update ended.
enum class UpdateResult : std::uint8_t
{
    none = 0,
    in_progress = 1,
    programmed = 2, ///< ready; runs after the restart, or at once where nothing restarts
    failed = 3,
    released = 4,  ///< left before it was complete: abort, exit, lease
    fell_back = 5, ///< programmed, restarted, and the older version is back
};
constexpr bool is_defined(UpdateResult value)
{
    return value <= UpdateResult::fell_back;
}

/// 48h Get Update Log: the last updates, the newest has index 0. The log outlives restarts.
struct GetUpdateLogRequest
{
    std::uint8_t index{};
    std::uint16_t offset{}; ///< bytes into the text

    using Self = GetUpdateLogRequest;
    static constexpr auto layout = std::tuple{Field{"index", &Self::index}, Field{"offset", &Self::offset}};
    bool operator==(const Self&) const = default;
};

struct GetUpdateLogResponse
{
    std::uint8_t count{}; ///< entries in the log
    std::uint8_t index{};
    UpdateResult result{};
    std::uint8_t target{};
    Transport transport{};
    ReasonCode code{};
    UpdateState phase{};      ///< the last state before the end
    std::uint64_t started{};  ///< seconds since 1970, UTC by the BMC's clock
    std::uint32_t duration{}; ///< seconds
    std::uint64_t size{};     ///< bytes of the image; 0: unknown
    Sha256 sha256{};          ///< zeros: unknown
    std::uint16_t text_length{};
    TrailingBytes text; ///< user and reason, UTF-8, from offset on

    using Self = GetUpdateLogResponse;
    static constexpr auto layout = std::tuple{
        Field{"count", &Self::count},   Field{"index", &Self::index},         Field{"result", &Self::result},
        Field{"target", &Self::target}, Field{"transport", &Self::transport}, Field{"code", &Self::code},
        Field{"phase", &Self::phase},   Field{"started", &Self::started},     Field{"duration", &Self::duration},
        Field{"size", &Self::size},     Field{"sha256", &Self::sha256},       Field{"text_length", &Self::text_length},
        Field{"text", &Self::text}};
    bool operator==(const Self&) const = default;
};

/// 49h Get Target Info, by index 0..count-1.
struct GetTargetInfoRequest
{
    std::uint8_t index{};

    using Self = GetTargetInfoRequest;
    static constexpr auto layout = std::tuple{Field{"index", &Self::index}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint8_t target_default = 0x01;         ///< what the base profile updates
inline constexpr std::uint8_t target_restart_pending = 0x02; ///< programmed, not yet restarted
inline constexpr std::uint8_t target_digest_known = 0x04;    ///< installed_size and installed_sha256 are valid

/// What exit restarts.
enum class Restart : std::uint8_t
{
    nothing = 0,
    bmc = 1,
    host = 2,
};
constexpr bool is_defined(Restart value)
{
    return value <= Restart::host;
}

inline constexpr std::uint8_t accepts_plain = 0x01; ///< any bytes
inline constexpr std::uint8_t accepts_pldm = 0x02;
inline constexpr std::uint8_t accepts_tarball = 0x04;

struct GetTargetInfoResponse
{
    std::uint8_t count{};
    std::uint8_t index{};
    std::uint8_t target{}; ///< id
    Flags<std::uint8_t, 0x07> flags;
    Restart restart{};
    Flags<std::uint8_t, 0x07> accepts;
    std::uint64_t max_size{};       ///< bytes
    std::uint64_t installed_size{}; ///< bytes
    Sha256 installed_sha256{};
    Text<32> name;
    Text<64> version; ///< running; empty: unknown

    using Self = GetTargetInfoResponse;
    static constexpr auto layout = std::tuple{Field{"count", &Self::count},
                                              Field{"index", &Self::index},
                                              Field{"target", &Self::target},
                                              Field{"flags", &Self::flags},
                                              Field{"restart", &Self::restart},
                                              Field{"accepts", &Self::accepts},
                                              Field{"max_size", &Self::max_size},
                                              Field{"installed_size", &Self::installed_size},
                                              Field{"installed_sha256", &Self::installed_sha256},
                                              Field{"name", &Self::name},
                                              Field{"version", &Self::version}};
    bool operator==(const Self&) const = default;
};

/// 4Ah Plan: what the BMC would say of this image, without changing anything.
struct PlanRequest
{
    std::uint8_t target{}; ///< id; FFh: the default target
    Flags<std::uint16_t, 0x001B> parameters;
    std::uint16_t offset{}; ///< bytes into the report
    std::uint64_t size{};
    Sha256 sha256{};
    TrailingBytes header; ///< the image's first bytes, as many as fit

    using Self = PlanRequest;
    static constexpr auto layout = std::tuple{Field{"target", &Self::target}, Field{"parameters", &Self::parameters},
                                              Field{"offset", &Self::offset}, Field{"size", &Self::size},
                                              Field{"sha256", &Self::sha256}, Field{"header", &Self::header}};
    bool operator==(const Self&) const = default;
};

enum class PlanVerdict : std::uint8_t
{
    would_accept = 0,
    already_current = 1,
    would_refuse = 2,
};
constexpr bool is_defined(PlanVerdict value)
{
    return value <= PlanVerdict::would_refuse;
}

struct PlanResponse
{
    PlanVerdict verdict{};
    ReasonCode code{}; ///< of the first check that refuses
    std::uint8_t target{};
    std::uint16_t text_length{};
    TrailingBytes text; ///< one line per check, UTF-8, from offset on

    using Self = PlanResponse;
    static constexpr auto layout =
        std::tuple{Field{"verdict", &Self::verdict}, Field{"code", &Self::code}, Field{"target", &Self::target},
                   Field{"text_length", &Self::text_length}, Field{"text", &Self::text}};
    bool operator==(const Self&) const = default;
};

/// 4Bh Get Verdict: enough for a client to tell, after a restart, what became of its update.
struct GetVerdictRequest
{
    std::uint8_t target{}; ///< id; FFh: the default target

    using Self = GetVerdictRequest;
    static constexpr auto layout = std::tuple{Field{"target", &Self::target}};
    bool operator==(const Self&) const = default;
};

inline constexpr std::uint8_t verdict_restart_pending = 0x01;
inline constexpr std::uint8_t verdict_provisional = 0x02;    ///< runs, waits for 4Fh
inline constexpr std::uint8_t verdict_digest_known = 0x04;   ///< installed_sha256 is valid
inline constexpr std::uint8_t verdict_last_installed = 0x08; ///< installed is what the last update programmed

struct GetVerdictResponse
{
    std::uint8_t target{};
    Flags<std::uint8_t, 0x0F> flags;
    Identifier boot_id{};       ///< the kernel's; changes with every boot of the BMC
    Identifier instance_id{};   ///< the agent's; changes with every start of it
    std::uint32_t uptime{};     ///< seconds since the agent started
    UpdateResult last_result{}; ///< of this target's last update
    Sha256 last_sha256{};       ///< of the image of that update; zeros: none
    Sha256 installed_sha256{};  ///< of what is installed now
    Text<64> version;           ///< running; empty: unknown

    using Self = GetVerdictResponse;
    static constexpr auto layout =
        std::tuple{Field{"target", &Self::target},           Field{"flags", &Self::flags},
                   Field{"boot_id", &Self::boot_id},         Field{"instance_id", &Self::instance_id},
                   Field{"uptime", &Self::uptime},           Field{"last_result", &Self::last_result},
                   Field{"last_sha256", &Self::last_sha256}, Field{"installed_sha256", &Self::installed_sha256},
                   Field{"version", &Self::version}};
    bool operator==(const Self&) const = default;
};

/// 4Ch Get USB Drive: how the host finds exactly this drive. Random for every plug-in.
struct GetUsbDriveResponse
{
    std::uint8_t attached{}; ///< 1: plugged in
    std::uint64_t size{};    ///< bytes
    Text<32> serial;
    Text<11> label; ///< of the FAT volume

    using Self = GetUsbDriveResponse;
    static constexpr auto layout = std::tuple{Field{"attached", &Self::attached}, Field{"size", &Self::size},
                                              Field{"serial", &Self::serial}, Field{"label", &Self::label}};
    bool operator==(const Self&) const = default;
};

/// Which part of 4Dh follows.
enum class UriPart : std::uint8_t
{
    expectation = 0, ///< size u64 (0: unknown), SHA-256
    tls_pin = 1,     ///< SHA-256 of the server's certificate (DER)
    credentials = 2, ///< user name and password, each a length byte and text
};
constexpr bool is_defined(UriPart value)
{
    return value <= UriPart::credentials;
}

/// The data of UriPart::expectation.
struct UriExpectation
{
    std::uint64_t size{}; ///< bytes; 0: unknown
    Sha256 sha256{};

    using Self = UriExpectation;
    static constexpr auto layout = std::tuple{Field{"size", &Self::size}, Field{"sha256", &Self::sha256}};
    bool operator==(const Self&) const = default;
};

/// The data of UriPart::tls_pin.
struct UriTlsPin
{
    Sha256 sha256{}; ///< of the server's certificate (DER)

    using Self = UriTlsPin;
    static constexpr auto layout = std::tuple{Field{"sha256", &Self::sha256}};
    bool operator==(const Self&) const = default;
};

/// The data of UriPart::credentials.
struct UriCredentials
{
    Text<255> user;
    Text<255> password;

    using Self = UriCredentials;
    static constexpr auto layout = std::tuple{Field{"user", &Self::user}, Field{"password", &Self::password}};
    bool operator==(const Self&) const = default;
};

/// 4Dh Set URI Parameters: what goes with the URI of 29h-4 and does not belong into it. Sent before 29h-4.
struct SetUriParametersRequest
{
    UriPart part{};
    TrailingBytes data;

    using Self = SetUriParametersRequest;
    static constexpr auto layout = std::tuple{Field{"part", &Self::part}, Field{"data", &Self::data}};
    bool operator==(const Self&) const = default;
};

/// 4Eh Write Signature Part: a detached signature, from offset 0 upwards.
struct WriteSignaturePartRequest
{
    std::uint16_t total{}; ///< bytes of the signature, the same in every part
    std::uint16_t offset{};
    TrailingBytes data;

    using Self = WriteSignaturePartRequest;
    static constexpr auto layout =
        std::tuple{Field{"total", &Self::total}, Field{"offset", &Self::offset}, Field{"data", &Self::data}};
    bool operator==(const Self&) const = default;
};

/// 4Fh Confirm Update: ends the probation of a provisional version.
enum class Confirmation : std::uint8_t
{
    keep = 0,
    fall_back = 1,
};
constexpr bool is_defined(Confirmation value)
{
    return value <= Confirmation::fall_back;
}

struct ConfirmUpdateRequest
{
    std::uint8_t target{};
    Confirmation confirmation{};

    using Self = ConfirmUpdateRequest;
    static constexpr auto layout =
        std::tuple{Field{"target", &Self::target}, Field{"confirmation", &Self::confirmation}};
    bool operator==(const Self&) const = default;
};

// ------------------------------------------------------------------------------------------------ the list of them

/// Which profile a command belongs to.
enum class Profile : std::uint8_t
{
    base,
    extended,
};

/// One command: number, name, least privilege on session channels, request and response.
template <class RequestType, class ResponseType> struct CommandDefinition
{
    using Request = RequestType;
    using Response = ResponseType;
    Command command{};
    std::string_view name;
    ipmi::Privilege least_privilege{};
};

/// Every command with a layout of its own. 20h, 21h and 25h are product specific and have none.
inline constexpr auto commands = std::tuple{
    CommandDefinition<EmptyRequest, GetUpdateChannelInfoResponse>{
        Command::get_update_channel_info, "Get FW Update Channel Info", ipmi::Privilege::administrator},
    CommandDefinition<EmptyRequest, GetExecutionContextResponse>{
        Command::get_execution_context, "Get BMC Execution Context", ipmi::Privilege::administrator},
    CommandDefinition<EmptyRequest, GetRandomNumberResponse>{Command::get_random_number, "Get FW Update Random Number",
                                                             ipmi::Privilege::administrator},
    CommandDefinition<EnterUpdateModeRequest, EmptyResponse>{Command::enter_update_mode, "Set FW Update Mode",
                                                             ipmi::Privilege::administrator},
    CommandDefinition<EmptyRequest, EmptyResponse>{Command::exit_update_mode, "Exit FW Update Mode",
                                                   ipmi::Privilege::administrator},
    CommandDefinition<UpdateControlRequest, UpdateControlResponse>{Command::update_control, "Get/Set FW Update Control",
                                                                   ipmi::Privilege::administrator},
    CommandDefinition<EmptyRequest, GetUpdateStatusResponse>{Command::get_update_status, "Get FW Update Status",
                                                             ipmi::Privilege::administrator},
    CommandDefinition<SetUpdateOptionsRequest, SetUpdateOptionsResponse>{
        Command::set_update_options, "Set FW Update Options", ipmi::Privilege::administrator},
    CommandDefinition<WriteImageDataRequest, WriteImageDataResponse>{Command::write_image_data, "FW Image Write Data",
                                                                     ipmi::Privilege::administrator},
    CommandDefinition<EmptyRequest, GetCapabilitiesResponse>{Command::get_capabilities, "Get Capabilities",
                                                             ipmi::Privilege::user},
    CommandDefinition<EmptyRequest, GetUpdateSessionResponse>{Command::get_update_session, "Get Update Session",
                                                              ipmi::Privilege::user},
    CommandDefinition<TakeOverRequest, EmptyResponse>{Command::take_over, "Take Over", ipmi::Privilege::administrator},
    CommandDefinition<SetUpdateParametersRequest, SetUpdateParametersResponse>{
        Command::set_update_parameters, "Set Update Parameters", ipmi::Privilege::administrator},
    CommandDefinition<BeginTransferRequest, BeginTransferResponse>{Command::begin_transfer, "Begin Transfer",
                                                                   ipmi::Privilege::administrator},
    CommandDefinition<WriteFragmentRequest, WriteFragmentResponse>{Command::write_fragment, "Write Fragment",
                                                                   ipmi::Privilege::administrator},
    CommandDefinition<GetTransferMapRequest, GetTransferMapResponse>{Command::get_transfer_map, "Get Transfer Map",
                                                                     ipmi::Privilege::administrator},
    CommandDefinition<GetReasonRequest, GetReasonResponse>{Command::get_reason, "Get Reason", ipmi::Privilege::user},
    CommandDefinition<GetUpdateLogRequest, GetUpdateLogResponse>{Command::get_update_log, "Get Update Log",
                                                                 ipmi::Privilege::user},
    CommandDefinition<GetTargetInfoRequest, GetTargetInfoResponse>{Command::get_target_info, "Get Target Info",
                                                                   ipmi::Privilege::user},
    CommandDefinition<PlanRequest, PlanResponse>{Command::plan, "Plan", ipmi::Privilege::user},
    CommandDefinition<GetVerdictRequest, GetVerdictResponse>{Command::get_verdict, "Get Verdict",
                                                             ipmi::Privilege::user},
    CommandDefinition<EmptyRequest, GetUsbDriveResponse>{Command::get_usb_drive, "Get USB Drive",
                                                         ipmi::Privilege::administrator},
    CommandDefinition<SetUriParametersRequest, EmptyResponse>{Command::set_uri_parameters, "Set URI Parameters",
                                                              ipmi::Privilege::administrator},
    CommandDefinition<WriteSignaturePartRequest, EmptyResponse>{Command::write_signature_part, "Write Signature Part",
                                                                ipmi::Privilege::administrator},
    CommandDefinition<ConfirmUpdateRequest, EmptyResponse>{Command::confirm_update, "Confirm Update",
                                                           ipmi::Privilege::administrator},
};

} // namespace fwupdate::protocol
