// fwsign sign: a detached CMS signature, or a self-contained signed image.
#pragma once

#include "common/result.hpp"

#include <filesystem>
#include <string>

namespace fwupdate::fwsign
{

struct SignOptions
{
    std::filesystem::path image;
    std::filesystem::path output;
    std::filesystem::path certificate;     ///< PEM
    std::filesystem::path chain;           ///< PEM, intermediate certificates; empty: none
    std::string key;                       ///< a file (PEM, DER, PKCS #12), or a URI of OpenSSL's store ("pkcs11:...")
    std::filesystem::path passphrase_file; ///< of the key: its first line; empty: ask on the terminal
    std::string digest{"sha256"};
    bool self_contained{false};
};

/// Refuses to make what a BMC would refuse: wrong purpose, weak key, expired certificate. Gives what was done, a
/// sentence. Errors say what failed, on which file, and what to do.
[[nodiscard]] Result<std::string> sign(const SignOptions& options);

} // namespace fwupdate::fwsign
