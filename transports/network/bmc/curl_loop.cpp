#include "transports/network/bmc/curl_loop.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <new>
#include <utility>
#include <vector>

namespace fwupdate::network
{
namespace
{

namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;

} // namespace

CurlLoop::CurlLoop(asio::io_context& context, std::function<void(CURL*, CURLcode)> done)
    : context_{context}, done_{std::move(done)}, multi_{curl_multi_init()}, timer_{context}
{
    if (multi_ == nullptr)
    {
        throw std::bad_alloc{};
    }
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

CurlLoop::~CurlLoop()
{
    alive_.reset();
    curl_multi_cleanup(multi_);
    for (const auto& [socket, watch] : watches_)
    {
        watch->descriptor.release(); // curl's, not ours
    }
}

void CurlLoop::add(CURL* easy)
{
    curl_multi_add_handle(multi_, easy);
}

void CurlLoop::remove(CURL* easy)
{
    curl_multi_remove_handle(multi_, easy);
}

int CurlLoop::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*)
{
    static_cast<CurlLoop*>(self)->watch(socket, what);
    return 0;
}

int CurlLoop::on_timer(CURLM*, long milliseconds, void* self)
{
    static_cast<CurlLoop*>(self)->set_timer(milliseconds);
    return 0;
}

void CurlLoop::watch(curl_socket_t socket, int what)
{
    const auto place = watches_.find(socket);
    if (what == CURL_POLL_REMOVE)
    {
        if (place != watches_.end())
        {
            place->second->descriptor.release();
            watches_.erase(place);
        }
        return;
    }
    if (place == watches_.end())
    {
        auto watch = std::make_shared<Watch>(context_);
        boost::system::error_code error;
        watch->descriptor.assign(socket, error);
        if (error)
        {
            return; // curl's own time-outs end what is never waited for
        }
        watch->wanted = what;
        watches_.emplace(socket, watch);
        wait(socket, watch);
        return;
    }
    place->second->wanted = what;
    wait(socket, place->second);
}

/// Waits for what curl wants and is not waited for yet.
void CurlLoop::wait(curl_socket_t socket, const std::shared_ptr<Watch>& watch)
{
    const auto begin = [&](int wanted, int mask, Wait kind, bool Watch::*waiting)
    {
        if ((watch->wanted & wanted) == 0 || (*watch).*waiting)
        {
            return;
        }
        (*watch).*waiting = true;
        watch->descriptor.async_wait(kind,
                                     [this, socket, watch, mask, waiting, wanted,
                                      alive = std::weak_ptr{alive_}](const boost::system::error_code& error)
                                     {
                                         (*watch).*waiting = false;
                                         if (error || alive.expired() || (watch->wanted & wanted) == 0)
                                         {
                                             return;
                                         }
                                         act(socket, mask);
                                         if (alive.expired())
                                         {
                                             return;
                                         }
                                         const auto place = watches_.find(socket);
                                         if (place != watches_.end() && place->second == watch)
                                         {
                                             wait(socket, watch);
                                         }
                                     });
    };
    begin(CURL_POLL_IN, CURL_CSELECT_IN, Wait::wait_read, &Watch::reads);
    begin(CURL_POLL_OUT, CURL_CSELECT_OUT, Wait::wait_write, &Watch::writes);
}

void CurlLoop::set_timer(long milliseconds)
{
    timer_.cancel();
    if (milliseconds < 0)
    {
        return;
    }
    timer_.expires_after(std::chrono::milliseconds{milliseconds});
    timer_.async_wait(
        [this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error)
        {
            if (!error && !alive.expired())
            {
                act(CURL_SOCKET_TIMEOUT, 0);
            }
        });
}

void CurlLoop::act(curl_socket_t socket, int mask)
{
    int left = 0;
    running_ = true;
    curl_multi_socket_action(multi_, socket, mask, &left);
    running_ = false;
    report();
}

void CurlLoop::nudge()
{
    std::vector<curl_socket_t> sockets;
    std::ranges::transform(watches_, std::back_inserter(sockets), [](const auto& watch) { return watch.first; });
    const std::weak_ptr<int> alive{alive_};
    for (const curl_socket_t socket : sockets)
    {
        if (!alive.expired())
        {
            act(socket, 0);
        }
    }
}

void CurlLoop::report()
{
    std::vector<std::pair<CURL*, CURLcode>> ended;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left))
    {
        if (message->msg == CURLMSG_DONE)
        {
            ended.emplace_back(message->easy_handle, message->data.result);
        }
    }
    const std::weak_ptr<int> alive{alive_};
    for (const auto& [easy, code] : ended)
    {
        done_(easy, code);
        if (alive.expired())
        {
            return;
        }
    }
}

} // namespace fwupdate::network
