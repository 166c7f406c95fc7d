// A message's layout as the rows of the byte table that the specification prints for it.
#pragma once

#include "common/codec.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <vector>

namespace fwupdate::test
{

struct LayoutRow
{
    std::string byte;  ///< "4", "4..7", "9.." or "then"
    std::string field; ///< name
    std::string type;

    bool operator==(const LayoutRow&) const = default;
};

/// The name of a type without its namespaces.
template <class T> std::string type_name()
{
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name{
        abi::__cxa_demangle(typeid(T).name(), nullptr, nullptr, &status), &std::free};
    const std::string full = name ? name.get() : typeid(T).name();
    return full.substr(full.rfind(':') + 1);
}

/// Upper-case hexadecimal digits, at least two, and an h: as the pages write masks.
inline std::string hex_h(std::uint64_t value)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    while (value != 0 || text.size() < 2)
    {
        text.insert(text.begin(), digits[value & 0x0F]);
        value >>= 4;
    }
    return text + "h";
}

/// What the Type column says, and the bytes it takes where that is fixed.
struct TypeText
{
    std::string text;
    std::optional<std::size_t> size;
};

inline TypeText integer_text(std::size_t size)
{
    return {"u" + std::to_string(size * 8), size};
}

template <class T> TypeText type_text()
{
    if constexpr (std::is_enum_v<T>)
    {
        const TypeText integer = integer_text(sizeof(T));
        return {integer.text + " " + type_name<T>(), integer.size};
    }
    else if constexpr (std::unsigned_integral<T>)
    {
        return integer_text(sizeof(T));
    }
    else if constexpr (codec::is_flags<T>)
    {
        const TypeText integer = integer_text(sizeof(T::defined));
        return {integer.text + " flags " + hex_h(T::defined), integer.size};
    }
    else if constexpr (codec::is_byte_array<T>)
    {
        constexpr std::size_t size = std::tuple_size_v<T>;
        return {std::to_string(size) + " bytes", size};
    }
    else if constexpr (codec::is_text<T>)
    {
        return {"text <= " + std::to_string(T::limit), std::nullopt};
    }
    else if constexpr (std::same_as<T, codec::TrailingBytes>)
    {
        return {"rest", std::nullopt};
    }
    else if constexpr (codec::is_list<T>)
    {
        return {"list of " + type_name<typename decltype(T::items)::value_type>(), std::nullopt};
    }
    else
    {
        static_assert(codec::is_optional<T>);
        const TypeText inner = type_text<typename T::value_type>();
        return {"optional " + inner.text, inner.size};
    }
}

inline std::string byte_text(std::optional<std::size_t> at, std::optional<std::size_t> size)
{
    if (!at)
    {
        return "then";
    }
    if (!size)
    {
        return std::to_string(*at) + "..";
    }
    return *size == 1 ? std::to_string(*at) : std::to_string(*at) + ".." + std::to_string(*at + *size - 1);
}

/// The rows of a message's byte table.
template <codec::Message M> std::vector<LayoutRow> layout_rows()
{
    std::vector<LayoutRow> rows;
    std::optional<std::size_t> at = 0;
    const auto add = [&]<class Owner, class T>(const codec::Field<Owner, T>& field)
    {
        const TypeText type = type_text<T>();
        rows.push_back({byte_text(at, type.size), std::string{field.name}, type.text});
        const bool moves_on = at && type.size && !codec::is_optional<T>;
        at = moves_on ? std::optional{*at + *type.size} : std::nullopt;
    };
    std::apply([&](const auto&... field) { (add(field), ...); }, M::layout);
    return rows;
}

} // namespace fwupdate::test
