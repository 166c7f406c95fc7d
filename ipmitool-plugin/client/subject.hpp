// What an update installs, as far as it is known before.
#pragma once

#include "ipmitool-plugin/client/image.hpp"
#include "ipmitool-plugin/client/uri.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fwupdate::client
{

struct Subject
{
    std::string name;     ///< for people
    std::string argument; ///< the file; of a URI what the BMC gets
    bool is_uri{};
    bool had_credentials{};       ///< in the URI itself: nobody notes them
    std::uint64_t size{};         ///< bytes; 0: unknown
    std::optional<Sha256> sha256; ///< none: unknown

    /// Whether the BMC can tell what it has staged of it.
    [[nodiscard]] bool has_name() const
    {
        return size != 0 && sha256.has_value();
    }
};

[[nodiscard]] inline Subject subject_of(const Image& image)
{
    return {image.file().string(), image.file().string(), false, false, image.size(), image.sha256()};
}

} // namespace fwupdate::client
