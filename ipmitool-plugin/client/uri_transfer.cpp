#include "ipmitool-plugin/client/uri_transfer.hpp"

#include "ipmitool-plugin/client/refusal.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

namespace fwupdate::client
{
namespace
{

using protocol::Command;
using protocol::Control;
using protocol::UriPart;

constexpr std::size_t uri_overhead = 2; ///< bytes of 29h-4 before the URI

Error mistake(const std::string& text)
{
    return fail(ErrorKind::invalid_field, text);
}

Result<std::string> read_password(const std::string& file)
{
    std::ifstream stream{file};
    std::string line;
    if (!stream || (!std::getline(stream, line) && !stream.eof()))
    {
        return fail(ErrorKind::input_output, "cannot read the password file " + printable(file));
    }
    if (line.ends_with('\r'))
    {
        line.pop_back();
    }
    return line;
}

/// What would end a line of a protocol that sends it.
bool has_control(const std::string& text)
{
    return std::ranges::any_of(text, [](char character)
                               { return static_cast<unsigned char>(character) < ' ' || character == 0x7F; });
}

Result<void> check(const Credentials& credentials)
{
    if (std::max(credentials.user.size(), credentials.password.size()) > longest_credential)
    {
        return mistake("a user name and a password for the server have at most " + std::to_string(longest_credential) +
                       " bytes each");
    }
    if (has_control(credentials.user) || has_control(credentials.password))
    {
        return mistake("the user name or the password for the server has a control character");
    }
    return {};
}

Attempt<void> tell(const Context& context, UriPart part, const Bytes& data)
{
    const auto told = ask<protocol::EmptyResponse>(context, Command::set_uri_parameters,
                                                   protocol::SetUriParametersRequest{part, {data}});
    if (!told)
    {
        return told.error();
    }
    return told->ok() ? Attempt<void>{}
                      : explained_refusal(context, Profile::extended, Command::set_uri_parameters, told->code);
}

Attempt<void> tell_credentials(const Context& context, const Credentials& credentials, std::size_t room)
{
    const Bytes data = codec::encode(protocol::UriCredentials{{credentials.user}, {credentials.password}});
    if (data.size() + 1 > room)
    {
        return Outcome{ExitCode::refused,
                       "user name and password for the server are longer than a message to this BMC: "
                       "use shorter ones, or the BMC's network"};
    }
    return tell(context, UriPart::credentials, data);
}

std::size_t room_of(const Context& context, const protocol::GetCapabilitiesResponse& capabilities)
{
    return std::min<std::size_t>(capabilities.max_message, context.bmc.port().facts().max_message);
}

/// The digest comes first: the BMC's log has it then from the beginning.
Attempt<void> start_nameless(const Context& context, const Subject& subject)
{
    if (subject.sha256)
    {
        const auto set = demand<protocol::SetUpdateOptionsResponse>(
            context, Command::set_update_options,
            protocol::SetUpdateOptionsRequest{
                {protocol::option_digest_check}, {protocol::option_digest_check}, subject.sha256});
        if (!set)
        {
            return set.error();
        }
    }
    const auto started = demand<protocol::UpdateControlResponse>(
        context, Command::update_control, protocol::UpdateControlRequest{Control::transfer_start, std::nullopt});
    return started ? Attempt<void>{} : started.error();
}

/// Those of the URI or of the keywords; none: there are none.
Result<std::optional<Credentials>> choose_credentials(const Uri& uri, const Keywords& keywords)
{
    if (keywords.user && uri.credentials)
    {
        return mistake("the URI names a user already: leave out 'user', or the one in the URI");
    }
    std::optional<Credentials> chosen = uri.credentials;
    if (keywords.user)
    {
        chosen = Credentials{*keywords.user, {}};
    }
    if (keywords.password_file)
    {
        if (!chosen || !chosen->password.empty())
        {
            return mistake(chosen ? "the URI has a password already: leave out 'password-file', or the one in the URI"
                                  : "'password-file' goes with 'user'");
        }
        Result<std::string> password = read_password(*keywords.password_file);
        if (!password)
        {
            return password.error();
        }
        chosen->password = std::move(*password);
    }
    const Result<void> fit = chosen ? check(*chosen) : Result<void>{};
    return fit ? Result<std::optional<Credentials>>{std::move(chosen)} : fit.error();
}

} // namespace

Result<Source> make_source(const Uri& uri, const Keywords& keywords)
{
    const bool by_tls = uri.scheme_bit == protocol::scheme_https || uri.scheme_bit == protocol::scheme_ftps;
    if (keywords.pin && !by_tls)
    {
        return mistake("'pin' goes with https and ftps: " + uri.scheme + " shows no certificate");
    }
    auto credentials = choose_credentials(uri, keywords);
    if (!credentials)
    {
        return credentials.error();
    }
    Source source{uri, keywords.pin, std::move(*credentials)};
    source.uri.credentials.reset();
    return source;
}

std::optional<Outcome> refuse_source(const protocol::GetCapabilitiesResponse& capabilities, const Source& source)
{
    const std::string served = scheme_names(capabilities.schemes.bits);
    if (served.empty())
    {
        return Outcome{ExitCode::refused,
                       "this BMC fetches nothing over a network by itself, or its configuration does not "
                       "let it: 'fwupdate install IMAGE' sends the image over IPMI"};
    }
    if (!capabilities.schemes.has(source.uri.scheme_bit))
    {
        return Outcome{ExitCode::refused, "this BMC does not fetch by " + source.uri.scheme + "; it does by " + served};
    }
    if ((source.pin || source.credentials) && !capabilities.features.has(protocol::feature_uri))
    {
        return Outcome{ExitCode::refused,
                       "this BMC takes no certificate's pin and no credentials: use a URI that needs "
                       "neither"};
    }
    return std::nullopt;
}

Attempt<void> tell_expectation(const Context& context, std::uint64_t size, const Sha256& sha256)
{
    return tell(context, UriPart::expectation, codec::encode(protocol::UriExpectation{size, sha256}));
}

Attempt<void> tell_companions(const Context& context, const protocol::GetCapabilitiesResponse& capabilities,
                              const Source& source)
{
    const std::size_t room = room_of(context, capabilities);
    if (source.uri.text.size() + uri_overhead > room)
    {
        return Outcome{ExitCode::refused, "the URI has " + std::to_string(source.uri.text.size()) +
                                              " bytes; a message to this BMC carries " +
                                              std::to_string(room - uri_overhead) +
                                              " here: put the file under a shorter path, or use the BMC's network"};
    }
    if (source.pin)
    {
        if (const Attempt<void> told = tell(context, UriPart::tls_pin, codec::encode(protocol::UriTlsPin{*source.pin}));
            !told)
        {
            return told.error();
        }
    }
    return source.credentials ? tell_credentials(context, *source.credentials, room) : Attempt<void>{};
}

Outcome uri_refusal(const Context& context, ipmi::CompletionCode code)
{
    if (code != ipmi::CompletionCode::invalid_data_field)
    {
        return explained_refusal(context, Profile::extended, Command::update_control, code);
    }
    const std::optional<Reason> reason = context.bmc.reason();
    return {ExitCode::refused, reason && reason->code == protocol::ReasonCode::uri_refused
                                   ? reason->text
                                   : "the BMC does not take this URI: " + describe(Command::update_control, code)};
}

Attempt<void> tell_source(const Context& context, const protocol::GetCapabilitiesResponse& capabilities,
                          const Source& source)
{
    if (const Attempt<void> told = tell_companions(context, capabilities, source); !told)
    {
        return told.error();
    }
    const auto set = ask<protocol::UpdateControlResponse>(
        context, Command::update_control,
        protocol::UpdateControlRequest{Control::set_uri, protocol::Text<255>{source.uri.text}});
    if (!set)
    {
        return set.error();
    }
    return set->ok() ? Attempt<void>{} : uri_refusal(context, set->code);
}

UriCarrier::UriCarrier(const Context& context, const Source& source, const Subject& subject,
                       const protocol::GetCapabilitiesResponse& capabilities)
    : context_{context}, source_{source}, subject_{subject}, capabilities_{capabilities}
{
    if (subject.has_name())
    {
        named_.emplace(context, subject.size, *subject.sha256, capabilities);
    }
}

Attempt<void> UriCarrier::begin(std::uint8_t target)
{
    return named_ ? named_->begin(target) : start_nameless(context_, subject_);
}

Attempt<void> UriCarrier::carry(ProgressMeter&)
{
    Attempt<void> told = tell_source(context_, capabilities_, source_);
    if (told)
    {
        context_.reporter.notice("the BMC fetches " + source_.uri.shown);
    }
    return told;
}

Outcome UriCarrier::explained(Outcome outcome) const
{
    const bool by_tls =
        source_.uri.scheme_bit == protocol::scheme_https || source_.uri.scheme_bit == protocol::scheme_ftps;
    if (outcome.code == ExitCode::refused && !subject_.sha256 && !by_tls)
    {
        outcome.text += "\nWithout TLS a BMC wants to know what it is to get: add 'image FILE', or 'sha256 HEX size N'";
    }
    return outcome;
}

} // namespace fwupdate::client
