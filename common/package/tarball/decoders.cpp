#include "common/package/tarball/decoder.hpp"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <new>
#include <string>

namespace fwupdate::package
{
namespace
{

/// Moves both views behind what a library has taken and given.
void advance(ConstBytes& in, std::size_t in_left, MutableBytes& out, std::size_t out_left)
{
    in = in.last(in_left);
    out = out.last(out_left);
}

Error too_much_memory(std::uint64_t memory, const char* remedy)
{
    return fail(ErrorKind::no_space, "unpacking would take more than " + std::to_string(memory >> 20) +
                                         " MiB of the BMC's memory; " + remedy);
}

/// RFC 1952; its window is 32 KiB, always.
class GzipDecoder final : public Decoder
{
  public:
    GzipDecoder()
    {
        if (::inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK)
        {
            throw std::bad_alloc{};
        }
    }
    GzipDecoder(const GzipDecoder&) = delete;
    GzipDecoder& operator=(const GzipDecoder&) = delete;
    ~GzipDecoder() override
    {
        ::inflateEnd(&stream_);
    }

    [[nodiscard]] Result<bool> decode(ConstBytes& in, MutableBytes& out) override
    {
        stream_.next_in = const_cast<Bytef*>(in.data()); // zlib does not write there
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = out.data();
        stream_.avail_out = static_cast<uInt>(out.size());
        const int code = ::inflate(&stream_, Z_NO_FLUSH);
        advance(in, stream_.avail_in, out, stream_.avail_out);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        {
            return fail(ErrorKind::integrity, "the gzip data are damaged");
        }
        return code == Z_STREAM_END;
    }

  private:
    ::z_stream stream_{};
};

class XzDecoder final : public Decoder
{
  public:
    explicit XzDecoder(std::uint64_t memory) : memory_{memory}
    {
        if (::lzma_stream_decoder(&stream_, memory, LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
        {
            throw std::bad_alloc{};
        }
    }
    XzDecoder(const XzDecoder&) = delete;
    XzDecoder& operator=(const XzDecoder&) = delete;
    ~XzDecoder() override
    {
        ::lzma_end(&stream_);
    }

    [[nodiscard]] Result<bool> decode(ConstBytes& in, MutableBytes& out) override
    {
        stream_.next_in = in.data();
        stream_.avail_in = in.size();
        stream_.next_out = out.data();
        stream_.avail_out = out.size();
        const lzma_ret code = ::lzma_code(&stream_, LZMA_RUN);
        advance(in, stream_.avail_in, out, stream_.avail_out);
        if (code == LZMA_MEMLIMIT_ERROR || code == LZMA_MEM_ERROR)
        {
            return too_much_memory(memory_, "pack it with xz -6 or less");
        }
        if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR)
        {
            return fail(ErrorKind::integrity, "the xz data are damaged");
        }
        return code == LZMA_STREAM_END;
    }

  private:
    std::uint64_t memory_;
    ::lzma_stream stream_ = LZMA_STREAM_INIT;
};

/// RFC 8878.
class ZstdDecoder final : public Decoder
{
  public:
    explicit ZstdDecoder(std::uint64_t memory) : memory_{memory}, context_{::ZSTD_createDCtx()}
    {
        const int largest = std::clamp(static_cast<int>(std::bit_width(memory)) - 1, 10, 27);
        if (!context_ || ::ZSTD_isError(::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, largest)) != 0)
        {
            throw std::bad_alloc{};
        }
    }

    [[nodiscard]] Result<bool> decode(ConstBytes& in, MutableBytes& out) override
    {
        ::ZSTD_inBuffer input{in.data(), in.size(), 0};
        ::ZSTD_outBuffer output{out.data(), out.size(), 0};
        const std::size_t code = ::ZSTD_decompressStream(context_.get(), &output, &input);
        advance(in, input.size - input.pos, out, output.size - output.pos);
        if (::ZSTD_isError(code) == 0)
        {
            return code == 0;
        }
        const ZSTD_ErrorCode error = ::ZSTD_getErrorCode(code);
        if (error == ZSTD_error_frameParameter_windowTooLarge || error == ZSTD_error_memory_allocation)
        {
            return too_much_memory(memory_, "pack it with zstd -19 or less, without --ultra and --long");
        }
        return fail(ErrorKind::integrity, "the zstd data are damaged");
    }

  private:
    struct Free
    {
        void operator()(::ZSTD_DCtx* context) const
        {
            ::ZSTD_freeDCtx(context);
        }
    };
    std::uint64_t memory_;
    std::unique_ptr<::ZSTD_DCtx, Free> context_;
};

} // namespace

std::unique_ptr<Decoder> make_gzip_decoder()
{
    return std::make_unique<GzipDecoder>();
}

std::unique_ptr<Decoder> make_xz_decoder(std::uint64_t memory)
{
    return std::make_unique<XzDecoder>(memory);
}

std::unique_ptr<Decoder> make_zstd_decoder(std::uint64_t memory)
{
    return std::make_unique<ZstdDecoder>(memory);
}

} // namespace fwupdate::package
