// The ids of the flash blobs: the ones that always are, and the configured ones.
#pragma once

#include "common/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::blobs
{

inline constexpr std::string_view hash_id = "/flash/hash";
inline constexpr std::string_view active_image_id = "/flash/active/image";
inline constexpr std::string_view active_hash_id = "/flash/active/hash";
inline constexpr std::string_view verify_id = "/flash/verify";
inline constexpr std::string_view update_id = "/flash/update";
inline constexpr std::string_view cleanup_id = "/flash/cleanup";

/// The configured ids, at least one. Exists only when each of them can be served.
class FlashIds
{
  public:
    static constexpr std::size_t longest = 128; ///< bytes: fits into a response of every channel

    /// Errors: invalid_field, the sentence names the id: it is not /flash/ and more, it has control characters, it is
    /// too long, it is one that always is, or it is there twice.
    [[nodiscard]] static Result<FlashIds> make(std::vector<std::string> ids);

    [[nodiscard]] const std::vector<std::string>& all() const
    {
        return ids_;
    }
    [[nodiscard]] bool contains(std::string_view id) const;

  private:
    explicit FlashIds(std::vector<std::string> ids) : ids_{std::move(ids)} {}

    std::vector<std::string> ids_;
};

} // namespace fwupdate::agent::blobs
