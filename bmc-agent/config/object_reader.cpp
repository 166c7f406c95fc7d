#include "bmc-agent/config/object_reader.hpp"

#include "bmc-agent/config/values.hpp"
#include "common/bytes.hpp"

#include <algorithm>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t longest_path = 4095;     ///< bytes, PATH_MAX without its NUL
constexpr std::size_t longest_argument = 4095; ///< bytes
constexpr std::size_t most_arguments = 64;

std::string article_and_type(const Json& value)
{
    const std::string name = value.type_name();
    const bool vowel = name.find_first_of("aeiou") == 0;
    return value.is_null() ? name : (vowel ? "an " : "a ") + name;
}

bool is_control(char letter)
{
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F;
}

} // namespace

void wrong_type(const Place& place, std::string_view expected, Findings& findings)
{
    findings.mistake(place.pointer, "is " + article_and_type(*place.value), "write " + std::string{expected});
}

bool read_text(const Place& place, std::string& out, std::size_t longest, Findings& findings)
{
    const auto* const text = place.value->get_ptr<const std::string*>();
    if (text == nullptr)
    {
        wrong_type(place, "text in quotes", findings);
        return false;
    }
    if (text->empty() || text->size() > longest)
    {
        findings.mistake(place.pointer, text->empty() ? "is empty" : std::to_string(text->size()) + " bytes long",
                         "write 1 to " + std::to_string(longest) + " bytes");
        return false;
    }
    if (std::ranges::any_of(*text, is_control))
    {
        findings.mistake(place.pointer, "holds a control character", "write printable characters only");
        return false;
    }
    out = *text;
    return true;
}

bool read_path(const Place& place, std::filesystem::path& out, Findings& findings)
{
    std::string text;
    if (!read_text(place, text, longest_path, findings))
    {
        return false;
    }
    if (text.front() != '/')
    {
        findings.mistake(place.pointer, "\"" + text + "\" is a relative path", "write the path from / on");
        return false;
    }
    out = text;
    return true;
}

ObjectReader::ObjectReader(Place place, Findings& findings) : place_{std::move(place)}, findings_{findings}
{
    if (place_.value != nullptr && !place_.value->is_object())
    {
        wrong_type(place_, "an object, { ... }", findings_);
        place_.value = nullptr;
    }
}

bool ObjectReader::has(std::string_view key) const
{
    return place_.value != nullptr && place_.value->contains(key);
}

void ObjectReader::require(std::string_view key, std::string_view remedy)
{
    if (place_.value != nullptr && !has(key))
    {
        findings_.mistake(pointer(key), "missing", remedy);
    }
}

Place ObjectReader::member(std::string_view key)
{
    known_.push_back(key);
    return {has(key) ? &place_.value->at(std::string{key}) : nullptr, pointer(key)};
}

void ObjectReader::read_number(std::string_view key, std::uint64_t& out, std::uint64_t least, std::uint64_t most)
{
    const Place place = member(key);
    if (place.value == nullptr)
    {
        return;
    }
    const std::string range = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (!place.value->is_number())
    {
        wrong_type(place, range, findings_);
        return;
    }
    const auto* const value = place.value->get_ptr<const Json::number_unsigned_t*>();
    if (value == nullptr || *value < least || *value > most)
    {
        findings_.mistake(place.pointer, place.value->dump() + " is out of range", "write " + range);
        return;
    }
    out = *value;
}

void ObjectReader::seconds(std::string_view key, std::chrono::seconds& out, std::uint64_t least, std::uint64_t most)
{
    auto count = static_cast<std::uint64_t>(out.count());
    read_number(key, count, least, most);
    out = std::chrono::seconds{count};
}

void ObjectReader::flag(std::string_view key, bool& out)
{
    const Place place = member(key);
    if (place.value != nullptr && !place.value->is_boolean())
    {
        wrong_type(place, "true or false", findings_);
    }
    else if (place.value != nullptr)
    {
        out = place.value->get<bool>();
    }
}

void ObjectReader::text(std::string_view key, std::string& out, std::size_t longest)
{
    const Place place = member(key);
    if (place.value != nullptr)
    {
        read_text(place, out, longest, findings_);
    }
}

void ObjectReader::size(std::string_view key, std::uint64_t& out, std::uint64_t most)
{
    const Place place = member(key);
    if (place.value == nullptr)
    {
        return;
    }
    const std::string remedy = "write bytes (1 to " + std::to_string(most) + R"() or text such as "64MiB")";
    const auto* const number = place.value->get_ptr<const Json::number_unsigned_t*>();
    const auto* const text = place.value->get_ptr<const std::string*>();
    if (!place.value->is_number() && text == nullptr)
    {
        wrong_type(place, remedy.substr(std::string_view{"write "}.size()), findings_);
        return;
    }
    const auto value = number != nullptr ? std::optional{*number} : text != nullptr ? parse_size(*text) : std::nullopt;
    if (!value || *value == 0 || *value > most)
    {
        findings_.mistake(place.pointer, printable(place.value->dump()) + " is not a size within the limits", remedy);
        return;
    }
    out = *value;
}

void ObjectReader::path(std::string_view key, std::filesystem::path& out)
{
    const Place place = member(key);
    if (place.value != nullptr)
    {
        read_path(place, out, findings_);
    }
}

void ObjectReader::command(std::string_view key, std::vector<std::string>& out)
{
    const Place list = member(key);
    if (list.value == nullptr)
    {
        return;
    }
    if (!list.value->is_array() || list.value->empty() || list.value->size() > most_arguments)
    {
        findings_.mistake(list.pointer, "is not a program with its arguments",
                          R"(write a list such as ["/usr/bin/systemctl", "reboot"])");
        return;
    }
    std::vector<std::string> arguments;
    for (const Json& item : *list.value)
    {
        const Place place{&item, pointer_to(list.pointer, std::to_string(arguments.size()))};
        if (!read_text(place, arguments.emplace_back(), longest_argument, findings_))
        {
            return;
        }
    }
    if (arguments.front().front() != '/')
    {
        findings_.mistake(pointer_to(list.pointer, "0"), "\"" + arguments.front() + "\" is not an absolute path",
                          "write where the program lies, such as /usr/bin/systemctl");
        return;
    }
    out = std::move(arguments);
}

std::size_t ObjectReader::read_word(std::string_view key, const std::vector<std::string_view>& words)
{
    const Place place = member(key);
    if (place.value == nullptr)
    {
        return words.size();
    }
    const auto* const text = place.value->get_ptr<const std::string*>();
    if (text == nullptr)
    {
        wrong_type(place, one_of(words), findings_);
        return words.size();
    }
    const auto found = static_cast<std::size_t>(std::ranges::find(words, *text) - words.begin());
    if (found == words.size())
    {
        const std::string hint = did_you_mean(*text, words);
        findings_.mistake(place.pointer, "\"" + printable(*text) + "\" is none of the possible words",
                          (hint.empty() ? "" : hint + " ") + "write " + one_of(words));
    }
    return found;
}

std::vector<Place> ObjectReader::items(std::string_view key, std::size_t most, std::string_view what)
{
    const Place list = member(key);
    std::vector<Place> places;
    if (list.value == nullptr)
    {
        return places;
    }
    if (!list.value->is_array())
    {
        wrong_type(list, "a list, [ ... ]", findings_);
        return places;
    }
    if (list.value->empty() || list.value->size() > most)
    {
        findings_.mistake(list.pointer, std::to_string(list.value->size()) + " " + std::string{what},
                          "write 1 to " + std::to_string(most));
    }
    for (const Json& item : *list.value)
    {
        places.push_back({&item, pointer_to(list.pointer, std::to_string(places.size()))});
    }
    return places;
}

void ObjectReader::finish(UnknownKey as)
{
    if (place_.value == nullptr)
    {
        return;
    }
    for (const auto& [key, value] : place_.value->items())
    {
        if (std::ranges::find(known_, std::string_view{key}) == known_.end())
        {
            const std::string hint = did_you_mean(key, known_);
            const std::string remedy = hint.empty() ? "known here: " + one_of(known_) : hint;
            as == UnknownKey::mistake ? findings_.mistake(pointer(key), "unknown key", remedy)
                                      : findings_.warn(pointer(key), "unknown key", remedy);
        }
    }
}

} // namespace fwupdate::config
