// One connection of the file server, and what all of them share. Of file_server.cpp alone: it brings Beast with it.
#pragma once

#include "transports/network/host/file_answer.hpp"
#include "transports/network/host/file_server.hpp"

#include <boost/asio/ssl/stream_base.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <type_traits>
#include <utility>

namespace fwupdate::network
{

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

inline constexpr std::size_t piece_size = 16384; ///< bytes of the file at a time: a TLS record

/// What all connections share. The report is read by another thread.
struct ServerState
{
    ServerOptions options;
    ServedFile file;
    Resource resource;
    std::size_t open{0}; ///< connections
    mutable std::mutex mutex;
    ServerReport report;

    template <class Change> void note(Change change)
    {
        const std::scoped_lock lock{mutex};
        change(report);
    }
};

/// One connection: request after request, each with its time limit.
template <class Stream> class FileConnection : public std::enable_shared_from_this<FileConnection<Stream>>
{
  public:
    template <class... Arguments>
    explicit FileConnection(ServerState& state, Arguments&&... arguments)
        : state_{state}, stream_{std::forward<Arguments>(arguments)...}
    {
        ++state_.open;
    }
    FileConnection(const FileConnection&) = delete;
    FileConnection& operator=(const FileConnection&) = delete;
    ~FileConnection()
    {
        --state_.open;
    }

    void start()
    {
        if constexpr (std::is_same_v<Stream, TlsStream>)
        {
            expire_after(state_.options.limits.head);
            stream_.async_handshake(asio::ssl::stream_base::server,
                                    [self = this->shared_from_this()](error_code error) { self->shaken(error); });
        }
        else
        {
            read();
        }
    }

  private:
    void expire_after(Duration limit)
    {
        beast::get_lowest_layer(stream_).expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(limit));
    }

    void shaken(error_code error)
    {
        if (error)
        {
            state_.note([](ServerReport& report) { ++report.failed_handshakes; });
            return;
        }
        read();
    }

    void read()
    {
        parser_.emplace();
        parser_->header_limit(state_.options.limits.head_bytes);
        expire_after(state_.options.limits.head);
        http::async_read_header(stream_, buffer_, *parser_,
                                [self = this->shared_from_this()](error_code error, std::size_t)
                                { self->received(error); });
    }

    std::optional<std::string_view> field(http::field name) const
    {
        const auto [first, last] = parser_->get().equal_range(name);
        return first != last && std::next(first) == last
                   ? std::optional<std::string_view>{{first->value().data(), first->value().size()}}
                   : std::nullopt;
    }

    void received(error_code error)
    {
        if (error)
        {
            // What is no request, or a head too large, is told so; who left or was silent is not.
            const bool told = error.category() == http::make_error_code(http::error::bad_method).category() &&
                              error != http::error::end_of_stream && error != http::error::partial_message;
            told ? respond({error == http::error::header_limit ? 431U : 400U, 0, 0, false, {}}, false) : close();
            return;
        }
        const auto view = [](beast::string_view text) { return std::string_view{text.data(), text.size()}; };
        const auto& request = parser_->get();
        // A request with a body is none of ours: what follows is not looked at.
        respond(answer({view(request.method_string()), view(request.target()), field(http::field::range),
                        field(http::field::if_range)},
                       state_.resource),
                request.keep_alive() && parser_->is_done());
    }

    void respond(const FileAnswer& answer, bool keep_alive)
    {
        answer_ = answer;
        response_ = http::response<http::empty_body>{static_cast<http::status>(answer.status), 11};
        response_.set(http::field::cache_control, "no-store");
        response_.keep_alive(keep_alive);
        response_.content_length(answer.count);
        if (answer.status == 405)
        {
            response_.set(http::field::allow, "GET, HEAD");
        }
        if (answer.status == 200 || answer.status == 206)
        {
            response_.set(http::field::content_type, "application/octet-stream");
            response_.set(http::field::accept_ranges, "bytes");
            response_.set(http::field::etag, state_.resource.etag);
        }
        if (!answer.content_range.empty())
        {
            response_.set(http::field::content_range, answer.content_range);
        }
        expire_after(state_.options.limits.stall);
        serializer_.emplace(response_);
        http::async_write_header(stream_, *serializer_,
                                 [self = this->shared_from_this()](error_code error, std::size_t)
                                 { self->advance(error); });
    }

    /// The next piece, or what comes after the last.
    void advance(error_code error)
    {
        if (error)
        {
            return;
        }
        if (!answer_.body || answer_.count == 0)
        {
            response_.keep_alive() ? read() : close();
            return;
        }
        Result<Bytes> bytes = state_.file.read(
            answer_.first, static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, answer_.count)));
        if (!bytes || bytes->empty())
        {
            // Cut short: the peer sees that it is not whole.
            state_.note([&](ServerReport& report)
                        { report.failure = bytes ? "the file became shorter" : bytes.error().text; });
            return;
        }
        piece_ = std::move(*bytes);
        expire_after(state_.options.limits.stall);
        asio::async_write(stream_, asio::buffer(piece_),
                          [self = this->shared_from_this()](error_code failed, std::size_t written)
                          { self->wrote(failed, written); });
    }

    void wrote(error_code error, std::size_t written)
    {
        state_.note([written](ServerReport& report) { report.sent += written; });
        answer_.first += written;
        answer_.count -= written;
        advance(error);
    }

    void close()
    {
        expire_after(state_.options.limits.head);
        if constexpr (std::is_same_v<Stream, TlsStream>)
        {
            stream_.async_shutdown([self = this->shared_from_this()](error_code) {});
        }
        else
        {
            error_code ignored;
            stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
        }
    }

    ServerState& state_;
    Stream stream_;
    beast::flat_buffer buffer_{2 * piece_size};
    std::optional<http::request_parser<http::empty_body>> parser_;
    http::response<http::empty_body> response_;
    std::optional<http::response_serializer<http::empty_body>> serializer_;
    FileAnswer answer_;
    Bytes piece_;
};

} // namespace fwupdate::network
