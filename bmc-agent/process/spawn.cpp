#include "bmc-agent/process/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace fwupdate::agent
{
namespace
{

/// Directly, because the C library's header of 2.36 declares it without C linkage.
int pidfd_open(pid_t pid)
{
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

std::string reason_of(int error)
{
    return std::generic_category().message(error);
}

/// Descriptors of the child.
class FileActions
{
  public:
    FileActions(int output, bool errors_too)
    {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        if (errors_too)
        {
            ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
        }
        // What a command leaves running must not keep our port, our lock or a file of ours.
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions()
    {
        ::posix_spawn_file_actions_destroy(&actions_);
    }

    [[nodiscard]] const posix_spawn_file_actions_t* get() const
    {
        return &actions_;
    }

  private:
    posix_spawn_file_actions_t actions_{};
};

/// Signals of the child, and its group.
class Attributes
{
  public:
    explicit Attributes(bool own_group)
    {
        ::posix_spawnattr_init(&attributes_);
        sigset_t all;
        sigset_t none;
        ::sigfillset(&all);
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all); // the agent ignores SIGPIPE; its children do not
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        const int group = own_group ? POSIX_SPAWN_SETPGROUP : 0;
        ::posix_spawnattr_setflags(&attributes_,
                                   static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group));
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes()
    {
        ::posix_spawnattr_destroy(&attributes_);
    }

    [[nodiscard]] const posix_spawnattr_t* get() const
    {
        return &attributes_;
    }

  private:
    posix_spawnattr_t attributes_{};
};

/// The agent's own environment, with these in place of what has the same names there.
std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& added)
{
    std::vector<std::string> all;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    {
        const std::string_view text = *entry;
        const std::string_view name = text.substr(0, text.find('='));
        if (std::ranges::find(added, name, &std::pair<std::string, std::string>::first) == added.end())
        {
            all.emplace_back(text);
        }
    }
    for (const auto& [name, value] : added)
    {
        all.push_back(name + "=" + value);
    }
    return all;
}

/// As the system call takes them; they point into `texts`.
std::vector<char*> pointers_to(const std::vector<std::string>& texts)
{
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts)
    {
        pointers.push_back(const_cast<char*>(text.c_str())); // posix_spawn's signature; it does not write
    }
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

Result<Spawned> spawn(const ChildCommand& command, int output)
{
    const FileActions actions{output, command.errors_too};
    const Attributes attributes{command.own_group};
    const std::vector<char*> arguments = pointers_to(command.argv);
    const std::vector<std::string> environment = environment_with(command.environment);
    Spawned child;
    const int error = ::posix_spawnp(&child.pid, arguments.front(), actions.get(), attributes.get(), arguments.data(),
                                     pointers_to(environment).data());
    if (error != 0)
    {
        return fail(ErrorKind::input_output, reason_of(error));
    }
    child.process = pidfd_open(child.pid);
    if (child.process < 0)
    {
        const int reason = errno;
        ::kill(child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
        return fail(ErrorKind::input_output, reason_of(reason));
    }
    return child;
}

ChildEnd reap(int process)
{
    siginfo_t end{};
    if (::waitid(P_PIDFD, static_cast<id_t>(process), &end, WEXITED) != 0)
    {
        return {false, "how it ended is not known: " + reason_of(errno)};
    }
    if (end.si_code != CLD_EXITED)
    {
        return {false, "it was ended by signal " + std::to_string(end.si_status)};
    }
    const bool success = end.si_status == 0;
    return {success, success ? "" : "it ended with status " + std::to_string(end.si_status)};
}

void send_signal(int process, int number) noexcept
{
    (void)::syscall(SYS_pidfd_send_signal, process, number, nullptr, 0);
}

} // namespace fwupdate::agent
