#include "bmc-agent/channels/system-interface/host_server.hpp"

#include "bmc-agent/channels/system-interface/host_device.hpp"
#include "bmc-agent/channels/system-interface/vm_server.hpp"

namespace fwupdate::agent::system_interface
{

Result<std::unique_ptr<HostServer>> serve_host(boost::asio::io_context& context,
                                               const config::SystemInterface& settings, const CommandTable& commands,
                                               Log& log)
{
    if (settings.type == config::HostType::vm)
    {
        return listen_for_emulator(context, settings, commands, log);
    }
    return serve_host_device(context, settings, commands, log);
}

} // namespace fwupdate::agent::system_interface
