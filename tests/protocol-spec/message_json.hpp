// Messages as JSON and back, by the field names of their layouts: how the vectors write them.
#pragma once

#include "common/codec.hpp"
#include "protocol-spec/messages.hpp"

#include <nlohmann/json.hpp>

#include <deque>
#include <string>
#include <tuple>

namespace fwupdate::test
{

using nlohmann::json;

/// Keeps the bytes that TrailingBytes of messages made from JSON look at.
using ByteStore = std::deque<Bytes>;

template <codec::Message M> json to_json(const M& message);
template <codec::Message M> M from_json(const json& fields, ByteStore& store);

/// Hexadecimal digits of a vector; throws when they are none.
inline Bytes bytes_of(const json& text)
{
    const auto bytes = from_hex(text.get<std::string>());
    return bytes ? *bytes : throw std::runtime_error("not hexadecimal: " + text.get<std::string>());
}

template <class T> json field_to_json(const T& value)
{
    if constexpr (std::is_enum_v<T>)
    {
        return static_cast<std::underlying_type_t<T>>(value);
    }
    else if constexpr (std::unsigned_integral<T>)
    {
        return value;
    }
    else if constexpr (codec::is_flags<T>)
    {
        return value.bits;
    }
    else if constexpr (codec::is_byte_array<T>)
    {
        return to_hex(value);
    }
    else if constexpr (codec::is_text<T>)
    {
        return value.value;
    }
    else if constexpr (std::same_as<T, codec::TrailingBytes>)
    {
        return to_hex(value.view);
    }
    else if constexpr (codec::is_optional<T>)
    {
        return value ? field_to_json(*value) : json{};
    }
    else if constexpr (codec::is_list<T>)
    {
        json items = json::array();
        for (const auto& item : value.items)
        {
            items.push_back(field_to_json(item));
        }
        return items;
    }
    else
    {
        return to_json(value);
    }
}

template <class T> void field_from_json(const json& from, T& value, ByteStore& store)
{
    if constexpr (std::is_enum_v<T>)
    {
        value = static_cast<T>(from.get<std::underlying_type_t<T>>());
    }
    else if constexpr (std::unsigned_integral<T>)
    {
        value = from.get<T>();
    }
    else if constexpr (codec::is_flags<T>)
    {
        value.bits = from.get<decltype(value.bits)>();
    }
    else if constexpr (codec::is_byte_array<T>)
    {
        const Bytes bytes = bytes_of(from);
        if (bytes.size() != value.size())
        {
            throw std::runtime_error("wrong number of bytes: " + from.dump());
        }
        std::ranges::copy(bytes, value.begin());
    }
    else if constexpr (codec::is_text<T>)
    {
        value.value = from.get<std::string>();
    }
    else if constexpr (std::same_as<T, codec::TrailingBytes>)
    {
        value.view = store.emplace_back(bytes_of(from));
    }
    else if constexpr (codec::is_optional<T>)
    {
        if (!from.is_null())
        {
            field_from_json(from, value.emplace(), store);
        }
    }
    else if constexpr (codec::is_list<T>)
    {
        for (const json& item : from)
        {
            field_from_json(item, value.items.emplace_back(), store);
        }
    }
    else
    {
        value = from_json<T>(from, store);
    }
}

template <codec::Message M> json to_json(const M& message)
{
    json fields = json::object();
    std::apply([&](const auto&... field)
               { ((fields[std::string{field.name}] = field_to_json(message.*field.member)), ...); },
               M::layout);
    return fields;
}

/// Throws when a field is missing, unknown or of another type.
template <codec::Message M> M from_json(const json& fields, ByteStore& store)
{
    if (fields.size() != std::tuple_size_v<std::remove_cvref_t<decltype(M::layout)>>)
    {
        throw std::runtime_error("other fields than the layout's: " + fields.dump());
    }
    M message{};
    std::apply([&](const auto&... field)
               { (field_from_json(fields.at(std::string{field.name}), message.*field.member, store), ...); },
               M::layout);
    return message;
}

/// Calls `visitor` with the definition of the command; false when it has no layout.
template <class Visitor> bool visit_command(std::uint8_t command, Visitor visitor)
{
    bool found = false;
    const auto visit = [&](const auto& definition)
    {
        if (static_cast<std::uint8_t>(definition.command) == command)
        {
            found = true;
            visitor(definition);
        }
    };
    std::apply([&](const auto&... definition) { (visit(definition), ...); }, protocol::commands);
    return found;
}

/// Calls `visitor` with every command's definition.
template <class Visitor> void for_each_command(Visitor visitor)
{
    std::apply([&](const auto&... definition) { (visitor(definition), ...); }, protocol::commands);
}

/// Reads "2ch" or "2Ch".
inline std::uint8_t command_number(std::string_view text)
{
    return static_cast<std::uint8_t>(std::stoul(std::string{text}, nullptr, 16));
}

} // namespace fwupdate::test
