// A pseudo-device for tests in a virtual machine: a character device (CUSE) that behaves as Linux's BMC-side KCS or BT
// device does, on one end; QEMU's ipmi-bmc-extern, which is the hardware with the host behind it, on the other.
//   pseudo_host_device kcs|bt NAME LINK     serves /dev/NAME; LINK: a virtio-serial port in "VM" mode
// The semantics are those of drivers/char/ipmi/kcs_bmc_cdev_ipmi.c and bt-bmc.c: open once (EBUSY), whole messages,
// EINVAL for a response that nobody waits for; KCS is never writable for poll(), BT sleeps whatever O_NONBLOCK says.
// SIGUSR1: the host withdraws the next KCS request once it was read, and makes it again.
// What would sleep in the real driver is told on standard error, for an agent must never run into it.
#define FUSE_USE_VERSION 31

#include "bmc-agent/channels/system-interface/vm_protocol.hpp"

#include <fuse3/cuse_lowlevel.h>

#include <linux/bt-bmc.h>
#include <linux/ipmi_bmc.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace
{

using namespace fwupdate;
using namespace fwupdate::agent::system_interface;

constexpr std::size_t kcs_buffer = 1000;   ///< bytes of the KCS driver's buffer
constexpr std::size_t vm_head = 3;         ///< sequence, NetFn and LUN, command
constexpr std::uint8_t unspecified = 0xFF; ///< completion code for what the hardware answers by its error state

volatile std::sig_atomic_t withdraw = 0;

class Device
{
  public:
    Device(bool bt, int link) : bt_{bt}, link_{link}
    {
        Bytes out;
        append_command(VmCommand::version, Bytes{vm_protocol_version}, out);
        append_command(VmCommand::enable_interrupt, {}, out); // the hardware has an interrupt of its own
        send(out);
    }

    // ------------------------------------------------------------------------------------------- from the host
    /// False: the link is gone.
    bool take_from_link()
    {
        std::array<std::uint8_t, 4096> buffer{};
        const ssize_t size = ::read(link_, buffer.data(), buffer.size());
        if (size <= 0)
        {
            return size < 0 && (errno == EAGAIN || errno == EINTR);
        }
        for (const VmUnit& unit : decoder_.take(ConstBytes{buffer}.first(static_cast<std::size_t>(size))))
        {
            if (!unit.command && unit.bytes.size() >= vm_head)
            {
                take_request(unit.bytes);
            }
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------- from the agent
    void open(fuse_req_t request, fuse_file_info* info)
    {
        if (std::exchange(open_, true))
        {
            fuse_reply_err(request, EBUSY);
            return;
        }
        fuse_reply_open(request, info);
    }
    void release(fuse_req_t request)
    {
        open_ = false;
        if (!bt_ && phase_ != Phase::idle)
        {
            abort();
        }
        keep(nullptr);
        fuse_reply_err(request, 0);
    }
    void read(fuse_req_t request, std::size_t size, const fuse_file_info* info)
    {
        if (phase_ != Phase::requested)
        {
            const bool sleeps = bt_ || (info->flags & O_NONBLOCK) == 0;
            if (sleeps)
            {
                std::fputs("pseudo_host_device: read() would sleep\n", stderr);
            }
            fuse_reply_err(request, sleeps ? EIO : EAGAIN);
            return;
        }
        if (size < request_.size() && !bt_)
        {
            abort();
            fuse_reply_err(request, EOVERFLOW);
            return;
        }
        phase_ = Phase::taken;
        fuse_reply_buf(request, reinterpret_cast<const char*>(request_.data()), std::min(size, request_.size()));
        if (!bt_ && withdraw != 0)
        {
            withdraw = 0;
            phase_ = Phase::requested;
            wake();
        }
    }
    void write(fuse_req_t request, ConstBytes response)
    {
        if (bt_ && host_busy_)
        {
            std::fputs("pseudo_host_device: write() would sleep\n", stderr);
            fuse_reply_err(request, EIO);
            return;
        }
        const std::size_t least = bt_ ? 5 : 3;
        const bool fits = response.size() >= least && (bt_ || response.size() <= kcs_buffer);
        if (!fits || (!bt_ && phase_ != Phase::taken))
        {
            std::fputs("pseudo_host_device: EINVAL for a response\n", stderr);
            fuse_reply_err(request, EINVAL);
            return;
        }
        answer(bt_ ? frame_of_bt(response) : Bytes{response.begin(), response.end()});
        fuse_reply_write(request, response.size());
    }
    void control(fuse_req_t request, unsigned command)
    {
        Bytes out;
        const bool abortable = !bt_ && command == IPMI_BMC_IOCTL_FORCE_ABORT;
        if (command == IPMI_BMC_IOCTL_SET_SMS_ATN) // BT_BMC_IOCTL_SMS_ATN is the same number
        {
            append_command(VmCommand::attention_interrupt, {}, out);
        }
        else if (!bt_ && command == IPMI_BMC_IOCTL_CLEAR_SMS_ATN)
        {
            append_command(VmCommand::clear_attention, {}, out);
        }
        else if (!abortable)
        {
            fuse_reply_err(request, EINVAL);
            return;
        }
        send(out);
        if (abortable)
        {
            std::fputs("pseudo_host_device: aborted by the BMC\n", stderr);
            abort();
        }
        fuse_reply_ioctl(request, 0, nullptr, 0);
    }
    void poll(fuse_req_t request, fuse_pollhandle* handle)
    {
        if (handle != nullptr)
        {
            keep(handle);
        }
        unsigned events = phase_ == Phase::requested ? POLLIN : 0U;
        events |= bt_ && !host_busy_ ? POLLOUT : 0U;
        fuse_reply_poll(request, events);
    }

  private:
    enum class Phase
    {
        idle,
        requested, ///< a request is there to be read
        taken,     ///< it was read: a response may be written
    };

    /// A host that asks again has given up what it asked before.
    void take_request(ConstBytes message)
    {
        sequence_ = message[0];
        head_ = {message[1], message[2]};
        request_.assign(message.begin() + 1, message.end());
        if (bt_)
        {
            request_.insert(request_.begin() + 1, sequence_);
            request_.insert(request_.begin(), static_cast<std::uint8_t>(request_.size()));
        }
        phase_ = Phase::requested;
        host_busy_ = false; // it has fetched the last response
        if (!open_)
        {
            abort();
            return;
        }
        wake();
    }

    void wake()
    {
        if (auto* const waiting = std::exchange(handle_, nullptr))
        {
            fuse_lowlevel_notify_poll(waiting);
            fuse_pollhandle_destroy(waiting);
        }
    }

    /// NetFn and LUN, command, completion code, data: as KCS has it.
    static Bytes frame_of_bt(ConstBytes response)
    {
        const auto length = std::clamp<std::size_t>(response[0], 4, response.size() - 1); // the rest is not looked at
        Bytes frame{response[1]};
        frame.insert(frame.end(), response.begin() + 3, response.begin() + 1 + static_cast<std::ptrdiff_t>(length));
        return frame;
    }

    void answer(Bytes frame)
    {
        frame.insert(frame.begin(), sequence_);
        Bytes out;
        append_message(frame, out);
        send(out);
        phase_ = Phase::idle;
        host_busy_ = true;
    }

    void abort()
    {
        answer({static_cast<std::uint8_t>(head_[0] | 1U << 2), head_[1], unspecified});
        host_busy_ = false;
    }

    void send(ConstBytes bytes) const
    {
        while (!bytes.empty())
        {
            const ssize_t size = ::write(link_, bytes.data(), bytes.size());
            if (size < 0)
            {
                std::perror("pseudo_host_device: link");
                std::exit(1);
            }
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        }
    }

    void keep(fuse_pollhandle* handle)
    {
        if (auto* const former = std::exchange(handle_, handle))
        {
            fuse_pollhandle_destroy(former);
        }
    }

    bool bt_;
    int link_;
    VmDecoder decoder_;
    bool open_{false};
    Phase phase_{Phase::idle};
    Bytes request_; ///< as the device gives it
    std::uint8_t sequence_{};
    std::array<std::uint8_t, 2> head_{};
    bool host_busy_{false}; ///< BT: B2H_ATN or H_BUSY
    fuse_pollhandle* handle_{nullptr};
};

Device& device_of(fuse_req_t request)
{
    return *static_cast<Device*>(fuse_req_userdata(request));
}

cuse_lowlevel_ops operations()
{
    cuse_lowlevel_ops table{};
    table.open = [](fuse_req_t request, fuse_file_info* info) { device_of(request).open(request, info); };
    table.release = [](fuse_req_t request, fuse_file_info*) { device_of(request).release(request); };
    table.read = [](fuse_req_t request, std::size_t size, off_t, fuse_file_info* info)
    { device_of(request).read(request, size, info); };
    table.write = [](fuse_req_t request, const char* data, std::size_t size, off_t, fuse_file_info*) {
        device_of(request).write(request, {reinterpret_cast<const std::uint8_t*>(data), size});
    };
    table.ioctl = [](fuse_req_t request, int command, void*, fuse_file_info*, unsigned, const void*, std::size_t,
                     std::size_t) { device_of(request).control(request, static_cast<unsigned>(command)); };
    table.poll = [](fuse_req_t request, fuse_file_info*, fuse_pollhandle* handle)
    { device_of(request).poll(request, handle); };
    return table;
}

/// One thread for both ends.
int serve(fuse_session* session, Device& device, int link)
{
    fuse_buf buffer{};
    while (fuse_session_exited(session) == 0)
    {
        std::array<pollfd, 2> ends{{{fuse_session_fd(session), POLLIN, 0}, {link, POLLIN, 0}}};
        if (::poll(ends.data(), ends.size(), -1) < 0)
        {
            continue;
        }
        if (ends[1].revents != 0 && !device.take_from_link())
        {
            std::fputs("pseudo_host_device: the link is gone\n", stderr);
            return 1;
        }
        if (ends[0].revents != 0)
        {
            const int size = fuse_session_receive_buf(session, &buffer);
            if (size <= 0 && size != -EINTR && size != -EAGAIN)
            {
                return 1;
            }
            if (size > 0)
            {
                fuse_session_process_buf(session, &buffer);
            }
        }
    }
    std::free(buffer.mem);
    return 0;
}

} // namespace

int main(int count, char** arguments)
{
    const std::string_view type = count == 4 ? arguments[1] : "";
    if (type != "kcs" && type != "bt")
    {
        std::fputs("usage: pseudo_host_device kcs|bt NAME LINK\n", stderr);
        return 2;
    }
    const int link = ::open(arguments[3], O_RDWR | O_CLOEXEC);
    if (link < 0)
    {
        std::perror(arguments[3]);
        return 1;
    }
    Device device{type == "bt", link};
    std::signal(SIGUSR1, [](int) { withdraw = 1; });
    const std::string name = std::string{"DEVNAME="} + arguments[2];
    std::array<const char*, 1> information{name.c_str()};
    cuse_info info{};
    info.dev_info_argc = information.size();
    info.dev_info_argv = information.data();
    std::string program = arguments[0];
    std::string foreground = "-f";
    std::array<char*, 3> options{program.data(), foreground.data(), nullptr};
    const cuse_lowlevel_ops table = operations();
    int threads = 0;
    fuse_session* const session = cuse_lowlevel_setup(2, options.data(), &info, &table, &threads, &device);
    if (session == nullptr)
    {
        return 1;
    }
    const int result = serve(session, device, link);
    cuse_lowlevel_teardown(session);
    return result;
}
