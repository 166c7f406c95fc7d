#include "tests/interop/flash_host.hpp"

#include <fcntl.h>
#include <linux/ipmi.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace fwupdate::test
{
namespace
{

constexpr int answer_time = 15'000; ///< ms, for one answer
constexpr std::uint8_t net_fn_oem_group = 0x2E;
constexpr std::uint8_t blob_command = 0x80;
constexpr std::array<std::uint8_t, 3> enterprise{0xCF, 0xC2, 0x00}; ///< OpenBMC

enum SubCommand : std::uint8_t
{
    get_count = 0,
    enumerate = 1,
    open_blob = 2,
    write_blob = 4,
    commit_blob = 5,
    close_blob = 6,
    delete_blob = 7,
    session_stat = 9,
};

/// CRC-16 with polynomial 1021h: the register begins as FFFFh, and 16 zero bits follow the message.
std::uint16_t crc16(const HostBytes& bytes)
{
    std::uint32_t remainder = 0xFFFF;
    const auto shift = [&](std::uint32_t bit)
    {
        const bool carry = (remainder & 0x8000) != 0;
        remainder = ((remainder << 1 | bit) & 0xFFFF) ^ (carry ? 0x1021U : 0U);
    };
    for (const std::uint8_t byte : bytes)
    {
        for (int bit = 7; bit >= 0; --bit)
        {
            shift(byte >> bit & 1U);
        }
    }
    for (int bit = 0; bit < 16; ++bit)
    {
        shift(0);
    }
    return static_cast<std::uint16_t>(remainder);
}

void put(HostBytes& out, std::uint32_t value, int size)
{
    for (int at = 0; at < size; ++at)
    {
        out.push_back(static_cast<std::uint8_t>(value >> 8 * at));
    }
}

std::uint32_t get(const HostBytes& bytes, std::size_t at, std::size_t size)
{
    if (bytes.size() < at + size)
    {
        throw BlobError{"the answer is too short"};
    }
    std::uint32_t value = 0;
    for (std::size_t byte = size; byte-- > 0;)
    {
        value = value << 8 | bytes[at + byte];
    }
    return value;
}

void put_text(HostBytes& out, std::string_view text)
{
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(0);
}

HostBytes name_of(std::uint16_t session)
{
    HostBytes body;
    put(body, session, 2);
    return body;
}

/// What an answer carries, checked: completion code, enterprise number, CRC, body.
HostBytes body_of(const HostBytes& answer)
{
    if (const std::uint32_t code = get(answer, 0, 1); code != 0)
    {
        std::array<char, 40> text{};
        static_cast<void>(std::snprintf(text.data(), text.size(), "the BMC refuses: %02Xh", code));
        throw BlobError{text.data()};
    }
    if (answer.size() == 1) // no number goes for "done" as well
    {
        return {};
    }
    if (get(answer, 1, 3) != 0x00C2CF)
    {
        throw BlobError{"the answer is somebody else's"};
    }
    if (answer.size() == 1 + enterprise.size())
    {
        return {};
    }
    const std::uint32_t crc = get(answer, 4, 2);
    HostBytes body{answer.begin() + 6, answer.end()};
    if (crc != crc16(body))
    {
        throw BlobError{"the CRC of the answer does not match"};
    }
    return body;
}

} // namespace

HostDevice::HostDevice() : file_{::open("/dev/ipmi0", O_RDWR | O_CLOEXEC)}
{
    if (file_ < 0)
    {
        throw std::runtime_error{"/dev/ipmi0 cannot be opened"};
    }
}

HostDevice::~HostDevice()
{
    ::close(file_);
}

HostBytes HostDevice::call(std::uint8_t net_fn, std::uint8_t command, HostBytes data)
{
    ipmi_system_interface_addr bmc{IPMI_SYSTEM_INTERFACE_ADDR_TYPE, IPMI_BMC_CHANNEL, 0};
    ipmi_req request{};
    request.addr = reinterpret_cast<unsigned char*>(&bmc);
    request.addr_len = sizeof(bmc);
    request.msgid = ++number_;
    request.msg = {net_fn, command, static_cast<unsigned short>(data.size()), data.data()};
    if (::ioctl(file_, IPMICTL_SEND_COMMAND, &request) < 0)
    {
        throw BlobError{"the driver takes no request"};
    }
    for (;;)
    {
        if (auto answer = receive())
        {
            return *answer;
        }
    }
}

/// None: the answer to another request.
std::optional<HostBytes> HostDevice::receive() const
{
    pollfd readable{file_, POLLIN, 0};
    if (::poll(&readable, 1, answer_time) != 1)
    {
        throw BlobError{"no answer"};
    }
    ipmi_addr from{};
    HostBytes data(IPMI_MAX_MSG_LENGTH);
    ipmi_recv response{};
    response.addr = reinterpret_cast<unsigned char*>(&from);
    response.addr_len = sizeof(from);
    response.msg.data = data.data();
    response.msg.data_len = static_cast<unsigned short>(data.size());
    if (::ioctl(file_, IPMICTL_RECEIVE_MSG_TRUNC, &response) < 0 && errno != EMSGSIZE)
    {
        throw BlobError{"the driver gives no answer"};
    }
    data.resize(response.msg.data_len);
    return response.msgid == number_ ? std::optional{data} : std::nullopt;
}

/// The answer's body.
HostBytes HostBlobs::ask(std::uint8_t sub_command, const HostBytes& body)
{
    HostBytes request{enterprise.begin(), enterprise.end()};
    request.push_back(sub_command);
    if (!body.empty())
    {
        put(request, crc16(body), 2);
        request.insert(request.end(), body.begin(), body.end());
    }
    return body_of(device_.call(net_fn_oem_group, blob_command, std::move(request)));
}

std::vector<std::string> HostBlobs::list()
{
    std::vector<std::string> ids;
    const std::uint32_t count = get(ask(get_count, {}), 0, 4);
    for (std::uint32_t index = 0; index < count; ++index)
    {
        HostBytes body;
        put(body, index, 4);
        const HostBytes id = ask(enumerate, body);
        ids.emplace_back(id.begin(), std::find(id.begin(), id.end(), 0));
    }
    return ids;
}

std::uint16_t HostBlobs::open(std::string_view id, std::uint16_t flags)
{
    HostBytes body;
    put(body, flags, 2);
    put_text(body, id);
    return static_cast<std::uint16_t>(get(ask(open_blob, body), 0, 2));
}

void HostBlobs::write(std::uint16_t session, std::uint32_t offset, std::string_view data)
{
    HostBytes body = name_of(session);
    put(body, offset, 4);
    body.insert(body.end(), data.begin(), data.end());
    static_cast<void>(ask(write_blob, body));
}

void HostBlobs::commit(std::uint16_t session)
{
    HostBytes body = name_of(session);
    body.push_back(0); // no data
    static_cast<void>(ask(commit_blob, body));
}

void HostBlobs::close(std::uint16_t session)
{
    static_cast<void>(ask(close_blob, name_of(session)));
}

void HostBlobs::remove(std::string_view id)
{
    HostBytes body;
    put_text(body, id);
    static_cast<void>(ask(delete_blob, body));
}

HostBytes HostBlobs::metadata(std::uint16_t session)
{
    const HostBytes stat = ask(session_stat, name_of(session));
    constexpr std::size_t fields = 7; // state, size, count
    const std::size_t count = get(stat, fields - 1, 1);
    if (stat.size() < fields + count)
    {
        throw BlobError{"the metadata is too short"};
    }
    const auto from = stat.begin() + fields;
    return {from, from + static_cast<std::ptrdiff_t>(count)};
}

} // namespace fwupdate::test
