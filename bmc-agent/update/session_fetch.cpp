// The update session and the transports that bring the image by themselves: the virtual drive, URIs.
#include "bmc-agent/update/session.hpp"

#include "transports/usb-mass-storage/engine/drive_layout.hpp"

#include <utility>

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
    if (const auto checked = row->fetcher->check(uri); !checked)
    {
        return refuse_policy(ReasonCode::uri_refused, checked.error().text, CompletionCode::invalid_data_field);
    }
    uri_ = uri;
    transport_ = row->bit == protocol::scheme_usb ? protocol::Transport::usb : protocol::Transport::uri;
    entry_->transport = transport_;
    fire(Event::set_uri, now);
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
    fetching_ = parts_.transports.find(uri_)->fetcher;
    receiver_.reset();
    inflow_.begin();
    parts_.log.event(Level::info, "Fetching begins", {{"uri", uri_}});
    fetching_->begin(uri_, *this);
}

void UpdateSession::stop_fetch()
{
    if (transports::Fetcher* const fetcher = std::exchange(fetching_, nullptr))
    {
        fetcher->cancel();
    }
    inflow_.begin();
}

Result<void> UpdateSession::expect(std::uint64_t size, TimePoint now)
{
    std::optional<Reason> obstacle;
    const bool named = parts_.staging.is_named();
    if (size == 0)
    {
        obstacle = Reason{ReasonCode::image_empty, state_, uri_ + " is empty, 0 bytes"};
    }
    else if (named && size != request_.size)
    {
        obstacle = Reason{ReasonCode::image_incomplete, state_,
                          uri_ + " has " + std::to_string(size) + " bytes, announced were " +
                              std::to_string(request_.size) + ": it is another file, or was not copied whole"};
    }
    else if (!named && size > settings_.max_image_size)
    {
        obstacle = Reason{ReasonCode::image_too_large, state_,
                          uri_ + " has " + std::to_string(size) + " bytes, more than the " +
                              std::to_string(settings_.max_image_size) + " that this BMC takes"};
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
        fail_update({code, state_, accepted.error().text}, now);
    }
    notify();
    return accepted;
}

void UpdateSession::finished(Result<void> result, TimePoint now)
{
    fetching_ = nullptr;
    if (!result)
    {
        fail_update({ReasonCode::transport_failed, state_, result.error().text}, now);
    }
    else if (!parts_.staging.is_complete())
    {
        fail_update({ReasonCode::image_incomplete, state_,
                     "only " + std::to_string(parts_.staging.received()) + " bytes came from " + uri_},
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
