// Reads the members of one JSON object, typed and bounded. A key that nobody asked for is unknown: the readers are
// the schema, there is no second list.
#pragma once

#include "bmc-agent/config/document.hpp"
#include "bmc-agent/config/findings.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::config
{

/// A value and where it stands.
struct Place
{
    const Json* value{};
    std::string pointer;
};

/// A word of the configuration and what it stands for.
template <class Enum> using Word = std::pair<std::string_view, Enum>;

/// What a key is that nobody knows.
enum class UnknownKey : std::uint8_t
{
    mistake,
    warning,
};

class ObjectReader
{
  public:
    /// `place.value` nullptr: an absent object, without members. Anything but an object is a mistake, told here.
    ObjectReader(Place place, Findings& findings);

    [[nodiscard]] const std::string& pointer() const
    {
        return place_.pointer;
    }
    [[nodiscard]] std::string pointer(std::string_view key) const
    {
        return pointer_to(place_.pointer, key);
    }
    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] Findings& findings() const
    {
        return findings_;
    }

    /// A mistake if the key is absent from an object that is there.
    void require(std::string_view key, std::string_view remedy);

    /// The member, or an absent place. Marks the key as known, as all readers below do.
    [[nodiscard]] Place member(std::string_view key);

    // Each reader leaves `out` alone when the key is absent or wrong.

    template <std::unsigned_integral T>
    void number(std::string_view key, T& out, std::uint64_t least, std::uint64_t most)
    {
        static_assert(!std::same_as<T, bool>);
        std::uint64_t value = out;
        read_number(key, value, least, most);
        out = static_cast<T>(value);
    }
    void seconds(std::string_view key, std::chrono::seconds& out, std::uint64_t least, std::uint64_t most);
    void flag(std::string_view key, bool& out);
    void text(std::string_view key, std::string& out, std::size_t longest);

    /// Bytes: a number, or text such as "64MiB".
    void size(std::string_view key, std::uint64_t& out, std::uint64_t most);

    /// An absolute path.
    void path(std::string_view key, std::filesystem::path& out);

    /// A program and its arguments; the program by absolute path, as there is no shell and no search.
    void command(std::string_view key, std::vector<std::string>& out);

    /// True: the word was there and is a known one.
    template <class Enum, std::size_t Count>
    bool word(std::string_view key, Enum& out, const std::array<Word<Enum>, Count>& words)
    {
        std::vector<std::string_view> names;
        names.reserve(Count);
        for (const auto& [name, value] : words)
        {
            names.push_back(name);
        }
        const std::size_t at = read_word(key, names);
        if (at < Count)
        {
            out = words[at].second;
        }
        return at < Count;
    }

    /// The members of an array of 1..most; empty when absent or not an array. `what` they are, for the mistake.
    [[nodiscard]] std::vector<Place> items(std::string_view key, std::size_t most, std::string_view what);

    /// Tells every unknown key. Call it last.
    void finish(UnknownKey as = UnknownKey::mistake);

  private:
    void read_number(std::string_view key, std::uint64_t& out, std::uint64_t least, std::uint64_t most);
    [[nodiscard]] std::size_t read_word(std::string_view key, const std::vector<std::string_view>& words);

    Place place_;
    Findings& findings_;
    std::vector<std::string_view> known_; ///< keys asked for; string literals of the readers
};

/// Text without control characters of 1..longest bytes; a mistake and false otherwise.
bool read_text(const Place& place, std::string& out, std::size_t longest, Findings& findings);

/// An absolute path.
bool read_path(const Place& place, std::filesystem::path& out, Findings& findings);

/// Says that a value has the wrong type.
void wrong_type(const Place& place, std::string_view expected, Findings& findings);

} // namespace fwupdate::config
