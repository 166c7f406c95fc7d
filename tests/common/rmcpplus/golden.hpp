// One exchange worked out apart from our code, with Python's hmac module and `openssl enc -aes-128-cbc`, from the
// formulas of IPMI 2.0 sections 13.28 to 13.32: both suites, a Get Device ID request under session sequence number 3.
#pragma once

#include "common/random.hpp"
#include "common/rmcpplus/keys.hpp"

#include <algorithm>
#include <string_view>

namespace golden
{

inline constexpr std::string_view password = "secret-password-20ch";
inline constexpr std::string_view bmc_key = "KKKKKKKKKKKKKKKKKKKK";
inline constexpr std::uint32_t console_session = 0xA0A2A3A4;
inline constexpr std::uint32_t bmc_session = 0x12345678;

template <std::size_t N> constexpr std::array<std::uint8_t, N> counting_from(std::uint8_t first)
{
    std::array<std::uint8_t, N> bytes{};
    for (std::size_t at = 0; at < N; ++at)
    {
        bytes[at] = static_cast<std::uint8_t>(first + at);
    }
    return bytes;
}

inline fwupdate::rmcpplus::Exchange exchange(fwupdate::rmcpplus::AuthenticationAlgorithm algorithm)
{
    return {algorithm,
            console_session,
            bmc_session,
            counting_from<16>(0x10),
            counting_from<16>(0x40),
            counting_from<16>(0xA0),
            0x14,
            "admin"};
}

struct Suite
{
    std::uint8_t id;
    std::string_view rakp2, rakp3, sik, sik_with_bmc_key, rakp4, k1, k2;
    std::string_view empty_packet; ///< Get Device ID
    std::string_view data_packet;  ///< the same with data AA BB
};

inline constexpr Suite suite_3{
    3,
    "eb717305634f495c920ffcb5e2f0372236d8aa3c",
    "7df65518b6c1a7babd98af16e5b6df1073c62e77",
    "1b192856a2a65d5f6dd170ee95c7ffd57ff35d8a",
    "9c574e598d1a8470d54935166e25a39346dd9a26",
    "9694b7c24dd7e6d4cca4b6ee",
    "542f66e3432f9428a4a3af02cd0cfe2014d9eed0",
    "74dfa4d299f24330a39b1b400051a711cbd7082e",
    "0600ff0706c078563412030000002000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff223efd3c39efb75fb9d79534d12e4282ffff0207756114df57"
    "5fdb38b561aaf8",
    "0600ff0706c078563412030000002000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff2ee9e42373e80ca56740b23195cc56a1ffff02073d6baa6d74"
    "1c8a34d4612fd1",
};

inline constexpr Suite suite_17{
    17,
    "3f306004eeccee513f0a88f02cb62d0688b85dcceedebcf45a3617379446101e",
    "0bfe137701afd3e907d9b9b875f8a521b4203bef15449d96aa2dcfd65317cbcd",
    "356d3a7ca7dc44c33a826aaf76850319f70ae64d82ba07542390a2746dcec509",
    "0014104dafda31838078c27203635eb8047e7f7ea5a67e81bac3c5312cd504d3",
    "1699c2cbcdb361d09853f859f6b6b372",
    "cf18b234d3248cc8b56ac7a15199444e1cdb32dfffa213c0d004c33686bb89cd",
    "3da382f6e62b5d14ce27736af7592e7f416dddd1e41825d21959a37ba2bbbcbf",
    "0600ff0706c078563412030000002000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeffcf5b9f0c16d14c5ed688234327c110ceffff020731ff7317be"
    "fdcad557c58d2d29fac1c2",
    "0600ff0706c078563412030000002000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff76a23809dd81d92d1c3bd0eeb7bdfb06ffff020797c4b82bf2"
    "aa7ac8d5672b21e653a837",
};

/// The initialization vectors of the golden packets: every 16 bytes are F0h..FFh.
class GoldenRandom final : public fwupdate::RandomSource
{
  public:
    void fill(fwupdate::MutableBytes out) override
    {
        std::size_t at = 0;
        std::ranges::generate(out, [&] { return static_cast<std::uint8_t>(0xF0 + at++ % 16); });
    }
};

} // namespace golden
