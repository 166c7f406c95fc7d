// What a verifier wants to know of an OpenBMC tarball after one pass: the MANIFEST, the public key and the signatures
// as they are, and each image's size and digests. Memory does not grow with the images.
//
// Use: a TarballReader with a TarballContents as its visitor, `step` until true, then `manifest()`, `images()`, and
// verify_openbmc (common/package/signature/openbmc_signature.hpp) where the policy wants a signature.
#pragma once

#include "common/package/tarball/digest.hpp"
#include "common/package/tarball/manifest.hpp"
#include "common/package/tarball/tarball.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::package
{

/// A member that is none of MANIFEST, publickey and *.sig.
struct TarballImage
{
    TarballMember member;
    std::map<DigestKind, Bytes> digests; ///< SHA-256 always; the others as far as a signature may need them
};

class TarballContents final : public TarballVisitor
{
  public:
    /// Bytes of the largest MANIFEST, publickey or signature.
    static constexpr std::uint64_t largest_small_member = Manifest::longest;

    // TarballVisitor. Errors: no_space (such a member is too large), those of Manifest::parse.
    [[nodiscard]] Result<void> begin(const TarballMember& member) override;
    [[nodiscard]] Result<void> data(ConstBytes slice) override;
    [[nodiscard]] Result<void> end() override;

    /// None before MANIFEST was read; none in the end: there is no MANIFEST, and it is no OpenBMC tarball.
    [[nodiscard]] const std::optional<Manifest>& manifest() const
    {
        return manifest_;
    }

    /// In the archive's order.
    [[nodiscard]] const std::vector<TarballImage>& images() const
    {
        return images_;
    }

    /// MANIFEST, publickey and the *.sig by name, as they are.
    [[nodiscard]] const std::map<std::string, Bytes>& small_members() const
    {
        return small_members_;
    }

    /// nullptr: there is no such image.
    [[nodiscard]] const TarballImage* image(std::string_view name) const;

  private:
    [[nodiscard]] bool in_small_member() const
    {
        return small_ != nullptr;
    }
    void begin_digests();

    std::optional<Manifest> manifest_;
    std::vector<TarballImage> images_;
    std::map<std::string, Bytes> small_members_;
    Bytes* small_{}; ///< the one that is being read
    std::string name_;
    Digests digests_;
};

} // namespace fwupdate::package
