// What the tests of the tarball reader share: a usual tarball, and refusals.
#pragma once

#include "tests/common/package/tarball/collector.hpp"
#include "tests/common/package/tarball/tar_builder.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>

namespace fwupdate::test
{

inline std::string noise(std::size_t size, unsigned seed = 1)
{
    std::mt19937 generator{seed};
    std::string text(size, '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(generator()); });
    return text;
}

inline TarBuilder usual()
{
    return TarBuilder{}.add("MANIFEST", "version=1\n").add("image-bmc", noise(200'000)).add("image-bmc.sig", "sig");
}

inline void check_usual(ConstBytes tarball)
{
    Collector seen;
    REQUIRE(read_tarball(tarball, seen).has_value());
    REQUIRE(seen.members.size() == 3);
    CHECK(seen.ended == 3);
    CHECK(seen.members[0] == std::pair<std::string, std::string>{"MANIFEST", "version=1\n"});
    CHECK(seen.members[1].second == noise(200'000));
    CHECK(seen.members[2].first == "image-bmc.sig");
    CHECK(seen.largest_slice <= package::Unpacker::slice);
}

/// The refusal of a tarball; it must be one.
inline Error refusal(ConstBytes tarball, const package::TarballLimits& limits = {})
{
    Collector seen;
    const auto read = read_tarball(tarball, seen, limits);
    REQUIRE_FALSE(read.has_value());
    return read.error();
}

inline bool contains(const Error& error, std::string_view part)
{
    return error.text.find(part) != std::string::npos;
}

inline void expect(const Error& error, ErrorKind kind, std::string_view part)
{
    CHECK_MESSAGE(error.kind == kind, error.text);
    CHECK_MESSAGE(contains(error, part), error.text);
}

} // namespace fwupdate::test
