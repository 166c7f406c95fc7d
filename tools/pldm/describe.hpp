// A package as people and as programs read it.
#pragma once

#include "common/package/package.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace fwupdate::tools
{

using OrderedJson = nlohmann::ordered_json;

/// Some lines, ended; safe for a terminal. `payload_matches`: nothing if there is no payload checksum.
[[nodiscard]] std::string describe(const pldm::Package& package, std::optional<bool> payload_matches);

/// The specification's names; what pldm-fwup-pkg-creator --extended takes as metadata, with the rest of the header.
[[nodiscard]] OrderedJson describe_json(const pldm::Package& package, std::optional<bool> payload_matches);

/// JSON as text: one document, ASCII alone, so that no character of a package reaches a terminal.
[[nodiscard]] std::string to_text(const OrderedJson& json);

} // namespace fwupdate::tools
