#include "bmc-agent/blobs/flash_ids.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::agent::blobs
{
namespace
{

constexpr std::string_view prefix = "/flash/";
constexpr std::array always{hash_id, active_image_id, active_hash_id, verify_id, update_id, cleanup_id};

bool is_control(char character)
{
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7F;
}

/// Empty: the id can be served.
std::string_view fault_of(std::string_view id)
{
    if (!id.starts_with(prefix) || id.size() == prefix.size())
    {
        return "it must start with /flash/ and go on";
    }
    if (std::ranges::any_of(id, is_control))
    {
        return "it must have no control characters";
    }
    if (id.size() > FlashIds::longest)
    {
        return "it must not be longer than 128 bytes";
    }
    if (std::ranges::find(always, id) != always.end())
    {
        return "that blob is always there, for another purpose";
    }
    return {};
}

} // namespace

Result<FlashIds> FlashIds::make(std::vector<std::string> ids)
{
    if (ids.empty())
    {
        return fail(ErrorKind::invalid_field, "no blob is configured: at least one /flash/... is needed");
    }
    for (auto id = ids.begin(); id != ids.end(); ++id)
    {
        std::string_view fault = fault_of(*id);
        if (fault.empty() && std::find(ids.begin(), id, *id) != id)
        {
            fault = "it is there twice";
        }
        if (!fault.empty())
        {
            return fail(ErrorKind::invalid_field, "blob " + *id + ": " + std::string{fault});
        }
    }
    return FlashIds{std::move(ids)};
}

bool FlashIds::contains(std::string_view id) const
{
    return std::ranges::find(ids_, id) != ids_.end();
}

} // namespace fwupdate::agent::blobs
