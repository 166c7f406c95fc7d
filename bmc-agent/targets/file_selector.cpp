// "file": the boot record is a small file of its own, replaced as a whole.
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/record_selector.hpp"

namespace fwupdate::agent
{
namespace
{

constexpr mode_t readable = 0644; // a boot script need not be root to look

class RecordFile final : public RecordStore
{
  public:
    explicit RecordFile(std::filesystem::path path) : path_{std::move(path)} {}

    [[nodiscard]] Result<BootRecord> load() override
    {
        const auto text = read_file(path_, BootRecord::longest);
        if (!text)
        {
            return fail(text.error().kind,
                        text.error().text + "; write the first boot record when the machine is made");
        }
        auto record = BootRecord::parse(*text);
        if (!record)
        {
            return fail(record.error().kind, path_.string() + " holds " + record.error().text +
                                                 "; write it anew as the boot loader's script does");
        }
        return record;
    }

    [[nodiscard]] Result<void> store(const BootRecord& record) override
    {
        return write_file_atomically(path_, record.line(), readable);
    }

  private:
    std::filesystem::path path_;
};

} // namespace

std::unique_ptr<Selector> make_file_selector(const config::FileSelector& configuration)
{
    return std::make_unique<RecordSelector>(std::make_unique<RecordFile>(configuration.path), configuration.tries);
}

} // namespace fwupdate::agent
