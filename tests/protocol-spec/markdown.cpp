#include "markdown.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace fwupdate::test
{
namespace
{

constexpr std::string_view fence_mark = "```";

std::vector<std::string> cells_of(std::string_view line)
{
    std::vector<std::string> cells;
    line = line.substr(1, line.rfind('|') - 1);
    while (true)
    {
        const std::size_t bar = line.find('|');
        cells.push_back(trim(line.substr(0, bar)));
        if (bar == std::string_view::npos)
        {
            return cells;
        }
        line.remove_prefix(bar + 1);
    }
}

bool is_rule(const std::vector<std::string>& cells)
{
    return std::ranges::all_of(cells, [](const std::string& cell)
                               { return !cell.empty() && cell.find_first_not_of("-:") == std::string::npos; });
}

/// Takes the lines of a page one by one.
class Builder
{
  public:
    Builder()
    {
        sections_.emplace_back(); // what stands before the first heading
    }

    void take(std::string_view line)
    {
        if (line.starts_with(fence_mark))
        {
            toggle_fence(line);
        }
        else if (in_fence_)
        {
            here().fences.back().lines.emplace_back(line);
        }
        else
        {
            take_prose(trim(line));
        }
    }

    std::vector<Section> result() &&
    {
        return std::move(sections_);
    }

  private:
    Section& here()
    {
        return sections_.back();
    }

    void toggle_fence(std::string_view line)
    {
        in_fence_ = !in_fence_;
        in_table_ = false;
        if (in_fence_)
        {
            here().fences.push_back({trim(line.substr(fence_mark.size())), {}});
        }
    }

    void take_prose(const std::string& line)
    {
        const bool row = line.starts_with('|');
        if (row)
        {
            take_row(cells_of(line));
        }
        else if (line.starts_with('#'))
        {
            const std::size_t level = line.find_first_not_of('#');
            Section section;
            section.level = static_cast<int>(level);
            section.heading = trim(line.substr(level));
            sections_.push_back(std::move(section));
        }
        else if (!line.empty())
        {
            here().text.push_back(line);
        }
        in_table_ = row;
    }

    void take_row(std::vector<std::string> cells)
    {
        if (!in_table_)
        {
            const auto& text = here().text;
            here().tables.push_back({text.empty() ? std::string{} : text.back(), std::move(cells), {}});
        }
        else if (!is_rule(cells))
        {
            here().tables.back().rows.push_back(std::move(cells));
        }
    }

    std::vector<Section> sections_;
    bool in_fence_{false};
    bool in_table_{false};
};

} // namespace

std::string trim(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(" \t\r");
    const std::size_t last = text.find_last_not_of(" \t\r");
    return first == std::string_view::npos ? std::string{} : std::string{text.substr(first, last - first + 1)};
}

std::vector<Section> parse_markdown(std::string_view page)
{
    Builder builder;
    std::istringstream lines{std::string{page}};
    for (std::string line; std::getline(lines, line);)
    {
        builder.take(line);
    }
    return std::move(builder).result();
}

std::string read_text(const std::string& path)
{
    std::ifstream file{path, std::ios::binary};
    if (!file)
    {
        throw std::runtime_error("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::string spec_path(std::string_view name)
{
    return std::string{SOURCE_DIR "/protocol-spec/"}.append(name);
}

std::vector<Section> all_sections()
{
    std::vector<Section> sections;
    for (const std::string_view page : {"README.md", "base-profile.md", "extended-profile.md", "extended-reports.md",
                                        "values.md", "states.md", "streaming.md", "transports.md", "client-guide.md"})
    {
        std::ranges::move(parse_markdown(read_text(spec_path(page))), std::back_inserter(sections));
    }
    return sections;
}

} // namespace fwupdate::test
