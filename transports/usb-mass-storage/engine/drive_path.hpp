// usb:// URIs: a path on the virtual drive (specification: transports, "USB").
#pragma once

#include "common/result.hpp"

#include <string>
#include <string_view>

namespace fwupdate::usb
{

inline constexpr std::string_view scheme = "usb://";

/// A path from the drive's root that FAT can have: "image.bin", "dir/image.bin". Exists only when it is valid.
class DrivePath
{
  public:
    /// Reads "usb://path": the path as it is, UTF-8, no percent encoding; a slash in front of it is allowed. Errors:
    /// invalid_field, the sentence says what is wrong with the path.
    [[nodiscard]] static Result<DrivePath> parse(std::string_view uri);

    [[nodiscard]] const std::string& text() const
    {
        return text_;
    }

    /// The same as a pattern of mtools that matches nothing but this path.
    [[nodiscard]] std::string pattern() const;

  private:
    explicit DrivePath(std::string text) : text_{std::move(text)} {}

    std::string text_;
};

} // namespace fwupdate::usb
