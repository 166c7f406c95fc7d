// Tarballs for tests, header by header, so that hostile ones can be made that no tar program would write.
#pragma once

#include "common/bytes.hpp"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fwupdate::test
{

/// The fields of a ustar header that tests vary.
struct TarEntry
{
    std::string name;
    std::string data;
    char type{'0'};
    std::string link;
    std::string size; ///< octal digits; empty: the data's size
};

class TarBuilder
{
  public:
    TarBuilder& add(const TarEntry& entry)
    {
        std::array<char, 512> header{};
        put(header, 0, 100, entry.name);
        put(header, 100, 8, "0000644");
        put(header, 108, 8, "0000000");
        put(header, 116, 8, "0000000");
        put(header, 124, 12, entry.size.empty() ? octal(entry.data.size()) : entry.size);
        put(header, 136, 12, "00000000000");
        header[156] = entry.type;
        put(header, 157, 100, entry.link);
        put(header, 257, 8, std::string_view{"ustar\00000", 8});
        put(header, 148, 8, "        ");
        unsigned sum = 0;
        for (const char byte : header)
        {
            sum += static_cast<unsigned char>(byte);
        }
        std::snprintf(header.data() + 148, 8, "%06o", sum);
        tar_.insert(tar_.end(), header.begin(), header.end());
        tar_.insert(tar_.end(), entry.data.begin(), entry.data.end());
        tar_.resize((tar_.size() + 511) / 512 * 512);
        return *this;
    }
    TarBuilder& add(const std::string& name, const std::string& data)
    {
        return add(TarEntry{name, data, '0', {}, {}});
    }

    /// As it is, without an end mark.
    [[nodiscard]] Bytes open_end() const
    {
        return tar_;
    }

    [[nodiscard]] Bytes finish() const
    {
        Bytes whole = tar_;
        whole.resize(whole.size() + 1024);
        return whole;
    }

  private:
    static void put(std::array<char, 512>& header, std::size_t at, std::size_t room, std::string_view text)
    {
        std::memcpy(header.data() + at, text.data(), std::min(room, text.size()));
    }
    static std::string octal(std::size_t value)
    {
        std::array<char, 16> text{};
        std::snprintf(text.data(), text.size(), "%011zo", value);
        return text.data();
    }

    Bytes tar_;
};

inline Bytes gzip(ConstBytes bytes)
{
    ::z_stream stream{};
    Bytes packed(bytes.size() + 1000);
    ::deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = const_cast<Bytef*>(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = packed.data();
    stream.avail_out = static_cast<uInt>(packed.size());
    const int code = ::deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    return code == Z_STREAM_END ? packed : throw std::runtime_error("gzip");
}

inline Bytes xz(ConstBytes bytes, std::uint32_t preset = 6)
{
    Bytes packed(bytes.size() + 1000);
    std::size_t size = 0;
    const auto code = ::lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC32, nullptr, bytes.data(), bytes.size(),
                                                packed.data(), &size, packed.size());
    packed.resize(size);
    return code == LZMA_OK ? packed : throw std::runtime_error("xz");
}

/// `window_log` 0: what the level wants.
inline Bytes zstd(ConstBytes bytes, int window_log = 0)
{
    ::ZSTD_CCtx* const context = ::ZSTD_createCCtx();
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0); // a frame that knows its size needs no window
    Bytes packed(::ZSTD_compressBound(bytes.size()) + 1000);
    ::ZSTD_outBuffer out{packed.data(), packed.size(), 0};
    ::ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    // In two parts, so that the compressor cannot know the size beforehand and shrink the window.
    ::ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
    const std::size_t left = ::ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
    ::ZSTD_freeCCtx(context);
    packed.resize(out.pos);
    return left == 0 ? packed : throw std::runtime_error("zstd");
}

} // namespace fwupdate::test
