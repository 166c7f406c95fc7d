// What must agree between the specification's pages, its vectors and its headers. Every check gives its complaints as
// sentences; none: all is well. The pages come in parsed, so that tests can hand in changed ones.
#pragma once

#include "header_text.hpp"
#include "markdown.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::test
{

using Complaints = std::vector<std::string>;

/// The number when the section's heading is a command's: "2Ch FW Image Write Data".
std::optional<std::uint8_t> command_of(const Section& section);

/// Name, privilege and byte tables of one command's section against the header.
Complaints check_command_section(const Section& section);

/// Every command of the header has exactly one section.
Complaints check_command_sections(const std::vector<Section>& sections);

/// README's list of commands against the header's.
Complaints check_command_list(const std::vector<Section>& sections, const HeaderText& messages);

/// Enumerations and constants against the headers', both ways; `ipmi` has CompletionCode.
Complaints check_values(const std::vector<Section>& sections, const HeaderText& messages, const HeaderText& ipmi);

/// The completion codes in the pages' tables are those of the headers.
Complaints check_codes(const std::vector<Section>& sections, const HeaderText& messages, const HeaderText& ipmi);

/// Events, actions and the state table against state_table.hpp.
Complaints check_states(const std::vector<Section>& sections, const HeaderText& states, const HeaderText& messages);

/// Every example of a command's section against the vectors.
Complaints check_examples(const Section& section, const nlohmann::json& vectors);

/// The section with this heading; throws when there is none.
const Section& find_section(const std::vector<Section>& sections, std::string_view heading);

} // namespace fwupdate::test
