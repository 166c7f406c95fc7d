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
    bool had_credentials{};        ///< in the URI itself: nobody notes them
    std::uint64_t size{};          ///< bytes; 0: unknown
    std::optional<Sha256> sha256;  ///< none: unknown
    std::optional<Sha256> content; ///< of what is installed of it as a plain image: without a signature's trailer
    Bytes header;                  ///< its first bytes, as many as any message carries; empty: unknown

    /// Whether the BMC can tell what it has staged of it.
    [[nodiscard]] bool has_name() const
    {
        return size != 0 && sha256.has_value();
    }
};

[[nodiscard]] inline Subject subject_of(const Image& image)
{
    return {.name = image.file().string(),
            .argument = image.file().string(),
            .size = image.size(),
            .sha256 = image.sha256(),
            .content = image.content_sha256(),
            .header = {}};
}

} // namespace fwupdate::client
