// The one table of target handlers. Adding one: a file, and a row here.
#include "bmc-agent/targets/block_medium.hpp"
#include "bmc-agent/targets/file_target.hpp"
#include "bmc-agent/targets/flash_medium.hpp"
#include "bmc-agent/targets/handover_target.hpp"
#include "bmc-agent/targets/medium_target.hpp"
#include "bmc-agent/targets/mtd_device.hpp"
#include "bmc-agent/targets/slots_target.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::agent
{
namespace
{

struct HandlerRow
{
    std::string_view type;
    std::unique_ptr<TargetHandler> (*make)(const config::Target&, const HandlerParts&);
};

std::unique_ptr<TargetHandler> make_file(const config::Target& target, const HandlerParts& /*parts*/)
{
    return std::make_unique<FileTarget>(target.path);
}

std::unique_ptr<TargetHandler> make_block(const config::Target& target, const HandlerParts& /*parts*/)
{
    const DevicePart part{target.offset, target.size};
    return std::make_unique<MediumTarget>(std::make_unique<BlockMedium>(target.path, part));
}

std::unique_ptr<TargetHandler> make_mtd(const config::Target& target, const HandlerParts& /*parts*/)
{
    return std::make_unique<MediumTarget>(std::make_unique<FlashMedium>(std::make_shared<MtdPlace>(target.path)));
}

std::unique_ptr<TargetHandler> make_handover(const config::Target& target, const HandlerParts& /*parts*/)
{
    return std::make_unique<HandoverTarget>(target.path);
}

/// Each slot as if it were a target of its own, by the handler that it names.
std::unique_ptr<TargetHandler> make_slots(const config::Target& target, const HandlerParts& parts)
{
    std::vector<SlotsTarget::Slot> slots;
    for (const config::Slot& slot : target.slots->places)
    {
        config::Target place = target;
        place.slots.reset();
        place.type = slot.type;
        place.path = slot.path;
        slots.push_back({slot.name, make_handler(place, parts), slot.path});
    }
    return std::make_unique<SlotsTarget>(target.name, std::move(slots),
                                         make_selector(target.slots->selector, parts.runner), target.slots->running,
                                         parts.wake, target.slots->stream);
}

constexpr std::array handlers{
    HandlerRow{"file", make_file}, HandlerRow{"handover", make_handover}, HandlerRow{"block", make_block},
    HandlerRow{"mtd", make_mtd},   HandlerRow{"slots", make_slots},
};

} // namespace

std::unique_ptr<TargetHandler> make_handler(const config::Target& target, const HandlerParts& parts)
{
    const auto* row = std::ranges::find(handlers, target.type, &HandlerRow::type);
    return row == handlers.end() ? nullptr : row->make(target, parts);
}

bool is_handler_type(std::string_view type)
{
    return std::ranges::find(handlers, type, &HandlerRow::type) != handlers.end();
}

} // namespace fwupdate::agent
