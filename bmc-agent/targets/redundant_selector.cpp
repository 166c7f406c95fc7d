// "redundant": two copies of the boot record at fixed places of a device, 512 bytes each. The valid one with the higher
// sequence number counts; a change is written over the other one.
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/record_selector.hpp"

#include <fcntl.h>

#include <array>
#include <optional>

namespace fwupdate::agent
{
namespace
{

/// A copy as it lies on the medium: the line, then zeros.
std::array<std::uint8_t, BootRecord::longest> image_of(const BootRecord& record)
{
    std::array<std::uint8_t, BootRecord::longest> image{};
    const std::string line = record.line();
    std::copy_n(line.begin(), std::min(line.size(), image.size()), image.begin());
    return image;
}

class RecordCopies final : public RecordStore
{
  public:
    explicit RecordCopies(const config::RedundantSelector& place) : path_{place.path}, offsets_{place.offsets} {}

    [[nodiscard]] Result<BootRecord> load() override
    {
        const auto file = open(O_RDONLY);
        if (!file)
        {
            return file.error();
        }
        const auto best = find(*file);
        if (!best)
        {
            return best.error();
        }
        return best->record;
    }

    [[nodiscard]] Result<void> store(const BootRecord& record) override
    {
        const auto file = open(O_RDWR);
        if (!file)
        {
            return file.error();
        }
        const auto best = find(*file);
        const std::uint64_t offset = offsets_[best && best->copy == 0 ? 1 : 0];
        if (const auto written = file->write_at(offset, image_of(record)); !written)
        {
            return written.error();
        }
        if (const auto synced = file->sync(); !synced)
        {
            return synced.error();
        }
        file->drop_cache();
        const auto back = copy_at(*file, offset);
        return back && *back == record
                   ? Result<void>{}
                   : fail(ErrorKind::input_output, "the boot record on " + path_.string() +
                                                       " reads back differently; the former one is valid still, check "
                                                       "the medium");
    }

  private:
    struct Found
    {
        BootRecord record;
        std::size_t copy{};
    };

    [[nodiscard]] Result<File> open(int flags) const
    {
        std::error_code error; // names of partitions are links
        const std::filesystem::path real = std::filesystem::canonical(path_, error);
        return File::open(error ? path_ : real, flags);
    }

    [[nodiscard]] static Result<BootRecord> copy_at(const File& file, std::uint64_t offset)
    {
        std::array<std::uint8_t, BootRecord::longest> image{};
        if (const auto read = file.read_at(offset, image); !read)
        {
            return read.error();
        }
        return BootRecord::parse(as_text(image));
    }

    [[nodiscard]] Result<Found> find(const File& file) const
    {
        std::optional<Found> best;
        std::string why;
        for (std::size_t copy = 0; copy < offsets_.size(); ++copy)
        {
            const auto record = copy_at(file, offsets_[copy]);
            why += record ? "" : (why.empty() ? "" : ", ") + record.error().text;
            if (record && (!best || record->sequence > best->record.sequence))
            {
                best = Found{*record, copy};
            }
        }
        if (!best)
        {
            return fail(ErrorKind::integrity, path_.string() + " has no valid boot record (" + why +
                                                  "); write the first one when the machine is made");
        }
        return *best;
    }

    std::filesystem::path path_;
    std::array<std::uint64_t, 2> offsets_;
};

} // namespace

std::unique_ptr<Selector> make_redundant_selector(const config::RedundantSelector& configuration)
{
    return std::make_unique<RecordSelector>(std::make_unique<RecordCopies>(configuration), configuration.tries);
}

} // namespace fwupdate::agent
