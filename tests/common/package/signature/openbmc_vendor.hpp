// A vendor who signs tarballs as OpenBMC's build does, with keys made anew.
#pragma once

#include "common/package/signature/openbmc_keys.hpp"
#include "tests/common/package/signature/pki.hpp"

#include <map>
#include <string>
#include <vector>

namespace fwupdate::test
{

using Members = std::map<std::string, std::string>;

inline std::string manifest_text(const std::string& purpose, const std::string& version, const std::string& hash)
{
    return "purpose=xyz.openbmc_project.Software.Version.VersionPurpose." + purpose + "\nversion=" + version +
           "\nKeyType=OpenBMC\nHashType=" + hash + "\nMachineName=romulus\n";
}

/// A vendor's keys and what its build makes of images.
struct OpenBmcVendor
{
    package::openssl::Key system = make_key(KeyKind::rsa);
    package::openssl::Key build = make_key(KeyKind::rsa);
    std::string hash{"RSA-SHA256"};
    const EVP_MD* digest{EVP_sha256()};

    [[nodiscard]] std::string sign(const std::string& text, const package::openssl::Key& key) const
    {
        return as_text(sign_digest(as_bytes(text), key.get(), digest));
    }

    [[nodiscard]] Members make(const std::string& purpose, const std::string& version, Members images) const
    {
        Members all = std::move(images);
        for (const auto& [name, data] : Members{all})
        {
            all[name + ".sig"] = sign(data, build);
        }
        all["MANIFEST"] = manifest_text(purpose, version, hash);
        all["publickey"] = public_pem_of(build.get());
        for (const std::string name : {"MANIFEST", "publickey"})
        {
            all[name + ".sig"] = sign(all[name], system);
        }
        std::string full;
        for (const std::string name : {"image-bmc", "image-hostfw", "image-kernel", "image-rofs", "image-rwfs",
                                       "image-u-boot", "MANIFEST", "publickey"})
        {
            full += all.contains(name + ".sig") ? all[name + ".sig"] : "";
        }
        all["image-full.sig"] = sign(full, build);
        return all;
    }

    [[nodiscard]] std::vector<package::SystemKey> keys() const
    {
        std::vector<package::SystemKey> made;
        made.push_back(*package::make_system_key("Another", as_bytes(public_pem_of(make_key(KeyKind::rsa).get())),
                                                 "HashType=RSA-SHA512\n"));
        made.push_back(*package::make_system_key("OpenBMC", as_bytes(public_pem_of(system.get())), "HashType=" + hash));
        return made;
    }
};

} // namespace fwupdate::test
