// One agent per state directory: two would write into each other's image.
#pragma once

#include "bmc-agent/staging/file.hpp"

namespace fwupdate::agent
{

class StateLock
{
  public:
    /// Holds the directory until the end; the kernel lets go of it however the agent ends. Errors: wrong_state
    /// (another agent has it), input_output.
    [[nodiscard]] static Result<StateLock> take(const std::filesystem::path& directory);

  private:
    explicit StateLock(File file) : file_{std::move(file)} {}

    File file_;
};

} // namespace fwupdate::agent
