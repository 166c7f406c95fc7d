#include "bmc-agent/software/service.hpp"

#include "common/bytes.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace fwupdate::agent::software
{
namespace
{

constexpr const char* invalid_enum = "xyz.openbmc_project.sdbusplus.Error.InvalidEnumString";
constexpr std::array services{Service::image_manager, Service::updater, Service::download, Service::settings};

dbus::CallError on_bus(const Refusal& refusal)
{
    return {std::string{dbus_name(refusal.code)}, refusal.text};
}

std::string id_of(const std::string& path)
{
    return path.substr(std::min(path.size(), software_root.size() + 1));
}

/// What is an error for nobody but the image's owner is a warning.
Level level_of(ErrorCode code)
{
    return code == ErrorCode::image_failure || code == ErrorCode::internal_failure ? Level::warning : Level::error;
}

} // namespace

/// Its objects as values, and what serves them. Settings may have more objects, of somebody else.
class SoftwareService::Face final : public dbus::ObjectOwner
{
  public:
    Face(SoftwareService& whole, dbus::ObjectOwner* more) : whole_{whole}, more_{more} {}

    [[nodiscard]] const dbus::ObjectTree& tree() const override
    {
        return tree_;
    }
    [[nodiscard]] std::optional<dbus::CallError> set(const std::string& path, const std::string& interface,
                                                     const std::string& property, const dbus::Value& value) override
    {
        return is_of_others(path) ? more_->set(path, interface, property, value) : whole_.set(path, interface, value);
    }
    [[nodiscard]] dbus::CallResult call(const dbus::MethodCall& call) override
    {
        return is_of_others(call.path) ? more_->call(call) : whole_.call(call);
    }

    void take(dbus::ObjectTree tree)
    {
        tree_ = std::move(tree);
        if (more_ != nullptr)
        {
            tree_.insert(more_->tree().begin(), more_->tree().end());
        }
    }

    [[nodiscard]] bool is_of_others(const std::string& path) const
    {
        return more_ != nullptr && more_->tree().contains(path);
    }

    void be_joined_by(dbus::ObjectOwner& more)
    {
        more_ = &more;
    }

    std::unique_ptr<dbus::ObjectServer> server; ///< nullptr: the layout has no such service, or there is no D-Bus

  private:
    SoftwareService& whole_;
    dbus::ObjectOwner* more_;
    dbus::ObjectTree tree_;
};

Result<std::unique_ptr<SoftwareService>> SoftwareService::create(ServiceParts parts)
{
    std::optional<MinimumVersion> minimum;
    if (const auto& least = parts.settings.least_bmc_version)
    {
        auto made = MinimumVersion::make(*least);
        if (!made)
        {
            return made.error();
        }
        minimum = std::move(*made);
    }
    return std::unique_ptr<SoftwareService>{new SoftwareService{std::move(parts), std::move(minimum)}};
}

SoftwareService::SoftwareService(ServiceParts parts, std::optional<MinimumVersion> minimum)
    : parts_{std::move(parts)},
      model_{parts_.settings, std::move(minimum), parts_.driver, parts_.random},
      intake_{parts_.settings.upload_directory, parts_.rules, model_},
      state_file_{parts_.state_file, parts_.log},
      tftp_{{parts_.settings.upload_directory, parts_.max_image_size, parts_.signatures_required},
            std::move(parts_.tftp),
            [this](const std::string& name)
            {
                intake_.closed(name);
                settle();
            },
            parts_.log}
{
    for (const Service service : services)
    {
        faces_.emplace(service, std::make_unique<Face>(*this, nullptr));
    }
}

SoftwareService::~SoftwareService() = default;

void SoftwareService::add_settings(dbus::ObjectOwner& more)
{
    faces_.at(Service::settings)->be_joined_by(more);
}

void SoftwareService::start(const std::vector<Running>& running)
{
    model_.start(state_file_.load(), running,
                 [](const std::filesystem::path& file)
                 {
                     std::error_code ignored;
                     return std::filesystem::is_regular_file(file, ignored);
                 });
    if (parts_.guard != nullptr)
    {
        parts_.guard->set(false); // a killed agent may have left it
    }
    open_uploads();
    watch_apply_time();
    settle();
    serve();
}

/// Of somebody else's settings. While nobody has it: as when it was last told.
void SoftwareService::watch_apply_time()
{
    if (!parts_.settings.foreign_settings || parts_.bus == nullptr)
    {
        return;
    }
    apply_time_ = dbus::watch_property(
        parts_.context, *parts_.bus,
        {std::string{bus_name(Service::settings, parts_.settings.layout)}, std::string{apply_time_path},
         std::string{interfaces::apply_time}, "RequestedApplyTime"},
        [this](const std::optional<dbus::Value>& value)
        {
            const auto* const text = value ? std::get_if<std::string>(&*value) : nullptr;
            if (const auto time = text == nullptr ? std::nullopt : from_dbus<ApplyTime>(*text))
            {
                model_.set_apply_time(*time);
                settle();
            }
        },
        parts_.log);
}

void SoftwareService::open_uploads()
{
    const std::filesystem::path& directory = parts_.settings.upload_directory;
    auto prepared = intake_.prepare();
    auto watch = prepared ? UploadWatch::start(parts_.context, directory,
                                               [this](const std::string& name)
                                               {
                                                   intake_.closed(name);
                                                   settle();
                                               })
                          : Result<std::unique_ptr<UploadWatch>>{prepared.error()};
    if (!watch)
    {
        parts_.log.event(Level::error, "Uploads are not taken",
                         {{"directory", directory.string()}, {"reason", watch.error().text}});
        return;
    }
    watch_ = std::move(*watch);
}

void SoftwareService::serve()
{
    for (const auto& [service, face] : faces_)
    {
        const std::string name{bus_name(service, parts_.settings.layout)};
        const bool foreign = service == Service::settings && parts_.settings.foreign_settings;
        if (!name.empty() && !foreign)
        {
            const std::string manager{service == Service::settings ? "/" : software_root}; // as settingsd has it
            face->server = dbus::serve_objects(parts_.context, {name, manager, parts_.interfaces}, *face, parts_.log);
        }
    }
}

void SoftwareService::stop()
{
    watch_.reset();
    if (apply_time_ != nullptr)
    {
        apply_time_->stop();
    }
    for (const auto& [service, face] : faces_)
    {
        if (face->server != nullptr)
        {
            face->server->stop();
        }
    }
}

/// Behind every call and event.
void SoftwareService::settle()
{
    signal();
    report();
    state_file_.save(model_.saved());
    if (parts_.guard != nullptr)
    {
        const auto& versions = model_.versions();
        parts_.guard->set(
            std::ranges::any_of(versions, [](const auto& entry) { return entry.second.blocks_transition; }));
    }
    work_soon();
}

void SoftwareService::signal()
{
    const auto changes = model_.take_changes();
    if (changes.empty())
    {
        return;
    }
    std::map<Service, dbus::ObjectTree> trees;
    for (const auto& [key, interfaces] : model_.objects())
    {
        trees[key.service].emplace(key.path, interfaces);
    }
    for (const auto& [service, face] : faces_)
    {
        face->take(std::move(trees[service]));
        std::vector<dbus::TreeChange> own;
        for (const Change& change : changes)
        {
            if (change.object.service == service)
            {
                own.push_back({change.kind, change.object.path, change.interfaces});
            }
        }
        if (face->server != nullptr && !own.empty())
        {
            face->server->changed(own);
        }
    }
}

void SoftwareService::settings_changed(const std::vector<dbus::TreeChange>& changes)
{
    Face& face = *faces_.at(Service::settings);
    dbus::ObjectTree own;
    for (const auto& [key, interfaces] : model_.objects())
    {
        if (key.service == Service::settings)
        {
            own.emplace(key.path, interfaces);
        }
    }
    face.take(std::move(own));
    if (face.server != nullptr)
    {
        face.server->changed(changes);
    }
}

void SoftwareService::report()
{
    std::vector<Refusal> reports = model_.take_reports();
    std::ranges::move(intake_.take_reports(), std::back_inserter(reports));
    for (const Refusal& refusal : reports)
    {
        std::string facts;
        for (const auto& [key, value] : refusal.metadata)
        {
            facts.append(facts.empty() ? "" : " ").append(key).append("=").append(value);
        }
        parts_.log.event(level_of(refusal.code), dbus_name(refusal.code),
                         {{"reason", refusal.text}, {"metadata", facts}});
    }
}

void SoftwareService::work_soon()
{
    if (!intake_.wants_work() || std::exchange(working_, true))
    {
        return;
    }
    boost::asio::post(parts_.context,
                      [this]
                      {
                          working_ = false;
                          intake_.work();
                          settle();
                      });
}

void SoftwareService::progressed(const std::string& id, std::uint8_t percent)
{
    model_.progressed(id, percent);
    settle();
}

void SoftwareService::succeeded(const std::string& id)
{
    model_.succeeded(id);
    settle();
}

void SoftwareService::gave_up(const std::string& id, Refusal reason)
{
    model_.gave_up(id, std::move(reason));
    settle();
}

void SoftwareService::progressed_elsewhere(std::uint8_t percent)
{
    model_.progressed_elsewhere(percent);
    settle();
}

void SoftwareService::programmed_elsewhere(const ImageFacts& facts)
{
    model_.programmed_elsewhere(facts);
    settle();
}

void SoftwareService::gave_up_elsewhere(Refusal reason)
{
    model_.gave_up_elsewhere(std::move(reason));
    settle();
}

void SoftwareService::running(const std::vector<Running>& versions)
{
    model_.running(versions);
    settle();
}

std::optional<dbus::CallError> SoftwareService::set(const std::string& path, const std::string& interface,
                                                    const dbus::Value& value)
{
    std::optional<dbus::CallError> error;
    Outcome<void> done;
    if (const auto* const text = std::get_if<std::string>(&value))
    {
        const bool known = interface == interfaces::apply_time ? from_dbus<ApplyTime>(*text).has_value()
                                                               : from_dbus<RequestedActivation>(*text).has_value();
        if (!known)
        {
            return dbus::CallError{invalid_enum, printable(*text) + " is none of the values of this property"};
        }
        done = set_word(path, interface, *text);
    }
    else if (const auto* const priority = std::get_if<std::uint8_t>(&value))
    {
        done = interface == interfaces::priority ? model_.set_priority(id_of(path), *priority)
                                                 : model_.set_requested_priority(id_of(path), *priority);
    }
    settle();
    return done ? std::nullopt : std::optional{on_bus(done.error())};
}

Outcome<void> SoftwareService::set_word(const std::string& path, const std::string& interface, const std::string& text)
{
    if (interface == interfaces::apply_time)
    {
        model_.set_apply_time(*from_dbus<ApplyTime>(text));
        return {};
    }
    return model_.request(id_of(path), *from_dbus<RequestedActivation>(text));
}

dbus::CallResult SoftwareService::call(const dbus::MethodCall& call)
{
    Outcome<void> done;
    dbus::CallResult result;
    if (call.interface == interfaces::update)
    {
        if (!from_dbus<ApplyTime>(std::get<std::string>(call.arguments.at(1))))
        {
            return dbus::CallError{invalid_enum, "the apply time is none of RequestedApplyTimes"};
        }
        const auto id = start_update(call);
        id ? (void)(result = std::string{software_root} + "/" + *id) : (void)(done = id.error());
    }
    else if (call.interface == interfaces::erase)
    {
        done = model_.erase(id_of(call.path));
    }
    else if (call.interface == interfaces::erase_all)
    {
        model_.erase_all(device_of_root(call.path));
    }
    else if (call.interface == interfaces::tftp)
    {
        done = download(call);
    }
    settle();
    return done ? result : dbus::CallResult{on_bus(done.error())};
}

Outcome<std::string> SoftwareService::start_update(const dbus::MethodCall& call)
{
    const auto& descriptor = std::get<std::shared_ptr<const File>>(call.arguments.at(0));
    auto id = model_.start_update(descriptor, *from_dbus<ApplyTime>(std::get<std::string>(call.arguments.at(1))));
    if (id)
    {
        intake_.add(*id, descriptor);
    }
    return id;
}

Outcome<void> SoftwareService::download(const dbus::MethodCall& call)
{
    const auto request =
        tftp_request(std::get<std::string>(call.arguments.at(0)), std::get<std::string>(call.arguments.at(1)));
    return request ? tftp_.start(*request) : Outcome<void>{request.error()};
}

/// None: the root of all.
std::optional<Device> SoftwareService::device_of_root(const std::string& path) const
{
    for (const Device device : {Device::bmc, Device::host, Device::psu})
    {
        if (path != software_root && path == root_of(device, parts_.settings.layout))
        {
            return device;
        }
    }
    return std::nullopt;
}

} // namespace fwupdate::agent::software
