#include "transcript.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace fwupdate::test
{
namespace
{

constexpr std::string_view remembered = "XT"; ///< placeholders whose bytes are needed again

bool is_placeholder(char first)
{
    return remembered.find(first) != std::string_view::npos || first == 'p' || first == '?';
}

/// Reads one transcript line by line.
class Parser
{
  public:
    explicit Parser(std::string_view name) : name_{name} {}

    void take(const std::string& line)
    {
        ++line_;
        const std::size_t hash = line.find('#');
        const std::string remark = hash == std::string::npos ? "" : line.substr(hash);
        std::istringstream words{line.substr(0, hash)};
        std::string word;
        if (!(words >> word))
        {
            return;
        }
        if (word == "@")
        {
            take_directive(words);
            return;
        }
        Exchange exchange;
        exchange.line = line_;
        exchange.net_fn = number(word);
        words >> word;
        exchange.command = number(word);
        exchange.request = data(words, true, exchange);
        words >> word;
        exchange.completion_code = number(word);
        exchange.response = data(words, false, exchange);
        exchange.until = remark.starts_with("# until");
        steps_.emplace_back(std::move(exchange));
    }

    std::vector<Step> result() &&
    {
        return std::move(steps_);
    }

  private:
    [[noreturn]] void refuse(const std::string& why) const
    {
        throw std::runtime_error(name_ + ":" + std::to_string(line_) + ": " + why);
    }

    [[nodiscard]] std::uint8_t number(const std::string& word) const
    {
        const auto bytes = from_hex(word);
        if (!bytes || bytes->size() != 1)
        {
            refuse("'" + word + "' is not a byte");
        }
        return bytes->front();
    }

    void take_directive(std::istringstream& words)
    {
        std::string what;
        std::string argument;
        words >> what >> argument;
        if (what == "session" && !argument.empty())
        {
            steps_.emplace_back(UseSession{argument});
        }
        else if (what == "close" && !argument.empty())
        {
            steps_.emplace_back(CloseSession{argument});
        }
        else if (what == "wait" && !argument.empty())
        {
            steps_.emplace_back(Wait{std::chrono::seconds{std::stoul(argument)}});
        }
        else
        {
            refuse("unknown directive");
        }
    }

    /// Words up to the arrow (which must be there in a request) or the line's end.
    std::string data(std::istringstream& words, bool is_request, Exchange& exchange)
    {
        std::string digits;
        for (std::string word; words >> word;)
        {
            if (is_request && word == "->")
            {
                return digits;
            }
            if (!is_request && word == "...")
            {
                exchange.open_ended = true;
                return digits;
            }
            check_word(word, is_request);
            digits += word;
        }
        if (is_request)
        {
            refuse("no arrow");
        }
        return digits;
    }

    void check_word(const std::string& word, bool is_request) const
    {
        if (word.size() % 2 != 0)
        {
            refuse("'" + word + "' is not whole bytes");
        }
        for (std::size_t at = 0; at < word.size(); at += 2)
        {
            const bool placeholder = is_placeholder(word[at]) && word[at + 1] == word[at];
            const bool known_in_request = remembered.find(word[at]) != std::string_view::npos;
            if (placeholder ? is_request && !known_in_request : !from_hex(word.substr(at, 2)).has_value())
            {
                refuse("'" + word.substr(at, 2) + "' cannot stand here");
            }
        }
    }

    std::string name_;
    std::size_t line_{0};
    std::vector<Step> steps_;
};

/// Whether the response to this command tells the placeholder's bytes; elsewhere they must be those told.
bool is_learned(char placeholder, std::uint8_t command)
{
    constexpr std::uint8_t get_random_number = 0x26;
    constexpr std::uint8_t begin_transfer = 0x44;
    return (placeholder == 'X' && command == get_random_number) || (placeholder == 'T' && command == begin_transfer);
}

bool is_percent(const std::string& digits)
{
    return std::stoul(digits, nullptr, 16) <= 100;
}

} // namespace

std::vector<Step> parse_transcript(std::string_view text, std::string_view name)
{
    Parser parser{name};
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);)
    {
        parser.take(line);
    }
    return std::move(parser).result();
}

std::vector<Step> load_transcript(std::string_view name)
{
    const std::string path = SOURCE_DIR "/protocol-spec/vectors/transcripts/" + std::string{name};
    std::ifstream file{path, std::ios::binary};
    if (!file)
    {
        throw std::runtime_error("cannot read " + path);
    }
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return parse_transcript(text, name);
}

Bytes Placeholders::fill(const Exchange& exchange) const
{
    std::string digits = exchange.request;
    std::map<char, std::size_t> used;
    for (char& digit : digits)
    {
        if (remembered.find(digit) != std::string_view::npos)
        {
            const char which = digit;
            digit = known_.at(which).at(used[which]++);
        }
    }
    return *from_hex(digits);
}

std::string Placeholders::match(const Exchange& exchange, ipmi::CompletionCode code, ConstBytes data)
{
    const auto code_byte = static_cast<std::uint8_t>(code);
    const std::string digits = to_hex(data);
    std::string got = "line " + std::to_string(exchange.line) + ": got " + to_hex(std::array{code_byte}) + " " +
                      digits + ", expected " + to_hex(std::array{exchange.completion_code}) + " " + exchange.response;
    const std::string& pattern = exchange.response;
    const bool long_enough = exchange.open_ended ? digits.size() >= pattern.size() : digits.size() == pattern.size();
    if (code_byte != exchange.completion_code || !long_enough)
    {
        return got;
    }
    std::map<char, std::string> found;
    for (std::size_t at = 0; at < pattern.size(); at += 2)
    {
        const char first = pattern[at];
        const std::string byte = digits.substr(at, 2);
        if (is_placeholder(first))
        {
            found[first] += byte;
        }
        if (is_placeholder(first) ? first == 'p' && !is_percent(byte) : pattern.substr(at, 2) != byte)
        {
            return got;
        }
    }
    for (const char which : remembered)
    {
        if (found.contains(which) && is_learned(which, exchange.command))
        {
            known_[which] = found[which];
        }
        else if (found.contains(which) && found[which] != known_[which])
        {
            return got;
        }
    }
    return {};
}

} // namespace fwupdate::test
