// The agent at run time: every object made in its place and handed to the next, nothing found by itself.
#pragma once

#include "bmc-agent/actions/action_table.hpp"
#include "bmc-agent/blobs/blob_manager.hpp"
#include "bmc-agent/blobs/cleanup_blob.hpp"
#include "bmc-agent/blobs/firmware_blobs.hpp"
#include "bmc-agent/channels/dbus/bus_server.hpp"
#include "bmc-agent/channels/lan/lan_server.hpp"
#include "bmc-agent/channels/lan/udp_server.hpp"
#include "bmc-agent/channels/system-interface/host_server.hpp"
#include "bmc-agent/commands/standard_commands.hpp"
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/daemon/command_restarter.hpp"
#include "bmc-agent/daemon/identity.hpp"
#include "bmc-agent/daemon/state_lock.hpp"
#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/process/asio_command_runner.hpp"
#include "bmc-agent/ship-level/service.hpp"
#include "bmc-agent/software/service.hpp"
#include "bmc-agent/update/firmware_commands.hpp"
#include "bmc-agent/update/session_activation.hpp"
#include "bmc-agent/update/session_flash_update.hpp"
#include "bmc-agent/update/update_loop.hpp"
#include "bmc-agent/verification/check_table.hpp"
#include "common/random.hpp"
#include "transports/network/bmc/downloader.hpp"
#include "transports/usb-mass-storage/bmc/usb_drive.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace fwupdate::agent
{

class Daemon
{
  public:
    /// Opens state, targets and sockets. `configuration` and `log` must outlive the daemon. Errors: input_output (a
    /// directory that can't be written, an address that is taken), with the place and what to do.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> create(const config::Config& configuration, Log& log);

    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon() = default;

    /// Serves until SIGTERM or SIGINT.
    void run();

  private:
    /// Tells the update session when a LAN session ends.
    class Observer final : public lan::SessionObserver
    {
      public:
        explicit Observer(UpdateSession& session) : session_{session} {}
        void session_closed(std::uint8_t channel, std::uint32_t session, lan::CloseReason why, TimePoint now) override;

      private:
        UpdateSession& session_;
    };

    /// The flash blobs, for the host tool of phosphor-ipmi-flash.
    struct Blobs
    {
        Blobs(UpdateSession& session, blobs::FlashIds ids, blobs::SessionId first_session);

        SessionFlashUpdate update;
        blobs::FirmwareBlobs firmware;
        blobs::CleanupBlob cleanup;
        blobs::BlobManager manager;
    };

    /// What D-Bus shows of versions, and does with them.
    struct Software
    {
        Software(boost::asio::io_context& context, UpdateSession& session, dbus::Bus* bus, Log& log);

        SessionActivation activation;
        software::RebootGuard guard;
        std::unique_ptr<software::SoftwareService> service;
    };

    /// What is opened before anything runs.
    struct State
    {
        Staging staging;
        StateLock lock;
        RunIdentity identity;
        protocol::Identifier guid{};
        std::optional<usb::FatTools> fat_tools; ///< where there is a USB drive
        Trust trust;
        package::VersionScheme scheme;
    };
    [[nodiscard]] static Result<State> open_state(const config::Config& configuration, Log& log);

    Daemon(const config::Config& configuration, Log& log, State state);

    [[nodiscard]] std::unique_ptr<usb::UsbDrive> make_usb_drive(const std::optional<usb::FatTools>& tools);
    [[nodiscard]] std::unique_ptr<network::Downloader> make_downloader();
    [[nodiscard]] HandlerParts handler_parts();
    [[nodiscard]] std::unique_ptr<ship_level::ShipLevelService> make_ship_level();
    [[nodiscard]] CheckChain make_check_chain();
    [[nodiscard]] Result<void> open_channels();
    [[nodiscard]] Result<void> open_hosts();
    [[nodiscard]] Result<void> open_dbus_ipmi();
    [[nodiscard]] Result<void> open_software();
    void open_ship_level();
    [[nodiscard]] software::ServiceParts software_parts();
    [[nodiscard]] Result<void> serve_blobs();
    [[nodiscard]] static UpdateSettings settings_of(const config::Config& configuration, const RunIdentity& identity);

    // In the order of construction: each uses only what stands above it.
    const config::Config& configuration_;
    Log& log_;
    boost::asio::io_context context_{1};
    StateLock lock_;
    SystemRandom random_;
    AsioCommandRunner runner_;
    std::unique_ptr<dbus::Bus> bus_; ///< null: built without D-Bus
    Staging staging_;
    Targets targets_;
    Trust trust_;
    VersionFloors floors_;
    std::unique_ptr<ship_level::ShipLevelService> ship_level_; ///< null: not configured
    CheckChain checks_;
    History history_;
    std::unique_ptr<usb::UsbDrive> usb_;
    std::unique_ptr<network::Downloader> downloader_;
    TransportTable transports_;
    UpdateSession session_;
    std::unique_ptr<Blobs> blobs_; ///< null: no target has one
    CommandTable commands_;
    CommandRestarter cold_reset_;
    lan::LanServer lan_;
    Observer observer_;
    UpdateLoop update_loop_;
    std::unique_ptr<lan::UdpServer> udp_;
    std::vector<std::unique_ptr<system_interface::HostServer>> hosts_;
    std::unique_ptr<dbus_ipmi::IpmiHost> ipmi_host_; ///< null: not configured, as its server
    std::unique_ptr<dbus_ipmi::BusServer> bus_server_;
    std::unique_ptr<Software> software_; ///< null: not configured
};

} // namespace fwupdate::agent
