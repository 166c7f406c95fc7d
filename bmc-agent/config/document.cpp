#include "bmc-agent/config/document.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t deepest = 16; ///< levels; the schema needs five

/// "line 3, column 5" of the last byte that was read.
std::string line_and_column(std::string_view text, std::size_t bytes_read)
{
    const std::size_t at = std::min(bytes_read == 0 ? 0 : bytes_read - 1, text.size());
    const std::string_view before = text.substr(0, at);
    const auto lines = std::ranges::count(before, '\n');
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = newline == std::string_view::npos ? at + 1 : at - newline;
    return "line " + std::to_string(lines + 1) + ", column " + std::to_string(column);
}

/// The library's message without its own prefix and without what it read last: that may be a password.
std::string syntax_reason(std::string_view message)
{
    constexpr std::string_view start = "syntax error ";
    constexpr std::string_view quote = "; last read: '";
    constexpr std::string_view expected = "'; expected ";
    const std::size_t begin = message.find(start);
    std::string reason{begin == std::string_view::npos ? "not JSON" : message.substr(begin)};
    if (const std::size_t from = reason.find(quote); from != std::string::npos)
    {
        const std::size_t to = reason.rfind(expected);
        reason.erase(from, to == std::string::npos || to < from ? std::string::npos : to + 1 - from);
    }
    return reason;
}

/// Builds the document event by event.
class Builder final : public nlohmann::json_sax<Json>
{
  public:
    Builder(std::string_view text, Findings& findings, Dialect dialect)
        : text_{text}, findings_{findings}, dialect_{dialect}
    {
    }

    [[nodiscard]] Json take()
    {
        return std::move(root_);
    }

    bool null() override
    {
        return add(nullptr);
    }
    bool boolean(bool value) override
    {
        return add(value);
    }
    bool number_integer(number_integer_t value) override
    {
        return add(value);
    }
    bool number_unsigned(number_unsigned_t value) override
    {
        return add(value);
    }
    bool number_float(number_float_t value, const string_t& /*text*/) override
    {
        return add(value);
    }
    bool string(string_t& value) override
    {
        return add(std::move(value));
    }
    bool binary(binary_t& /*value*/) override
    {
        return false; // not in JSON text
    }
    bool start_object(std::size_t /*elements*/) override
    {
        return open(Json::object());
    }
    bool start_array(std::size_t /*elements*/) override
    {
        return open(Json::array());
    }
    bool end_object() override
    {
        return close();
    }
    bool end_array() override
    {
        return close();
    }

    bool key(string_t& value) override
    {
        Level& level = levels_.back();
        level.key = std::move(value);
        if (level.value.contains(level.key))
        {
            key_again(pointer_to(place_of(levels_.size() - 1), level.key));
        }
        return true;
    }

    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& error) override
    {
        findings_.mistake(line_and_column(text_, position), syntax_reason(error.what()),
                          "correct the JSON there or just before");
        return false;
    }

  private:
    struct Level
    {
        Json value;
        std::string key; ///< of the member that comes next
    };

    /// Pointer of the container at this depth.
    [[nodiscard]] std::string place_of(std::size_t depth) const
    {
        std::string place;
        for (std::size_t at = 0; at < depth; ++at)
        {
            const Level& level = levels_[at];
            place = pointer_to(place, level.value.is_array() ? std::to_string(level.value.size()) : level.key);
        }
        return place;
    }

    void key_again(const std::string& place)
    {
        if (dialect_ == Dialect::plain)
        {
            findings_.warn(place, "the key stands here twice, and the last one counts", "keep that one");
            return;
        }
        findings_.mistake(place, "the key stands here twice", "keep one of them");
    }

    bool add(Json value)
    {
        if (levels_.empty())
        {
            root_ = std::move(value);
            return true;
        }
        Level& level = levels_.back();
        if (level.value.is_array())
        {
            level.value.push_back(std::move(value));
        }
        else if (dialect_ == Dialect::plain)
        {
            level.value[level.key] = std::move(value);
        }
        else
        {
            level.value.emplace(level.key, std::move(value)); // keeps the first of two
        }
        return true;
    }

    bool open(Json container)
    {
        if (levels_.size() == deepest)
        {
            findings_.mistake(place_of(levels_.size()), "nested too deeply", "see the manual page for the structure");
            return false;
        }
        levels_.push_back({std::move(container), {}});
        return true;
    }

    bool close()
    {
        Json finished = std::move(levels_.back().value);
        levels_.pop_back();
        return add(std::move(finished));
    }

    std::string_view text_;
    Findings& findings_;
    Dialect dialect_;
    std::vector<Level> levels_;
    Json root_;
};

} // namespace

std::optional<Json> parse_document(std::string_view text, Findings& findings, Dialect dialect)
{
    constexpr bool whole_text = true;
    const bool ignore_comments = dialect == Dialect::agent;
    Builder builder{text, findings, dialect};
    if (!Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json, whole_text, ignore_comments))
    {
        return std::nullopt;
    }
    return builder.take();
}

} // namespace fwupdate::config
