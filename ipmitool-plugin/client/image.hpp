// The image file: opened and hashed before anything is sent, then read piece by piece.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace fwupdate::client
{

class Image
{
  public:
    /// Opens a regular, non-empty file and hashes it whole. Errors: not_found, invalid_field (no regular file, empty, a
    /// signature's trailer that is damaged), input_output.
    static Result<Image> open(const std::filesystem::path& file);

    Image(Image&& other) noexcept;
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    Image& operator=(Image&&) = delete;
    ~Image();

    [[nodiscard]] const std::filesystem::path& file() const
    {
        return file_;
    }
    [[nodiscard]] std::uint64_t size() const
    {
        return size_;
    }
    [[nodiscard]] const Sha256& sha256() const
    {
        return sha256_;
    }
    /// Of the bytes before the trailer with a signature, which is not installed; without a trailer of all bytes
    /// (protocol-spec/signed-images.md).
    [[nodiscard]] const Sha256& content_sha256() const
    {
        return content_sha256_;
    }

    /// `count` bytes from `offset` on, fewer at the end. Errors: input_output (also when the file has shrunk).
    [[nodiscard]] Result<Bytes> read(std::uint64_t offset, std::size_t count) const;

  private:
    Image(std::filesystem::path file, int descriptor, std::uint64_t size);
    [[nodiscard]] Result<std::uint64_t> content_size() const;
    Result<void> hash();

    std::filesystem::path file_;
    int descriptor_;
    std::uint64_t size_;
    Sha256 sha256_{};
    Sha256 content_sha256_{};
};

} // namespace fwupdate::client
