// What can go wrong with a version on D-Bus, by the names that OpenBMC's clients know.
#pragma once

#include <boost/system/result.hpp>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::agent::software
{

enum class ErrorCode : std::uint8_t
{
    untar_failure,         ///< the upload is no tarball, or damaged
    manifest_file_failure, ///< no file, no MANIFEST, or one without what it must have
    image_internal_failure,
    image_failure, ///< not for this machine
    busy_failure,
    incompatible, ///< older than the least version
    already_exists,
    invalid_signature,
    update_incompatible,
    update_invalid_signature,
    update_invalid_image,
    timeout,
    internal_failure,
    invalid_argument,
    not_allowed,
    resource_not_found,
    unavailable, ///< something else is under way
    too_many_resources,
    unsupported_request,
};

struct ErrorRow
{
    ErrorCode code{};
    std::string_view name; ///< on D-Bus, and the Message of a log entry
};

inline constexpr auto error_rows = std::to_array<ErrorRow>({
    {ErrorCode::untar_failure, "xyz.openbmc_project.Software.Image.Error.UnTarFailure"},
    {ErrorCode::manifest_file_failure, "xyz.openbmc_project.Software.Image.Error.ManifestFileFailure"},
    {ErrorCode::image_internal_failure, "xyz.openbmc_project.Software.Image.Error.InternalFailure"},
    {ErrorCode::image_failure, "xyz.openbmc_project.Software.Image.Error.ImageFailure"},
    {ErrorCode::busy_failure, "xyz.openbmc_project.Software.Image.Error.BusyFailure"},
    {ErrorCode::incompatible, "xyz.openbmc_project.Software.Version.Error.Incompatible"},
    {ErrorCode::already_exists, "xyz.openbmc_project.Software.Version.Error.AlreadyExists"},
    {ErrorCode::invalid_signature, "xyz.openbmc_project.Software.Version.Error.InvalidSignature"},
    {ErrorCode::update_incompatible, "xyz.openbmc_project.Software.Update.Error.Incompatible"},
    {ErrorCode::update_invalid_signature, "xyz.openbmc_project.Software.Update.Error.InvalidSignature"},
    {ErrorCode::update_invalid_image, "xyz.openbmc_project.Software.Update.Error.InvalidImage"},
    {ErrorCode::timeout, "xyz.openbmc_project.Common.Error.Timeout"},
    {ErrorCode::internal_failure, "xyz.openbmc_project.Common.Error.InternalFailure"},
    {ErrorCode::invalid_argument, "xyz.openbmc_project.Common.Error.InvalidArgument"},
    {ErrorCode::not_allowed, "xyz.openbmc_project.Common.Error.NotAllowed"},
    {ErrorCode::resource_not_found, "xyz.openbmc_project.Common.Error.ResourceNotFound"},
    {ErrorCode::unavailable, "xyz.openbmc_project.Common.Error.Unavailable"},
    {ErrorCode::too_many_resources, "xyz.openbmc_project.Common.Error.TooManyResources"},
    {ErrorCode::unsupported_request, "xyz.openbmc_project.Common.Error.UnsupportedRequest"},
});

[[nodiscard]] constexpr std::string_view dbus_name(ErrorCode code)
{
    return error_rows.at(static_cast<std::size_t>(code)).name;
}

static_assert(
    []
    {
        for (std::size_t at = 0; at < error_rows.size(); ++at)
        {
            if (static_cast<std::size_t>(error_rows.at(at).code) != at)
            {
                return false;
            }
        }
        return error_rows.back().code == ErrorCode::unsupported_request;
    }(),
    "each code has its row, in order");

/// A refusal: its name, a sentence for a person, and what OpenBMC's log entries carry beside (PATH, MIN_VERSION, ...).
struct Refusal
{
    ErrorCode code{};
    std::string text;
    std::vector<std::pair<std::string, std::string>> metadata{};

    bool operator==(const Refusal&) const = default;
};

/// Reading the value of a failed result is a bug of ours.
[[noreturn]] inline void throw_exception_from_error(const Refusal& refusal, const boost::source_location&)
{
    throw std::logic_error("unchecked result: " + refusal.text);
}

/// Either a T or a Refusal.
template <class T> class [[nodiscard]] Outcome : public boost::system::result<T, Refusal>
{
  public:
    using boost::system::result<T, Refusal>::result;
};

} // namespace fwupdate::agent::software
