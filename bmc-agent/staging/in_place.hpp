// Where an image gathers instead of in the staging directory.
#pragma once

#include <cstdint>
#include <filesystem>

namespace fwupdate::agent
{

/// What the image is for, while nothing runs from there: the slot of two that does not run.
struct InPlace
{
    std::filesystem::path path; ///< a file or a block device, no link
    std::uint64_t capacity{};   ///< bytes

    bool operator==(const InPlace&) const = default;
};

} // namespace fwupdate::agent
