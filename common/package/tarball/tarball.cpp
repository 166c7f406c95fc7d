#include "common/package/tarball/tarball.hpp"

#include "common/package/tarball/member_name.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <optional>
#include <utility>

namespace fwupdate::package
{
namespace
{

constexpr std::uint64_t record = 512;              ///< bytes; tar's unit
constexpr std::uint64_t most_padding = 1ULL << 20; ///< bytes of zeros behind the end mark; tar writes 10 KiB or less

/// Unpacked bytes that one step may take: libarchive reads a member's special headers all at once, a MiB each.
constexpr std::uint64_t most_at_once = 1ULL << 20;

/// What a member is when it is not a plain file, with what to do about it; nothing for files and directories.
const char* unwelcome_kind(struct archive_entry* entry)
{
    if (::archive_entry_hardlink(entry) != nullptr)
    {
        return "is a hard link; pack copies with tar --hard-dereference";
    }
    if (::archive_entry_symlink(entry) != nullptr)
    {
        return "is a symbolic link; pack what it leads to with tar -h";
    }
    const auto type = ::archive_entry_filetype(entry);
    if (type == AE_IFDIR && ::archive_entry_size(entry) != 0)
    {
        return "is a directory with bytes of its own";
    }
    if (type != AE_IFREG && type != AE_IFDIR)
    {
        return "is a device, a pipe or a socket; only files are taken";
    }
    return ::archive_entry_sparse_count(entry) > 0 ? "is a sparse file; pack it without tar -S" : nullptr;
}

std::string in_quotes(std::string_view name)
{
    constexpr std::size_t shown = 100;
    return "\"" + printable(name.substr(0, shown)) + (name.size() > shown ? "...\"" : "\"");
}

} // namespace

/// Hands unpacked bytes to libarchive, and remembers what libarchive would forget: why a read failed, how many bytes
/// there were, how many zeros they end with.
class TarballReader::Feed
{
  public:
    Feed(ByteSource source, const UnpackLimits& limits) : unpacker_{std::move(source), limits} {}

    /// archive_read_callback.
    static la_ssize_t read(struct archive* reader, void* self, const void** buffer)
    {
        auto& feed = *static_cast<Feed*>(self);
        const auto slice = feed.next();
        if (!slice)
        {
            ::archive_set_error(reader, EIO, "the source failed");
            return -1;
        }
        *buffer = slice->data();
        return static_cast<la_ssize_t>(slice->size());
    }

    /// How many bytes may be read until the next call of this.
    void allow(std::uint64_t bytes)
    {
        limit_ = total_ + bytes;
    }

    [[nodiscard]] Result<ConstBytes> next()
    {
        if (!failure_ && total_ > limit_)
        {
            failure_ = fail(ErrorKind::no_space,
                            "a member has special headers of more than " + std::to_string(most_at_once) + " bytes");
        }
        if (failure_)
        {
            return *failure_;
        }
        auto slice = unpacker_.next();
        if (!slice)
        {
            failure_ = slice.error();
            return *failure_;
        }
        total_ += slice->size();
        const auto last = std::find_if(slice->rbegin(), slice->rend(), [](std::uint8_t byte) { return byte != 0; });
        const auto zeros = static_cast<std::uint64_t>(last - slice->rbegin());
        zeros_ = last == slice->rend() ? zeros_ + zeros : zeros;
        return slice;
    }

    [[nodiscard]] const std::optional<Error>& failure() const
    {
        return failure_;
    }
    [[nodiscard]] std::uint64_t total() const
    {
        return total_;
    }
    [[nodiscard]] std::uint64_t zeros() const
    {
        return zeros_;
    }

  private:
    Unpacker unpacker_;
    std::optional<Error> failure_;
    std::uint64_t limit_{}; ///< bytes given, from which on no more are
    std::uint64_t total_{}; ///< bytes given
    std::uint64_t zeros_{}; ///< of them, zeros at the end
};

void TarballReader::Free::operator()(struct archive* reader) const
{
    ::archive_read_free(reader);
}

TarballReader::TarballReader(ByteSource source, TarballVisitor& visitor, const TarballLimits& limits)
    : limits_{limits},
      visitor_{&visitor},
      feed_{std::make_unique<Feed>(std::move(source), limits.packing)},
      archive_{::archive_read_new()}
{
    if (!archive_ || ::archive_read_support_format_tar(archive_.get()) != ARCHIVE_OK)
    {
        throw std::bad_alloc{};
    }
}

TarballReader::TarballReader(TarballReader&&) noexcept = default;
TarballReader::~TarballReader() = default;

Result<bool> TarballReader::step()
{
    if (!failure_.text.empty())
    {
        return failure_;
    }
    auto ended = advance();
    if (!ended)
    {
        failure_ = ended.error();
    }
    return ended;
}

Result<void> TarballReader::run()
{
    while (true)
    {
        const auto ended = step();
        if (!ended)
        {
            return ended.error();
        }
        if (*ended)
        {
            return {};
        }
    }
}

Result<bool> TarballReader::advance()
{
    if (ended_)
    {
        return true;
    }
    feed_->allow(most_at_once);
    if (!opened_)
    {
        opened_ = true;
        if (::archive_read_open(archive_.get(), feed_.get(), nullptr, &Feed::read, nullptr) != ARCHIVE_OK)
        {
            return damaged();
        }
        return false;
    }
    return in_member_ ? read_data() : read_header();
}

Result<bool> TarballReader::read_header()
{
    struct archive_entry* entry = nullptr;
    const int code = ::archive_read_next_header(archive_.get(), &entry);
    if (code == ARCHIVE_EOF)
    {
        return check_end();
    }
    if (code != ARCHIVE_OK)
    {
        return damaged();
    }
    note_position();
    if (const auto begun = begin_entry(entry); !begun)
    {
        return begun.error();
    }
    return false;
}

Result<void> TarballReader::begin_entry(struct archive_entry* entry)
{
    const char* const path = ::archive_entry_pathname(entry);
    if (path == nullptr)
    {
        return fail(ErrorKind::denied, "the tarball has a member with a name that is not plain ASCII");
    }
    member_ = {plain_member_name(path), 0};
    at_ = 0;
    if (const auto admitted = admit(entry); !admitted)
    {
        return of_member(admitted.error());
    }
    if (::archive_entry_filetype(entry) == AE_IFDIR)
    {
        return {};
    }
    in_member_ = true;
    member_.size = static_cast<std::uint64_t>(::archive_entry_size(entry));
    const auto begun = visitor_->begin(member_);
    return begun ? Result<void>{} : of_member(begun.error());
}

Result<void> TarballReader::admit(struct archive_entry* entry)
{
    if (const char* const kind = unwelcome_kind(entry))
    {
        return fail(ErrorKind::denied, kind);
    }
    if (::archive_entry_filetype(entry) == AE_IFDIR && member_.name == ".")
    {
        return {}; // `tar -C directory .` begins with it
    }
    if (const auto named = check_member_name(member_.name, {limits_.name, limits_.depth}); !named)
    {
        return named.error();
    }
    const auto size = ::archive_entry_size(entry);
    if (::archive_entry_size_is_set(entry) == 0 || size < 0 || std::cmp_greater(size, limits_.member_size))
    {
        return fail(ErrorKind::no_space, "is larger than " + std::to_string(limits_.member_size) + " bytes");
    }
    if (!seen_.insert(member_.name).second)
    {
        return fail(ErrorKind::denied, "is there twice");
    }
    if (seen_.size() > limits_.members)
    {
        return fail(ErrorKind::no_space, "is one too many: a tarball has at most " + std::to_string(limits_.members));
    }
    return {};
}

Result<bool> TarballReader::read_data()
{
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int code = ::archive_read_data_block(archive_.get(), &data, &size, &offset);
    if (code == ARCHIVE_EOF)
    {
        if (const auto ended = end_member(); !ended)
        {
            return ended.error();
        }
        return false;
    }
    if (code != ARCHIVE_OK)
    {
        return of_member(damaged());
    }
    if (std::cmp_not_equal(offset, at_) || size > member_.size - at_)
    {
        return of_member(fail(ErrorKind::denied, "has gaps or too many bytes"));
    }
    at_ += size;
    if (const auto taken = visitor_->data({static_cast<const std::uint8_t*>(data), size}); !taken)
    {
        return of_member(taken.error());
    }
    return false;
}

Result<void> TarballReader::end_member()
{
    in_member_ = false;
    note_position();
    if (at_ != member_.size)
    {
        return of_member(fail(ErrorKind::integrity, "ends early"));
    }
    if (const auto ended = visitor_->end(); !ended)
    {
        return of_member(ended.error());
    }
    return {};
}

/// Before libarchive looks for the next header, and takes zeros on its way.
void TarballReader::note_position()
{
    const auto consumed = static_cast<std::uint64_t>(::archive_filter_bytes(archive_.get(), 0));
    members_end_ = (consumed + record - 1) / record * record;
}

/// libarchive is content without an end mark, and blind behind it: a tarball that was cut between two members, or has
/// another one behind it, would pass for a whole one.
Result<bool> TarballReader::check_end()
{
    feed_->allow(2 * most_padding);
    while (true)
    {
        const auto slice = feed_->next();
        if (!slice)
        {
            return damaged();
        }
        if (slice->empty() || feed_->total() > members_end_ + most_padding)
        {
            break;
        }
    }
    // Everything behind the last member is zeros, two records of them or more.
    const std::uint64_t behind = feed_->total() - std::min(feed_->total(), members_end_);
    if (behind < 2 * record || behind > most_padding || behind > feed_->zeros())
    {
        return fail(ErrorKind::integrity, "the tarball is cut short, or there are bytes behind its end");
    }
    if (seen_.empty())
    {
        return fail(ErrorKind::integrity, "the tarball is empty");
    }
    ended_ = true;
    return true;
}

Error TarballReader::damaged() const
{
    if (feed_->failure())
    {
        return fail(feed_->failure()->kind, "the tarball cannot be read: " + feed_->failure()->text);
    }
    const char* const reason = ::archive_error_string(archive_.get());
    return fail(ErrorKind::integrity,
                "this is no tarball, or a damaged one" + (reason == nullptr ? "" : ": " + printable(reason)));
}

Error TarballReader::of_member(const Error& error) const
{
    return fail(error.kind, "the tarball's member " + in_quotes(member_.name) + ": " + error.text);
}

bool looks_like_tarball(ConstBytes header)
{
    constexpr std::string_view magic = "ustar";
    constexpr std::size_t magic_at = 257;
    return packing_of(header) != Packing::none ||
           (header.size() >= magic_at + magic.size() && as_text(header.subspan(magic_at, magic.size())) == magic);
}

} // namespace fwupdate::package
