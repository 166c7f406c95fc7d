#include "bmc-agent/daemon.hpp"

#include "bmc-agent/blobs/blob_commands.hpp"
#include "bmc-agent/daemon/service_manager.hpp"
#include "bmc-agent/ship-level/ship_level_check.hpp"
#include "bmc-agent/software/interface_table.hpp"
#include "bmc-agent/version.hpp"

#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::chrono::seconds command_limit = std::chrono::minutes{5}; ///< for restarts and version commands
constexpr std::size_t most_of_os_release = 64UL * 1024;                 ///< bytes
constexpr auto boot_id_file = "/proc/sys/kernel/random/boot_id";        ///< random(4)

std::uint64_t wall_clock()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now).count());
}

/// A clock that was never set is none: certificates cannot be judged by 1970.
std::optional<std::chrono::system_clock::time_point> known_time()
{
    constexpr std::chrono::sys_days first_release{std::chrono::year{2026} / 1 / 1};
    const auto now = std::chrono::system_clock::now();
    return now < first_release ? std::nullopt : std::optional{now};
}

Result<package::VersionScheme> scheme_of(const config::Verification& settings)
{
    return settings.version_patterns.empty() ? Result<package::VersionScheme>{package::VersionScheme::usual()}
                                             : package::VersionScheme::from_patterns(settings.version_patterns);
}

/// Where there is none: as it would be by itself, to take away what a former agent has left.
usb::UsbDriveSettings drive_settings(const config::Config& configuration)
{
    const config::Usb usb = configuration.usb.value_or(config::Usb{});
    return {{.configfs = usb.configfs,
             .controller = usb.controller,
             .vendor_id = usb.vendor_id,
             .product_id = usb.product_id,
             .manufacturer = usb.manufacturer,
             .product = usb.product},
            usb.directory.empty() ? configuration.staging.directory : usb.directory};
}

constexpr auto network_schemes = std::to_array<std::pair<network::Scheme, std::uint16_t>>({
    {network::Scheme::https, protocol::scheme_https},
    {network::Scheme::http, protocol::scheme_http},
    {network::Scheme::tftp, protocol::scheme_tftp},
    {network::Scheme::ftp, protocol::scheme_ftp},
    {network::Scheme::ftps, protocol::scheme_ftps},
});

TransportTable make_transport_table(usb::UsbDrive* drive, network::Downloader* downloader,
                                    const config::Config& configuration)
{
    TransportTable table;
    table.drive = drive;
    if (drive != nullptr)
    {
        table.fetchers.push_back({"usb", protocol::scheme_usb, drive});
    }
    for (const auto& [scheme, bit] : network_schemes)
    {
        if (downloader != nullptr && std::ranges::count(configuration.network->schemes, scheme) != 0)
        {
            table.fetchers.push_back({network::name_of(scheme), bit, downloader});
        }
    }
    return table;
}

} // namespace

void Daemon::Observer::session_closed(std::uint8_t channel, std::uint32_t session, lan::CloseReason /*why*/,
                                      TimePoint now)
{
    session_.session_closed(channel, session, now);
}

Daemon::Blobs::Blobs(UpdateSession& session, blobs::FlashIds ids, blobs::SessionId first_session)
    : update{session}, firmware{std::move(ids), update}, cleanup{update}, manager{{&firmware, &cleanup}, first_session}
{
}

Daemon::Software::Software(boost::asio::io_context& context, UpdateSession& session, dbus::Bus* bus, Log& log)
    : activation{context, session, log}, guard{context, dbus::make_unit_job(context, bus), log}
{
}

UpdateSettings Daemon::settings_of(const config::Config& configuration, const RunIdentity& identity)
{
    return {.lease = configuration.lease,
            .max_image_size = std::min(configuration.staging.max_image_size, protocol::largest_image),
            .retention = configuration.staging.retention,
            .persistent_staging = configuration.staging.persistent,
            .takes_signatures = !configuration.verification.roots.empty(),
            .wants_cms =
                configuration.verification.signature_required && configuration.verification.system_keys.empty(),
            .wants_signatures = configuration.verification.signature_required,
            .boot_id = identity.boot_id,
            .instance_id = identity.instance_id,
            .started = Clock::now(),
            .wall_clock = wall_clock};
}

Daemon::Daemon(const config::Config& configuration, Log& log, State state)
    : configuration_{configuration},
      log_{log},
      lock_{std::move(state.lock)},
      runner_{context_, command_limit},
      bus_{dbus::make_bus(context_)},
      staging_{std::move(state.staging)},
      targets_{configuration.targets, configuration.default_target, handler_parts()},
      trust_{std::move(state.trust)},
      floors_{configuration.staging.directory, std::move(state.scheme)},
      ship_level_{make_ship_level()},
      checks_{make_check_chain()},
      history_{configuration.staging.directory / "history.json", log},
      usb_{make_usb_drive(state.fat_tools)},
      downloader_{make_downloader()},
      transports_{make_transport_table(usb_.get(), downloader_.get(), configuration)},
      session_{settings_of(configuration, state.identity),
               UpdateParts{staging_, targets_, checks_, floors_, history_, runner_, random_, log, transports_}},
      cold_reset_{context_, configuration.device.cold_reset_command, runner_, session_, log},
      lan_{lan::LanServer::Parts{configuration.lan, configuration.users, guid_on_wire(state.guid), commands_, random_,
                                 log}},
      observer_{session_},
      update_loop_{context_, session_}
{
    add_standard_commands(commands_,
                          StandardFacts{configuration.device, state.guid, version_numbers, configuration.lan.channel},
                          cold_reset_, log);
    lan::add_session_commands(commands_, lan_);
    add_base_commands(commands_, session_);
    add_extended_commands(commands_, session_);
    lan_.observe(&observer_);
}

Result<Daemon::State> Daemon::open_state(const config::Config& configuration, Log& log)
{
    const std::filesystem::path& directory = configuration.staging.directory;
    auto staging = Staging::open(directory, configuration.staging.max_image_size);
    if (!staging)
    {
        return staging.error();
    }
    auto lock = StateLock::take(directory);
    if (!lock)
    {
        return lock.error();
    }
    SystemRandom random;
    const auto boot_id = read_boot_id(boot_id_file);
    if (!boot_id)
    {
        return boot_id.error();
    }
    const auto guid = configuration.device.guid ? Result<protocol::Identifier>{*configuration.device.guid}
                                                : load_or_make_guid(directory / "guid", random);
    if (!guid)
    {
        return guid.error();
    }
    usb::UsbDrive::clean_up(drive_settings(configuration),
                            [&log](const std::string& text) {
                                log.event(Level::warning, "USB drive", {{"reason", text}});
                            });
    auto trust = Trust::load(configuration.verification);
    if (!trust)
    {
        return trust.error();
    }
    auto scheme = scheme_of(configuration.verification);
    if (!scheme)
    {
        return scheme.error();
    }
    std::optional<usb::FatTools> fat_tools;
    if (configuration.usb)
    {
        auto found = usb::FatTools::find();
        if (!found)
        {
            return fail(found.error().kind, found.error().text + ", or leave \"usb\" out of the configuration");
        }
        fat_tools = std::move(*found);
    }
    return State{
        std::move(*staging), std::move(*lock),  {*boot_id, make_instance_id(random)}, *guid, std::move(fat_tools),
        std::move(*trust),   std::move(*scheme)};
}

/// Null where the configuration has none.
std::unique_ptr<usb::UsbDrive> Daemon::make_usb_drive(const std::optional<usb::FatTools>& tools)
{
    if (!tools)
    {
        return nullptr;
    }
    return std::make_unique<usb::UsbDrive>(context_, drive_settings(configuration_), *tools, random_,
                                           [this](const std::string& text) {
                                               log_.event(Level::warning, "USB drive", {{"reason", text}});
                                           });
}

/// Null where the configuration has none.
std::unique_ptr<network::Downloader> Daemon::make_downloader()
{
    if (!configuration_.network)
    {
        return nullptr;
    }
    return std::make_unique<network::Downloader>(context_, *configuration_.network,
                                                 [this](const std::string& text) {
                                                     log_.event(Level::warning, "Download", {{"reason", text}});
                                                 });
}

Result<std::unique_ptr<Daemon>> Daemon::create(const config::Config& configuration, Log& log)
{
    auto state = open_state(configuration, log);
    if (!state)
    {
        return state.error();
    }
    std::unique_ptr<Daemon> daemon{new Daemon{configuration, log, std::move(*state)}};
    if (const auto opened = daemon->open_channels(); !opened)
    {
        return opened.error();
    }
    return daemon;
}

/// Null where the configuration has none.
std::unique_ptr<ship_level::ShipLevelService> Daemon::make_ship_level()
{
    if (!configuration_.ship_level)
    {
        return nullptr;
    }
    auto scheme = scheme_of(configuration_.verification);
    return std::make_unique<ship_level::ShipLevelService>(context_, bus_.get(), *configuration_.ship_level,
                                                          scheme ? std::move(*scheme) : package::VersionScheme::usual(),
                                                          log_); // a wrong one was told before
}

CheckChain Daemon::make_check_chain()
{
    CheckChain checks = make_checks({configuration_.staging.max_image_size, configuration_.verification,
                                     Places{targets_, configuration_.machine, trust_}, floors_, known_time, log_});
    if (ship_level_ != nullptr)
    {
        checks.push_back(make_ship_level_check([this] { return ship_level_->verdict(); }));
    }
    return checks;
}

/// Its setting has one place on the bus: the settings of the versions, where these are served, else one of its own.
void Daemon::open_ship_level()
{
    if (ship_level_ == nullptr)
    {
        return;
    }
    ship_level_->start();
    const config::ShipLevel& settings = *configuration_.ship_level;
    if (settings.foreign_setting || bus_ == nullptr)
    {
        return;
    }
    if (configuration_.software && !configuration_.software->foreign_settings)
    {
        ship_level_->on_setting_changed([this](const std::vector<dbus::TreeChange>& changes)
                                        { software_->service->settings_changed(changes); });
        return;
    }
    ship_level_->serve_setting();
}

HandlerParts Daemon::handler_parts()
{
    return {&runner_, [this] { session_.notify(); },
            [this](const config::Action& action, std::chrono::seconds patience) {
                return make_action(action, {&context_, bus_.get(), patience});
            }};
}

/// Where a target has one.
Result<void> Daemon::serve_blobs()
{
    std::vector<std::string> ids;
    for (const config::Target& target : configuration_.targets)
    {
        if (!target.blob.empty())
        {
            ids.push_back(target.blob);
        }
    }
    if (ids.empty())
    {
        return {};
    }
    auto checked = blobs::FlashIds::make(std::move(ids));
    if (!checked)
    {
        return checked.error();
    }
    std::array<std::uint8_t, 2> first{};
    random_.fill(first);
    blobs_ =
        std::make_unique<Blobs>(session_, std::move(*checked), static_cast<blobs::SessionId>(first[0] | first[1] << 8));
    blobs::add_blob_commands(commands_, blobs_->manager, log_,
                             [this](const Caller& caller, TimePoint now) { session_.touch(caller, now); });
    return {};
}

Result<void> Daemon::open_channels()
{
    if (auto served = serve_blobs(); !served)
    {
        return served;
    }
    auto udp = lan::UdpServer::create(context_, configuration_.lan, lan_, log_);
    if (!udp)
    {
        return udp.error();
    }
    udp_ = std::move(*udp);
    if (auto opened = open_hosts(); !opened)
    {
        return opened;
    }
    if (auto opened = open_dbus_ipmi(); !opened)
    {
        return opened;
    }
    if (auto opened = open_software(); !opened)
    {
        return opened;
    }
    open_ship_level();
    return {};
}

Result<void> Daemon::open_hosts()
{
    for (const config::SystemInterface& settings : configuration_.system_interfaces)
    {
        if (settings.policy == config::HostPolicy::off)
        {
            continue;
        }
        auto host = system_interface::serve_host(context_, settings, commands_, log_);
        if (!host)
        {
            return host.error();
        }
        log_.event(Level::info, "Serving a host",
                   {{"interface", (*host)->name()}, {"channel", std::to_string(settings.channel)}});
        hosts_.push_back(std::move(*host));
    }
    return {};
}

/// Where the configuration has it. Neither the bus nor the name need be there yet.
Result<void> Daemon::open_dbus_ipmi()
{
    if (!configuration_.dbus_ipmi)
    {
        return {};
    }
    if (bus_ == nullptr)
    {
        return fail(ErrorKind::input_output, "this agent was built without D-Bus; build it with sdbus-c++, or leave "
                                             "\"dbus_ipmi\" out of the configuration");
    }
    const config::DbusIpmi& section = *configuration_.dbus_ipmi;
    ipmi_host_ =
        std::make_unique<dbus_ipmi::IpmiHost>(section, commands_, log_,
                                              [this](std::uint8_t channel, std::uint32_t session, TimePoint now)
                                              { session_.session_closed(channel, session, now); });
    bus_server_ = dbus_ipmi::serve_bus(context_, *bus_, section, *ipmi_host_, log_);
    return {};
}

/// Where the configuration has it. The bus need not be there yet.
Result<void> Daemon::open_software()
{
    if (!configuration_.software)
    {
        return {};
    }
    if (bus_ == nullptr)
    {
        return fail(ErrorKind::input_output, "this agent was built without D-Bus; build it with sdbus-c++, or leave "
                                             "\"software\" out of the configuration");
    }
    software_ = std::make_unique<Software>(context_, session_, bus_.get(), log_);
    auto service = software::SoftwareService::create(software_parts());
    if (!service)
    {
        return service.error();
    }
    software_->service = std::move(*service);
    if (ship_level_ != nullptr && !configuration_.ship_level->foreign_setting)
    {
        software_->service->add_settings(*ship_level_);
    }
    software_->service->start(running_versions(targets_));
    software_->activation.wait_for(&software_->guard);
    session_.hold_restarts([this] { return software_ != nullptr && software_->guard.in_the_way(); });
    software_->activation.tell(*software_->service);
    return {};
}

software::ServiceParts Daemon::software_parts()
{
    const config::Software& settings = *configuration_.software;
    auto interfaces = software::interface_table();
    interfaces.push_back(ship_level::setting_interface_info());
    const auto os_release = read_file("/etc/os-release", most_of_os_release);
    const std::string& name = configuration_.machine.name;
    const bool tftp =
        configuration_.network && std::ranges::count(configuration_.network->schemes, network::Scheme::tftp) != 0;
    return {.context = context_,
            .settings = settings,
            .rules = {name.empty() && os_release ? software::machine_of(*os_release) : name,
                      configuration_.machine.compatible, settings.image_sets},
            .state_file = configuration_.staging.directory / "software.json",
            .max_image_size = configuration_.staging.max_image_size,
            .signatures_required = configuration_.verification.signature_required,
            .tftp = tftp ? make_downloader() : nullptr,
            .driver = software_->activation,
            .guard = settings.reboot_guard ? &software_->guard : nullptr,
            .random = random_,
            .log = log_,
            .bus = bus_.get(),
            .interfaces = std::move(interfaces)};
}

void Daemon::run()
{
    boost::asio::signal_set signals{context_, SIGTERM, SIGINT};
    signals.async_wait(
        [this](boost::system::error_code error, int signal)
        {
            if (!error)
            {
                notify_service_manager("STOPPING=1");
                log_.event(Level::info, "Stopping", {{"signal", std::to_string(signal)}});
                udp_->stop();
                std::ranges::for_each(hosts_, [](const auto& host) { host->stop(); });
                if (bus_server_ != nullptr)
                {
                    bus_server_->stop();
                }
                if (software_ != nullptr)
                {
                    software_->service->stop();
                }
                if (ship_level_ != nullptr)
                {
                    ship_level_->stop();
                }
                context_.stop();
            }
        });
    log_.event(Level::info, "Ready",
               {{"version", version_text},
                {"port", std::to_string(udp_->ports().front())},
                {"users", std::to_string(configuration_.users.size())},
                {"targets", std::to_string(configuration_.targets.size())},
                {"state", configuration_.staging.directory.string()}});
    notify_service_manager("READY=1");
    context_.run();
}

} // namespace fwupdate::agent
