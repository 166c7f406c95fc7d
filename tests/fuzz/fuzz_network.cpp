// URIs, rules and servers' answers. What is taken must hold its promises: no secret shown, no special address admitted.
#include "transports/network/engine/address_rules.hpp"
#include "transports/network/engine/answer.hpp"
#include "transports/network/engine/uri.hpp"

#include <cassert>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace fwupdate;
using namespace fwupdate::network;

namespace
{

void require(bool holds)
{
    if (!holds)
    {
        std::abort();
    }
}

void look_at_uri(std::string_view text)
{
    const auto uri = Uri::parse(text);
    if (!uri)
    {
        return;
    }
    require(!uri->host().empty() && uri->port() != 0 && uri->text().size() >= uri->host().size());
    require(uri->shown().find('\n') == std::string::npos);
    const auto again = Uri::parse(uri->text());
    require(again.has_value() && again->host() == uri->host() && !again->credentials());
    if (const auto& secret = uri->credentials(); secret && secret->password.size() > 8)
    {
        require(again->shown() == uri->shown()); // nothing of it was in the text
    }
    static_cast<void>(Uri::parse(uri->resolve(std::string{text.substr(text.size() / 2)})));
    if (AddressRules{}.admit_host(uri->host()))
    {
        boost::system::error_code error;
        const auto address = boost::asio::ip::make_address(uri->host(), error);
        require(error || !address.is_loopback());
    }
}

void look_at_answer(std::string_view text, std::uint8_t how)
{
    Answer answer;
    answer.status = how < 128 ? 206 : 200 + how;
    answer.range = ContentRange::parse(text);
    answer.content_encoding = how % 3 == 0 ? std::string{text} : std::string{};
    answer.location = std::string{text};
    const Question question{how, how % 2 == 0 ? std::optional<std::uint64_t>{1000} : std::nullopt, "v", how % 5 == 0,
                            "u"};
    const auto verdict = judge(answer, question);
    if (const auto* take = std::get_if<Take>(&verdict))
    {
        require(take->offset == 0 || take->offset == question.offset);
        require(answer.status != 206 || (answer.range && answer.range->first == question.offset));
    }
}

void look_at_rule(std::string_view text)
{
    const auto rule = Rule::parse(text);
    if (!rule)
    {
        return;
    }
    require(rule->network.has_value() == rule->name.empty());
    const bool admits =
        AddressRules{{*rule}, {}}.admit_address("h", boost::asio::ip::make_address("127.0.0.1"), {}).has_value();
    require(!admits || Network::parse("127.0.0.0/8")->contains(*rule->network));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
    {
        return 0;
    }
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    look_at_uri(text);
    look_at_answer(text, data[0]);
    look_at_rule(text);
    return 0;
}
