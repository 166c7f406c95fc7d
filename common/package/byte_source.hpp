// Bytes that lie elsewhere, read where and when they are needed: a staged image, a file. An image may be four times the
// BMC's memory, so nobody who reads packages or verifies signatures ever asks for the whole of it.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace fwupdate::package
{

/// `read` fills the whole buffer from `offset` (bytes) on, or fails with the source's own error; it is never asked for
/// bytes beyond `size`. The bytes must not change between the first look and the programming.
/// For staging: `{image.length(), [&](auto offset, auto out) { return image.read(offset, out); }}`.
struct ByteSource
{
    std::uint64_t size{};
    std::function<Result<void>(std::uint64_t offset, MutableBytes out)> read;
};

/// The first `size` bytes of a source that is at least that long: what a self-contained signature covers, for instance.
[[nodiscard]] inline ByteSource first_bytes(ByteSource source, std::uint64_t size)
{
    source.size = size;
    return source;
}

/// Bytes that are in memory; they must outlive the source.
[[nodiscard]] inline ByteSource memory_source(ConstBytes bytes)
{
    return {bytes.size(),
            [bytes](std::uint64_t offset, MutableBytes out) -> Result<void>
            {
                if (offset > bytes.size() || out.size() > bytes.size() - offset)
                {
                    return fail(ErrorKind::length, "read beyond the end");
                }
                std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
                return {};
            }};
}

} // namespace fwupdate::package
