// A configuration that is right, for tests that break it.
#pragma once

#include "bmc-agent/config/config.hpp"

#include <string>
#include <string_view>

namespace fwupdate::config::test
{

inline constexpr std::string_view good = R"({
  // comments are allowed
  "lan": {"listen": ["127.0.0.1:0", "[::1]:6230"], "cipher_suites": [17]},
  "users": [{"name": "admin", "password": "Tr0ub4dor&3-plus", "privilege": "administrator"}],
  "verification": {"roots": "/etc/bmc-agent/roots.pem"},
  "staging": {"directory": "/var/lib/bmc-agent", "max_image_size": "64MiB"},
  "targets": [{"id": 1, "name": "bios", "type": "file", "path": "/srv/bios.bin", "max_size": 1048576,
               "restart": {"what": "host", "command": ["/usr/bin/restart-host", "now"]}}]
})";

/// The good text with one piece replaced; the piece must be there.
inline std::string with(std::string_view piece, std::string_view replacement, std::string_view text = good)
{
    std::string changed{text};
    const std::size_t at = changed.find(piece);
    return at == std::string::npos ? "the piece is not there: " + std::string{piece}
                                   : changed.replace(at, piece.size(), replacement);
}

/// A reader of password files that has one file.
inline Result<std::string> one_secret_file(const std::filesystem::path& file)
{
    if (file == "/run/secret")
    {
        return std::string{"correct horse batt"};
    }
    if (file == "/run/empty")
    {
        return std::string{};
    }
    return fail(ErrorKind::input_output, "file " + file.string() + " can't be read: No such file or directory");
}

} // namespace fwupdate::config::test
