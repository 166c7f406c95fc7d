// A selector whose memory is a boot record; where the record lies is another matter.
#pragma once

#include "bmc-agent/targets/boot_record.hpp"
#include "bmc-agent/targets/selector.hpp"

#include <cstdint>

namespace fwupdate::agent
{

/// Where a boot record lies.
class RecordStore
{
  public:
    virtual ~RecordStore() = default;

    /// Errors: integrity (no valid record), input_output, not_found.
    [[nodiscard]] virtual Result<BootRecord> load() = 0;

    /// Back when it is on the medium; an error or a power cut leaves the former record.
    [[nodiscard]] virtual Result<void> store(const BootRecord& record) = 0;
};

class RecordSelector final : public Selector
{
  public:
    /// `tries`: how often a slot on trial is started.
    RecordSelector(std::unique_ptr<RecordStore> store, std::uint8_t tries) : store_{std::move(store)}, tries_{tries} {}

    void read(Told told) override;
    void try_slot(const std::string& slot, const std::string& running, Done done) override;
    void confirm(const std::string& slot, Done done) override;
    void fall_back(const std::string& slot, Done done) override;

  private:
    [[nodiscard]] Result<void> change(const std::string& chosen, const std::string& good, std::uint32_t tries);

    std::unique_ptr<RecordStore> store_;
    std::uint8_t tries_;
};

} // namespace fwupdate::agent
