// The file into which a unit writes how far it is.
#pragma once

#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// The first word of a status file.
enum class Status : std::uint8_t
{
    running,
    success,
    failed,
    unknown, ///< any other word, or none
};

inline constexpr std::size_t longest_status = 256; ///< bytes that are looked at

/// Writes "unknown", as before the unit has written anything. What is no regular file is left alone. Errors:
/// input_output.
Result<void> reset_status(const std::filesystem::path& file);

/// Its first bytes; nothing: it is not there, cannot be read, or is no regular file. Never waits.
[[nodiscard]] std::optional<std::string> read_status(const std::filesystem::path& file);

[[nodiscard]] Status status_of(const std::string& text);

} // namespace fwupdate::agent
