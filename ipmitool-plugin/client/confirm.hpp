// The trial of a new version: keeping it, or having the older one back.
#pragma once

#include "ipmitool-plugin/client/queries.hpp"

namespace fwupdate::client
{

/// A target whose new version runs on trial.
struct OnTrial
{
    std::uint8_t target{}; ///< id
    std::string name;      ///< printable
    Sha256 image{};        ///< of the update
    std::string updated;   ///< what is known of it: "bmc: updated, version 2.0"
};

/// After an update that runs: keeps the version, unless the keywords leave that to somebody else.
[[nodiscard]] Outcome keep_updated(const Context& context, const OnTrial& trial);

/// 'confirm' and 'fall-back'. `capabilities`: none for a BMC of the base profile.
[[nodiscard]] Outcome end_trial(const Context& context, const std::optional<Capabilities>& capabilities,
                                protocol::Confirmation confirmation);

} // namespace fwupdate::client
