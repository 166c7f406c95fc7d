// What outlives a restart of the agent: the versions with their priorities, and the apply time.
#pragma once

#include "bmc-agent/log/log.hpp"
#include "bmc-agent/software/describe.hpp"
#include "common/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::software
{

struct SavedState
{
    static constexpr std::size_t most_versions =
        64; ///< that uploads fill; what runs and what came otherwise finds room still

    ApplyTime apply_time{ApplyTime::on_reset};
    std::vector<Version> versions; ///< without what is temporary or found anew: progress, descriptor, what runs
};

/// JSON, for the file.
[[nodiscard]] std::string serialize(const SavedState& state);

/// Errors: integrity (no JSON, a member that is missing or has a value it can't have, an id twice).
[[nodiscard]] Result<SavedState> deserialize(std::string_view text);

class StateFile
{
  public:
    StateFile(std::filesystem::path file, Log& log) : file_{std::move(file)}, log_{&log} {}

    /// A damaged file is reported and begun anew; no file: nothing was saved yet.
    [[nodiscard]] SavedState load() const;

    /// Written only when it changes; after a power cut the old or the new state is there. What can't be written now is
    /// tried again with the next save.
    void save(const SavedState& state);

  private:
    std::filesystem::path file_;
    Log* log_;
    std::string written_;
    std::string told_; ///< of why it can't be written, last
};

} // namespace fwupdate::agent::software
