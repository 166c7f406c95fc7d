// Reading through a package header field by field, with the name and place of each at hand for what goes wrong.
#pragma once

#include "common/bytes.hpp"
#include "common/package/package.hpp"
#include "common/package/wire.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::pldm
{

/// A field: "FirmwareDeviceIDRecords[0].RecordLength", and bytes from the package's start.
struct Place
{
    std::string field;
    std::size_t offset{};
};

/// What is wrong with a package: the first reason to refuse it, and warnings.
class Report
{
  public:
    explicit Report(Tolerance tolerance) : tolerance_{tolerance} {}

    void refuse(ErrorKind kind, const Place& place, std::string_view reason);
    void warn(const Place& place, std::string_view reason);

    /// What OpenBMC's script writes and the specification doesn't allow: refused, or a warning to who asked for that.
    void tolerate(ErrorKind kind, const Place& place, std::string_view reason);

    [[nodiscard]] const std::optional<Error>& failure() const
    {
        return failure_;
    }

    /// At most most_warnings, and one that tells how many more there are.
    [[nodiscard]] std::vector<std::string> warnings() const;

  private:
    Tolerance tolerance_;
    std::optional<Error> failure_;
    std::vector<std::string> warnings_;
    std::size_t left_out_{};
};

/// Reads forward, never past the end. After the first failure everything reads as nothing.
class Cursor
{
  public:
    /// `offset`: where the bytes start in the package; `path`: what they are, or empty; `whole`: "the header".
    Cursor(ConstBytes bytes, std::size_t offset, std::string path, std::string_view whole, Report& report)
        : bytes_{bytes}, offset_{offset}, path_{std::move(path)}, whole_{whole}, report_{&report}
    {
    }

    [[nodiscard]] bool failed() const
    {
        return report_->failure().has_value();
    }
    [[nodiscard]] Report& report() const
    {
        return *report_;
    }
    [[nodiscard]] std::size_t offset() const
    {
        return offset_;
    }
    [[nodiscard]] std::size_t rest() const
    {
        return bytes_.size();
    }

    /// From here on fields belong to `path`.
    void rename(std::string path)
    {
        path_ = std::move(path);
    }

    /// The place of a field that starts here, or at an offset.
    [[nodiscard]] Place place(std::string_view field) const
    {
        return place(field, offset_);
    }
    [[nodiscard]] Place place(std::string_view field, std::size_t offset) const;

    /// That many bytes.
    ConstBytes take(std::string_view field, std::uint64_t count);

    template <std::unsigned_integral T> T integer(std::string_view field)
    {
        T value = 0;
        unsigned shift = 0;
        for (const std::uint8_t byte : take(field, sizeof(T)))
        {
            value = static_cast<T>(value | static_cast<T>(byte) << shift);
            shift += 8;
        }
        return value;
    }

    /// A message's fields by its layout.
    template <codec::Message M> void read(M& message)
    {
        std::apply([&](const auto&... field) { (read(field.name, message.*field.member), ...); }, M::layout);
    }

    /// A string of that type and length; refuses bytes that are none.
    VersionString text(std::string_view field, std::uint8_t type, std::uint8_t length);

    /// A cursor over that many bytes, which are skipped here; `path` as in the constructor.
    Cursor part(std::string_view field, std::uint64_t count, std::string path, std::string_view whole);

  private:
    template <class T> void read(std::string_view field, T& value)
    {
        if constexpr (codec::Message<T>)
        {
            read(value);
        }
        else if constexpr (codec::is_byte_array<T>)
        {
            std::ranges::copy(take(field, value.size()), value.begin());
        }
        else
        {
            value = integer<T>(field);
        }
    }

    ConstBytes bytes_;
    std::size_t offset_;
    std::string path_;
    std::string_view whole_;
    Report* report_;
};

/// "FirmwareDeviceIDRecords[3]".
[[nodiscard]] std::string indexed(std::string_view name, std::size_t index);

} // namespace fwupdate::pldm
