// One request to one server, through libcurl: asks, tells the answer, hands on the bytes, and says how it ended.
#pragma once

#include "common/bytes.hpp"
#include "transports/network/bmc/curl_loop.hpp"
#include "transports/network/engine/answer.hpp"
#include "transports/network/engine/settings.hpp"

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::network
{

struct TransferOrder
{
    Uri uri;
    Question question;
    std::optional<Sha256> tls_pin;
    std::optional<transports::Credentials> credentials;
    bool with_client_certificate{};
    bool plainly{}; ///< TFTP as of old, without options (RFC 2347)
};

/// How curl's part ended, with all that explains it.
struct TransferEnd
{
    CURLcode code{};
    long os_error{};                  ///< errno of the connection, 0: none
    long tls_verify{};                ///< X509_V_ERR_..., 0: none
    std::string text;                 ///< curl's own words
    std::string tftp_text;            ///< the server's words
    std::string refused_address;      ///< why no connection was made; empty: it was not refused
    std::optional<Sha256> other_cert; ///< the server's certificate, which is not the pinned one
    bool header_flood{};
};

class TransferListener
{
  public:
    virtual ~TransferListener() = default;

    /// Before the first byte. False: that is all that was wanted, the transfer ends.
    [[nodiscard]] virtual bool answered(const Answer& answer) = 0;

    /// The next bytes. False: no more of them.
    [[nodiscard]] virtual bool received(ConstBytes bytes) = 0;

    /// The end of a transfer that neither of them has ended.
    virtual void ended(const TransferEnd& end) = 0;
};

class Transfer
{
  public:
    /// Begins. Loop, settings and listener outlive it. The listener hears nothing before the context runs.
    Transfer(CurlLoop& loop, const Settings& settings, TransferOrder order, TransferListener& listener);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    /// Not while the loop is running.
    ~Transfer();

    /// The loop says that curl is done.
    void finish(CURLcode code);

    [[nodiscard]] const TransferOrder& order() const
    {
        return order_;
    }

  private:
    struct FreeList
    {
        void operator()(curl_slist* list) const
        {
            curl_slist_free_all(list);
        }
    };

    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static int on_debug(CURL* easy, curl_infotype type, char* data, std::size_t size, void* self);
    static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static CURLcode on_tls(CURL* easy, void* context, void* self);
    static int on_certificate(void* store, void* self);

    template <class Value> void set(CURLoption option, Value value);
    void set_up();
    void set_up_tls();
    void set_up_http();
    void add_header(const std::string& line);

    [[nodiscard]] bool take_header(std::string_view line);
    [[nodiscard]] bool tell_answer();
    [[nodiscard]] Answer answer() const;
    [[nodiscard]] std::string header(const char* name) const;
    [[nodiscard]] curl_socket_t open_socket(const curl_sockaddr& address);
    [[nodiscard]] bool is_http() const;

    CurlLoop& loop_;
    const Settings& settings_;
    TransferOrder order_;
    TransferListener& listener_;
    CURL* easy_{};
    std::unique_ptr<curl_slist, FreeList> headers_;
    std::array<char, CURL_ERROR_SIZE> error_{};
    CURLcode setup_{CURLE_OK}; ///< the first option that could not be set
    std::size_t header_bytes_{};
    bool answered_{false};
    bool stopped_{false}; ///< by the listener
    TransferEnd end_;
};

} // namespace fwupdate::network
