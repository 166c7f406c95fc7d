// Files as the tools need them: read at a place, and written so that nothing half stays.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

namespace fwupdate::tools
{

/// Bytes that go through memory at a time.
inline constexpr std::size_t slice_size = std::size_t{256} * 1024;

/// A file descriptor that closes itself.
class Descriptor
{
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor();

    [[nodiscard]] int number() const
    {
        return number_;
    }

    /// Closes it now; false: something written before has failed.
    [[nodiscard]] bool close();

  private:
    int number_{-1};
};

/// A regular file, opened for reading. Errors of all functions: ErrorKind::input_output, with the file's name.
class InputFile
{
  public:
    [[nodiscard]] static Result<InputFile> open(const std::filesystem::path& path);

    /// Bytes, when it was opened.
    [[nodiscard]] std::uint64_t size() const
    {
        return size_;
    }

    /// Fills `out` with what stands at `offset`; a file that ends before is an error.
    [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const;

  private:
    InputFile(Descriptor descriptor, std::string name, std::uint64_t size)
        : descriptor_{std::move(descriptor)}, name_{std::move(name)}, size_{size}
    {
    }

    Descriptor descriptor_;
    std::string name_; ///< printable
    std::uint64_t size_;
};

/// Calls `take` (Result<void>(ConstBytes)) with `size` bytes from `offset` on, in slices; ends at the first failure.
template <class Take>
[[nodiscard]] Result<void> for_each_slice(const InputFile& file, std::uint64_t offset, std::uint64_t size, Take take)
{
    Bytes slice(static_cast<std::size_t>(std::min<std::uint64_t>(size, slice_size)));
    while (size > 0)
    {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, slice.size()));
        const MutableBytes part = MutableBytes{slice}.first(count);
        if (auto read = file.read(offset, part); !read)
        {
            return read;
        }
        if (Result<void> taken = take(ConstBytes{part}); !taken)
        {
            return taken;
        }
        offset += count;
        size -= count;
    }
    return {};
}

enum class Existing : bool
{
    keep,    ///< a file of that name is an error (ErrorKind::wrong_state)
    replace, ///< it stays as it is until the new one is whole
};

/// A file that is being written. Without commit() nothing of it stays.
class OutputFile
{
  public:
    /// `directory`: a descriptor, or AT_FDCWD; `name`: where the file goes; `shown`: its name for people.
    [[nodiscard]] static Result<OutputFile> create(int directory, std::string name, std::string shown,
                                                   Existing existing);
    OutputFile(OutputFile&& other) noexcept;
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    OutputFile& operator=(OutputFile&&) = delete;
    ~OutputFile();

    [[nodiscard]] Result<void> append(ConstBytes bytes);

    /// Writes over bytes that are there.
    [[nodiscard]] Result<void> write(std::uint64_t offset, ConstBytes bytes);

    /// The file is whole: it gets its name.
    [[nodiscard]] Result<void> commit();

  private:
    OutputFile() = default;
    [[nodiscard]] Error failure(const char* what) const;

    Descriptor descriptor_;
    int directory_{};
    std::string name_;
    std::string shown_;
    std::string present_; ///< the name that it has now; empty: none that is to be removed
    std::uint64_t size_{};
};

} // namespace fwupdate::tools
