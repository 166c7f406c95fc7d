// A MANIFEST of any kind: one whole and bounded object, or a sentence that is safe to print.
#include "common/bytes.hpp"
#include "common/package/tarball/manifest.hpp"
#include "common/package/version/version.hpp"

#include <cstdlib>

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

bool is_clean(const std::string& text)
{
    return printable(text) == text && text.size() <= Manifest::longest_value;
}

/// Versions reach the comparison as they are: it must take or refuse them, and find each as new as itself.
void check_version(const std::string& version)
{
    static const VersionScheme scheme = VersionScheme::usual();
    const auto order = scheme.compare(version, version);
    require(order ? *order == 0 : !order.error().text.empty() && printable(order.error().text) == order.error().text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto manifest = Manifest::parse(as_text({data, size}));
    if (!manifest)
    {
        require(!manifest.error().text.empty() && printable(manifest.error().text) == manifest.error().text);
        return 0;
    }
    require(!manifest->version.empty() && manifest->version.size() <= Manifest::longest_version);
    require(manifest->compatible_names.size() <= Manifest::most_compatible_names);
    for (const std::string& text : {manifest->version, manifest->extended_version, manifest->machine_name,
                                    manifest->key_type, manifest->hash_type})
    {
        require(is_clean(text));
    }
    check_version(manifest->version);
    return 0;
}
