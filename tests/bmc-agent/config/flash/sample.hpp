// An entry that is right, for tests that break it.
#pragma once

#include "bmc-agent/config/flash/flash_config.hpp"

#include <string>
#include <string_view>

namespace fwupdate::config::flash::test
{

inline constexpr std::string_view good = R"([{"blob": "/flash/bios", "handler": {"type": "file", "path": "/tmp/b"},
  "actions": {"preparation": {"type": "skip"},
    "verification": {"type": "fileSystemdVerify", "path": "/tmp/v", "unit": "verify.service"},
    "update": {"type": "systemd", "unit": "update.target", "mode": "replace"}}}])";

/// The good text with one piece replaced; the piece must be there.
inline std::string with(std::string_view piece, std::string_view replacement, std::string_view text = good)
{
    std::string changed{text};
    const std::size_t at = changed.find(piece);
    return at == std::string::npos ? "the piece is not there: " + std::string{piece}
                                   : changed.replace(at, piece.size(), replacement);
}

} // namespace fwupdate::config::flash::test
