#include "common/package/signature/openbmc_signature.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace fwupdate::package
{
namespace
{

/// What image-full.sig covers: those of these members' signatures that exist, one behind the other, in this order.
constexpr std::array<std::string_view, 8> full_order{"image-bmc",  "image-hostfw", "image-kernel", "image-rofs",
                                                     "image-rwfs", "image-u-boot", "MANIFEST",     "publickey"};

Error altered(std::string_view name)
{
    return fail(ErrorKind::integrity, "the tarball's " + std::string{name} + " is not the one that was signed: it or " +
                                          std::string{name} + ".sig was altered or swapped");
}

class OpenbmcVerifier
{
  public:
    OpenbmcVerifier(const TarballContents& contents, const std::vector<SystemKey>& keys)
        : contents_{contents}, keys_{keys}
    {
    }

    [[nodiscard]] Result<std::string> verify()
    {
        const auto voucher = find_voucher();
        if (!voucher)
        {
            return voucher.error();
        }
        const auto key = PublicKey::from_pem(*member("publickey"), "the tarball's publickey");
        if (!key)
        {
            return key.error();
        }
        const auto digest = digest_kind_from(contents_.manifest()->hash_type);
        if (!digest)
        {
            return fail(ErrorKind::denied,
                        "MANIFEST has no HashType, or one weaker than SHA-256; sign with RSA-SHA256");
        }
        if (const auto images = check_images(*key, *digest); !images)
        {
            return images.error();
        }
        if (const auto full = check_full(*key, *digest); !full)
        {
            return full.error();
        }
        return *voucher;
    }

  private:
    [[nodiscard]] const Bytes* member(const std::string& name) const
    {
        const auto found = contents_.small_members().find(name);
        return found == contents_.small_members().end() ? nullptr : &found->second;
    }

    /// The system key that signed both MANIFEST and publickey. OpenBMC tries every installed key, whatever KeyType
    /// says.
    [[nodiscard]] Result<std::string> find_voucher() const
    {
        for (const char* const name : {"MANIFEST", "MANIFEST.sig", "publickey", "publickey.sig"})
        {
            if (member(name) == nullptr)
            {
                return fail(ErrorKind::not_found, std::string{"the tarball is not signed: it has no "} + name);
            }
        }
        const auto vouches = [&](const SystemKey& key)
        { return signed_by(key, "MANIFEST") && signed_by(key, "publickey"); };
        const auto found = std::ranges::find_if(keys_, vouches);
        if (found == keys_.end())
        {
            return fail(ErrorKind::denied, "none of the BMC's system keys signed the tarball's MANIFEST and publickey: "
                                           "it is foreign, or was altered" +
                                               key_type_remark());
        }
        return found->name;
    }

    [[nodiscard]] std::string key_type_remark() const
    {
        const std::string& type = contents_.manifest()->key_type;
        return type.empty() ? "" : " (it says that it was signed for the key type " + type + ")";
    }

    [[nodiscard]] bool signed_by(const SystemKey& key, const std::string& name) const
    {
        return key.key.verifies(*member(name + ".sig"), key.digest, digest_of(key.digest, *member(name)));
    }

    [[nodiscard]] Result<void> check_images(const PublicKey& key, DigestKind kind) const
    {
        for (const TarballImage& image : contents_.images())
        {
            const std::string& name = image.member.name;
            const Bytes* const signature = member(name + ".sig");
            if (signature == nullptr)
            {
                return fail(ErrorKind::not_found, "the tarball is not signed as a whole: there is no " + name + ".sig");
            }
            if (!key.verifies(*signature, kind, image.digests.at(kind)))
            {
                return altered(name);
            }
        }
        return {};
    }

    [[nodiscard]] Result<void> check_full(const PublicKey& key, DigestKind kind) const
    {
        const Purpose purpose = contents_.manifest()->purpose;
        if (purpose != Purpose::bmc && purpose != Purpose::system)
        {
            return {};
        }
        const Bytes* const signature = member("image-full.sig");
        if (signature == nullptr)
        {
            return fail(ErrorKind::not_found, "the tarball's parts are not bound together: there is no image-full.sig");
        }
        for (const TarballImage& image : contents_.images())
        {
            if (std::ranges::find(full_order, image.member.name) == full_order.end())
            {
                return fail(ErrorKind::denied, "image-full.sig does not cover " + image.member.name +
                                                   ", which may be of another version: sign the tarball as a whole");
            }
        }
        Bytes all;
        for (const std::string_view name : full_order)
        {
            if (const Bytes* const part = member(std::string{name} + ".sig"))
            {
                all.insert(all.end(), part->begin(), part->end());
            }
        }
        return key.verifies(*signature, kind, digest_of(kind, all)) ? Result<void>{} : altered("image-full");
    }

    const TarballContents& contents_;
    const std::vector<SystemKey>& keys_;
};

} // namespace

Result<std::string> verify_openbmc(const TarballContents& contents, const std::vector<SystemKey>& keys)
{
    if (!contents.manifest())
    {
        return fail(ErrorKind::not_found, "the tarball has no MANIFEST");
    }
    return OpenbmcVerifier{contents, keys}.verify();
}

} // namespace fwupdate::package
