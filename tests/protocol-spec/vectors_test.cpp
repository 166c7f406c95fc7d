// Every vector through the header's layouts, byte for byte, in both directions.
#include "markdown.hpp"
#include "message_json.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fwupdate;
using namespace fwupdate::test;

namespace
{

/// One of the lists of the vectors' file.
json vectors(const std::string& list)
{
    return json::parse(read_text(spec_path("vectors/messages.json"))).at(list);
}

ErrorKind error_kind(const std::string& name)
{
    return name == "length"          ? ErrorKind::length
           : name == "invalid_field" ? ErrorKind::invalid_field
                                     : throw std::runtime_error("unknown error " + name);
}

/// Calls `visitor` with an empty message of the vector's type.
template <class Visitor> void visit_message(const json& vector, const std::string& direction, Visitor visitor)
{
    const bool found =
        visit_command(command_number(vector.at("command").get<std::string>()),
                      [&]<class Request, class Response>(const protocol::CommandDefinition<Request, Response>&)
                      { direction == "request" ? visitor(Request{}) : visitor(Response{}); });
    REQUIRE_MESSAGE(found, vector.dump());
}

/// Empty when encoding the fields gives the bytes and decoding the bytes the fields; else what is wrong.
template <codec::Message M> std::string examine_as(const json& vector, codec::Strictness strictness)
{
    ByteStore store;
    const std::string encoded = to_hex(codec::encode(from_json<M>(vector.at("fields"), store)));
    if (encoded != vector.at("hex"))
    {
        return "encodes to " + encoded;
    }
    const Bytes bytes = bytes_of(vector.at("hex"));
    const auto decoded = codec::decode<M>(bytes, strictness);
    if (!decoded)
    {
        return "does not decode";
    }
    const json fields = to_json(*decoded);
    return fields == vector.at("fields") ? "" : "decodes to " + fields.dump();
}

std::string examine(const json& vector)
{
    std::string wrong;
    const std::string direction = vector.at("direction");
    const auto strictness = direction == "request" ? codec::Strictness::request : codec::Strictness::response;
    visit_message(vector, direction, [&]<class M>(const M&) { wrong = examine_as<M>(vector, strictness); });
    return wrong;
}

/// A field's value that says nothing: a swapped neighbour would not show.
bool is_blank(const json& value)
{
    const bool zeros = value.is_string() && value.get<std::string>().find_first_not_of('0') == std::string::npos;
    return value.is_null() || value == 0 || zeros || (value.is_array() && value.empty());
}

} // namespace

TEST_CASE("every message vector encodes and decodes byte for byte")
{
    for (const json& vector : vectors("messages"))
    {
        const std::string wrong = examine(vector);
        CHECK_MESSAGE(wrong.empty(), vector.at("command"), " ", vector.at("name"), ": ", wrong);
    }
}

TEST_CASE("a changed vector is noticed")
{
    for (json vector : vectors("messages"))
    {
        const json original = vector;
        const std::string hex = vector.at("hex");
        for (std::size_t at = 0; at < hex.size(); ++at)
        {
            std::string changed = hex;
            changed[at] = changed[at] == '0' ? '1' : '0';
            vector["hex"] = changed;
            CHECK_MESSAGE(!examine(vector).empty(), original.dump(), " digit ", at);
        }
    }
}

TEST_CASE("every command has a request and a response, every field a telling value")
{
    std::set<std::string> blank; // fields that no vector fills
    std::set<std::string> seen;
    for_each_command(
        [&]<class Request, class Response>(const protocol::CommandDefinition<Request, Response>& definition)
        {
            const std::string number = to_hex(std::array{static_cast<std::uint8_t>(definition.command)});
            blank.insert(number + " request");
            blank.insert(number + " response");
            const auto add = [&](const std::string& direction, const auto&... field)
            { (blank.insert(number + " " + direction + " " + std::string{field.name}), ...); };
            std::apply([&](const auto&... field) { add("request", field...); }, Request::layout);
            std::apply([&](const auto&... field) { add("response", field...); }, Response::layout);
        });
    for (const json& vector : vectors("messages"))
    {
        const std::string name =
            vector.at("command").get<std::string>().substr(0, 2) + " " + vector.at("direction").get<std::string>();
        blank.erase(name);
        for (const auto& [field, value] : vector.at("fields").items())
        {
            if (!is_blank(value))
            {
                blank.erase(name + " " + field);
            }
        }
        CHECK_MESSAGE(seen.insert(name + vector.at("name").get<std::string>()).second, "twice: ", vector.dump());
    }
    for (const std::string& field : blank)
    {
        FAIL_CHECK("no vector for " << field);
    }
}

TEST_CASE("refused requests are refused, for the reason given")
{
    for (const json& vector : vectors("refused_requests"))
    {
        visit_message(vector, "request",
                      [&]<class M>(const M&)
                      {
                          const Bytes bytes = bytes_of(vector.at("hex"));
                          const auto decoded = codec::decode_request<M>(bytes);
                          REQUIRE_MESSAGE(!decoded.has_value(), vector.dump());
                          CHECK_MESSAGE(decoded.error().kind == error_kind(vector.at("error")), vector.dump());
                      });
    }
}

TEST_CASE("tolerant responses decode to what they say; the same bytes are no canonical encoding or hold the unknown")
{
    for (const json& vector : vectors("tolerant_responses"))
    {
        visit_message(vector, "response",
                      [&]<class M>(const M&)
                      {
                          const Bytes bytes = bytes_of(vector.at("hex"));
                          const auto decoded = codec::decode_response<M>(bytes);
                          REQUIRE_MESSAGE(decoded.has_value(), vector.dump());
                          CHECK_MESSAGE(to_json(*decoded) == vector.at("fields"), to_json(*decoded).dump());
                          CHECK_MESSAGE(!codec::decode_request<M>(bytes).has_value(),
                                        "a strict reader takes it: ", vector.dump());
                      });
    }
}

TEST_CASE("malformed responses are refused")
{
    for (const json& vector : vectors("refused_responses"))
    {
        visit_message(vector, "response",
                      [&]<class M>(const M&)
                      {
                          const Bytes bytes = bytes_of(vector.at("hex"));
                          const auto decoded = codec::decode_response<M>(bytes);
                          REQUIRE_MESSAGE(!decoded.has_value(), vector.dump());
                          CHECK_MESSAGE(decoded.error().kind == error_kind(vector.at("error")), vector.dump());
                      });
    }
}
