// The update session and the transports that bring the image by themselves: the virtual drive, URIs.
#include "bmc-agent/update/session.hpp"
#include "bmc-agent/verification/image_limit.hpp"

#include "transports/usb-mass-storage/engine/drive_layout.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::Event;
using protocol::ReasonCode;

CompletionCode UpdateSession::set_uri(const Caller& caller, std::string_view uri, TimePoint now)
{
    if (const CompletionCode code = admit_while_open(caller, Event::set_uri, now); code != CompletionCode::ok)
    {
        return code;
    }
    const FetcherRow* const row = parts_.transports.find(uri);
    if (row == nullptr)
    {
        return refuse_policy(ReasonCode::uri_refused,
                             "this BMC cannot fetch \"" + printable(uri.substr(0, uri.find(':'))) +
                                 "\": " + parts_.transports.describe(),
                             CompletionCode::invalid_data_field);
    }
    transports::FetchOrder order{std::string{uri}, order_.tls_pin, order_.credentials};
    auto shown = row->fetcher->check(order);
    if (!shown)
    {
        return refuse_policy(ReasonCode::uri_refused, shown.error().text, CompletionCode::invalid_data_field);
    }
    order_ = std::move(order);
    uri_ = std::move(*shown);
    transport_ = row->bit == protocol::scheme_usb ? protocol::Transport::usb : protocol::Transport::uri;
    entry_->transport = transport_;
    fire(Event::set_uri, now);
    return CompletionCode::ok;
}

CompletionCode UpdateSession::set_uri_parameters(const Caller& caller, const UriParameters& parameters, TimePoint now)
{
    if (const CompletionCode code = admit_while_open(caller, Event::set_options, now); code != CompletionCode::ok)
    {
        return code;
    }
    tenure_.extend(now);
    request_.base_profile = asked_.base_profile = false;
    if (const auto* expectation = std::get_if<protocol::UriExpectation>(&parameters))
    {
        return set_expectation(*expectation);
    }
    if (const auto* pin = std::get_if<protocol::UriTlsPin>(&parameters))
    {
        order_.tls_pin = pin->sha256;
    }
    else
    {
        const auto& [user, password] = std::get<protocol::UriCredentials>(parameters);
        order_.credentials = transports::Credentials{user.value, password.value};
    }
    return CompletionCode::ok;
}

/// As 2Bh sets the digest; a named image has its expectation in its name.
CompletionCode UpdateSession::set_expectation(const protocol::UriExpectation& expectation)
{
    if (parts_.staging.is_named())
    {
        const TransferName& name = parts_.staging.map()->name();
        const bool agrees =
            expectation.sha256 == name.sha256 && (expectation.size == 0 || expectation.size == name.size);
        return agrees ? CompletionCode::ok : CompletionCode::invalid_data_field;
    }
    expected_size_ = expectation.size;
    request_.sha256 = asked_.sha256 = expectation.sha256;
    return CompletionCode::ok;
}

CompletionCode UpdateSession::attach_usb(const Caller& caller, TimePoint now)
{
    if (const CompletionCode code = admit_while_open(caller, Event::usb_attach, now); code != CompletionCode::ok)
    {
        return code;
    }
    const auto refuse = [this](ReasonCode code, std::string text)
    { return refuse_policy(code, std::move(text), protocol::usb_failure); };
    usb::VirtualDrive* const drive = parts_.transports.drive;
    if (drive == nullptr)
    {
        return refuse(ReasonCode::transport_failed, "this BMC has no virtual USB drive; stream the image over IPMI");
    }
    if (attached())
    {
        return CompletionCode::invalid_data_field;
    }
    if (request_.size > usb::largest_file)
    {
        return refuse(ReasonCode::image_too_large, "a USB drive with FAT holds no file of " +
                                                       std::to_string(request_.size) + " bytes; stream the image");
    }
    const std::uint64_t size = request_.size != 0 ? request_.size : settings_.max_image_size;
    if (auto plugged_in = drive->plug_in(size); !plugged_in)
    {
        const bool space = plugged_in.error().kind == ErrorKind::no_space;
        return refuse(space ? ReasonCode::no_space : ReasonCode::transport_failed, plugged_in.error().text);
    }
    parts_.log.event(
        Level::info, "USB drive plugged in",
        {{"serial", drive->plugged_in()->identity.serial}, {"size", std::to_string(drive->plugged_in()->size)}});
    tenure_.renew(now);
    fire(Event::usb_attach, now);
    return CompletionCode::ok;
}

CompletionCode UpdateSession::detach_usb(const Caller& caller, TimePoint now)
{
    if (const CompletionCode code = admit_while_open(caller, Event::usb_detach, now); code != CompletionCode::ok)
    {
        return code;
    }
    if (!attached())
    {
        return CompletionCode::invalid_data_field;
    }
    plug_out();
    fire(Event::usb_detach, now);
    return CompletionCode::ok;
}

bool UpdateSession::attached() const
{
    return parts_.transports.drive != nullptr && parts_.transports.drive->plugged_in().has_value();
}

/// The host's writes renew the lease.
void UpdateSession::watch_drive(bool watch)
{
    if (parts_.transports.drive == nullptr)
    {
        return;
    }
    std::function<void(TimePoint)> listener;
    if (watch)
    {
        listener = [this](TimePoint now)
        {
            tenure_.renew(now);
            notify();
        };
    }
    parts_.transports.drive->on_written(std::move(listener));
}

void UpdateSession::drop_drive()
{
    if (parts_.transports.drive != nullptr)
    {
        parts_.transports.drive->drop();
    }
}

void UpdateSession::plug_out()
{
    if (!attached())
    {
        return;
    }
    parts_.transports.drive->plug_out();
    parts_.log.event(Level::info, "USB drive plugged out", {});
}

/// What changes a transfer is answered D5h while the BMC fetches.
CompletionCode UpdateSession::admit_while_open(const Caller& caller, Event event, TimePoint now)
{
    const CompletionCode code = admit(caller, event, now);
    return code == CompletionCode::ok && fetching_ ? CompletionCode::not_supported_in_present_state : code;
}

/// 29h-2 with a URI.
CompletionCode UpdateSession::complete_by_uri(TimePoint now)
{
    if (!request_.sha256 && !settings_.wants_signatures &&
        parts_.transports.find(order_.uri)->fetcher->needs_digest(order_))
    {
        return refuse_policy(ReasonCode::policy_refused,
                             "nothing on the way vouches for " + uri_ +
                                 ": give the image's SHA-256 as well, or fetch it by https",
                             protocol::refused_by_policy);
    }
    if (!parts_.staging.is_named()) // bytes that 2Ch brought before the URI do not count
    {
        if (const auto begun = parts_.staging.begin_unnamed(settings_.max_image_size); !begun)
        {
            fail_update({ReasonCode::no_space, state_, begun.error().text}, now);
            return CompletionCode::unspecified;
        }
    }
    flags_ |= protocol::flag_completed;
    fire(Event::fetch, now);
    return CompletionCode::ok;
}

void UpdateSession::start_fetch()
{
    fetching_ = parts_.transports.find(order_.uri)->fetcher;
    receiver_.reset();
    inflow_.begin(0);
    parts_.log.event(Level::info, "Fetching begins", {{"uri", uri_}});
    fetching_->begin(order_, *this);
}

void UpdateSession::stop_fetch()
{
    if (transports::Fetcher* const fetcher = std::exchange(fetching_, nullptr))
    {
        fetcher->cancel();
    }
    inflow_.begin(0);
}

std::uint64_t UpdateSession::present() const
{
    const auto& map = parts_.staging.map();
    if (!map)
    {
        return parts_.staging.received();
    }
    std::uint32_t block = 0;
    while (map->has(block))
    {
        ++block;
    }
    return std::min<std::uint64_t>(map->name().size, std::uint64_t{block} * protocol::block_size);
}

/// What speaks against a file of this size.
std::optional<Reason> UpdateSession::find_obstacle(std::uint64_t size) const
{
    const auto refuse = [&](ReasonCode code, const std::string& why) {
        return Reason{code, state_, uri_ + " has " + std::to_string(size) + " bytes, " + why};
    };
    const std::uint64_t announced = parts_.staging.is_named() ? request_.size : expected_size_;
    if (size == 0)
    {
        return Reason{ReasonCode::image_empty, state_, uri_ + " is empty, 0 bytes"};
    }
    if (announced != 0 && size != announced)
    {
        return refuse(ReasonCode::image_incomplete,
                      "announced were " + std::to_string(announced) + ": it is another file, or was not copied whole");
    }
    const std::uint64_t most = image_limit(request_.target->configuration(), settings_.max_image_size);
    return size > most ? std::optional{refuse(ReasonCode::image_too_large,
                                              "more than the " + std::to_string(most) + " that this BMC takes")}
                       : std::nullopt;
}

Result<void> UpdateSession::expect(std::uint64_t size, TimePoint now)
{
    auto obstacle = find_obstacle(size);
    if (const auto room = parts_.staging.is_named() ? Result<void>{} : parts_.staging.require_space(size);
        !obstacle && !room)
    {
        obstacle = Reason{ReasonCode::no_space, state_, room.error().text};
    }
    if (obstacle)
    {
        const Error error = fail(ErrorKind::out_of_range, obstacle->text);
        fail_update(std::move(*obstacle), now);
        notify();
        return error;
    }
    request_.size = size;
    return {};
}

Result<void> UpdateSession::go_on_at(std::uint64_t offset, TimePoint now)
{
    Result<void> begun;
    if (parts_.staging.is_named())
    {
        inflow_.begin(offset);
    }
    else if (offset == 0 && parts_.staging.received() != 0)
    {
        begun = parts_.staging.begin_unnamed(settings_.max_image_size);
    }
    if (!begun)
    {
        fail_update({ReasonCode::no_space, state_, begun.error().text}, now);
    }
    notify();
    return begun;
}

Result<void> UpdateSession::accept(ConstBytes bytes, TimePoint now)
{
    tenure_.renew(now);
    auto accepted = inflow_.accept(bytes);
    if (!accepted)
    {
        const ErrorKind kind = accepted.error().kind;
        const ReasonCode code = kind == ErrorKind::no_space       ? ReasonCode::no_space
                                : kind == ErrorKind::out_of_range ? ReasonCode::image_too_large
                                                                  : ReasonCode::input_output;
        if (code == ReasonCode::image_too_large)
        {
            drop_staged(); // another file than the one whose name it has
        }
        fail_update({code, state_, accepted.error().text}, now);
    }
    notify();
    return accepted;
}

void UpdateSession::finished(transports::FetchResult result, TimePoint now)
{
    fetching_ = nullptr;
    const std::uint64_t received = parts_.staging.received();
    if (!result)
    {
        fail_update({result.error().code, state_, result.error().text}, now);
    }
    else if (const auto obstacle = parts_.staging.is_named() ? std::nullopt : find_obstacle(received))
    {
        fail_update(*obstacle, now); // a size that nobody had told before
    }
    else if (!parts_.staging.is_complete())
    {
        fail_update(
            {ReasonCode::image_incomplete, state_, "only " + std::to_string(received) + " bytes came from " + uri_},
            now);
    }
    else
    {
        drop_drive(); // it has served; its room may be needed
        fire(Event::received, now);
    }
    notify();
}

} // namespace fwupdate::agent
