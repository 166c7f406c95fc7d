// What the BMC would say of an image (4Ah), asked by `plan` and before every install.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/subject.hpp"

#include <string>

namespace fwupdate::client
{

struct PlanReport
{
    ipmi::CompletionCode completion{}; ///< of 4Ah; anything but 00h: there is no report
    protocol::PlanVerdict verdict{};
    protocol::ReasonCode code{}; ///< of the first check that refuses
    std::string text;            ///< printable, one line per check
};

/// The bits of 43h and 4Ah that the keywords mean.
[[nodiscard]] std::uint16_t parameters_of(const Keywords& words);

/// Asks about `subject`, whose size and SHA-256 are known; reads the text whole. `target`: FFh for what the image is
/// for.
[[nodiscard]] Attempt<PlanReport> ask_plan(const Context& context, const Subject& subject, std::uint8_t target,
                                           const protocol::GetCapabilitiesResponse& capabilities);

/// Of a report's lines those that refuse, if they can be told; else all.
[[nodiscard]] std::string refusing_lines(const std::string& text);

} // namespace fwupdate::client
