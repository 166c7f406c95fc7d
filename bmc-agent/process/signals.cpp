#include "bmc-agent/process/signals.hpp"

#include <csignal>

namespace fwupdate::agent
{

void set_signal_actions()
{
    (void)std::signal(SIGPIPE, SIG_IGN); // NOLINT(cert-err33-c)
    (void)std::signal(SIGCHLD, SIG_DFL); // NOLINT(cert-err33-c)
}

} // namespace fwupdate::agent
