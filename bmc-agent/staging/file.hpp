// A file descriptor that closes itself, and the few operations on files the agent needs, with errors as sentences.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace fwupdate::agent
{

class File
{
  public:
    File() = default;
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    ~File();

    /// Opens with open(2)'s flags (O_CLOEXEC and O_NOFOLLOW added); new files get `mode`.
    [[nodiscard]] static Result<File> open(const std::filesystem::path& path, int flags, mode_t mode = 0600);

    /// Owns a descriptor from elsewhere from now on; `name`: for errors.
    [[nodiscard]] static File adopt(int descriptor, std::filesystem::path name);

    [[nodiscard]] bool is_open() const
    {
        return descriptor_ >= 0;
    }
    [[nodiscard]] int descriptor() const
    {
        return descriptor_;
    }
    [[nodiscard]] const std::filesystem::path& path() const
    {
        return path_;
    }

    void close() noexcept;

    /// Writes everything at `offset` (bytes). Errors: no_space, input_output.
    [[nodiscard]] Result<void> write_at(std::uint64_t offset, ConstBytes bytes) const;

    /// Fills the whole buffer from `offset`. Errors: length (the file ends before), input_output.
    [[nodiscard]] Result<void> read_at(std::uint64_t offset, MutableBytes out) const;

    [[nodiscard]] Result<struct ::stat> status() const;
    [[nodiscard]] Result<void> truncate(std::uint64_t size) const;

    /// Reserves the file's space where the file system can; not an error where it can't. Errors: no_space.
    [[nodiscard]] Result<void> reserve(std::uint64_t size) const;

    /// Waits until the file's bytes are on the medium.
    [[nodiscard]] Result<void> sync() const;

    /// Starts the write-out of a range and does not wait: keeps the later sync short.
    void start_write_out(std::uint64_t offset, std::uint64_t size) const noexcept;

    /// Lets the kernel forget the cached bytes, so that the next read comes from the medium.
    void drop_cache() const noexcept;

  private:
    int descriptor_{-1};
    std::filesystem::path path_;
};

/// An Error for the operation that just failed with errno: "cannot WHAT PATH: why".
[[nodiscard]] Error system_error(const char* what, const std::filesystem::path& path);

/// Renames within one directory and syncs the directory: after a power cut the old or the new file is there, whole.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Writes a small file beside `path`, syncs it and puts it in its place.
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view text,
                                                 mode_t mode = 0600);

/// Reads a small file whole; at most `limit` bytes. Errors: not_found, length, input_output.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

} // namespace fwupdate::agent
