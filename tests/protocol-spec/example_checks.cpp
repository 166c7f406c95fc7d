#include "prose_checks.hpp"

#include "message_json.hpp"

#include <algorithm>
#include <regex>

namespace fwupdate::test
{
namespace
{

/// One example: `08 2c 3031 -> 00 05000000`.
struct Example
{
    std::string command;
    std::string request;
    std::string code;
    std::string response;
};

std::string without_blanks(std::string text)
{
    std::erase(text, ' ');
    return text;
}

std::optional<Example> parse_example(const std::string& line)
{
    const std::regex form{R"(08 ([0-9a-f]{2})((?: [0-9a-f]+)*) -> ([0-9a-f]{2})((?: [0-9a-f]+)*))"};
    std::smatch match;
    if (!std::regex_match(line, match, form))
    {
        return std::nullopt;
    }
    return Example{match[1], without_blanks(match[2]), match[3], without_blanks(match[4])};
}

bool has_vector(const nlohmann::json& list, const std::string& command, const std::string& hex,
                const std::string& direction)
{
    return std::ranges::any_of(list,
                               [&](const nlohmann::json& vector)
                               {
                                   return vector.at("command") == command + "h" && vector.at("hex") == hex &&
                                          vector.value("direction", direction) == direction;
                               });
}

bool tells_code(const Section& section, const std::string& code)
{
    const std::uint64_t value = evaluate(code + "h");
    const bool general = value == 0xC1 || value == 0xC2 || value == 0xC7 || value == 0xCC || value == 0xD4;
    return general || std::ranges::any_of(section.tables,
                                          [&](const Table& table)
                                          {
                                              return table.has_header({"Code", "When"}) &&
                                                     std::ranges::any_of(table.rows, [&](const auto& row)
                                                                         { return evaluate(row.at(0)) == value; });
                                          });
}

void check_example(const Section& section, const std::string& line, const nlohmann::json& vectors,
                   Complaints& complaints)
{
    const std::string what = section.heading + ": example '" + line + "'";
    const auto example = parse_example(line);
    if (!example || command_number(example->command) != command_of(section))
    {
        complaints.push_back(what + " is not an exchange of this command");
        return;
    }
    const bool good_request = has_vector(vectors.at("messages"), example->command, example->request, "request");
    const bool bad_request = has_vector(vectors.at("refused_requests"), example->command, example->request, "request");
    if (!good_request && !(bad_request && (example->code == "c7" || example->code == "cc")))
    {
        complaints.push_back(what + ": the request is no vector");
    }
    const bool answered = example->code == "00";
    if (answered && !has_vector(vectors.at("messages"), example->command, example->response, "response"))
    {
        complaints.push_back(what + ": the response is no vector");
    }
    if (!answered && (!example->response.empty() || !tells_code(section, example->code)))
    {
        complaints.push_back(what + ": a refusal without data and with a code of this page was expected");
    }
}

} // namespace

Complaints check_examples(const Section& section, const nlohmann::json& vectors)
{
    Complaints complaints;
    std::size_t count = 0;
    for (const Fence& fence : section.fences)
    {
        for (const std::string& line : fence.lines)
        {
            ++count;
            check_example(section, line, vectors, complaints);
        }
    }
    if (count == 0)
    {
        complaints.push_back(section.heading + ": no example");
    }
    return complaints;
}

} // namespace fwupdate::test
