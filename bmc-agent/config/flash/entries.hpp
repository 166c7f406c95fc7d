// How one entry of a file is read.
#pragma once

#include "bmc-agent/config/flash/flash_config.hpp"
#include "bmc-agent/config/object_reader.hpp"

#include <optional>

namespace fwupdate::config::flash
{

/// A whole entry, or nothing: then there are mistakes, or (a warning) it is another handler's.
[[nodiscard]] std::optional<FlashBlob> read_entry(const Place& place, const std::filesystem::path& file,
                                                  Findings& findings);

/// The member "actions".
void read_actions(ObjectReader reader, FlashBlob& out);

/// Text as the original takes it, empty too; control characters and more than a path's length are mistakes. True: it is
/// there and good.
bool read_any_text(ObjectReader& reader, std::string_view key, std::string& out);

/// A path as the original takes it; an empty or relative one is a warning.
void read_any_path(ObjectReader& reader, std::string_view key, std::filesystem::path& out);

/// Adds the entries of one file. Ids are not compared: settle_ids does that, once, when all files are read.
void add_file(std::string_view text, const std::filesystem::path& file, FlashConfig& out);
void settle_ids(FlashConfig& config);

} // namespace fwupdate::config::flash
