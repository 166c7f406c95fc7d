#include "common/package/tarball/manifest.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace fwupdate::package
{
namespace
{

constexpr std::array<std::pair<std::string_view, Purpose>, 6> purposes{{{"Unknown", Purpose::unknown},
                                                                        {"Other", Purpose::other},
                                                                        {"System", Purpose::system},
                                                                        {"BMC", Purpose::bmc},
                                                                        {"Host", Purpose::host},
                                                                        {"PSU", Purpose::psu}}};

Error at_line(std::size_t line, ErrorKind kind, const std::string& reason)
{
    return fail(kind, "MANIFEST, line " + std::to_string(line) + ": " + reason);
}

std::optional<Purpose> purpose_from(std::string_view text)
{
    constexpr std::string_view prefix = "xyz.openbmc_project.Software.Version.VersionPurpose.";
    if (!text.starts_with(prefix))
    {
        return std::nullopt;
    }
    text.remove_prefix(prefix.size());
    const auto* const found =
        std::ranges::find_if(purposes, [&](const auto& candidate) { return candidate.first == text; });
    return found == purposes.end() ? std::nullopt : std::optional{found->second};
}

/// One line as its two halves.
struct Line
{
    std::size_t number{}; ///< from 1
    std::string_view key;
    std::string_view value;
};

/// Fills a Manifest line by line.
class ManifestReader
{
  public:
    [[nodiscard]] Result<void> take(const Line& line)
    {
        if (line.key == "CompatibleName")
        {
            return take_compatible_name(line);
        }
        if (!seen_.insert(line.key).second)
        {
            return at_line(line.number, ErrorKind::invalid_field,
                           "the key " + std::string{line.key} + " is there twice");
        }
        if (line.key == "purpose")
        {
            return take_purpose(line);
        }
        std::string* const place = place_of(line.key);
        if (place == nullptr)
        {
            return {};
        }
        if (line.key == "version" && line.value.size() > Manifest::longest_version)
        {
            return at_line(line.number, ErrorKind::length,
                           "the version is longer than " + std::to_string(Manifest::longest_version) + " bytes");
        }
        *place = line.value;
        return {};
    }

    [[nodiscard]] Result<Manifest> finish()
    {
        if (manifest_.version.empty())
        {
            return fail(ErrorKind::not_found, "MANIFEST has no version");
        }
        if (!seen_.contains("purpose"))
        {
            return fail(ErrorKind::not_found, "MANIFEST has no purpose");
        }
        return std::move(manifest_);
    }

  private:
    [[nodiscard]] std::string* place_of(std::string_view key)
    {
        const std::array<std::pair<std::string_view, std::string*>, 5> places{{
            {"version", &manifest_.version},
            {"ExtendedVersion", &manifest_.extended_version},
            {"MachineName", &manifest_.machine_name},
            {"KeyType", &manifest_.key_type},
            {"HashType", &manifest_.hash_type},
        }};
        const auto* const found =
            std::ranges::find_if(places, [&](const auto& candidate) { return candidate.first == key; });
        return found == places.end() ? nullptr : found->second;
    }

    [[nodiscard]] Result<void> take_purpose(const Line& line)
    {
        const auto purpose = purpose_from(line.value);
        if (!purpose)
        {
            return at_line(line.number, ErrorKind::invalid_field,
                           "the purpose is none of xyz.openbmc_project.Software.Version.VersionPurpose");
        }
        manifest_.purpose = *purpose;
        return {};
    }

    [[nodiscard]] Result<void> take_compatible_name(const Line& line)
    {
        if (line.value.empty() || manifest_.compatible_names.size() == Manifest::most_compatible_names)
        {
            return at_line(line.number, ErrorKind::invalid_field,
                           "CompatibleName is empty, or there are more than " +
                               std::to_string(Manifest::most_compatible_names));
        }
        manifest_.compatible_names.emplace_back(line.value);
        return {};
    }

    Manifest manifest_;
    std::set<std::string_view> seen_; ///< keys, viewed in the text
};

bool is_key(std::string_view key)
{
    return !key.empty() && std::ranges::all_of(key,
                                               [](char letter)
                                               {
                                                   return (letter >= 'a' && letter <= 'z') ||
                                                          (letter >= 'A' && letter <= 'Z') ||
                                                          (letter >= '0' && letter <= '9') || letter == '_' ||
                                                          letter == '-' || letter == '.';
                                               });
}

Result<Line> split(std::size_t number, std::string_view text)
{
    const std::size_t equals = text.find('=');
    const Line line{number, text.substr(0, equals),
                    equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1)};
    if (equals == std::string_view::npos || !is_key(line.key))
    {
        return at_line(number, ErrorKind::invalid_field, "it is not key=value, with a key of letters, digits, _ - .");
    }
    if (line.key.size() + line.value.size() > Manifest::longest_value)
    {
        return at_line(number, ErrorKind::length, "longer than " + std::to_string(Manifest::longest_value) + " bytes");
    }
    if (printable(line.value) != line.value)
    {
        return at_line(number, ErrorKind::invalid_field, "control characters, or bytes that are not UTF-8");
    }
    if (line.value.starts_with(' ') || line.value.ends_with(' '))
    {
        return at_line(number, ErrorKind::invalid_field, "blanks around the value");
    }
    return line;
}

/// Cuts the first line off, without its LF or CR LF.
std::string_view cut_line(std::string_view& text)
{
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (end != std::string_view::npos && line.ends_with('\r'))
    {
        line.remove_suffix(1);
    }
    return line;
}

Result<void> take_line(std::size_t number, std::string_view text, ManifestReader& reader)
{
    if (text.empty())
    {
        return {};
    }
    const auto line = split(number, text);
    return line ? reader.take(*line) : line.error();
}

} // namespace

Result<Manifest> Manifest::parse(std::string_view text)
{
    if (text.size() > longest)
    {
        return fail(ErrorKind::length, "MANIFEST is longer than " + std::to_string(longest) + " bytes");
    }
    ManifestReader reader;
    for (std::size_t number = 1; !text.empty(); ++number)
    {
        if (number > most_lines)
        {
            return at_line(number, ErrorKind::length, "more than " + std::to_string(most_lines) + " lines");
        }
        if (const auto taken = take_line(number, cut_line(text), reader); !taken)
        {
            return taken.error();
        }
    }
    return reader.finish();
}

std::string_view to_text(Purpose purpose)
{
    return purposes.at(static_cast<std::size_t>(purpose)).first;
}

} // namespace fwupdate::package
