// A setting's file and the file of versions, of any kind: whole values, or a sentence; what was read is written and
// read again as the same.
#include "bmc-agent/ship-level/settings_file.hpp"
#include "bmc-agent/software/state_file.hpp"

#include <cstdlib>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

void check_setting(std::string_view text)
{
    const ship_level::SettingProperties defaults{
        {"MinimumShipLevelRequired", true}, {"Mode", std::int64_t{1}}, {"Name", std::string{"a"}}};
    const auto stored = ship_level::parse_setting(text, defaults);
    if (!stored)
    {
        require(!stored.error().text.empty());
        return;
    }
    require(stored->properties.size() == defaults.size() && stored->defaulted.size() <= defaults.size());
    const auto again = ship_level::parse_setting(ship_level::serialize_setting(stored->properties), defaults);
    require(again && again->properties == stored->properties && again->defaulted.empty() && !again->old);
}

void check_state(std::string_view text)
{
    const auto state = software::deserialize(text);
    if (!state)
    {
        require(!state.error().text.empty());
        return;
    }
    require(state->versions.size() <= software::SavedState::most_versions);
    const std::string written = software::serialize(*state);
    const auto again = software::deserialize(written);
    require(again && software::serialize(*again) == written);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text = as_text({data, size});
    check_setting(text);
    check_state(text);
    return 0;
}
