// As much of Markdown as the specification's pages use: headings, tables, fenced blocks, lines of text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::test
{

struct Table
{
    std::string caption; ///< the last line of text before it
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;

    [[nodiscard]] bool has_header(const std::vector<std::string>& cells) const
    {
        return header == cells;
    }
};

struct Fence
{
    std::string language;
    std::vector<std::string> lines;
};

/// What stands under one heading, down to the next of any level.
struct Section
{
    int level{};
    std::string heading;
    std::vector<std::string> text; ///< lines that are neither table nor fence nor empty
    std::vector<Table> tables;
    std::vector<Fence> fences;
};

std::vector<Section> parse_markdown(std::string_view page);

/// A whole file; throws when it cannot be read.
std::string read_text(const std::string& path);

/// The files of protocol-spec/, by name.
std::string spec_path(std::string_view name);

/// Every Markdown page of the specification, parsed: the tables of one, the examples of another.
std::vector<Section> all_sections();

/// Without blanks at both ends.
std::string trim(std::string_view text);

} // namespace fwupdate::test
