// libcurl's multi interface on the agent's loop: its sockets and its timer are waited for by Asio, nothing blocks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>

#include <functional>
#include <map>
#include <memory>

namespace fwupdate::network
{

class CurlLoop
{
  public:
    /// `done` hears of every handle that has ended, never from within one of curl's callbacks. It may remove the
    /// handle, and even destroy the loop.
    CurlLoop(boost::asio::io_context& context, std::function<void(CURL*, CURLcode)> done);
    CurlLoop(const CurlLoop&) = delete;
    CurlLoop& operator=(const CurlLoop&) = delete;
    ~CurlLoop();

    /// Begins a transfer; it goes on when the context runs.
    void add(CURL* easy);

    /// Ends a transfer. Not while is_running(): curl does not bear it.
    void remove(CURL* easy);

    /// Has curl look at its transfers, though nothing has come that it waits for.
    /// Not while is_running().
    void nudge();

    /// Whether curl is at work below us on the stack.
    [[nodiscard]] bool is_running() const
    {
        return running_;
    }

  private:
    struct Watch
    {
        explicit Watch(boost::asio::io_context& context) : descriptor{context} {}
        boost::asio::posix::stream_descriptor descriptor;
        int wanted{}; ///< CURL_POLL_IN, CURL_POLL_OUT
        bool reads{};
        bool writes{};
    };

    static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* watch);
    static int on_timer(CURLM* multi, long milliseconds, void* self);

    void watch(curl_socket_t socket, int what);
    void wait(curl_socket_t socket, const std::shared_ptr<Watch>& watch);
    void set_timer(long milliseconds);
    void act(curl_socket_t socket, int mask);
    void report();

    boost::asio::io_context& context_;
    std::function<void(CURL*, CURLcode)> done_;
    CURLM* multi_{};
    boost::asio::steady_timer timer_;
    std::map<curl_socket_t, std::shared_ptr<Watch>> watches_;
    std::shared_ptr<int> alive_{std::make_shared<int>()};
    bool running_{false};
};

} // namespace fwupdate::network
