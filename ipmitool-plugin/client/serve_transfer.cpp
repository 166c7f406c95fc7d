#include "ipmitool-plugin/client/serve_transfer.hpp"

#include "ipmitool-plugin/client/uri_transfer.hpp"
#include "transports/network/host/local_address.hpp"

#include <utility>

namespace fwupdate::client
{
namespace
{

constexpr std::string_view anyone = "any";

std::uint16_t scheme_bit(const Keywords& words)
{
    return words.http ? protocol::scheme_http : protocol::scheme_https;
}

std::string scheme(const Keywords& words)
{
    return words.http ? "http" : "https";
}

/// Only this peer is served; none: anyone. `route`: to the BMC, if there is one.
std::optional<std::string> peer_of(const Keywords& words, const std::optional<network::Route>& route)
{
    if (words.from)
    {
        return *words.from == anyone ? std::nullopt : words.from;
    }
    return route ? std::optional{route->peer} : std::nullopt;
}

} // namespace

Attempt<network::ServerOptions> ImageServer::options()
{
    const Keywords& words = context_.keywords;
    const std::string& host = context_.bmc.port().facts().host;
    std::optional<network::Route> route;
    if (!host.empty() && !(words.address && words.from))
    {
        Result<network::Route> found = network::route_to(host);
        if (!found)
        {
            return Outcome{ExitCode::failed, found.error().text +
                                                 ": name the address under which the BMC reaches this machine with "
                                                 "'address ADDR', and the one that it comes from with 'from ADDR'"};
        }
        route = std::move(*found);
    }
    network::ServerOptions options;
    options.address = words.address ? *words.address : route ? route->local : std::string{};
    options.port = words.port.value_or(0);
    options.peer = peer_of(words, route);
    options.tls = !words.http;
    return options;
}

Attempt<void> ImageServer::start()
{
    Attempt<network::ServerOptions> options = this->options();
    if (!options)
    {
        return options.error();
    }
    options_ = std::move(*options);
    auto started = network::FileServer::start(options_, {image_.size(), image_.sha256(),
                                                         [this](std::uint64_t offset, std::size_t count)
                                                         { return image_.read(offset, count); }});
    if (!started)
    {
        return Outcome{ExitCode::failed, started.error().text + ": 'port N' and 'address ADDR' choose others"};
    }
    server_ = std::move(*started);
    tell_person();
    return {};
}

void ImageServer::tell_person() const
{
    const std::string port = std::to_string(server_->port());
    const std::string digest = server_->pin() ? to_hex(*server_->pin()) : std::string{};
    context_.reporter.event("server",
                            {{"scheme", scheme(context_.keywords)},
                             {"address", options_.address},
                             {"port", server_->port()},
                             {"certificate_sha256", server_->pin() ? Json(digest) : Json(nullptr)},
                             {"from", options_.peer ? Json(*options_.peer) : Json(nullptr)}},
                            "serving " + image_.file().string() + " by " + scheme(context_.keywords) + " at " +
                                options_.address + " port " + port + " to " +
                                (options_.peer ? options_.peer->c_str() : "whoever knows the path"));
}

Attempt<void> ImageServer::offer()
{
    if (!server_)
    {
        if (const Attempt<void> started = start(); !started)
        {
            return started.error();
        }
    }
    Source source;
    source.uri.scheme = scheme(context_.keywords);
    source.uri.scheme_bit = scheme_bit(context_.keywords);
    source.uri.text = source.uri.scheme + "://" + network::uri_host(options_.address) + ":" +
                      std::to_string(server_->port()) + server_->path();
    source.pin = server_->pin();
    return tell_source(context_, capabilities_, source);
}

Outcome ImageServer::explained(Outcome outcome) const
{
    if (!server_ || outcome.remedy != Remedy::none || context_.environment.interrupted())
    {
        return outcome;
    }
    const std::string place = options_.address + " port " + std::to_string(server_->port());
    if (outcome.code == ExitCode::refused)
    {
        outcome.text += "\nThe server is at " + place + "; 'address ADDR' names another address of this machine";
    }
    if (outcome.code == ExitCode::transfer_failed)
    {
        outcome.text += seen(place);
    }
    return outcome;
}

/// What the server has to say about a fetch that failed; empty: nothing.
std::string ImageServer::seen(const std::string& place) const
{
    const network::ServerReport report = server_->report();
    if (!report.failure.empty())
    {
        return "\nThe server could not read the image: " + report.failure;
    }
    if (report.connections != 0)
    {
        return {};
    }
    if (!report.last_refused.empty())
    {
        return "\nA connection came from " + report.last_refused + ", which is not the address that is served: 'from " +
               report.last_refused + "' serves it";
    }
    return "\nNobody connected to " + place +
           ": the BMC must reach it (firewalls of this machine and between; 'port N' chooses the port, 'address ADDR' "
           "the address). 'fwupdate install' needs no such way";
}

std::optional<Outcome> refuse_server(const Context& context, const protocol::GetCapabilitiesResponse& capabilities)
{
    const Keywords& words = context.keywords;
    Source source;
    source.uri.scheme = scheme(words);
    source.uri.scheme_bit = scheme_bit(words);
    source.pin = words.http ? std::nullopt : std::optional{Sha256{}};
    if (std::optional<Outcome> end = refuse_source(capabilities, source))
    {
        return end;
    }
    if (words.from && *words.from != anyone && !network::is_numeric_address(*words.from))
    {
        return Outcome{ExitCode::usage,
                       "'" + printable(*words.from) + "' is no numeric address: 'from' takes one, or 'any'"};
    }
    if (context.bmc.port().facts().host.empty() && !words.address)
    {
        return Outcome{ExitCode::usage, "over this interface the BMC has no network address, so this machine's address "
                                        "towards it can't be found out: name it with 'address ADDR'"};
    }
    return std::nullopt;
}

} // namespace fwupdate::client
