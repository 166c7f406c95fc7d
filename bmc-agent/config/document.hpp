// JSON text to a document, with everything a plain parse would let pass: duplicate keys, bottomless nesting.
#pragma once

#include "bmc-agent/config/findings.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace fwupdate::config
{

using Json = nlohmann::json;

/// Parses JSON with // and /* */ comments. Mistakes go to `findings`; nothing comes back only when the syntax is
/// broken (duplicate keys are mistakes, the first value counts).
[[nodiscard]] std::optional<Json> parse_document(std::string_view text, Findings& findings);

} // namespace fwupdate::config
