// One way of packing bytes (gzip, xz, zstd), as a decoder that is fed slices and never takes more memory than it was
// given.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <memory>

namespace fwupdate::package
{

class Decoder
{
  public:
    virtual ~Decoder() = default;

    /// Takes from the front of `in` and writes to the front of `out`; both are left as what remains. True: the packed
    /// data ended, with its checksum. Errors: integrity (not this format, damaged), no_space (wants more memory).
    [[nodiscard]] virtual Result<bool> decode(ConstBytes& in, MutableBytes& out) = 0;
};

// `memory`: the most bytes that the decoder's window may take.
[[nodiscard]] std::unique_ptr<Decoder> make_gzip_decoder();
[[nodiscard]] std::unique_ptr<Decoder> make_xz_decoder(std::uint64_t memory);
[[nodiscard]] std::unique_ptr<Decoder> make_zstd_decoder(std::uint64_t memory);

} // namespace fwupdate::package
