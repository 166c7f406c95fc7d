// The numbers of all channels: two of one number could not be told apart, and update mode is held by a channel.
#include "bmc-agent/config/sections.hpp"

#include <algorithm>

namespace fwupdate::config
{
namespace
{

class Numbers
{
  public:
    explicit Numbers(Findings& findings) : findings_{findings} {}

    void take(std::uint8_t number)
    {
        taken_.push_back(number);
    }

    void take(std::uint8_t number, const std::string& pointer)
    {
        if (std::ranges::count(taken_, number) != 0)
        {
            findings_.mistake(pointer_to(pointer, "channel"), std::to_string(number) + " is another channel's number",
                              "give each its own");
        }
        take(number);
    }

  private:
    Findings& findings_;
    std::vector<std::uint8_t> taken_;
};

} // namespace

void check_channels(const Config& config, Findings& findings)
{
    Numbers numbers{findings};
    numbers.take(config.lan.channel);
    for (std::size_t at = 0; at < config.system_interfaces.size(); ++at)
    {
        numbers.take(config.system_interfaces[at].channel, pointer_to("/system_interfaces", std::to_string(at)));
    }
    if (!config.dbus_ipmi)
    {
        return;
    }
    if (config.dbus_ipmi->legacy)
    {
        numbers.take(legacy_channel);
    }
    for (std::size_t at = 0; at < config.dbus_ipmi->channels.size(); ++at)
    {
        numbers.take(config.dbus_ipmi->channels[at].number, pointer_to("/dbus_ipmi/channels", std::to_string(at)));
    }
}

} // namespace fwupdate::config
