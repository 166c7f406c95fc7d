#include "transports/usb-mass-storage/bmc/confined_run.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>

namespace fwupdate::usb
{
namespace
{

namespace asio = boost::asio;
using boost::system::error_code;

constexpr int image_descriptor = 3; ///< of the child
constexpr uid_t nobody = 65534;     ///< has no file and no right on a Linux system
constexpr rlim_t most_memory = 128U << 20;
constexpr rlim_t most_time = 600; ///< seconds of processor time
constexpr rlim_t most_files = 16;
constexpr std::size_t chunk = 64 * 1024;
constexpr std::size_t most_complaint = 200; ///< bytes of its standard error that are kept

std::string errno_text(int error)
{
    return std::generic_category().message(error);
}

/// Both ends close themselves.
struct Pipe
{
    int ours{-1};
    int theirs{-1};

    Pipe() = default;
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe()
    {
        close(ours);
        close(theirs);
    }

    bool open()
    {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        {
            return false;
        }
        ours = ends[0];
        theirs = ends[1];
        return true;
    }

    static void close(int& descriptor)
    {
        if (descriptor >= 0)
        {
            ::close(std::exchange(descriptor, -1));
        }
    }
};

void limit(__rlimit_resource what, rlim_t most)
{
    const rlimit bounds{most, most};
    ::setrlimit(what, &bounds);
}

/// In the child, between fork and exec: nothing here may allocate or lock. False: it must not run.
bool give_up_privileges()
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_AS, most_memory);
    limit(RLIMIT_CPU, most_time);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NOFILE, most_files);
    if (::geteuid() == 0)
    {
        ::unshare(CLONE_NEWNET | CLONE_NEWIPC); // where the kernel has them
        if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
            ::setresuid(nobody, nobody, nobody) != 0)
        {
            return false;
        }
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a change of identity has cleared it
    }
    limit(RLIMIT_NPROC, 0); // no children; after the change of identity, which counts nobody's other processes
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

void complain(std::string_view text)
{
    (void)!::write(STDERR_FILENO, text.data(), text.size());
}

/// Puts the descriptors where the program expects them, whatever numbers they have now, and closes all others.
bool arrange_descriptors(int output, int errors, int image)
{
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const std::array<int, 4> wanted{nothing, output, errors, image};
    std::array<int, 4> moved{};
    for (std::size_t at = 0; at < wanted.size(); ++at)
    {
        moved[at] = ::fcntl(wanted[at], F_DUPFD_CLOEXEC, 10);
        if (moved[at] < 0)
        {
            return false;
        }
    }
    for (std::size_t at = 0; at < moved.size(); ++at)
    {
        if (::dup2(moved[at], static_cast<int>(at)) < 0)
        {
            return false;
        }
    }
    return ::syscall(SYS_close_range, image_descriptor + 1, ~0U, 0) == 0;
}

void reset_signals()
{
    for (int signal = 1; signal < NSIG; ++signal)
    {
        ::signal(signal, SIG_DFL); // not all can be set; those have their default
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

class Run final : public ConfinedRun, public std::enable_shared_from_this<Run>
{
  public:
    Run(asio::io_context& context, ConfinedProgram program)
        : process_{context}, output_{context}, errors_{context}, timer_{context}, program_{std::move(program)}
    {
    }

    Result<void> start()
    {
        Pipe output;
        Pipe errors;
        if (!output.open() || !errors.open())
        {
            return cannot_start(errno);
        }
        const int error = spawn(output.theirs, errors.theirs);
        if (error != 0)
        {
            return cannot_start(error);
        }
        output_.assign(std::exchange(output.ours, -1));
        errors_.assign(std::exchange(errors.ours, -1));
        open_ = 3;
        watch();
        read();
        read_errors();
        wait();
        return {};
    }

    void cancel() noexcept override
    {
        cancelled_ = true; // the functions stay: one of them may be running
        end_now();
    }

  private:
    [[nodiscard]] Error cannot_start(int error) const
    {
        return fail(ErrorKind::input_output, "cannot start " + program_.argv.front() + ": " + errno_text(error));
    }

    /// Gives errno's number; 0: it runs.
    int spawn(int output, int errors)
    {
        std::vector<char*> arguments;
        for (const std::string& argument : program_.argv)
        {
            arguments.push_back(const_cast<char*>(argument.c_str())); // execve's signature; it does not write
        }
        arguments.push_back(nullptr);
        std::string locale = "LC_ALL=C.UTF-8"; // names are UTF-8
        std::string settings = "MTOOLSRC=/dev/null";
        std::array<char*, 3> environment{locale.data(), settings.data(), nullptr};
        const pid_t pid = ::fork();
        if (pid == 0)
        {
            const bool ready = arrange_descriptors(output, errors, program_.image) && ::chdir("/") == 0;
            reset_signals();
            if (ready && give_up_privileges())
            {
                ::execve(arguments.front(), arguments.data(), environment.data());
                complain("the reader could not be run");
                ::_exit(127);
            }
            complain("the reader could not give up its privileges: the agent needs CAP_SETUID and CAP_SETGID");
            ::_exit(127);
        }
        if (pid < 0)
        {
            return errno;
        }
        const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
        if (descriptor < 0)
        {
            const int error = errno;
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
            return error;
        }
        process_.assign(descriptor);
        return 0;
    }

    void watch()
    {
        timer_.expires_after(program_.stall);
        timer_.async_wait(
            [self = shared_from_this()](error_code stopped)
            {
                if (!stopped)
                {
                    self->stalled_ = true;
                    self->end_now();
                }
            });
    }

    void read()
    {
        output_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](error_code error, std::size_t count)
                                {
                                    if (count != 0)
                                    {
                                        self->take(ConstBytes{self->buffer_}.first(count));
                                    }
                                    if (error)
                                    {
                                        self->part_ended();
                                        return;
                                    }
                                    self->read();
                                });
    }

    void take(ConstBytes bytes)
    {
        watch();
        if (!cancelled_ && !program_.output(bytes))
        {
            cancel();
        }
    }

    void read_errors()
    {
        errors_.async_read_some(asio::buffer(error_buffer_),
                                [self = shared_from_this()](error_code error, std::size_t count)
                                {
                                    self->complaint_.append(self->error_buffer_.data(), count);
                                    self->complaint_.resize(std::min(self->complaint_.size(), most_complaint));
                                    if (error)
                                    {
                                        self->part_ended();
                                        return;
                                    }
                                    self->read_errors();
                                });
    }

    /// A pidfd becomes readable when its process ends.
    void wait()
    {
        process_.async_wait(asio::posix::descriptor_base::wait_read,
                            [self = shared_from_this()](error_code) { self->part_ended(); });
    }

    /// Kills it and waits for nothing more, whoever may hold its pipes, even where the agent may not kill (CAP_KILL).
    void end_now() noexcept
    {
        error_code ignored;
        if (process_.is_open() &&
            ::syscall(SYS_pidfd_send_signal, process_.native_handle(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
        {
            process_.cancel(ignored);
        }
        output_.close(ignored);
        errors_.close(ignored);
    }

    /// The process and both of its pipes end, in any order.
    void part_ended()
    {
        if (--open_ != 0)
        {
            return;
        }
        timer_.cancel();
        siginfo_t end{};
        const auto process = static_cast<id_t>(process_.native_handle());
        const bool known = ::waitid(P_PIDFD, process, &end, WEXITED | WNOHANG) == 0 && end.si_pid != 0;
        error_code ignored;
        process_.close(ignored);
        if (!cancelled_)
        {
            program_.finished(judge(known, end));
        }
    }

    [[nodiscard]] Result<void> judge(bool known, const siginfo_t& end) const
    {
        const bool exited = known && end.si_code == CLD_EXITED;
        if (exited && end.si_status == 0)
        {
            return {};
        }
        if (stalled_)
        {
            return fail(ErrorKind::timeout,
                        "reading it took longer than " + std::to_string(program_.stall.count()) + " s without a byte");
        }
        const std::string line = printable(complaint_.substr(0, complaint_.find('\n')));
        return fail(ErrorKind::peer, !line.empty() ? line
                                     : exited      ? "the reader ended with status " + std::to_string(end.si_status)
                                                   : "the reader was ended by signal " + std::to_string(end.si_status));
    }

    asio::posix::stream_descriptor process_; ///< a pidfd
    asio::readable_pipe output_;
    asio::readable_pipe errors_;
    asio::steady_timer timer_;
    ConfinedProgram program_;
    std::array<std::uint8_t, chunk> buffer_{};
    std::array<char, most_complaint> error_buffer_{};
    std::string complaint_;
    int open_{0}; ///< process, output, errors
    bool stalled_{false};
    bool cancelled_{false};
};

} // namespace

Result<std::shared_ptr<ConfinedRun>> ConfinedRun::start(asio::io_context& context, ConfinedProgram program)
{
    auto run = std::make_shared<Run>(context, std::move(program));
    if (const auto started = run->start(); !started)
    {
        return started.error();
    }
    return std::shared_ptr<ConfinedRun>{std::move(run)};
}

} // namespace fwupdate::usb
