#include "transports/network/bmc/transfer.hpp"

#include "transports/network/bmc/own_addresses.hpp"
#include "transports/network/bmc/sender_filter.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

namespace fwupdate::network
{
namespace
{

constexpr std::size_t most_headers = 64UL * 1024; ///< bytes of all headers of one transfer
/// Seconds for a server's first packet. Curl makes three tries of it and asks the server to repeat lost packets after a
/// third of it, too: longer would make every lost packet cost 5 s.
constexpr long tftp_begin = 4;
constexpr long buffer_size = 64 * 1024; ///< bytes that curl hands on at a time

std::optional<std::uint64_t> number_in(std::string_view text)
{
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    return end.ec == std::errc{} && end.ptr == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

/// The address that curl is about to connect to.
std::optional<Address> address_of(const curl_sockaddr& from)
{
    boost::asio::ip::tcp::endpoint endpoint;
    if ((from.family != AF_INET && from.family != AF_INET6) || from.addrlen > endpoint.capacity())
    {
        return std::nullopt;
    }
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&from.addr), from.addrlen,
                reinterpret_cast<std::uint8_t*>(endpoint.data()));
    endpoint.resize(from.addrlen);
    return endpoint.address();
}

} // namespace

Transfer::Transfer(CurlLoop& loop, const Settings& settings, TransferOrder order, TransferListener& listener)
    : loop_{loop}, settings_{settings}, order_{std::move(order)}, listener_{listener}, easy_{curl_easy_init()}
{
    if (easy_ == nullptr)
    {
        throw std::bad_alloc{};
    }
    set_up();
    if (is_http())
    {
        set_up_http();
    }
    if (is_protected(order_.uri.scheme()))
    {
        set_up_tls();
    }
    loop_.add(easy_);
}

Transfer::~Transfer()
{
    loop_.remove(easy_);
    curl_easy_cleanup(easy_);
}

bool Transfer::is_http() const
{
    return order_.uri.scheme() == Scheme::http || order_.uri.scheme() == Scheme::https;
}

template <class Value> void Transfer::set(CURLoption option, Value value)
{
    const CURLcode code = curl_easy_setopt(easy_, option, value);
    setup_ = setup_ == CURLE_OK ? code : setup_;
}

void Transfer::set_up()
{
    const bool is_tftp = order_.uri.scheme() == Scheme::tftp;
    set(CURLOPT_URL, order_.uri.text().c_str());
    set(CURLOPT_PROTOCOLS_STR, std::string{name_of(order_.uri.scheme())}.c_str());
    set(CURLOPT_FOLLOWLOCATION, 0L); // the policy looks at every one
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L); // a resolver that hangs is left behind
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_PROXY, is_http() ? settings_.proxy.c_str() : ""); // empty: none, whatever the environment says
    set(CURLOPT_BUFFERSIZE, buffer_size);
    set(CURLOPT_CONNECTTIMEOUT, is_tftp ? tftp_begin : static_cast<long>(settings_.limits.connect_timeout.count()));
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(settings_.limits.stall_timeout.count()));
    set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    set(CURLOPT_TFTP_BLKSIZE, static_cast<long>(settings_.tftp_block_size));
    set(CURLOPT_FILETIME, 1L);
    set(CURLOPT_FTP_FILEMETHOD, static_cast<long>(CURLFTPMETHOD_NOCWD));
    set(CURLOPT_FTP_SKIP_PASV_IP, 1L);
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    if (is_tftp)
    {
        set(CURLOPT_DEBUGFUNCTION, &Transfer::on_debug); // the one way to the text of a server's error
        set(CURLOPT_DEBUGDATA, static_cast<void*>(this));
        set(CURLOPT_VERBOSE, 1L);
        set(CURLOPT_TFTP_NO_OPTIONS, order_.plainly ? 1L : 0L);
    }
    if (order_.credentials)
    {
        set(CURLOPT_USERNAME, order_.credentials->user.c_str());
        set(CURLOPT_PASSWORD, order_.credentials->password.c_str());
    }
    if (order_.question.offset != 0 && !is_http())
    {
        set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(order_.question.offset));
    }
}

void Transfer::set_up_http()
{
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_USERAGENT, "ipmi-fwupdate");
    if (order_.question.offset != 0)
    {
        add_header("Range: bytes=" + std::to_string(order_.question.offset) + "-");
        if (!order_.question.validator.empty())
        {
            add_header("If-Range: " + order_.question.validator);
        }
    }
    set(CURLOPT_HTTPHEADER, headers_.get());
}

void Transfer::add_header(const std::string& line)
{
    if (curl_slist* const list = curl_slist_append(headers_.get(), line.c_str()))
    {
        static_cast<void>(headers_.release()); // the first element stays the first
        headers_.reset(list);
    }
}

void Transfer::set_up_tls()
{
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (order_.uri.scheme() == Scheme::ftps)
    {
        set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    }
    if (!settings_.ca_file.empty())
    {
        set(CURLOPT_CAINFO, settings_.ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!settings_.ca_directory.empty())
    {
        set(CURLOPT_CAPATH, settings_.ca_directory.c_str());
        if (settings_.ca_file.empty())
        {
            set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
        }
    }
    if (order_.with_client_certificate && !settings_.client_certificate.empty())
    {
        set(CURLOPT_SSLCERT, settings_.client_certificate.c_str());
        set(CURLOPT_SSLKEY, settings_.client_key.c_str());
    }
    if (order_.tls_pin)
    {
        set(CURLOPT_SSL_VERIFYHOST, 0L); // the pin names the very certificate
        set(CURLOPT_SSL_CTX_FUNCTION, &Transfer::on_tls);
        set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
    }
}

CURLcode Transfer::on_tls(CURL*, void* context, void* self)
{
    SSL_CTX_set_cert_verify_callback(
        static_cast<SSL_CTX*>(context),
        [](X509_STORE_CTX* store, void* transfer) { return on_certificate(store, transfer); }, self);
    return CURLE_OK;
}

int Transfer::on_certificate(void* opaque, void* self)
{
    auto* const store = static_cast<X509_STORE_CTX*>(opaque);
    auto& transfer = *static_cast<Transfer*>(self);
    Sha256 found{};
    unsigned size = 0;
    X509* const certificate = X509_STORE_CTX_get0_cert(store);
    const bool hashed = certificate != nullptr && X509_digest(certificate, EVP_sha256(), found.data(), &size) == 1;
    if (hashed && found == transfer.order_.tls_pin)
    {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    transfer.end_.other_cert = found;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

curl_socket_t Transfer::on_open_socket(void* self, curlsocktype, curl_sockaddr* address)
{
    return static_cast<Transfer*>(self)->open_socket(*address);
}

/// The policy's last word: the address itself, whatever name led to it.
curl_socket_t Transfer::open_socket(const curl_sockaddr& to)
{
    const auto address = address_of(to);
    const bool proxied = is_http() && !settings_.proxy.empty(); // the configured proxy is where it should connect
    if (!address)
    {
        return CURL_SOCKET_BAD;
    }
    if (!proxied)
    {
        const auto own = own_addresses();
        const auto admitted =
            own ? settings_.rules.admit_address(order_.uri.host(), *address, *own) : Result<void>{own.error()};
        if (!admitted)
        {
            end_.refused_address = admitted.error().text;
            return CURL_SOCKET_BAD;
        }
    }
    const int socket = ::socket(to.family, to.socktype | SOCK_CLOEXEC, to.protocol);
    if (socket >= 0 && to.socktype == SOCK_DGRAM)
    {
        if (const auto filtered = take_only_from(socket, *address); !filtered)
        {
            end_.refused_address = filtered.error().text;
            ::close(socket);
            return CURL_SOCKET_BAD;
        }
    }
    return socket;
}

int Transfer::on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self)
{
    constexpr std::string_view mark = "TFTP error: ";
    std::string_view text{data, size};
    if (type == CURLINFO_TEXT && text.starts_with(mark))
    {
        text.remove_prefix(mark.size());
        static_cast<Transfer*>(self)->end_.tftp_text = printable(text.substr(0, text.find_first_of("\r\n")));
    }
    return 0;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self)
{
    return static_cast<Transfer*>(self)->take_header({data, size * count}) ? size * count : 0;
}

bool Transfer::take_header(std::string_view line)
{
    header_bytes_ += line.size();
    if (header_bytes_ > most_headers)
    {
        end_.header_flood = true;
        return false;
    }
    const bool last = line == "\r\n" || line == "\n";
    if (!is_http() || !last || answered_)
    {
        return true;
    }
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    return status < 200 || tell_answer();
}

bool Transfer::tell_answer()
{
    answered_ = true;
    stopped_ = !listener_.answered(answer());
    return !stopped_;
}

std::string Transfer::header(const char* name) const
{
    curl_header* found = nullptr;
    const bool there = curl_easy_header(easy_, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
    return there ? found->value : std::string{};
}

Answer Transfer::answer() const
{
    Answer answer;
    if (!is_http())
    {
        curl_off_t length = -1;
        curl_off_t time = -1;
        curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        curl_easy_getinfo(easy_, CURLINFO_FILETIME_T, &time);
        answer.length = length >= 0 ? std::optional{static_cast<std::uint64_t>(length)} : std::nullopt;
        answer.validator = time >= 0 ? std::to_string(time) : "";
        return answer;
    }
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &answer.status);
    const bool chunked = !header("Transfer-Encoding").empty();
    if (!chunked)
    {
        answer.length = number_in(header("Content-Length"));
    }
    answer.shows_its_end = chunked || answer.length; // curl takes TLS's end for granted, too
    answer.range = ContentRange::parse(header("Content-Range"));
    answer.content_encoding = header("Content-Encoding");
    answer.content_type = header("Content-Type");
    answer.validator = header("ETag");
    if (answer.validator.empty() || answer.validator.starts_with("W/")) // weak ones don't vouch for bytes
    {
        answer.validator = header("Last-Modified");
    }
    if (const auto seconds = number_in(header("Retry-After")))
    {
        answer.retry_after = std::chrono::seconds{std::min<std::uint64_t>(*seconds, 3600)};
    }
    if (const std::string location = header("Location"); !location.empty())
    {
        answer.location = order_.uri.resolve(location);
    }
    return answer;
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self)
{
    auto& transfer = *static_cast<Transfer*>(self);
    const std::size_t length = size * count;
    if (!transfer.answered_ && !transfer.tell_answer())
    {
        return length + 1; // not its size: the end
    }
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(data);
    transfer.stopped_ = !transfer.listener_.received({bytes, length});
    return transfer.stopped_ ? length + 1 : length;
}

void Transfer::finish(CURLcode code)
{
    if (stopped_)
    {
        return;
    }
    if (code == CURLE_OK && !answered_ && !tell_answer()) // a file without a byte
    {
        return;
    }
    end_.code = setup_ != CURLE_OK ? setup_ : code;
    const bool is_tftp = order_.uri.scheme() == Scheme::tftp; // there curl's text is of a getpeername() of its own
    const bool told = error_[0] != '\0' && !is_tftp;
    end_.text = printable(told ? error_.data() : curl_easy_strerror(end_.code));
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &end_.os_error);
    curl_easy_getinfo(easy_, CURLINFO_SSL_VERIFYRESULT, &end_.tls_verify);
    listener_.ended(end_);
}

} // namespace fwupdate::network
