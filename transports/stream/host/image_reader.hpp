// The image file as the host's side streams it: block by block, each with its CRC-32, a few of them in memory.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace fwupdate::stream
{

/// A block in memory.
struct ImageBlock
{
    std::uint32_t number{};
    Bytes bytes;
    std::uint32_t check{}; ///< CRC-32 of the bytes
    bool uniform{};        ///< every byte is the same
};

class ImageReader
{
  public:
    /// `cached_blocks`: blocks of 64 KiB kept in memory, at least 1; more than the BMC assembles at a time is a waste.
    /// Errors: input_output (with the file's name and the system's reason), out_of_range (empty, or beyond 4 GiB).
    [[nodiscard]] static Result<ImageReader> open(const std::filesystem::path& file, std::size_t cached_blocks = 48);

    /// Bytes of the image, fixed when it was opened.
    [[nodiscard]] std::uint64_t size() const
    {
        return size_;
    }

    /// A block; the reference is valid until the next call. Errors: out_of_range; input_output, also when the file
    /// has become shorter.
    [[nodiscard]] Result<const ImageBlock*> block(std::uint32_t number);

  private:
    class Descriptor
    {
      public:
        explicit Descriptor(int value) : value_{value} {}
        Descriptor(Descriptor&& other) noexcept;
        Descriptor& operator=(Descriptor&& other) noexcept;
        Descriptor(const Descriptor&) = delete;
        Descriptor& operator=(const Descriptor&) = delete;
        ~Descriptor();
        [[nodiscard]] int get() const
        {
            return value_;
        }

      private:
        int value_;
    };
    struct Cached
    {
        ImageBlock block;
        std::uint64_t used{}; ///< when it was last asked for
    };

    ImageReader(std::filesystem::path file, Descriptor descriptor, std::uint64_t size, std::size_t cached_blocks);
    [[nodiscard]] Cached& slot();
    [[nodiscard]] Result<void> read(std::uint32_t number, ImageBlock& block);

    std::filesystem::path file_;
    Descriptor descriptor_;
    std::uint64_t size_;
    std::size_t limit_;
    std::vector<Cached> cache_;
    std::uint64_t uses_{};
};

} // namespace fwupdate::stream
