// OpenBMC tarballs: what MANIFEST says, which member is for which target, and the tarball's own signatures.
#include "bmc-agent/verification/form.hpp"

#include "common/package/signature/openbmc_signature.hpp"
#include "common/package/tarball/contents.hpp"

#include <algorithm>

namespace fwupdate::agent
{
namespace
{

using package::TarballContents;
using protocol::ReasonCode;

/// One member's bytes, read from the front: the tarball is unpacked once more as it is read, nothing is kept. Who reads
/// it from the front again starts again.
class MemberStream final : public package::TarballVisitor
{
  public:
    MemberStream(package::ByteSource tarball, std::string name) : tarball_{std::move(tarball)}, name_{std::move(name)}
    {
    }

    [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out)
    {
        if (!reader_ || offset != offset_)
        {
            restart();
        }
        while (!out.empty())
        {
            if (const auto filled = fill(); !filled)
            {
                return filled.error();
            }
            const std::uint64_t skip = offset > offset_ ? offset - offset_ : 0;
            const std::size_t before = std::min<std::uint64_t>(skip, slice_.size());
            const std::size_t count = std::min(out.size(), slice_.size() - before);
            std::copy_n(slice_.begin() + static_cast<std::ptrdiff_t>(before), count, out.begin());
            slice_.erase(slice_.begin(), slice_.begin() + static_cast<std::ptrdiff_t>(before + count));
            offset_ += before + count;
            offset = offset_;
            out = out.subspan(count);
        }
        return {};
    }

    /// One slice towards the member's first byte.
    [[nodiscard]] Result<bool> approach()
    {
        if (!reader_ || offset_ != 0)
        {
            restart();
        }
        return slice_.empty() ? unpack() : Result<bool>{true};
    }

    // TarballVisitor
    [[nodiscard]] Result<void> begin(const package::TarballMember& member) override
    {
        wanted_ = member.name == name_;
        return {};
    }
    [[nodiscard]] Result<void> data(ConstBytes slice) override
    {
        if (wanted_)
        {
            slice_.insert(slice_.end(), slice.begin(), slice.end());
        }
        return {};
    }
    [[nodiscard]] Result<void> end() override
    {
        return {};
    }

  private:
    void restart()
    {
        reader_.emplace(tarball_, *this);
        slice_.clear();
        offset_ = 0;
    }

    /// The member's next slice, unless there are bytes left of the last one.
    [[nodiscard]] Result<void> fill()
    {
        while (slice_.empty())
        {
            if (const auto unpacked = unpack(); !unpacked)
            {
                return unpacked.error();
            }
        }
        return {};
    }

    /// True: there are bytes of the member.
    [[nodiscard]] Result<bool> unpack()
    {
        const auto end = reader_->step();
        if (!end)
        {
            return end.error();
        }
        if (*end && slice_.empty())
        {
            return fail(ErrorKind::integrity, "the tarball ends before " + name_ + " does");
        }
        return !slice_.empty();
    }

    package::ByteSource tarball_;
    std::string name_;
    std::optional<package::TarballReader> reader_;
    bool wanted_{false};
    Bytes slice_;            ///< the member's bytes from offset_ on that were unpacked already
    std::uint64_t offset_{}; ///< bytes into the member
};

Sha256 sha256_of(const package::TarballImage& image)
{
    Sha256 digest{};
    std::ranges::copy(image.digests.at(package::DigestKind::sha256), digest.begin());
    return digest;
}

VerifiedImage member_image(package::ByteSource tarball, const package::TarballImage& image)
{
    const auto stream = std::make_shared<MemberStream>(std::move(tarball), image.member.name);
    return {{image.member.size, [stream](std::uint64_t offset, MutableBytes out) { return stream->read(offset, out); }},
            sha256_of(image),
            [stream] { return stream->approach(); }};
}

/// The member for a target of the manifest's purpose; nullptr: there is none. Error: it is not clear which.
FormResult<const package::TarballImage*> image_for(const config::Target& target, const TarballContents& contents)
{
    if (!target.member.empty())
    {
        return contents.image(target.member);
    }
    if (contents.images().size() != 1)
    {
        return FormRefusal{ReasonCode::target_ambiguous, "the tarball has " + std::to_string(contents.images().size()) +
                                                             " images, and target " + target.name +
                                                             " does not say which one is for it (targets: member)"};
    }
    return &contents.images().front();
}

class OpenBmcReader final : public FormReader
{
  public:
    explicit OpenBmcReader(Places places) : places_{places} {}

    [[nodiscard]] FormResult<bool> step(Subject& subject) override
    {
        if (!reader_)
        {
            reader_.emplace(subject.content, contents_);
        }
        const auto end = reader_->step();
        if (!end)
        {
            return FormRefusal{end.error()};
        }
        return *end ? conclude(subject) : FormResult<bool>{false};
    }

  private:
    [[nodiscard]] FormResult<bool> conclude(Subject& subject)
    {
        const auto& manifest = contents_.manifest();
        if (!manifest)
        {
            return FormRefusal{ReasonCode::package_bad, "the tarball has no MANIFEST, so it is none of OpenBMC's"};
        }
        if (auto vouched = look_for_signatures(subject); !vouched)
        {
            return vouched;
        }
        auto found = find_components(subject, *manifest);
        if (!found)
        {
            return found.error();
        }
        subject.machine = manifest->machine_name;
        subject.compatible = manifest->compatible_names;
        auto components = arrange(std::move(*found), places_.targets, *subject.request);
        if (!components)
        {
            return components.error();
        }
        subject.components = std::move(*components);
        return check_binding(subject, manifest->purpose);
    }

    [[nodiscard]] FormResult<std::vector<Component>> find_components(const Subject& subject,
                                                                     const package::Manifest& manifest)
    {
        const UpdateRequest& request = *subject.request;
        std::vector<Component> found;
        for (Target& target : places_.targets.all())
        {
            if (target.configuration().purpose != manifest.purpose ||
                (request.target_chosen && request.target != &target))
            {
                continue;
            }
            const auto image = image_for(target.configuration(), contents_);
            if (!image)
            {
                return image.error();
            }
            if (*image != nullptr)
            {
                found.push_back({.target = &target,
                                 .name = (*image)->member.name,
                                 .version = manifest.version,
                                 .security_version = 0,
                                 .image = member_image(subject.content, **image)});
            }
        }
        for (const package::TarballImage& image : contents_.images())
        {
            if (!request.target_chosen && std::ranges::find(found, image.member.name, &Component::name) == found.end())
            {
                return FormRefusal{ReasonCode::target_unknown, image.member.name + " of purpose " +
                                                                   std::string{package::to_text(manifest.purpose)} +
                                                                   " is for no target of this BMC (targets: purpose, "
                                                                   "member)"};
            }
        }
        return found;
    }

    /// For these purposes alone OpenBMC's own signatures bind the images to the version in MANIFEST: elsewhere an older
    /// image passes below a floor under a newer MANIFEST.
    [[nodiscard]] FormResult<bool> check_binding(const Subject& subject, package::Purpose purpose) const
    {
        const bool bound = purpose == package::Purpose::bmc || purpose == package::Purpose::system;
        if (!only_own_signatures_ || bound)
        {
            return true;
        }
        for (const Component& component : subject.components)
        {
            const config::Target& target = component.target->configuration();
            if (target.anti_rollback || !target.minimum_version.empty())
            {
                return FormRefusal{ReasonCode::signature_required,
                                   "target " + target.name +
                                       " has a least version, and OpenBMC's own signatures don't "
                                       "bind an image of purpose " +
                                       std::string{package::to_text(purpose)} +
                                       " to its version: sign the tarball as a whole (fwsign sign)"};
            }
        }
        return true;
    }

    /// The tarball's own ones, where the configuration has OpenBMC's keys. What is signed must be signed well.
    [[nodiscard]] FormResult<bool> look_for_signatures(Subject& subject)
    {
        const bool is_signed = contents_.small_members().contains("MANIFEST.sig");
        if (places_.trust.system_keys.empty() || !is_signed)
        {
            return true; // the policy decides
        }
        const auto key = package::verify_openbmc(contents_, places_.trust.system_keys);
        if (!key)
        {
            return FormRefusal{ReasonCode::signature_bad, key.error().text};
        }
        only_own_signatures_ = subject.signer.empty();
        subject.signer += (subject.signer.empty() ? "" : ", ") + std::string{"system key "} + *key;
        return true;
    }

    Places places_;
    TarballContents contents_;
    std::optional<package::TarballReader> reader_;
    bool only_own_signatures_{false}; ///< and nobody's around the tarball
};

} // namespace

std::unique_ptr<FormReader> make_tarball_reader(Places places)
{
    return std::make_unique<OpenBmcReader>(places);
}

} // namespace fwupdate::agent
