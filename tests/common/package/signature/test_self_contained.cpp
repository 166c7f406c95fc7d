#include "common/package/signature/self_contained.hpp"

#include "common/package/signature/cms.hpp"
#include "tests/common/package/signature/pki.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

namespace
{

Bytes joined(ConstBytes first, ConstBytes second)
{
    Bytes all{first.begin(), first.end()};
    all.insert(all.end(), second.begin(), second.end());
    return all;
}

} // namespace

TEST_CASE("the trailer's bytes are those of protocol-spec/signed-images.md")
{
    const auto trailer = make_trailer(Bytes{0x30, 0x03, 0x02, 0x01, 0x00});
    REQUIRE(trailer.has_value());
    CHECK(to_hex(*trailer) == "3003020100"
                              "05000000"
                              "4657555053494731");
}

TEST_CASE("a signed image verifies, and its content is what was signed")
{
    const Identity root = make_root();
    const Identity signer = make_signer(root);
    const auto trust = TrustStore::from_pem(pem_of(root.certificate.get()));
    const Bytes image(100'000, 0x77);
    const auto trailer = make_trailer(sign_cms(image, signer));
    REQUIRE(trailer.has_value());
    const Bytes file = joined(image, *trailer);
    const ByteSource source = memory_source(file);
    const auto found = find_trailer(source);
    REQUIRE(found.has_value());
    REQUIRE(found->has_value());
    CHECK((*found)->content_size == image.size());
    CHECK(verify_cms((*found)->signature, first_bytes(source, (*found)->content_size), *trust, clock_at()));

    // Signed content, unsigned bytes between it and the signature; and the trailer of another image.
    const Bytes padded = joined(joined(image, Bytes(512, 0)), *trailer);
    const auto stretched = find_trailer(memory_source(padded));
    REQUIRE(stretched->has_value());
    const auto refused = verify_cms((*stretched)->signature,
                                    first_bytes(memory_source(padded), (*stretched)->content_size), *trust, clock_at());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::integrity);
}

TEST_CASE("no magic, no trailer")
{
    for (const std::size_t size : {0U, 1U, 11U, 12U, 100U})
    {
        const Bytes plain(size, 'F');
        const auto found = find_trailer(memory_source(plain));
        REQUIRE(found.has_value());
        CHECK_FALSE(found->has_value());
    }
    // A stripped signature leaves a plain image: whether that is good enough is the policy's to say.
    const Bytes file = joined(Bytes(100, 1), *make_trailer(Bytes(50, 2)));
    for (std::size_t cut = 1; cut < file.size(); ++cut)
    {
        const auto found = find_trailer(memory_source(ConstBytes{file}.first(file.size() - cut)));
        REQUIRE(found.has_value());
        CHECK_FALSE(found->has_value());
    }
}

TEST_CASE("a magic without a valid trailer in front of it is refused, not taken for a plain image")
{
    const auto with_length = [](std::uint32_t length, std::size_t before)
    {
        Bytes file(before, 0xAA);
        for (unsigned shift = 0; shift < 32; shift += 8)
        {
            file.push_back(static_cast<std::uint8_t>(length >> shift));
        }
        const ConstBytes magic = as_bytes("FWUPSIG1");
        file.insert(file.end(), magic.begin(), magic.end());
        return file;
    };
    for (const auto& [length, before] : std::vector<std::pair<std::uint32_t, std::size_t>>{
             {0, 100}, {100, 100}, {101, 100}, {16385, 20000}, {0xFFFFFFFF, 100}, {1, 0}, {1, 1}})
    {
        const Bytes file = with_length(length, before);
        const auto found = find_trailer(memory_source(file));
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().kind == ErrorKind::invalid_field);
        CHECK(found.error().text.find(std::to_string(length) + " bytes") != std::string::npos);
    }
    const Bytes least = with_length(1, 2);
    const auto found = find_trailer(memory_source(least));
    REQUIRE((found.has_value() && found->has_value()));
    CHECK((*found)->content_size == 1);
}

TEST_CASE("only signatures of a possible length get a trailer")
{
    CHECK_FALSE(make_trailer({}).has_value());
    CHECK(make_trailer(Bytes(largest_signature, 0x30)).has_value());
    const auto refused = make_trailer(Bytes(largest_signature + 1, 0x30));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::length);
}

TEST_CASE("a source that fails is told")
{
    for (const std::uint64_t failing : {std::uint64_t{0}, std::uint64_t{88}})
    {
        Bytes file = joined(Bytes(60, 1), *make_trailer(Bytes(28, 2)));
        ByteSource source = memory_source(file);
        source.read = [&, inner = source.read](std::uint64_t offset, MutableBytes out) -> Result<void>
        { return offset >= failing ? fail(ErrorKind::input_output, "gone") : inner(offset, out); };
        const auto found = find_trailer(source);
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().kind == ErrorKind::input_output);
    }
}
