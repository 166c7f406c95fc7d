#include "transports/network/bmc/explain.hpp"

#include "common/bytes.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace fwupdate::network
{
namespace
{

using protocol::ReasonCode;

struct Kind
{
    CURLcode code;
    ReasonCode reason;
    Remedy remedy;
    std::string_view advice;
};

constexpr std::string_view name_advice = "check the name, and the name servers of the BMC";
constexpr std::string_view login_advice = "check user name and password";
constexpr std::string_view path_advice = "check the path";
constexpr std::string_view rights_advice = "let the server give this file to the BMC";

/// What curl's codes mean here; every other one is transport_failed.
constexpr auto kinds = std::to_array<Kind>({
    {CURLE_COULDNT_RESOLVE_HOST, ReasonCode::host_not_found, Remedy::repeat, name_advice},
    {CURLE_COULDNT_RESOLVE_PROXY, ReasonCode::host_not_found, Remedy::repeat, name_advice},
    {CURLE_COULDNT_CONNECT, ReasonCode::connection_failed, Remedy::repeat,
     "check that the server runs and can be reached"},
    {CURLE_OPERATION_TIMEDOUT, ReasonCode::transfer_timeout, Remedy::repeat, "check that the server can be reached"},
    {CURLE_FTP_ACCEPT_TIMEOUT, ReasonCode::transfer_timeout, Remedy::repeat, "check that the server can be reached"},
    {CURLE_PARTIAL_FILE, ReasonCode::connection_failed, Remedy::repeat, "the server broke the connection off"},
    {CURLE_GOT_NOTHING, ReasonCode::connection_failed, Remedy::repeat, "the server broke the connection off"},
    {CURLE_SEND_ERROR, ReasonCode::connection_failed, Remedy::repeat, "the connection broke"},
    {CURLE_RECV_ERROR, ReasonCode::connection_failed, Remedy::repeat, "the connection broke"},
    {CURLE_FTP_CANT_GET_HOST, ReasonCode::connection_failed, Remedy::none, ""},
    {CURLE_REMOTE_ACCESS_DENIED, ReasonCode::access_denied, Remedy::none, rights_advice},
    {CURLE_LOGIN_DENIED, ReasonCode::access_denied, Remedy::none, login_advice},
    {CURLE_TFTP_PERM, ReasonCode::access_denied, Remedy::none, rights_advice},
    {CURLE_TFTP_NOSUCHUSER, ReasonCode::access_denied, Remedy::none, rights_advice},
    {CURLE_REMOTE_FILE_NOT_FOUND, ReasonCode::file_not_found, Remedy::none, path_advice},
    {CURLE_TFTP_NOTFOUND, ReasonCode::file_not_found, Remedy::none, path_advice},
    {CURLE_FTP_COULDNT_RETR_FILE, ReasonCode::server_failed, Remedy::repeat, ""},
    {CURLE_FTP_COULDNT_USE_REST, ReasonCode::server_failed, Remedy::begin_anew, ""},
    {CURLE_BAD_DOWNLOAD_RESUME, ReasonCode::server_failed, Remedy::begin_anew, ""},
    {CURLE_RANGE_ERROR, ReasonCode::server_failed, Remedy::begin_anew, ""},
    {CURLE_WEIRD_SERVER_REPLY, ReasonCode::server_failed, Remedy::none, "is it the right kind of server?"},
    {CURLE_FTP_WEIRD_PASS_REPLY, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_FTP_WEIRD_PASV_REPLY, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_FTP_WEIRD_227_FORMAT, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_BAD_CONTENT_ENCODING, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_HTTP2, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_UNSUPPORTED_PROTOCOL, ReasonCode::server_failed, Remedy::none, "is it the right kind of server?"},
    {CURLE_TFTP_ILLEGAL, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_TFTP_UNKNOWNID, ReasonCode::server_failed, Remedy::repeat, ""},
    {CURLE_TFTP_EXISTS, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_REMOTE_DISK_FULL, ReasonCode::server_failed, Remedy::none, ""},
    {CURLE_OUT_OF_MEMORY, ReasonCode::internal, Remedy::none, ""},
});

constexpr auto tls_codes = std::to_array<CURLcode>(
    {CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
     CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_SHUTDOWN_FAILED,
     CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CLIENTCERT});

std::string place(const Uri& uri)
{
    const bool v6 = uri.host().find(':') != std::string::npos;
    return (v6 ? "[" + uri.host() + "]" : uri.host()) + ":" + std::to_string(uri.port());
}

std::string with_advice(const std::string& text, std::string_view advice)
{
    return advice.empty() ? text : text + ": " + std::string{advice};
}

Problem tls_problem(const TransferEnd& end, const Uri& uri, const Settings& settings)
{
    std::string text = "TLS with " + place(uri) + " failed: ";
    if (end.other_cert)
    {
        text += "its certificate has the SHA-256 " + to_hex(*end.other_cert) + ", which is not the pinned one";
    }
    else if (end.tls_verify != X509_V_OK && end.tls_verify != X509_V_ERR_UNSPECIFIED) // that: it came to no certificate
    {
        text += std::string{"its certificate is refused, "} + X509_verify_cert_error_string(end.tls_verify) +
                "; trusted is what " +
                (settings.ca_file.empty() ? "the BMC's system trusts" : settings.ca_file.string() + " holds");
    }
    else
    {
        text += end.text;
    }
    return {{ReasonCode::tls_failed, text}, Remedy::none, std::nullopt};
}

/// Some TFTP servers stumble over options (RFC 2347): they answer error 8, or what curl cannot read.
bool may_be_the_options(const TransferEnd& end, const TransferOrder& order)
{
    return order.uri.scheme() == Scheme::tftp && !order.plainly &&
           (end.code == CURLE_COULDNT_CONNECT || end.code == CURLE_ABORTED_BY_CALLBACK);
}

/// What stands behind "could not connect": the system's word, if it has one.
std::string cause(const TransferEnd& end)
{
    return end.os_error != 0 ? std::generic_category().message(static_cast<int>(end.os_error)) : end.text;
}

} // namespace

Problem explain(const TransferEnd& end, const TransferOrder& order, const Settings& settings)
{
    const Uri& uri = order.uri;
    const std::string& shown = order.question.shown;
    if (!end.refused_address.empty() && end.code == CURLE_COULDNT_CONNECT)
    {
        return {{ReasonCode::uri_refused, shown + ": " + end.refused_address}, Remedy::none, std::nullopt};
    }
    const bool endless_line = end.code == CURLE_OUT_OF_MEMORY; // curl keeps a header's line up to 100 kB
    if (end.header_flood || endless_line)
    {
        return {{ReasonCode::server_failed, place(uri) + " sends headers without end for " + shown}, Remedy::none, {}};
    }
    if (std::ranges::find(tls_codes, end.code) != tls_codes.end())
    {
        return tls_problem(end, uri, settings);
    }
    const auto kind = std::ranges::find(kinds, end.code, &Kind::code);
    if (may_be_the_options(end, order))
    {
        return {{ReasonCode::server_failed, shown + ": the server may not bear options"}, Remedy::begin_anew, {}};
    }
    if (kind == kinds.end())
    {
        return {{ReasonCode::transport_failed, shown + ": " + end.text}, Remedy::none, std::nullopt};
    }
    std::string text = shown + ": " + (end.tftp_text.empty() ? end.text : "the server says \"" + end.tftp_text + "\"");
    if (kind->reason == ReasonCode::host_not_found)
    {
        text = "the host " + uri.host() + " of " + shown + " is not found";
    }
    else if (kind->code == CURLE_COULDNT_CONNECT)
    {
        text = "cannot connect to " + place(uri) + " for " + shown + ", " + cause(end);
    }
    return {{kind->reason, with_advice(text, kind->advice)}, kind->remedy, std::nullopt};
}

} // namespace fwupdate::network
