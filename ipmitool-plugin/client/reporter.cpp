#include "ipmitool-plugin/client/reporter.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <ostream>

namespace fwupdate::client
{
namespace
{

std::string value_text(const Json& value)
{
    if (value.is_string())
    {
        return printable(value.get_ref<const std::string&>());
    }
    if (value.is_boolean())
    {
        return value.get<bool>() ? "yes" : "no";
    }
    if (value.is_array())
    {
        std::string text;
        for (const Json& element : value)
        {
            text += (text.empty() ? "" : " ") + value_text(element);
        }
        return text;
    }
    return value.dump();
}

/// A CSV field, quoted where RFC 4180 asks for it.
std::string csv_text(const Json& value)
{
    std::string text = value.is_null() ? std::string{} : value_text(value);
    if (text.find_first_of(",\"") == std::string::npos)
    {
        return text;
    }
    std::string quoted = "\"";
    for (const char character : text)
    {
        quoted += character;
        if (character == '"')
        {
            quoted += '"';
        }
    }
    return quoted + "\"";
}

/// "max_image_size" -> "Max image size"
std::string label(std::string_view name)
{
    std::string text{name};
    std::ranges::replace(text, '_', ' ');
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    {
        text[0] = static_cast<char>(text[0] - 'a' + 'A');
    }
    text.resize(std::max<std::size_t>(text.size() + 1, 24), ' ');
    return text;
}

} // namespace

void Reporter::write_json(const Json& line)
{
    // replace: bytes that are not UTF-8 must not end the program
    out_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

void Reporter::write_json(std::string_view kind, const Fields& fields)
{
    Json line{{"event", kind}};
    for (const auto& [name, value] : fields)
    {
        line[std::string{name}] = value.is_string() ? Json(printable(value.get_ref<const std::string&>())) : value;
    }
    write_json(line);
}

void Reporter::end_line()
{
    if (line_width_ != 0)
    {
        err_ << '\n';
        line_width_ = 0;
    }
}

void Reporter::progress(const Progress& progress, TimePoint now)
{
    if (style_ == Style::terminal)
    {
        std::string text = to_text(progress);
        const std::size_t width = text.size();
        text.resize(std::max(width, line_width_), ' ');
        err_ << '\r' << text << std::flush;
        line_width_ = width;
        return;
    }
    if (!pacer_.due(progress, now))
    {
        return;
    }
    if (style_ != Style::json)
    {
        err_ << to_text(progress) << std::endl;
        return;
    }
    Json line{{"event", "progress"}, {"phase", name_of(progress.phase)}, {"percent", progress.percent}};
    line["done"] = progress.done;
    line["total"] = progress.total;
    line["rate"] = static_cast<std::uint64_t>(progress.rate);
    line["remaining"] = progress.remaining ? Json(progress.remaining->count()) : Json(nullptr);
    write_json(line);
}

void Reporter::notice(std::string_view text)
{
    end_line();
    if (style_ == Style::json)
    {
        write_json({{"event", "notice"}, {"text", printable(text)}});
        return;
    }
    err_ << printable(text) << std::endl;
}

void Reporter::event(std::string_view kind, const Fields& fields, std::string_view text)
{
    if (style_ != Style::json)
    {
        notice(text);
        return;
    }
    write_json(kind, fields);
}

void Reporter::item(std::string_view kind, const Fields& fields, std::string_view absent)
{
    end_line();
    if (style_ == Style::json)
    {
        write_json(kind, fields);
        return;
    }
    bool first = true;
    for (const auto& [name, value] : fields)
    {
        if (style_ == Style::csv)
        {
            out_ << (first ? "" : ",") << csv_text(value);
        }
        else
        {
            out_ << label(name) << ": " << (value.is_null() ? std::string{absent} : value_text(value)) << '\n';
        }
        first = false;
    }
    out_ << std::endl;
}

void Reporter::empty(std::string_view text)
{
    if (style_ == Style::terminal || style_ == Style::plain)
    {
        end_line();
        out_ << text << std::endl;
    }
}

void Reporter::outcome(const Outcome& outcome)
{
    end_line();
    if (style_ == Style::json)
    {
        write_json({{"event", "result"},
                    {"result", name_of(outcome.code)},
                    {"exit_code", static_cast<unsigned>(outcome.code)},
                    {"text", outcome.text}});
        return;
    }
    if (outcome.text.empty())
    {
        return;
    }
    const bool good = outcome.code == ExitCode::done || outcome.code == ExitCode::accepted ||
                      outcome.code == ExitCode::already_current;
    (good ? out_ : err_) << outcome.text << std::endl;
}

void Reporter::print(std::string_view text)
{
    end_line();
    out_ << text << std::flush;
}

} // namespace fwupdate::client
