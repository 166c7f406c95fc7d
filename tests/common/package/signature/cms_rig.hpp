// What the tests of CMS signatures share: a trusted root, a signer, an image.
#pragma once

#include "common/package/signature/cms.hpp"
#include "tests/common/package/signature/pki.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace fwupdate::test
{

inline Bytes make_image(std::size_t size = 200'000)
{
    Bytes image(size);
    for (std::size_t at = 0; at < size; ++at)
    {
        image[at] = static_cast<std::uint8_t>(at * 7 + at / 251);
    }
    return image;
}

struct CmsRig
{
    Identity root = make_root();
    Identity signer = make_signer(root);
    package::TrustStore trust = *package::TrustStore::from_pem(pem_of(root.certificate.get()));
    Bytes image = make_image();

    [[nodiscard]] Result<package::Signer> verify(ConstBytes der, const package::TimePolicy& time = clock_at()) const
    {
        return package::verify_cms(der, package::memory_source(image), trust, time);
    }
};

inline void expect_refused(const Result<package::Signer>& result, ErrorKind kind, std::string_view part)
{
    REQUIRE_FALSE(result.has_value());
    CHECK_MESSAGE(result.error().kind == kind, result.error().text);
    CHECK_MESSAGE(result.error().text.find(part) != std::string::npos, result.error().text);
    CHECK(printable(result.error().text) == result.error().text);
}

} // namespace fwupdate::test
