// The messages of phosphor-ipmi-blobs' OEM command (NetFn 2Eh, command 80h), as its stock host tools send them. The
// envelope is enterprise number, sub-command, CRC, body; everything below but Envelope and CheckedData is a body.
#pragma once

#include "common/codec.hpp"

#include <array>
#include <cstdint>
#include <tuple>

namespace fwupdate::agent::blobs
{

using codec::CountedList;
using codec::Field;
using codec::TrailingBytes;

inline constexpr std::uint8_t command_number = 0x80;
inline constexpr std::array<std::uint8_t, 3> enterprise{0xCF, 0xC2, 0x00}; ///< OpenBMC, 49871
inline constexpr std::size_t crc_size = 2;                                 ///< bytes in front of a body

enum class SubCommand : std::uint8_t
{
    get_count = 0,
    enumerate = 1,
    open = 2,
    read = 3,
    write = 4,
    commit = 5,
    close = 6,
    remove = 7, ///< "delete" in the original
    stat = 8,
    session_stat = 9,
    write_meta = 10,
};

// Flags of an open; a session's state in a stat begins with them.
inline constexpr std::uint16_t open_read = 0x0001;
inline constexpr std::uint16_t open_write = 0x0002;
inline constexpr std::uint16_t own_flags = 0xFF00; ///< mean what the blob says

// Further bits of the state in a stat.
inline constexpr std::uint16_t state_committing = 0x0004;
inline constexpr std::uint16_t state_committed = 0x0008;
inline constexpr std::uint16_t state_commit_error = 0x0010;

/// Every request, and the beginning of every response.
struct Envelope
{
    std::array<std::uint8_t, 3> enterprise{};
    std::uint8_t sub_command{};
    TrailingBytes data; ///< empty, or CheckedData

    using Self = Envelope;
    static constexpr auto layout = std::tuple{Field{"enterprise", &Self::enterprise},
                                              Field{"sub_command", &Self::sub_command}, Field{"data", &Self::data}};
    bool operator==(const Self&) const = default;
};

/// A body behind its CRC.
struct CheckedData
{
    std::uint16_t crc{};
    TrailingBytes body;

    using Self = CheckedData;
    static constexpr auto layout = std::tuple{Field{"crc", &Self::crc}, Field{"body", &Self::body}};
    bool operator==(const Self&) const = default;
};

struct GetCountResponse
{
    std::uint32_t count{};

    using Self = GetCountResponse;
    static constexpr auto layout = std::tuple{Field{"count", &Self::count}};
    bool operator==(const Self&) const = default;
};

struct EnumerateRequest
{
    std::uint32_t index{};

    using Self = EnumerateRequest;
    static constexpr auto layout = std::tuple{Field{"index", &Self::index}};
    bool operator==(const Self&) const = default;
};

/// Enumerate's response; the request of Delete and Stat.
struct BlobName
{
    TrailingBytes id; ///< and a NUL

    using Self = BlobName;
    static constexpr auto layout = std::tuple{Field{"id", &Self::id}};
    bool operator==(const Self&) const = default;
};

struct OpenRequest
{
    std::uint16_t flags{};
    TrailingBytes id; ///< and a NUL

    using Self = OpenRequest;
    static constexpr auto layout = std::tuple{Field{"flags", &Self::flags}, Field{"id", &Self::id}};
    bool operator==(const Self&) const = default;
};

/// Open's response; the request of Close and SessionStat.
struct SessionName
{
    std::uint16_t session{};

    using Self = SessionName;
    static constexpr auto layout = std::tuple{Field{"session", &Self::session}};
    bool operator==(const Self&) const = default;
};

struct ReadRequest
{
    std::uint16_t session{};
    std::uint32_t offset{}; ///< bytes
    std::uint32_t size{};   ///< bytes

    using Self = ReadRequest;
    static constexpr auto layout =
        std::tuple{Field{"session", &Self::session}, Field{"offset", &Self::offset}, Field{"size", &Self::size}};
    bool operator==(const Self&) const = default;
};

/// Write and WriteMeta.
struct WriteRequest
{
    std::uint16_t session{};
    std::uint32_t offset{}; ///< bytes
    TrailingBytes data;

    using Self = WriteRequest;
    static constexpr auto layout =
        std::tuple{Field{"session", &Self::session}, Field{"offset", &Self::offset}, Field{"data", &Self::data}};
    bool operator==(const Self&) const = default;
};

struct CommitRequest
{
    std::uint16_t session{};
    std::uint8_t size{}; ///< bytes of data that count; what follows them does not
    TrailingBytes data;

    using Self = CommitRequest;
    static constexpr auto layout =
        std::tuple{Field{"session", &Self::session}, Field{"size", &Self::size}, Field{"data", &Self::data}};
    bool operator==(const Self&) const = default;
};

/// Stat and SessionStat.
struct StatResponse
{
    std::uint16_t state{};              ///< open_*, own_flags, state_*
    std::uint32_t size{};               ///< bytes
    CountedList<std::uint8_t> metadata; ///< at most 255 bytes

    using Self = StatResponse;
    static constexpr auto layout =
        std::tuple{Field{"state", &Self::state}, Field{"size", &Self::size}, Field{"metadata", &Self::metadata}};
    bool operator==(const Self&) const = default;
};

} // namespace fwupdate::agent::blobs
