// Whole exchanges from protocol-spec/vectors/transcripts, for tests of either end. The form of the lines is described
// in protocol-spec/vectors/README.md.
#pragma once

#include "common/bytes.hpp"
#include "common/ipmi/message.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fwupdate::test
{

/// `@ session NAME`: who sends the lines that follow.
struct UseSession
{
    std::string name;
};

/// `@ close NAME`
struct CloseSession
{
    std::string name;
};

/// `@ wait N`
struct Wait
{
    std::chrono::seconds time;
};

/// One request and the response that must come; data as two characters a byte, placeholders included.
struct Exchange
{
    std::size_t line{}; ///< in the file, from 1
    std::uint8_t net_fn{};
    std::uint8_t command{};
    std::string request;
    std::uint8_t completion_code{};
    std::string response;
    bool open_ended{}; ///< more response data may follow
    bool until{};      ///< repeat the request until this response comes
};

using Step = std::variant<UseSession, CloseSession, Wait, Exchange>;

/// Throws with file and line when the text is malformed.
std::vector<Step> parse_transcript(std::string_view text, std::string_view name);

/// Reads protocol-spec/vectors/transcripts/`name`.
std::vector<Step> load_transcript(std::string_view name);

/// What a transcript's placeholders stand for so far.
class Placeholders
{
  public:
    /// The request's bytes. Throws when a placeholder is not known yet.
    [[nodiscard]] Bytes fill(const Exchange& exchange) const;

    /// Empty when the response is the expected one; else what differs. What it has for XX and TT is kept.
    [[nodiscard]] std::string match(const Exchange& exchange, ipmi::CompletionCode code, ConstBytes data);

  private:
    std::map<char, std::string> known_; ///< hexadecimal digits by placeholder character
};

} // namespace fwupdate::test
