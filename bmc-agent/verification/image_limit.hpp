// How large an image may be as it is sent, before anybody has looked into it.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "common/package/signature/self_contained.hpp"
#include "protocol-spec/messages.hpp"

#include <algorithm>
#include <cstdint>

namespace fwupdate::agent
{

/// Bytes. A target's own limit is for what is programmed: around it there may be a trailer, or a package.
[[nodiscard]] inline std::uint64_t image_limit(const config::Target& target, std::uint64_t max_image_size)
{
    const bool packages = (target.accepts & (protocol::accepts_pldm | protocol::accepts_tarball)) != 0;
    return target.max_size == 0 || packages ? max_image_size
                                            : std::min(target.max_size + package::largest_trailer, max_image_size);
}

} // namespace fwupdate::agent
