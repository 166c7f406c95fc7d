#include "tools/fwsign/verify.hpp"

#include "common/package/signature/cms.hpp"
#include "common/package/signature/openbmc_signature.hpp"
#include "common/package/signature/self_contained.hpp"
#include "tools/fwsign/files.hpp"

#include <ctime>
#include <vector>

namespace fwupdate::fwsign
{
namespace
{

constexpr std::size_t largest_pem = 1 << 20; ///< bytes

/// What a BMC has in its configuration.
struct Configuration
{
    std::optional<package::TrustStore> trust;
    std::vector<package::SystemKey> keys; ///< empty: none configured
    package::TimePolicy time;
};

/// A signature over a whole source, and where it was found.
struct Signature
{
    std::string where;
    Bytes der;
    package::ByteSource content;
};

Result<std::string> read_text(const std::filesystem::path& path)
{
    if (path.empty())
    {
        return std::string{};
    }
    const auto bytes = read_file(path, largest_pem);
    return bytes ? Result<std::string>{as_text(*bytes)} : Result<std::string>{bytes.error()};
}

Result<void> read_trust(const VerifyOptions& options, Configuration& configuration)
{
    const auto roots = read_text(options.roots);
    if (!roots)
    {
        return roots.error();
    }
    const auto lists = read_text(options.revocation_lists);
    if (!lists)
    {
        return lists.error();
    }
    if (!options.revocation_lists.empty() && lists->empty())
    {
        return fail(ErrorKind::invalid_field, options.revocation_lists.string() + " is empty");
    }
    auto trust = package::TrustStore::from_pem(*roots, *lists);
    if (!trust)
    {
        return trust.error();
    }
    configuration.trust = std::move(*trust);
    return {};
}

Result<Configuration> read_configuration(const VerifyOptions& options)
{
    Configuration configuration;
    configuration.time = {options.time, std::chrono::system_clock::now()};
    if (!options.roots.empty())
    {
        if (const auto read = read_trust(options, configuration); !read)
        {
            return read.error();
        }
    }
    if (!options.openbmc_keys.empty())
    {
        auto keys = package::load_system_keys(options.openbmc_keys);
        if (!keys)
        {
            return keys.error();
        }
        configuration.keys = std::move(*keys);
    }
    return configuration;
}

std::string date_of(std::chrono::system_clock::time_point when)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&seconds, &parts);
    (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text.data();
}

Result<std::string> verify_one(const Signature& signature, const Configuration& configuration)
{
    const auto signer = package::verify_cms(signature.der, signature.content, *configuration.trust, configuration.time);
    if (!signer)
    {
        return fail(signer.error().kind, signature.where + ": " + signer.error().text);
    }
    return signature.where + ": good, by " + signer->certificate + ", " + signer->digest +
           (signer->signed_at ? ", signed " + date_of(*signer->signed_at) : "") + "\n";
}

Result<std::string> verify_tarball(const package::ByteSource& content, const Configuration& configuration)
{
    package::TarballContents contents;
    if (const auto read = package::TarballReader{content, contents}.run(); !read)
    {
        return read.error();
    }
    const auto key = package::verify_openbmc(contents, configuration.keys);
    if (!key)
    {
        return key.error();
    }
    return "tarball: good, system key " + printable(*key) + ", version " + contents.manifest()->version + ", purpose " +
           std::string{package::to_text(contents.manifest()->purpose)} + "\n";
}

/// All signatures of an image, one after the other; the first that is not good ends it.
Result<std::string> verify_all(const std::vector<Signature>& signatures, const package::ByteSource& content,
                               const Configuration& configuration)
{
    std::string report;
    for (const Signature& signature : signatures)
    {
        const auto good = verify_one(signature, configuration);
        if (!good)
        {
            return good.error();
        }
        report += *good;
    }
    if (!configuration.keys.empty())
    {
        const auto good = verify_tarball(content, configuration);
        if (!good)
        {
            return good.error();
        }
        report += *good;
    }
    return report.empty() ? Result<std::string>{fail(ErrorKind::not_found, "the image is not signed")} : report;
}

/// The detached signature, if one was given: over the whole file.
Result<std::vector<Signature>> read_detached(const VerifyOptions& options, const package::ByteSource& image)
{
    std::vector<Signature> signatures;
    if (options.signature.empty())
    {
        return signatures;
    }
    auto der = read_file(options.signature, package::largest_signature);
    if (!der)
    {
        return der.error();
    }
    signatures.push_back({options.signature.string(), std::move(*der), image});
    return signatures;
}

Verdict judge(const package::ByteSource& image, std::vector<Signature> signatures, const Configuration& configuration)
{
    const auto trailer = package::find_trailer(image);
    if (!trailer)
    {
        return {false, trailer.error().text};
    }
    const package::ByteSource content = *trailer ? package::first_bytes(image, (*trailer)->content_size) : image;
    if (*trailer && configuration.trust)
    {
        signatures.push_back({"trailer", (*trailer)->signature, content});
    }
    const auto report = verify_all(signatures, content, configuration);
    if (!report)
    {
        return {false, report.error().text};
    }
    const bool unchecked = *trailer && !configuration.trust;
    return {true, *report + (unchecked ? "trailer: there is one, not verified without --roots\n" : "")};
}

} // namespace

Result<Verdict> verify(const VerifyOptions& options)
{
    const auto configuration = read_configuration(options);
    if (!configuration)
    {
        return configuration.error();
    }
    const auto image = open_file(options.image);
    if (!image)
    {
        return image.error();
    }
    auto signatures = read_detached(options, *image);
    if (!signatures)
    {
        return signatures.error();
    }
    return judge(*image, std::move(*signatures), *configuration);
}

} // namespace fwupdate::fwsign
