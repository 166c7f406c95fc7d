#include "bmc-agent/daemon/service_manager.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>

using namespace fwupdate;

TEST_CASE("a service manager hears that the agent is ready")
{
    const test::TemporaryDirectory directory;
    const std::string path = (directory.path() / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof(address.sun_path));
    std::ranges::copy(path, address.sun_path);
    const int manager = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    REQUIRE(::bind(manager, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);

    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    agent::notify_service_manager("READY=1");
    ::unsetenv("NOTIFY_SOCKET");
    agent::notify_service_manager("nobody asked");

    std::array<char, 64> buffer{};
    const auto count = ::recv(manager, buffer.data(), buffer.size(), 0);
    CHECK(std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))) == "READY=1");
    CHECK(::recv(manager, buffer.data(), buffer.size(), 0) < 0);
    ::close(manager);
}

TEST_CASE("a notify socket that is not there, or too long, is no trouble")
{
    ::setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    agent::notify_service_manager("READY=1");
    ::setenv("NOTIFY_SOCKET", std::string(200, 'x').c_str(), 1);
    agent::notify_service_manager("READY=1");
    ::unsetenv("NOTIFY_SOCKET");
}
