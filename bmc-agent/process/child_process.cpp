#include "bmc-agent/process/child_process.hpp"

#include "bmc-agent/process/spawn.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/writable_pipe.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace fwupdate::agent
{
namespace
{

namespace asio = boost::asio;

constexpr std::size_t piece = 4096;          ///< bytes read at a time
constexpr std::size_t most_left = 64U << 10; ///< bytes that a pipe holds: what a child wrote last

class Child final : public ChildProcess, public std::enable_shared_from_this<Child>
{
  public:
    Child(asio::io_context& context, Output output, Ended ended)
        : process_{context}, pipe_{context}, timer_{context}, output_{std::move(output)}, ended_{std::move(ended)}
    {
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// The loop went while the child was being stopped.
    ~Child() override
    {
        if (stopping_ && process_.is_open())
        {
            signal_group(SIGKILL);
        }
    }

    Result<void> begin(const ChildCommand& command)
    {
        asio::writable_pipe their_end{pipe_.get_executor()};
        if (const int error = open_pipe(their_end); error != 0)
        {
            return fail(ErrorKind::input_output, std::generic_category().message(error));
        }
        const Result<Spawned> child = spawn(command, their_end.native_handle());
        if (!child)
        {
            return child.error();
        }
        pid_ = child->pid;
        process_.assign(child->process);
        read();
        wait();
        return {};
    }

    void kill() noexcept override
    {
        if (process_.is_open())
        {
            send_signal(process_.native_handle(), SIGKILL);
        }
    }

    void stop(std::chrono::seconds grace, std::function<void()> gone) override
    {
        if (!process_.is_open())
        {
            asio::post(timer_.get_executor(), std::move(gone));
            return;
        }
        stopping_ = true;
        gone_ = std::move(gone);
        signal_group(SIGTERM);
        timer_.expires_after(grace);
        timer_.async_wait(
            [self = shared_from_this()](boost::system::error_code stopped)
            {
                if (!stopped && self->process_.is_open())
                {
                    self->signal_group(SIGKILL);
                }
            });
    }

  private:
    /// Asio's own connect_pipe makes descriptors that every other child would inherit. Gives errno's number.
    int open_pipe(asio::writable_pipe& their_end)
    {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        {
            return errno;
        }
        pipe_.assign(ends[0]);
        their_end.assign(ends[1]);
        return 0;
    }

    void signal_group(int number) const noexcept
    {
        ::kill(-pid_, number); // the number is the group's until its first process has been waited for
    }

    void give(std::string_view text) const
    {
        if (!stopping_ && !text.empty())
        {
            output_(text);
        }
    }

    void read()
    {
        pipe_.async_read_some(asio::buffer(buffer_),
                              [self = shared_from_this()](boost::system::error_code error, std::size_t count)
                              {
                                  if (self->process_.is_open()) // its end has not been told
                                  {
                                      self->give({self->buffer_.data(), count});
                                  }
                                  if (!error && self->pipe_.is_open())
                                  {
                                      self->read();
                                  }
                              });
    }

    /// A pidfd becomes readable when its process ends.
    void wait()
    {
        process_.async_wait(asio::posix::descriptor_base::wait_read,
                            [self = shared_from_this()](boost::system::error_code) { self->finish(); });
    }

    void finish()
    {
        drain();
        timer_.cancel();
        if (stopping_)
        {
            signal_group(SIGKILL); // what of the group outlived its first process
        }
        const ChildEnd end = reap(process_.native_handle());
        boost::system::error_code ignored;
        process_.close(ignored);
        stopping_ ? gone_() : ended_(end);
    }

    /// What the command wrote last may still be in the pipe when its end is known.
    void drain()
    {
        // Reading through Asio has made the pipe non-blocking: what a grandchild holds open does not hold us.
        std::array<char, piece> rest{};
        std::size_t taken = 0;
        ssize_t count = 0;
        while (taken < most_left && (count = ::read(pipe_.native_handle(), rest.data(), rest.size())) > 0)
        {
            taken += static_cast<std::size_t>(count);
            give({rest.data(), static_cast<std::size_t>(count)});
        }
        boost::system::error_code ignored;
        pipe_.close(ignored);
    }

    asio::posix::stream_descriptor process_; ///< a pidfd; closed: the end has been told
    asio::readable_pipe pipe_;
    asio::steady_timer timer_;
    Output output_;
    Ended ended_;
    std::function<void()> gone_;
    std::array<char, piece> buffer_{};
    pid_t pid_{};
    bool stopping_{false};
};

} // namespace

Result<std::shared_ptr<ChildProcess>> ChildProcess::start(boost::asio::io_context& context, const ChildCommand& command,
                                                          Output output, Ended ended)
{
    auto child = std::make_shared<Child>(context, std::move(output), std::move(ended));
    if (Result<void> begun = child->begin(command); !begun)
    {
        return begun.error();
    }
    return std::shared_ptr<ChildProcess>{std::move(child)};
}

} // namespace fwupdate::agent
