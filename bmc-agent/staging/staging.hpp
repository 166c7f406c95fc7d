// Staging: where an image gathers, whatever transport brings it. One image at a time, in one file, with a durable
// block map when it has a name, and a digest that runs along. Memory does not grow with the image.
#pragma once

#include "bmc-agent/staging/block_map.hpp"
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/staging/in_place.hpp"
#include "bmc-agent/staging/seal.hpp"
#include "common/sha256.hpp"
#include "common/time.hpp"
#include "transports/image_sink.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace fwupdate::agent
{

class Staging final : public transports::ImageSink
{
  public:
    /// Makes the directory if it is missing. Errors: input_output, with the path.
    [[nodiscard]] static Result<Staging> open(std::filesystem::path directory, std::uint64_t max_image_size);

    /// Starts or resumes the named image: blocks of the same name found here count; any other image is dropped.
    /// `discard`: start afresh. `place`: the bytes gather there, and stay there whatever becomes of the transfer.
    /// Errors: no_space (too large, or the file system is full), input_output.
    [[nodiscard]] Result<void> begin_named(const TransferName& name, bool discard,
                                           const std::optional<InPlace>& place = {});

    /// Starts an image of unknown size, at most `limit` bytes; drops any other. Like begin_named it removes what
    /// set_aside has left.
    [[nodiscard]] Result<void> begin_unnamed(std::uint64_t limit, const std::optional<InPlace>& place = {});

    /// Whether the image that is open gathers in its own place.
    [[nodiscard]] bool is_in_place() const
    {
        return in_place_.has_value();
    }

    // ImageSink
    [[nodiscard]] std::uint64_t size() const override
    {
        return map_ ? map_->name().size : 0;
    }
    [[nodiscard]] bool has_block(std::uint32_t block) const override
    {
        return map_ && map_->has(block);
    }
    [[nodiscard]] Result<void> write_block(std::uint32_t block, ConstBytes bytes) override;

    /// Appends to an unnamed image. Errors: out_of_range (beyond the limit), no_space (the file system is full),
    /// input_output.
    [[nodiscard]] Result<void> append(ConstBytes bytes);

    [[nodiscard]] bool is_open() const
    {
        return image_.is_open();
    }
    [[nodiscard]] bool is_named() const
    {
        return map_.has_value();
    }
    [[nodiscard]] const std::optional<BlockMap>& map() const
    {
        return map_;
    }

    /// Bytes of the image that are here.
    [[nodiscard]] std::uint64_t received() const;

    /// Whether nothing is missing (an unnamed image: at least one byte).
    [[nodiscard]] bool is_complete() const;

    /// Bytes of the whole image as far as known: the name's size, or what was appended.
    [[nodiscard]] std::uint64_t length() const;

    /// Whether the digest has staged bytes to catch up with.
    [[nodiscard]] bool can_hash() const;

    /// Reads one block, checks it against its record and hashes it. A damaged block is forgotten, so that it is sent
    /// again: error integrity.
    [[nodiscard]] Result<void> hash_next();

    /// Bytes hashed so far.
    [[nodiscard]] std::uint64_t hashed() const
    {
        return hashed_;
    }

    /// The digest of the whole image; none while it is incomplete or not hashed to its end.
    [[nodiscard]] std::optional<Sha256> digest() const;

    /// Reads a block for verification and programming: the bytes that the digest is of, or none. Errors: input_output,
    /// also for a block that changed since it was hashed.
    [[nodiscard]] Result<void> read_sealed(std::uint32_t block, Bytes& out) const;

    /// Closes the image; a named one stays on the disk to be resumed, an unnamed one is removed.
    void close();

    /// Closes the image and removes whatever is staged.
    void discard();

    /// Whether an image of `size` bytes could be staged now, staged blocks of another image dropped. Errors: no_space,
    /// input_output.
    [[nodiscard]] Result<void> require_space(std::uint64_t size) const;

    /// Closes the image and keeps its bytes beside, for people who debug: "debug-image" in the directory.
    void set_aside();

    /// Called now and then: removes what is staged once no image has been open for `retention`. By the steady clock:
    /// many a BMC learns the date late.
    void purge(TimePoint now, std::chrono::seconds retention);

  private:
    Staging(std::filesystem::path directory, std::uint64_t max_image_size);

    [[nodiscard]] Result<void> open_image(std::uint64_t size);
    [[nodiscard]] Result<void> open_in_place(std::uint64_t size);
    [[nodiscard]] Result<void> require_room(std::uint64_t size) const;
    void drop_set_aside();
    [[nodiscard]] bool resume(const TransferName& name);
    [[nodiscard]] std::uint32_t block_length(std::uint32_t block) const; ///< bytes
    [[nodiscard]] std::uint32_t next_to_hash() const;
    void hash(ConstBytes bytes);

    std::filesystem::path directory_;
    std::uint64_t max_image_size_{};
    File image_;
    std::optional<InPlace> in_place_; ///< while an image is open
    std::optional<BlockMap> map_;
    std::uint64_t limit_{};    ///< of an unnamed image, bytes
    std::uint64_t appended_{}; ///< bytes of an unnamed image
    Sha256Hasher hasher_;
    Seal seal_;                           ///< of what hasher_ has seen
    std::uint64_t hashed_{};              ///< bytes from the image's beginning
    Bytes block_;                         ///< one block, for reading back
    std::optional<TimePoint> idle_since_; ///< the first purge since an image was open
};

} // namespace fwupdate::agent
