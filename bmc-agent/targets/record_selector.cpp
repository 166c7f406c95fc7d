#include "bmc-agent/targets/record_selector.hpp"

namespace fwupdate::agent
{

void RecordSelector::read(Told told)
{
    const auto record = store_->load();
    told(record ? Result<SlotState>{SlotState{{}, record->chosen, record->chosen != record->good}}
                : Result<SlotState>{record.error()});
}

void RecordSelector::try_slot(const std::string& slot, const std::string& running, Done done)
{
    done(change(slot, running, tries_));
}

void RecordSelector::confirm(const std::string& slot, Done done)
{
    done(change(slot, slot, 0));
}

void RecordSelector::fall_back(const std::string& slot, Done done)
{
    done(change(slot, slot, 0));
}

Result<void> RecordSelector::change(const std::string& chosen, const std::string& good, std::uint32_t tries)
{
    const auto record = store_->load(); // the boot loader may have counted since
    if (!record)
    {
        return record.error();
    }
    return store_->store({record->sequence + 1, chosen, good, tries});
}

} // namespace fwupdate::agent
