// What a person or a script sees: results on one stream, notices and progress on the other; or JSON lines on the first.
#pragma once

#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/progress.hpp"

#include <nlohmann/json.hpp>

#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::client
{

using Json = nlohmann::ordered_json;

enum class Style : std::uint8_t
{
    terminal, ///< a progress line redrawn in place
    plain,    ///< progress as lines, at most every 10 % or 5 s
    csv,      ///< as plain; listings comma separated
    json,     ///< one JSON object per line
};

/// One thing out of a listing: its fields in order. Values are strings, numbers, booleans or null (unknown).
using Fields = std::vector<std::pair<std::string_view, Json>>;

class Reporter
{
  public:
    Reporter(Style style, std::ostream& out, std::ostream& err) : style_{style}, out_{out}, err_{err} {}

    /// How far it is.
    void progress(const Progress& progress, TimePoint now);

    /// Something a person should know while it goes on. JSON: {"event":"notice","text":...}
    void notice(std::string_view text);

    /// The same where a script wants it in fields. JSON: {"event":<kind>, fields...}
    void event(std::string_view kind, const Fields& fields, std::string_view text);

    /// One thing out of a listing. JSON: {"event":<kind>, fields...}; CSV: the values; else one field a line.
    /// `absent`: what a person reads for null.
    void item(std::string_view kind, const Fields& fields, std::string_view absent = "unknown");

    /// That a listing is empty: for people only, JSON and CSV have no line for it.
    void empty(std::string_view text);

    /// The end. JSON: {"event":"result","result":...,"exit_code":...,"text":...}. Good ends go to the first stream,
    /// the others to the second. What came from the BMC has been made printable where it was read.
    void outcome(const Outcome& outcome);

    /// Text as it is, on the first stream.
    void print(std::string_view text);

  private:
    void end_line();
    void write_json(const Json& line);
    void write_json(std::string_view kind, const Fields& fields);

    Style style_;
    std::ostream& out_;
    std::ostream& err_;
    PlainPacer pacer_;
    std::size_t line_width_{}; ///< of the progress line on the terminal; 0: none is shown
};

} // namespace fwupdate::client
