// The text of a file that configures something.
#pragma once

#include "common/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace fwupdate::config
{

struct FileText
{
    std::string text;
    mode_t mode{};
};

/// The whole of a regular file of at most `largest` bytes, through symbolic links. Errors: input_output, invalid_field
/// (no regular file), no_space (larger); the text goes on where the file's name was written.
[[nodiscard]] Result<FileText> read_file_text(const std::filesystem::path& file, std::size_t largest);

} // namespace fwupdate::config
