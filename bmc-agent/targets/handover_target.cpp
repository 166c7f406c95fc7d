#include "bmc-agent/targets/handover_target.hpp"

#include <unistd.h>

namespace fwupdate::agent
{

void HandoverTarget::withdraw() noexcept
{
    file_.cancel();
    ::unlink(path_.c_str()); // it may never have come so far
}

} // namespace fwupdate::agent
