// OpenBMC tarballs as people upload them.
#pragma once

#include "tests/common/package/tarball/tar_builder.hpp"

#include <string>

namespace fwupdate::agent::software::test
{

inline std::string manifest(const std::string& version, const std::string& purpose = "BMC",
                            const std::string& more = "MachineName=testboard\n")
{
    return "purpose=xyz.openbmc_project.Software.Version.VersionPurpose." + purpose + "\nversion=" + version + "\n" +
           more;
}

inline fwupdate::test::TarBuilder tarball(const std::string& manifest_text)
{
    return fwupdate::test::TarBuilder{}.add("MANIFEST", manifest_text).add("image-bmc", "bytes");
}

} // namespace fwupdate::agent::software::test
