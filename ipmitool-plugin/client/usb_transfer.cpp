#include "ipmitool-plugin/client/usb_transfer.hpp"

#include "ipmitool-plugin/client/lease.hpp"

#include <algorithm>
#include <chrono>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using protocol::Control;

constexpr std::chrono::seconds appear_limit = 30s; ///< a host's USB and disk drivers take some seconds
constexpr int questions = 4;                       ///< to measure the channel
constexpr double drive_overhead = 4;               ///< seconds: to appear, to be plugged out, to be read
constexpr double drive_rate = 4e6;                 ///< bytes per second that any USB 2 device reaches

Attempt<void> control(const Context& context, Control what, std::optional<protocol::Text<255>> uri = std::nullopt)
{
    const auto answer = demand<protocol::UpdateControlResponse>(context, Command::update_control,
                                                                protocol::UpdateControlRequest{what, std::move(uri)});
    return answer ? Attempt<void>{} : answer.error();
}

/// The BMC takes the drive away when update mode ends: the agent was restarted, or somebody took over.
Outcome lost_outcome()
{
    return {ExitCode::transfer_failed, "update mode ended, and with it the BMC's USB drive", Remedy::repeat};
}

/// Waits until the drive is at this host.
Attempt<usb::Disk> wait_for_disk(const Context& context, const std::string& serial, LeaseKeeper& lease)
{
    const TimePoint give_up = context.environment.now() + appear_limit;
    do
    {
        if (const auto disk = context.drives.find(serial))
        {
            return *disk;
        }
        if (!lease.keep())
        {
            return lost_outcome();
        }
    } while (context.environment.now() < give_up && pause(context, 100ms));
    if (context.environment.interrupted())
    {
        return interrupted_outcome();
    }
    return Outcome{ExitCode::transfer_failed,
                   "the BMC's USB drive (serial number " + serial + ") has not appeared at this host within " +
                       std::to_string(appear_limit.count()) +
                       " s: is the BMC's USB port wired to this host, and usb-storage loaded? 'transport stream' goes "
                       "over IPMI instead"};
}

Attempt<void> write_image(const Context& context, const Image& image, const usb::Disk& disk, ProgressMeter& meter,
                          LeaseKeeper& lease)
{
    const usb::DriveFile file{std::string{drive_file}, image.size(),
                              [&](std::uint64_t offset, std::size_t count) { return image.read(offset, count); },
                              [&](std::uint64_t written)
                              {
                                  const TimePoint now = context.environment.now();
                                  context.reporter.progress(meter.update(Phase::transfer, written, image.size(), now),
                                                            now);
                                  return lease.keep() && !context.environment.interrupted();
                              }};
    const Result<void> written = context.drives.write(disk, file);
    if (written)
    {
        return {};
    }
    if (context.environment.interrupted())
    {
        return interrupted_outcome();
    }
    return lease.ask() ? Outcome{ExitCode::transfer_failed, "/dev/" + disk.name + ": " + written.error().text}
                       : lost_outcome();
}

/// With the drive plugged in: finds and fills it.
Attempt<void> fill_drive(const Context& context, const Image& image, ProgressMeter& meter, LeaseKeeper& lease)
{
    const auto drive = demand<protocol::GetUsbDriveResponse>(context, Command::get_usb_drive);
    if (!drive)
    {
        return drive.error();
    }
    const std::string serial = printable(drive->message.serial.value);
    if (drive->message.attached != 1 || serial.empty())
    {
        return Outcome{ExitCode::transfer_failed, "the BMC says that its USB drive is not plugged in", Remedy::repeat};
    }
    const auto disk = wait_for_disk(context, serial, lease);
    if (!disk)
    {
        return disk.error();
    }
    if (disk->size != drive->message.size)
    {
        return Outcome{ExitCode::transfer_failed, "/dev/" + disk->name + " has the drive's serial number " + serial +
                                                      " but another size: it is left alone"};
    }
    context.reporter.notice("the BMC's USB drive, serial number " + serial + ", is /dev/" + disk->name);
    return write_image(context, image, *disk, meter, lease);
}

} // namespace

Attempt<void> send_by_drive(const Context& context, const Image& image, ProgressMeter& meter)
{
    if (const Attempt<void> attached = control(context, Control::usb_attach); !attached)
    {
        return attached.error();
    }
    LeaseKeeper lease{context};
    const Attempt<void> filled = fill_drive(context, image, meter, lease);
    const Attempt<void> detached = control(context, Control::usb_detach);
    if (!filled)
    {
        return filled.error();
    }
    if (!detached)
    {
        return lease.ask() ? detached.error() : lost_outcome();
    }
    return control(context, Control::set_uri, protocol::Text<255>{"usb://" + std::string{drive_file}});
}

std::string prefer_drive(const Context& context, const protocol::GetCapabilitiesResponse& capabilities,
                         std::uint64_t bytes)
{
    const PortFacts& facts = context.bmc.port().facts();
    if (facts.kind != LinkKind::system_interface || !capabilities.features.has(protocol::feature_usb) ||
        bytes > UINT32_MAX || !context.drives.check())
    {
        return {};
    }
    const TimePoint begun = context.environment.now();
    for (int at = 0; at < questions; ++at)
    {
        if (!context.bmc.call<protocol::GetUpdateSessionResponse>(Command::get_update_session))
        {
            return {};
        }
    }
    const std::chrono::duration<double> spent = context.environment.now() - begun;
    const std::size_t message = std::min<std::size_t>(capabilities.max_message, facts.max_message);
    const auto fragment = static_cast<double>(message > 32 ? message - protocol::fragment_header_size : 32);
    const double streaming = spent.count() / questions * static_cast<double>(bytes) / fragment;
    const double drive = drive_overhead + static_cast<double>(bytes) / drive_rate;
    if (streaming <= drive)
    {
        return {};
    }
    const auto text = [](double seconds)
    { return duration_text(std::chrono::seconds{static_cast<std::int64_t>(seconds) + 1}); };
    return "about " + text(drive) + " over the BMC's USB drive, " + text(streaming) + " over IPMI";
}

std::optional<Outcome> refuse_remote_drive(const Context& context, const std::string& image)
{
    if (context.bmc.port().facts().kind == LinkKind::system_interface)
    {
        return std::nullopt;
    }
    return Outcome{
        ExitCode::refused,
        "the BMC's USB drive appears at its host, not at this console. On the host: 'ipmitool fwupdate usb " + image +
            "'. From here, with somebody who copies the file there: 'fwupdate enter', 'fwupdate usb-in', the "
            "file is copied and the drive unmounted, 'fwupdate usb-out', 'fwupdate uri usb://FILE', 'fwupdate "
            "complete', 'fwupdate status' until ready, 'fwupdate exit'. Or without the drive: 'fwupdate "
            "install " +
            image + "'"};
}

} // namespace fwupdate::client
