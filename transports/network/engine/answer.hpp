// What a server says before the image's first byte, and what to make of it.
#pragma once

#include "transports/fetcher.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace fwupdate::network
{

/// "bytes 65536-131071/400000" (RFC 9110 section 14.4).
struct ContentRange
{
    std::uint64_t first{};
    std::uint64_t last{};
    std::optional<std::uint64_t> total; ///< none: "*"

    [[nodiscard]] static std::optional<ContentRange> parse(std::string_view text);
};

struct Answer
{
    long status{};                       ///< of HTTP; 0: another protocol
    std::optional<std::uint64_t> length; ///< bytes that follow
    bool shows_its_end{true};            ///< otherwise the connection's end is the file's, wherever somebody cut it
    std::optional<ContentRange> range;
    std::string content_encoding;
    std::string content_type;
    std::string validator; ///< what If-Range takes, or what else tells one state of the file from another; empty: none
    std::optional<std::chrono::seconds> retry_after;
    std::string location; ///< absolute
};

/// What was asked for.
struct Question
{
    std::uint64_t offset{};
    std::optional<std::uint64_t> total; ///< as a former answer told it
    std::string validator;              ///< of that answer
    bool digest_known{};
    std::string shown; ///< the URI as people may see it
};

/// The image's bytes from `offset` on follow.
struct Take
{
    std::uint64_t offset{};
    std::optional<std::uint64_t> total;
};

struct Redirect
{
    std::string location;
};

/// What to do about a failure.
enum class Remedy : std::uint8_t
{
    none,       ///< it would fail again
    repeat,     ///< it may pass
    begin_anew, ///< the server does not go on in the middle of this file
};

struct Problem
{
    transports::FetchFailure failure;
    Remedy remedy{};
    std::optional<std::chrono::seconds> retry_after;
};

[[nodiscard]] std::variant<Take, Redirect, Problem> judge(const Answer& answer, const Question& question);

/// Whether the bytes from `offset` on may be asked for instead of the whole: what came before is the same file, or the
/// digest will tell.
[[nodiscard]] bool may_resume(const Question& question);

} // namespace fwupdate::network
