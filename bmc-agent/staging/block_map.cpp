#include "bmc-agent/staging/block_map.hpp"

#include "common/codec.hpp"
#include "protocol-spec/messages.hpp"

#include <fcntl.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::array<std::uint8_t, 8> magic{'F', 'W', 'U', 'P', 'M', 'A', 'P', '1'};

/// The file's beginning; a CRC-32 of these bytes and then the records follow.
struct Header
{
    std::array<std::uint8_t, 8> magic{};
    std::uint64_t size{};
    Sha256 sha256{};
    codec::Text<32> target;

    using Self = Header;
    static constexpr auto layout =
        std::tuple{codec::Field{"magic", &Self::magic}, codec::Field{"size", &Self::size},
                   codec::Field{"sha256", &Self::sha256}, codec::Field{"target", &Self::target}};
};

constexpr std::size_t longest_header = 8 + 8 + 32 + 33 + 4;

/// One block's record: its CRC-32, and a proof that the record is whole and this block's.
struct Record
{
    std::uint32_t crc{};
    std::uint32_t proof{};

    using Self = Record;
    static constexpr auto layout = std::tuple{codec::Field{"crc", &Self::crc}, codec::Field{"proof", &Self::proof}};
};

constexpr std::size_t record_size = 8;

std::uint32_t crc_of(ConstBytes bytes)
{
    return static_cast<std::uint32_t>(::crc32(0, bytes.data(), static_cast<uInt>(bytes.size())));
}

Record record_of(std::uint32_t block, std::uint32_t crc)
{
    return {crc, ~crc ^ (block + 1) * 0x9E3779B9U};
}

} // namespace

BlockMap::BlockMap(File file, TransferName name, std::uint32_t blocks)
    : file_{std::move(file)}, name_{std::move(name)}, records_at_{longest_header}, present_(blocks)
{
}

Result<BlockMap> BlockMap::create(const std::filesystem::path& path, const TransferName& name, std::uint32_t blocks)
{
    auto file = File::open(path, O_RDWR | O_CREAT | O_TRUNC);
    if (!file)
    {
        return file.error();
    }
    Bytes header = codec::encode(Header{magic, name.size, name.sha256, {name.target}});
    codec::append(crc_of(header), header);
    BlockMap map{std::move(*file), name, blocks};
    if (const auto written = map.file_.write_at(0, header); !written)
    {
        return written.error();
    }
    if (const auto sized = map.file_.truncate(map.records_at_ + std::uint64_t{blocks} * record_size); !sized)
    {
        return sized.error();
    }
    return map;
}

Result<BlockMap> BlockMap::load(const std::filesystem::path& path, std::uint32_t largest_block_count)
{
    auto file = File::open(path, O_RDWR);
    if (!file)
    {
        return file.error();
    }
    std::array<std::uint8_t, longest_header> bytes{};
    if (const auto read = file->read_at(0, bytes); !read)
    {
        return read.error();
    }
    const auto header = codec::decode_response<Header>(bytes);
    const Error damaged = fail(ErrorKind::integrity, path.string() + " is not a block map of this agent");
    if (!header || header->magic != magic || header->size == 0)
    {
        return damaged;
    }
    const std::size_t header_size = codec::encode(*header).size();
    std::array<std::uint8_t, 4> expected{};
    std::ranges::copy(ConstBytes{bytes}.subspan(header_size, 4), expected.begin());
    Bytes crc;
    codec::append(crc_of(ConstBytes{bytes}.first(header_size)), crc);
    const std::uint64_t blocks = (header->size - 1) / protocol::block_size + 1;
    if (!std::ranges::equal(crc, expected) || blocks > largest_block_count)
    {
        return damaged;
    }
    BlockMap map{
        std::move(*file), {header->target.value, header->size, header->sha256}, static_cast<std::uint32_t>(blocks)};
    if (const auto read = map.read_records(); !read)
    {
        return read.error();
    }
    return map;
}

Result<void> BlockMap::read_records()
{
    Bytes records(present_.size() * record_size);
    if (const auto read = file_.read_at(records_at_, records); !read)
    {
        return read.error();
    }
    for (std::uint32_t block = 0; block < blocks(); ++block)
    {
        const auto record =
            codec::decode_response<Record>(ConstBytes{records}.subspan(block * record_size, record_size));
        if (record && record->proof == record_of(block, record->crc).proof)
        {
            present_[block] = true;
            ++blocks_present_;
        }
    }
    return {};
}

Result<std::uint32_t> BlockMap::check(std::uint32_t block) const
{
    std::array<std::uint8_t, record_size> bytes{};
    if (const auto read = file_.read_at(records_at_ + std::uint64_t{block} * record_size, bytes); !read)
    {
        return read.error();
    }
    const auto record = codec::decode_response<Record>(bytes);
    return record ? Result<std::uint32_t>{record->crc} : Result<std::uint32_t>{record.error()};
}

Result<void> BlockMap::set(std::uint32_t block, std::uint32_t crc)
{
    const Bytes record = codec::encode(record_of(block, crc));
    if (const auto written = file_.write_at(records_at_ + std::uint64_t{block} * record_size, record); !written)
    {
        return written.error();
    }
    if (!present_[block])
    {
        present_[block] = true;
        ++blocks_present_;
    }
    return {};
}

void BlockMap::clear(std::uint32_t block)
{
    if (!has(block))
    {
        return;
    }
    present_[block] = false;
    --blocks_present_;
    // If this fails the record stays, and the next reader of the block finds the damage again.
    (void)file_.write_at(records_at_ + std::uint64_t{block} * record_size, Bytes(record_size));
}

} // namespace fwupdate::agent
