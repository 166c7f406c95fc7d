// OpenBMC's software objects on the bus: the model, what feeds it, and who serves it. One place through which every
// call and every event goes, so that behind each of them what changed is signalled, told and saved.
#pragma once

#include "bmc-agent/dbus/object_server.hpp"
#include "bmc-agent/dbus/property_watch.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/software/activation_events.hpp"
#include "bmc-agent/software/reboot_guard.hpp"
#include "bmc-agent/software/software_model.hpp"
#include "bmc-agent/software/state_file.hpp"
#include "bmc-agent/software/tftp_download.hpp"
#include "bmc-agent/software/upload_intake.hpp"
#include "bmc-agent/software/upload_watch.hpp"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent::software
{

/// What the service works with; all but the values outlives it.
struct ServiceParts
{
    boost::asio::io_context& context;
    config::Software settings;
    UploadRules rules;
    std::filesystem::path state_file;
    std::uint64_t max_image_size{}; ///< bytes
    bool signatures_required{};
    std::unique_ptr<transports::Fetcher> tftp; ///< nullptr: not configured
    ActivationDriver& driver;
    RebootGuard* guard{}; ///< nullptr: restarts are not kept off
    RandomSource& random;
    Log& log;
    dbus::Bus* bus{};                            ///< where somebody else has the settings; may be nullptr otherwise
    std::vector<dbus::InterfaceInfo> interfaces; ///< of all that is served
};

class SoftwareService final : public ActivationEvents
{
  public:
    /// Errors: invalid_field (the pattern of the least version).
    [[nodiscard]] static Result<std::unique_ptr<SoftwareService>> create(ServiceParts parts);
    ~SoftwareService() override;

    /// Looks at what was saved, watches the upload directory, and serves. Without the directory the rest works.
    void start(const std::vector<Running>& running);
    void stop();

    /// More objects of the settings' service: of somebody who outlives this. Before start(); what changes in them is
    /// told to settings_changed.
    void add_settings(dbus::ObjectOwner& more);
    void settings_changed(const std::vector<dbus::TreeChange>& changes);

    // ActivationEvents
    void progressed(const std::string& id, std::uint8_t percent) override;
    void succeeded(const std::string& id) override;
    void gave_up(const std::string& id, Refusal reason) override;
    void progressed_elsewhere(std::uint8_t percent) override;
    void programmed_elsewhere(const ImageFacts& facts) override;
    void gave_up_elsewhere(Refusal reason) override;
    void running(const std::vector<Running>& versions) override;

  private:
    /// One service of the layout.
    class Face;

    SoftwareService(ServiceParts parts, std::optional<MinimumVersion> minimum);

    void open_uploads();
    void watch_apply_time();
    void serve();
    void settle();
    void signal();
    void report();
    void work_soon();

    [[nodiscard]] std::optional<dbus::CallError> set(const std::string& path, const std::string& interface,
                                                     const dbus::Value& value);
    [[nodiscard]] Outcome<void> set_word(const std::string& path, const std::string& interface,
                                         const std::string& text);
    [[nodiscard]] dbus::CallResult call(const dbus::MethodCall& call);
    [[nodiscard]] Outcome<std::string> start_update(const dbus::MethodCall& call);
    [[nodiscard]] Outcome<void> download(const dbus::MethodCall& call);
    [[nodiscard]] std::optional<Device> device_of_root(const std::string& path) const;

    ServiceParts parts_;
    SoftwareModel model_;
    UploadIntake intake_;
    StateFile state_file_;
    TftpDownload tftp_;
    std::unique_ptr<UploadWatch> watch_;
    std::unique_ptr<dbus::PropertyWatch> apply_time_;
    std::map<Service, std::unique_ptr<Face>> faces_;
    bool working_{false}; ///< posted
};

} // namespace fwupdate::agent::software
