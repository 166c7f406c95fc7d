#include "common/package/tarball/contents.hpp"

#include <algorithm>

namespace fwupdate::package
{
namespace
{

bool is_small(std::string_view name)
{
    return name == "MANIFEST" || name == "publickey" || name.ends_with(".sig");
}

} // namespace

Result<void> TarballContents::begin(const TarballMember& member)
{
    name_ = member.name;
    small_ = nullptr;
    if (!is_small(member.name))
    {
        images_.push_back({member, {}});
        begin_digests();
        return {};
    }
    if (member.size > largest_small_member)
    {
        return fail(ErrorKind::no_space, "is larger than " + std::to_string(largest_small_member) + " bytes");
    }
    small_ = &small_members_[member.name];
    small_->clear();
    small_->reserve(member.size);
    return {};
}

/// The digest that signatures use stands in MANIFEST, which may come behind the images: until then, all of them.
void TarballContents::begin_digests()
{
    if (!manifest_)
    {
        digests_.begin_all();
        return;
    }
    const auto kind = digest_kind_from(manifest_->hash_type).value_or(DigestKind::sha256);
    digests_.begin({DigestKind::sha256, kind});
}

Result<void> TarballContents::data(ConstBytes slice)
{
    if (in_small_member())
    {
        small_->insert(small_->end(), slice.begin(), slice.end());
    }
    else
    {
        digests_.update(slice);
    }
    return {};
}

Result<void> TarballContents::end()
{
    if (!in_small_member())
    {
        images_.back().digests = digests_.finish();
        return {};
    }
    if (name_ != "MANIFEST")
    {
        return {};
    }
    auto manifest = Manifest::parse(as_text(*small_));
    if (!manifest)
    {
        return manifest.error();
    }
    manifest_ = std::move(*manifest);
    return {};
}

const TarballImage* TarballContents::image(std::string_view name) const
{
    const auto found =
        std::ranges::find_if(images_, [&](const TarballImage& candidate) { return candidate.member.name == name; });
    return found == images_.end() ? nullptr : &*found;
}

} // namespace fwupdate::package
