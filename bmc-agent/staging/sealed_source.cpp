#include "bmc-agent/staging/sealed_source.hpp"

#include <algorithm>
#include <memory>
#include <optional>

namespace fwupdate::agent
{
namespace
{

/// Keeps the block that was read last: few looks begin and end with a block.
class SealedReader
{
  public:
    explicit SealedReader(const Staging& staging) : staging_{staging} {}

    Result<void> read(std::uint64_t offset, MutableBytes out)
    {
        if (offset > staging_.length() || out.size() > staging_.length() - offset)
        {
            return fail(ErrorKind::length, "read beyond the end");
        }
        while (!out.empty())
        {
            const auto number = static_cast<std::uint32_t>(offset / protocol::block_size);
            if (const auto loaded = load(number); !loaded)
            {
                return loaded.error();
            }
            const auto part = ConstBytes{block_}.subspan(offset % protocol::block_size);
            const std::size_t count = std::min(part.size(), out.size());
            std::copy_n(part.begin(), count, out.begin());
            offset += count;
            out = out.subspan(count);
        }
        return {};
    }

  private:
    Result<void> load(std::uint32_t number)
    {
        if (number_ == number)
        {
            return {};
        }
        number_.reset();
        auto read = staging_.read_sealed(number, block_);
        number_ = read ? std::optional{number} : std::nullopt;
        return read;
    }

    const Staging& staging_;
    std::optional<std::uint32_t> number_; ///< of the block that is here
    Bytes block_;
};

} // namespace

package::ByteSource sealed_source(const Staging& staging)
{
    return {staging.length(), [reader = std::make_shared<SealedReader>(staging)](std::uint64_t offset, MutableBytes out)
            { return reader->read(offset, out); }};
}

} // namespace fwupdate::agent
