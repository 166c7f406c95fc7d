#include "tools/pldm/metadata_object.hpp"

#include <algorithm>
#include <limits>

namespace fwupdate::tools
{
namespace
{

constexpr std::size_t most_notes = 100;

} // namespace

void MetadataFindings::refuse(std::string_view words, std::string_view place, std::string_view reason)
{
    if (!failure_)
    {
        const std::string detail = std::string{place} + ": " + printable(reason);
        failure_ =
            fail(ErrorKind::invalid_field, words.empty() ? "ERROR: " + detail : std::string{words} + "\n  " + detail);
    }
}

void MetadataFindings::note(std::string_view place, std::string_view reason)
{
    if (notes_.size() == most_notes)
    {
        ++left_out_;
        return;
    }
    notes_.push_back(std::string{place} + ": " + printable(reason));
}

std::vector<std::string> MetadataFindings::notes() const
{
    std::vector<std::string> all = notes_;
    if (left_out_ > 0)
    {
        all.push_back("and " + std::to_string(left_out_) + " more");
    }
    return all;
}

MetadataObject::MetadataObject(const Json* value, std::string place, MetadataFindings& findings)
    : value_{value}, place_{std::move(place)}, findings_{&findings}
{
    if (value_ != nullptr && !value_->is_object())
    {
        findings.refuse({}, place_.empty() ? "the metadata" : place_, "must be an object, {...}");
        value_ = nullptr;
    }
}

std::string MetadataObject::place(std::string_view key) const
{
    return place_.empty() ? std::string{key} : place_ + "." + std::string{key};
}

bool MetadataObject::has(std::string_view key)
{
    known_.emplace(key);
    return !findings_->failure() && value_ != nullptr && value_->contains(key);
}

const Json* MetadataObject::value(std::string_view key)
{
    if (!has(key))
    {
        findings_->refuse({}, place(key), "the key is missing; add it");
        return nullptr;
    }
    return &*value_->find(key);
}

/// Python takes true and false for 1 and 0, and so did every file that the script has taken.
std::optional<std::int64_t> MetadataObject::whole(const Json& value, std::string_view place)
{
    if (value.is_boolean())
    {
        return value.get<bool>() ? 1 : 0;
    }
    if (!value.is_number_integer())
    {
        findings_->refuse({}, place, "must be a whole number, not " + std::string{value.type_name()});
        return std::nullopt;
    }
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(most);
    return too_large ? most : value.get<std::int64_t>();
}

std::uint64_t MetadataObject::number(std::string_view key, std::uint64_t most, std::string_view words)
{
    const Json* const member = value(key);
    const auto number = member == nullptr ? std::nullopt : whole(*member, place(key));
    if (!number)
    {
        return 0;
    }
    if (*number < 0 || static_cast<std::uint64_t>(*number) > most)
    {
        findings_->refuse(words, place(key), member->dump() + " is outside of 0 to " + std::to_string(most));
        return 0;
    }
    return static_cast<std::uint64_t>(*number);
}

const Json* MetadataObject::list(std::string_view key)
{
    const Json* const member = value(key);
    if (member != nullptr && !member->is_array())
    {
        findings_->refuse({}, place(key), "must be a list, [...]");
        return nullptr;
    }
    return member;
}

std::uint32_t MetadataObject::bits(std::string_view key, std::uint32_t known, std::string_view words)
{
    const Json* const member = list(key);
    std::uint32_t word = 0;
    for (std::size_t at = 0; member != nullptr && at < member->size(); ++at)
    {
        const std::string where = place(key) + "[" + std::to_string(at) + "]";
        const auto bit = whole((*member)[at], where);
        if (!bit)
        {
            return 0;
        }
        if (*bit < 0 || *bit > 31 || (known >> *bit & 1) == 0)
        {
            findings_->refuse(words, where, "bit " + std::to_string(*bit) + " is not defined");
            return 0;
        }
        word |= 1U << *bit;
    }
    return word;
}

std::vector<std::uint16_t> MetadataObject::indexes(std::string_view key, std::size_t limit, std::string_view words)
{
    const Json* const member = list(key);
    std::set<std::uint16_t> found;
    for (std::size_t at = 0; member != nullptr && at < member->size(); ++at)
    {
        const std::string where = place(key) + "[" + std::to_string(at) + "]";
        const auto index = whole((*member)[at], where);
        if (!index)
        {
            return {};
        }
        if (*index < 0 || static_cast<std::uint64_t>(*index) >= limit)
        {
            findings_->refuse(words, where,
                              std::to_string(*index) + " is not the index of one of the " + std::to_string(limit) +
                                  " components; the first one has index 0");
            return {};
        }
        found.insert(static_cast<std::uint16_t>(*index));
    }
    return {found.begin(), found.end()};
}

std::string MetadataObject::text(std::string_view key)
{
    const Json* const member = value(key);
    if (member != nullptr && !member->is_string())
    {
        findings_->refuse({}, place(key), "must be a string, not " + std::string{member->type_name()});
        return {};
    }
    return member == nullptr ? std::string{} : member->get<std::string>();
}

Bytes MetadataObject::hex(std::string_view key)
{
    std::string digits = text(key);
    std::ranges::replace_if(
        digits, [](char each) { return each >= '\t' && each <= '\r'; }, ' ');
    auto bytes = from_hex(digits);
    if (!bytes)
    {
        findings_->refuse({}, place(key), bytes.error().text);
        return {};
    }
    return std::move(*bytes);
}

MetadataObject MetadataObject::object(std::string_view key)
{
    return {value(key), place(key), *findings_};
}

std::vector<MetadataObject> MetadataObject::objects(std::string_view key)
{
    std::vector<MetadataObject> all;
    const Json* const member = list(key);
    for (std::size_t at = 0; member != nullptr && at < member->size(); ++at)
    {
        all.emplace_back(&(*member)[at], place(key) + "[" + std::to_string(at) + "]", *findings_);
    }
    return all;
}

bool MetadataObject::extension(std::string_view key)
{
    if (has(key) && !findings_->extended())
    {
        unused(key, "ignored, as pldm_fwup_pkg_creator.py does; --extended writes it");
    }
    return has(key) && findings_->extended();
}

void MetadataObject::unused(std::string_view key, std::string_view reason)
{
    if (has(key))
    {
        findings_->note(place(key), reason);
    }
}

void MetadataObject::derived(std::initializer_list<std::string_view> keys)
{
    for (const std::string_view key : keys)
    {
        known_.emplace(key);
    }
}

void MetadataObject::finish()
{
    if (value_ == nullptr)
    {
        return;
    }
    for (const auto& [key, value] : value_->items())
    {
        if (!known_.contains(key))
        {
            findings_->note(printable(place(key)), "ignored: an unknown key");
        }
    }
}

} // namespace fwupdate::tools
