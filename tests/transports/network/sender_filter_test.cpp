// Only the server's address gets through, with the kernel's own sockets.
#include "transports/network/bmc/sender_filter.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace fwupdate::network;
using boost::asio::ip::udp;

namespace
{

/// What gets through of one datagram from each sender, in their order.
std::string heard(const char* receiver, const char* admitted, std::initializer_list<const char*> senders)
{
    boost::asio::io_context context;
    const auto at = [](const char* address) { return udp::endpoint{boost::asio::ip::make_address(address), 0}; };
    udp::socket socket{context, at(receiver)};
    REQUIRE(take_only_from(socket.native_handle(), boost::asio::ip::make_address(admitted)).has_value());
    char name = 'a';
    for (const char* sender : senders)
    {
        udp::socket from{context, at(sender)};
        from.send_to(boost::asio::buffer(&name, 1),
                     udp::endpoint{at(receiver).address(), socket.local_endpoint().port()});
        ++name;
    }
    socket.non_blocking(true);
    std::string text;
    char letter = 0;
    boost::system::error_code error;
    while (socket.receive(boost::asio::buffer(&letter, 1), 0, error) == 1 && !error)
    {
        text += letter;
    }
    return text;
}

} // namespace

TEST_CASE("IPv4: whatever the port, only the one address")
{
    CHECK(heard("127.0.0.1", "127.0.0.3", {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.3"}) == "bd");
    CHECK(heard("127.0.0.1", "127.0.0.1", {"127.0.0.1", "127.0.0.2"}) == "a");
}

TEST_CASE("IPv6")
{
    CHECK(heard("::1", "::1", {"::1"}) == "a");
    CHECK(heard("::1", "::2", {"::1"}).empty());
    CHECK(heard("::1", "2001:db8::1", {"::1"}).empty());
}
