#include "common/random.hpp"
#include "common/sha256.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;

TEST_CASE("SHA-256 of FIPS 180-4's examples")
{
    CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the digest may be taken on the way and the hasher started again")
{
    Sha256Hasher hasher;
    hasher.update(as_bytes("a"));
    CHECK(hasher.digest() == sha256(as_bytes("a")));
    hasher.update(as_bytes("bc"));
    CHECK(hasher.digest() == sha256(as_bytes("abc")));
    hasher.reset();
    CHECK(hasher.digest() == sha256({}));
    Sha256Hasher moved{std::move(hasher)};
    moved.update(as_bytes("abc"));
    CHECK(moved.digest() == sha256(as_bytes("abc")));
}

TEST_CASE("the system's random bytes differ")
{
    SystemRandom random;
    Bytes first(32);
    Bytes second(32);
    random.fill(first);
    random.fill(second);
    CHECK(first != second);
    CHECK(first != Bytes(32));
}
