// The one generic encoder and decoder of every message: a struct declares its fields once, in wire order, as
//     static constexpr auto layout = std::tuple{Field{"state", &Self::state}, ...};
// Integers travel least significant byte first (IPMI 2.0 section 1.7.3). No casts of buffers, no offsets by hand.
//
// Requests are decoded strictly: every byte accounted for, reserved bits and unknown enumerators refused.
// Responses are decoded tolerantly: trailing bytes are ignored, unknown bits and enumerators kept raw.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace fwupdate::codec
{

/// One field of a message: its name in the specification's tables and where it lives.
template <class Owner, class Type> struct Field
{
    std::string_view name;
    Type Owner::*member;
};
// clang 14 doesn't deduce the arguments of an aggregate by itself (P1816).
template <class Owner, class Type> Field(std::string_view, Type Owner::*) -> Field<Owner, Type>;

/// All bytes to the end of the message, viewed (the message's buffer must outlive it). Only as the last field.
struct TrailingBytes
{
    ConstBytes view;

    bool operator==(const TrailingBytes& other) const
    {
        return std::ranges::equal(view, other.view);
    }
};

/// A length byte and that many bytes of text, at most `Limit`.
template <std::size_t Limit> struct Text
{
    static_assert(Limit <= 255);
    static constexpr std::size_t limit = Limit;
    std::string value;

    bool operator==(const Text&) const = default;
};

/// A count byte and that many elements.
template <class Element> struct CountedList
{
    std::vector<Element> items;

    bool operator==(const CountedList&) const = default;
};

/// A word of flags; bits outside `Defined` are reserved: refused in requests, kept in responses.
template <std::unsigned_integral Word, Word Defined> struct Flags
{
    static constexpr Word defined = Defined;
    Word bits{};

    [[nodiscard]] constexpr bool has(Word bit) const
    {
        return (bits & bit) == bit;
    }
    bool operator==(const Flags&) const = default;
};

enum class Strictness : bool
{
    request,  ///< exact length, reserved bits and unknown enumerators refused
    response, ///< trailing bytes, unknown bits and enumerators tolerated
};

template <class M>
concept Message = requires
{
    M::layout;
};

template <class T> inline constexpr bool is_text = false;
template <std::size_t N> inline constexpr bool is_text<Text<N>> = true;
template <class T> inline constexpr bool is_list = false;
template <class T> inline constexpr bool is_list<CountedList<T>> = true;
template <class T> inline constexpr bool is_flags = false;
template <class W, W D> inline constexpr bool is_flags<Flags<W, D>> = true;
template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
template <class T> inline constexpr bool is_byte_array = false;
template <std::size_t N> inline constexpr bool is_byte_array<std::array<std::uint8_t, N>> = true;

/// Reads forward through a buffer, never past its end.
class Reader
{
  public:
    Reader(ConstBytes bytes, Strictness strictness) : rest_{bytes}, strictness_{strictness} {}

    [[nodiscard]] ConstBytes rest() const
    {
        return rest_;
    }
    [[nodiscard]] std::optional<ErrorKind> failure() const
    {
        return failure_;
    }

    template <class T> void read(T& value)
    {
        if constexpr (std::is_enum_v<T>)
        {
            read_enum(value);
        }
        else if constexpr (std::unsigned_integral<T>)
        {
            read_integer(value);
        }
        else if constexpr (is_byte_array<T>)
        {
            std::ranges::copy(take(value.size()), value.begin());
        }
        else if constexpr (is_flags<T>)
        {
            read_flags(value);
        }
        else if constexpr (is_text<T>)
        {
            read_text(value);
        }
        else if constexpr (is_list<T>)
        {
            read_list(value);
        }
        else if constexpr (is_optional<T>)
        {
            if (!rest_.empty())
            {
                read(value.emplace());
            }
        }
        else if constexpr (std::same_as<T, TrailingBytes>)
        {
            value.view = take(rest_.size());
        }
        else
        {
            static_assert(Message<T>);
            std::apply([&](const auto&... field) { (read(value.*field.member), ...); }, T::layout);
        }
    }

  private:
    ConstBytes take(std::size_t count)
    {
        if (count > rest_.size())
        {
            note(ErrorKind::length);
            rest_ = {};
            return {};
        }
        const ConstBytes taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }

    void note(ErrorKind kind)
    {
        failure_ = failure_.value_or(kind);
    }

    template <class T> void read_integer(T& value)
    {
        T sum = 0;
        unsigned shift = 0;
        for (const std::uint8_t byte : take(sizeof(T)))
        {
            sum = static_cast<T>(sum | static_cast<T>(byte) << shift);
            shift += 8;
        }
        value = sum;
    }

    template <class T> void read_enum(T& value)
    {
        std::underlying_type_t<T> raw{};
        read_integer(raw);
        value = static_cast<T>(raw);
        if (strictness_ == Strictness::request && !is_defined(value)) // found by argument-dependent look-up
        {
            note(ErrorKind::invalid_field);
        }
    }

    template <class T> void read_flags(T& value)
    {
        read_integer(value.bits);
        if (strictness_ == Strictness::request && (value.bits & static_cast<decltype(value.bits)>(~T::defined)) != 0)
        {
            note(ErrorKind::invalid_field);
        }
    }

    template <class T> void read_text(T& value)
    {
        std::uint8_t length{};
        read_integer(length);
        value.value = as_text(take(length));
        if (length > T::limit)
        {
            note(ErrorKind::invalid_field);
        }
    }

    template <class T> void read_list(CountedList<T>& value)
    {
        std::uint8_t count{};
        read_integer(count);
        for (std::uint8_t at = 0; at < count && !failure_; ++at)
        {
            // A deployed BMC announces more entries than it sends (facts of 22h): a response may end early.
            if (strictness_ == Strictness::response && rest_.empty())
            {
                return;
            }
            read(value.items.emplace_back());
        }
    }

    ConstBytes rest_;
    Strictness strictness_;
    std::optional<ErrorKind> failure_;
};

template <class T> void append(const T& value, Bytes& out)
{
    if constexpr (std::is_enum_v<T>)
    {
        append(static_cast<std::underlying_type_t<T>>(value), out);
    }
    else if constexpr (std::unsigned_integral<T>)
    {
        for (std::size_t at = 0; at < sizeof(T); ++at)
        {
            out.push_back(static_cast<std::uint8_t>(value >> (8 * at)));
        }
    }
    else if constexpr (is_byte_array<T>)
    {
        out.insert(out.end(), value.begin(), value.end());
    }
    else if constexpr (is_flags<T>)
    {
        append(value.bits, out);
    }
    else if constexpr (is_text<T>)
    {
        const std::string_view text = std::string_view{value.value}.substr(0, T::limit);
        out.push_back(static_cast<std::uint8_t>(text.size()));
        out.insert(out.end(), text.begin(), text.end());
    }
    else if constexpr (is_list<T>)
    {
        out.push_back(static_cast<std::uint8_t>(value.items.size()));
        for (const auto& item : value.items)
        {
            append(item, out);
        }
    }
    else if constexpr (is_optional<T>)
    {
        if (value)
        {
            append(*value, out);
        }
    }
    else if constexpr (std::same_as<T, TrailingBytes>)
    {
        out.insert(out.end(), value.view.begin(), value.view.end());
    }
    else
    {
        static_assert(Message<T>);
        std::apply([&](const auto&... field) { (append(value.*field.member, out), ...); }, T::layout);
    }
}

/// The bytes of a message.
template <Message M> [[nodiscard]] Bytes encode(const M& message)
{
    Bytes out;
    out.reserve(64); // most messages; also keeps g++ 12 from seeing an overflow in vector::insert that is not there
    append(message, out);
    return out;
}

/// Decodes a whole message; errors: ErrorKind::length (completion code C7h), ErrorKind::invalid_field (CCh).
template <Message M> [[nodiscard]] Result<M> decode(ConstBytes bytes, Strictness strictness)
{
    M message{};
    Reader reader{bytes, strictness};
    reader.read(message);
    if (reader.failure() == ErrorKind::length || (strictness == Strictness::request && !reader.rest().empty()))
    {
        return fail(ErrorKind::length, {});
    }
    if (reader.failure())
    {
        return fail(*reader.failure(), {});
    }
    return message;
}

template <Message M> [[nodiscard]] Result<M> decode_request(ConstBytes bytes)
{
    return decode<M>(bytes, Strictness::request);
}

template <Message M> [[nodiscard]] Result<M> decode_response(ConstBytes bytes)
{
    return decode<M>(bytes, Strictness::response);
}

} // namespace fwupdate::codec
