// Tarballs of any kind, packed in any way: members with plain unique names and exactly their bytes, within the bounds,
// or a sentence; and what was read to its end reads the same again.
#include "common/package/tarball/contents.hpp"
#include "common/package/tarball/member_name.hpp"

#include <cstdlib>
#include <set>

using namespace fwupdate;
using namespace fwupdate::package;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

TarballLimits small_limits()
{
    TarballLimits limits;
    limits.packing.unpacked = 8 << 20;
    limits.packing.memory = 8 << 20;
    limits.members = 16;
    limits.member_size = 4 << 20;
    return limits;
}

/// Checks the reader's promises on their way to the contents.
class Watcher final : public TarballVisitor
{
  public:
    [[nodiscard]] Result<void> begin(const TarballMember& member) override
    {
        require(!open_ && check_member_name(member.name, {100, 2}).has_value());
        require(names_.insert(member.name).second && names_.size() <= small_limits().members);
        require(member.size <= small_limits().member_size);
        left_ = member.size;
        open_ = true;
        return contents_.begin(member);
    }
    [[nodiscard]] Result<void> data(ConstBytes slice) override
    {
        require(open_ && slice.size() <= left_ && slice.size() <= Unpacker::slice);
        left_ -= slice.size();
        return contents_.data(slice);
    }
    [[nodiscard]] Result<void> end() override
    {
        require(open_ && left_ == 0);
        open_ = false;
        return contents_.end();
    }
    [[nodiscard]] const TarballContents& contents() const
    {
        return contents_;
    }

  private:
    TarballContents contents_;
    std::set<std::string> names_;
    std::uint64_t left_{};
    bool open_{false};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ConstBytes bytes{data, size};
    (void)looks_like_tarball(bytes);
    Watcher first;
    const auto read = TarballReader{memory_source(bytes), first, small_limits()}.run();
    if (!read)
    {
        require(!read.error().text.empty() && printable(read.error().text) == read.error().text);
        return 0;
    }
    Watcher second;
    require(TarballReader{memory_source(bytes), second, small_limits()}.run().has_value());
    require(first.contents().images().size() == second.contents().images().size());
    require(first.contents().small_members() == second.contents().small_members());
    return 0;
}
