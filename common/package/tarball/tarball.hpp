// Reads an OpenBMC tarball (tar, plain or packed with gzip, xz or zstd) from a source, a slice at a time, and shows
// each member to a visitor in the archive's order. Nothing is written anywhere and no name is ever used as a path.
//
// A verifier that must not hold up its event loop calls `step` until it is true; one with time to spare calls `run`. To
// program a member, read the same (sealed) source again with a visitor that writes the wanted member where it belongs.
#pragma once

#include "common/package/byte_source.hpp"
#include "common/package/tarball/unpacker.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

struct archive;
struct archive_entry;

namespace fwupdate::package
{

/// A regular file in the archive.
struct TarballMember
{
    std::string name;     ///< relative, without "./": printable ASCII, no "..", unique in the archive
    std::uint64_t size{}; ///< bytes
};

/// Sees the members. An error ends the reading and is handed to its caller with the member's name.
class TarballVisitor
{
  public:
    virtual ~TarballVisitor() = default;
    [[nodiscard]] virtual Result<void> begin(const TarballMember& member) = 0;

    /// The member's next bytes, at most Unpacker::slice; together exactly `size` bytes.
    [[nodiscard]] virtual Result<void> data(ConstBytes slice) = 0;
    [[nodiscard]] virtual Result<void> end() = 0;
};

struct TarballLimits
{
    UnpackLimits packing;
    std::uint32_t members{64};               ///< directories included
    std::size_t name{100};                   ///< bytes
    std::uint32_t depth{2};                  ///< parts of a name; a member in a directory has 2
    std::uint64_t member_size{256ULL << 20}; ///< bytes
};

class TarballReader
{
  public:
    /// The visitor must outlive the reader.
    TarballReader(ByteSource source, TarballVisitor& visitor, const TarballLimits& limits = {});
    TarballReader(TarballReader&&) noexcept;
    ~TarballReader();

    /// One member's header or one slice of its bytes. True: the archive was read to its end, end mark and padding
    /// included. Errors: integrity (no tarball, damaged, cut short), denied (a member that is no plain file, or has a
    /// name that could lead elsewhere), no_space (a bound), the source's, the visitor's. An error is final.
    [[nodiscard]] Result<bool> step();

    /// All steps at once.
    [[nodiscard]] Result<void> run();

  private:
    class Feed;
    struct Free
    {
        void operator()(struct archive* reader) const;
    };

    [[nodiscard]] Result<bool> advance();
    [[nodiscard]] Result<bool> read_header();
    [[nodiscard]] Result<void> begin_entry(struct archive_entry* entry);
    [[nodiscard]] Result<void> admit(struct archive_entry* entry);
    [[nodiscard]] Result<bool> read_data();
    [[nodiscard]] Result<void> end_member();
    void note_position();
    [[nodiscard]] Result<bool> check_end();
    [[nodiscard]] Error damaged() const;
    [[nodiscard]] Error of_member(const Error& error) const;

    TarballLimits limits_;
    TarballVisitor* visitor_;
    std::unique_ptr<Feed> feed_; ///< before the archive, which reads from it to its last breath
    std::unique_ptr<struct archive, Free> archive_;
    bool opened_{false};
    bool ended_{false};
    bool in_member_{false};
    TarballMember member_;
    std::uint64_t at_{};          ///< bytes of the member that were shown
    std::uint64_t members_end_{}; ///< bytes of the unpacked archive up to the end of the last member so far
    std::set<std::string> seen_;  ///< names
    Error failure_;               ///< with a text: the reading ended there
};

/// Whether the image's first bytes (262 tell most) are a tarball's: packed, or tar itself. For choosing a reader.
[[nodiscard]] bool looks_like_tarball(ConstBytes header);

} // namespace fwupdate::package
