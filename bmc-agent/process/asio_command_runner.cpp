#include "bmc-agent/process/asio_command_runner.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/writable_pipe.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <system_error>
#include <utility>

namespace fwupdate::agent
{
namespace
{

namespace asio = boost::asio;

constexpr std::size_t most_output = 4096; ///< bytes of standard output that are kept
constexpr std::size_t longest_line = 256; ///< bytes of its first line

/// Directly, because the C library's header of 2.36 declares it without C linkage.
int pidfd_open(pid_t pid)
{
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

/// One command under way; keeps itself alive until its last completion.
class Run : public std::enable_shared_from_this<Run>
{
  public:
    Run(asio::io_context& context, std::function<void(const CommandResult&)> done)
        : process_{context}, output_{context}, timer_{context}, done_{std::move(done)}
    {
    }

    void start(const std::vector<std::string>& argv, std::chrono::seconds limit)
    {
        const int error = spawn(argv);
        if (error != 0)
        {
            result_.failure = "cannot start " + argv.front() + ": " + std::generic_category().message(error);
            asio::post(timer_.get_executor(), [self = shared_from_this()] { self->done_(self->result_); });
            return;
        }
        timer_.expires_after(limit);
        timer_.async_wait(
            [self = shared_from_this()](boost::system::error_code stopped)
            {
                if (!stopped)
                {
                    self->give_up();
                }
            });
        read();
        wait();
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
        output_.assign(ends[0]);
        their_end.assign(ends[1]);
        return 0;
    }

    /// Starts the child with its standard output into our pipe. Gives errno's number; 0: it runs.
    int spawn(const std::vector<std::string>& argv)
    {
        asio::writable_pipe their_end{output_.get_executor()};
        if (const int error = open_pipe(their_end); error != 0)
        {
            return error;
        }
        std::vector<char*> arguments;
        arguments.reserve(argv.size() + 1);
        for (const std::string& argument : argv)
        {
            arguments.push_back(const_cast<char*>(argument.c_str())); // posix_spawn's signature; it does not write
        }
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions, their_end.native_handle(), STDOUT_FILENO);
        // What a command leaves running must not keep our port, our lock or a file of ours.
        ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        sigset_t all;
        sigset_t none;
        ::sigfillset(&all);
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigdefault(&attributes, &all); // the agent ignores SIGPIPE; its children do not
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        pid_t pid = 0;
        int error = ::posix_spawnp(&pid, arguments.front(), &actions, &attributes, arguments.data(), environ);
        ::posix_spawnattr_destroy(&attributes);
        ::posix_spawn_file_actions_destroy(&actions);
        const int descriptor = error == 0 ? pidfd_open(pid) : -1;
        if (error == 0 && descriptor < 0)
        {
            error = errno;
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        if (error == 0)
        {
            process_.assign(descriptor);
        }
        return error;
    }

    void read()
    {
        output_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](boost::system::error_code error, std::size_t count)
                                {
                                    const std::size_t room = most_output - self->text_.size();
                                    self->text_.append(self->buffer_.data(), std::min(count, room));
                                    if (!error)
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

    void give_up()
    {
        timed_out_ = true;
        (void)::syscall(SYS_pidfd_send_signal, process_.native_handle(), SIGKILL, nullptr,
                        0); // it may have ended just now
    }

    void finish()
    {
        timer_.cancel();
        drain();
        siginfo_t end{};
        const bool known = ::waitid(P_PIDFD, static_cast<id_t>(process_.native_handle()), &end, WEXITED) == 0;
        const int error = known ? 0 : errno;
        const bool exited = known && end.si_code == CLD_EXITED;
        result_.success = exited && end.si_status == 0;
        result_.first_line = text_.substr(0, std::min(text_.find_first_of("\r\n"), longest_line));
        result_.output = text_;
        if (!result_.success)
        {
            result_.failure = timed_out_ ? "it took too long and was ended"
                              : !known   ? "how it ended is not known: " + std::generic_category().message(error)
                              : exited   ? "it ended with status " + std::to_string(end.si_status)
                                         : "it was ended by signal " + std::to_string(end.si_status);
        }
        done_(result_);
    }

    /// What the command wrote last may still be in the pipe when its end is known.
    void drain()
    {
        // Reading through Asio has made the pipe non-blocking: what a grandchild holds open does not hold us.
        std::array<char, most_output> rest{};
        ssize_t count = 0;
        while (text_.size() < most_output && (count = ::read(output_.native_handle(), rest.data(), rest.size())) > 0)
        {
            text_.append(rest.data(), std::min(static_cast<std::size_t>(count), most_output - text_.size()));
        }
        boost::system::error_code ignored;
        output_.close(ignored);
    }

    asio::posix::stream_descriptor process_; ///< a pidfd
    asio::readable_pipe output_;
    asio::steady_timer timer_;
    std::function<void(const CommandResult&)> done_;
    std::array<char, most_output> buffer_{};
    std::string text_;
    CommandResult result_;
    bool timed_out_{false};
};

} // namespace

void AsioCommandRunner::run(const std::vector<std::string>& argv, std::function<void(const CommandResult&)> done)
{
    std::make_shared<Run>(*context_, std::move(done))->start(argv, limit_);
}

} // namespace fwupdate::agent
