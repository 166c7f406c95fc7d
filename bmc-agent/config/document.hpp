// JSON text to a document, with everything a plain parse would let pass: duplicate keys, bottomless nesting.
#pragma once

#include "bmc-agent/config/findings.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace fwupdate::config
{

using Json = nlohmann::json;

/// Whose JSON it is.
enum class Dialect : std::uint8_t
{
    agent, ///< with // and /* */ comments; a key that stands twice is a mistake, the first value counts
    plain, ///< RFC 8259; a key that stands twice is a warning, the last value counts, as with most parsers
};

/// Mistakes go to `findings`; nothing comes back only when the syntax is broken or the nesting too deep.
[[nodiscard]] std::optional<Json> parse_document(std::string_view text, Findings& findings,
                                                 Dialect dialect = Dialect::agent);

} // namespace fwupdate::config
