// Signatures of any kind against a signer made for this run. The input is taken as a signature, as a file with a
// trailer, and as changes to a good signature. Whatever is accepted is the one signer's word, and never for another
// image.
#include "common/package/signature/cms.hpp"
#include "common/package/signature/openbmc_keys.hpp"
#include "common/package/signature/self_contained.hpp"
#include "tests/common/package/signature/pki.hpp"

#include <cstdlib>
#include <utility>

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

struct Rig
{
    test::Identity root = test::make_root();
    test::Identity signer = test::make_signer(root);
    TrustStore trust = *TrustStore::from_pem(test::pem_of(root.certificate.get()), test::revocation_list(root, {}));
    Bytes image = Bytes(100, 0x5A);
    Bytes signature = test::sign_cms(image, signer);

    [[nodiscard]] Result<Signer> verify(ConstBytes der, ConstBytes content, TimeSource source) const
    {
        return verify_cms(der, memory_source(content), trust, {source, test::clock_at().now});
    }

    void check(ConstBytes der) const
    {
        Bytes other = image;
        other.back() ^= 1;
        for (const TimeSource source : {TimeSource::clock, TimeSource::signing_time})
        {
            const auto verified = verify(der, image, source);
            require(!verified || verified->certificate == "certificate \"CN=Signer\"");
            require(verified || printable(verified.error().text) == verified.error().text);
            require(!verify(der, other, source));
        }
    }
};

const Rig& rig()
{
    static const Rig one;
    return one;
}

/// Three bytes of input a change: where (little-endian), and what to flip.
Bytes changed(Bytes signature, ConstBytes changes)
{
    for (; changes.size() >= 3; changes = changes.subspan(3))
    {
        const std::size_t at = (changes[0] | std::size_t{changes[1]} << 8) % signature.size();
        signature[at] ^= changes[2];
    }
    return signature;
}

void check_trailer(ConstBytes file)
{
    const ByteSource source = memory_source(file);
    const auto found = find_trailer(source);
    if (!found || !*found)
    {
        return;
    }
    const SignedImage& image = **found;
    require(image.content_size >= 1 && image.content_size < file.size());
    const auto trailer = make_trailer(image.signature);
    require(trailer && image.content_size + trailer->size() == file.size());
    require(
        std::equal(trailer->begin(), trailer->end(), file.begin() + static_cast<std::ptrdiff_t>(image.content_size)));
    require(!rig().verify(image.signature, file.first(image.content_size), TimeSource::clock));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ConstBytes bytes{data, size};
    rig().check(bytes);
    rig().check(changed(rig().signature, bytes));
    check_trailer(bytes);
    (void)TrustStore::from_pem(as_text(bytes), as_text(bytes));
    (void)PublicKey::from_pem(bytes, "the input");
    return 0;
}
