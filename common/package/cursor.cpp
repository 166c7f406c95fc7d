#include "common/package/cursor.hpp"

namespace fwupdate::pldm
{
namespace
{

constexpr std::size_t most_warnings = 32; ///< a header of 64 KiB can give cause for thousands

std::string sentence(const Place& place, std::string_view reason)
{
    return place.field + " at offset " + std::to_string(place.offset) + ": " + std::string{reason};
}

} // namespace

void Report::refuse(ErrorKind kind, const Place& place, std::string_view reason)
{
    if (!failure_)
    {
        failure_ = fail(kind, sentence(place, reason));
    }
}

void Report::warn(const Place& place, std::string_view reason)
{
    if (warnings_.size() == most_warnings)
    {
        ++left_out_;
        return;
    }
    warnings_.push_back(sentence(place, reason));
}

void Report::tolerate(ErrorKind kind, const Place& place, std::string_view reason)
{
    tolerance_ == Tolerance::script ? warn(place, reason) : refuse(kind, place, reason);
}

std::vector<std::string> Report::warnings() const
{
    std::vector<std::string> all = warnings_;
    if (left_out_ > 0)
    {
        all.push_back("and " + std::to_string(left_out_) + " more warnings");
    }
    return all;
}

Place Cursor::place(std::string_view field, std::size_t offset) const
{
    return {path_.empty() ? std::string{field} : path_ + "." + std::string{field}, offset};
}

ConstBytes Cursor::take(std::string_view field, std::uint64_t count)
{
    if (failed() || count > bytes_.size())
    {
        report_->refuse(ErrorKind::length, place(field),
                        "takes " + std::to_string(count) + " bytes, but only " + std::to_string(bytes_.size()) +
                            " of " + std::string{whole_} + " are left");
        bytes_ = {};
        return {};
    }
    const auto size = static_cast<std::size_t>(count);
    const ConstBytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    offset_ += size;
    return taken;
}

VersionString Cursor::text(std::string_view field, std::uint8_t type, std::uint8_t length)
{
    const Place where = place(field);
    VersionString string{static_cast<StringType>(type), as_text(take(field, length))};
    if (const auto fault = fault_of(string); fault && !failed())
    {
        report_->refuse(ErrorKind::invalid_field, where, *fault);
    }
    return string;
}

Cursor Cursor::part(std::string_view field, std::uint64_t count, std::string path, std::string_view whole)
{
    const std::size_t start = offset_;
    return {take(field, count), start, std::move(path), whole, *report_};
}

std::string indexed(std::string_view name, std::size_t index)
{
    return std::string{name} + "[" + std::to_string(index) + "]";
}

} // namespace fwupdate::pldm
