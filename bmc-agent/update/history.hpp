// What the agent remembers across restarts: the last updates, and which of them wait for a restart.
#pragma once

#include "bmc-agent/log/log.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// One update, from start to end.
struct HistoryEntry
{
    protocol::UpdateResult result{};
    std::string target; ///< name
    protocol::Transport transport{};
    protocol::ReasonCode code{};
    protocol::UpdateState phase{};
    std::uint64_t started{};      ///< seconds since 1970, UTC
    std::uint32_t duration{};     ///< seconds
    std::uint64_t size{};         ///< bytes; 0: unknown
    Sha256 sha256{};              ///< zeros: unknown
    Sha256 content_sha256{};      ///< of what the target is programmed with; zeros: unknown
    std::uint64_t content_size{}; ///< bytes of it; 0: unknown
    std::string version;          ///< of the image; empty: it has none
    std::uint32_t security_version{};
    std::uint32_t parts{}; ///< of the package that were programmed with it; 0: not of a package
    bool whole{false};     ///< these were all parts that the package has for this BMC
    std::string user;
    std::string text;            ///< reason or remark
    bool restart_pending{false}; ///< programmed, waits for a restart
    bool restarted{false};       ///< its restart was asked for
    bool settle{false};          ///< restarted; what is installed now has not been compared yet
    std::string boot_id;         ///< hexadecimal; the BMC's boot in which it was programmed
    std::string slot{};          ///< of two, the one that was programmed; empty: the target has one place
    std::string trial_boot{};    ///< hexadecimal; the BMC's boot in which it runs on trial; empty: none yet
    std::uint64_t trial_began{}; ///< seconds by the clock of that boot

    bool operator==(const HistoryEntry&) const = default;

    /// Whether it ended well, with these bytes in the target.
    [[nodiscard]] bool put_in_place(const Sha256& installed) const
    {
        return result == protocol::UpdateResult::programmed && content_sha256 == installed;
    }
};

class History
{
  public:
    static constexpr std::size_t most_entries = 16;

    /// Reads what a former agent wrote; a damaged file is reported and begun anew.
    History(std::filesystem::path file, Log& log);

    /// Newest first.
    [[nodiscard]] const std::deque<HistoryEntry>& entries() const
    {
        return entries_;
    }

    /// Adds an entry; beyond the limit the oldest goes that nothing depends on any more: a restart that is waited for
    /// or not judged yet stays on record.
    void begin(HistoryEntry entry);

    /// Replaces the newest entry. Nothing is lost when the disk is full: memory still has it, the log says so.
    void update(const HistoryEntry& entry);

    /// Replaces entry `index` (0: the newest).
    void update(std::size_t index, const HistoryEntry& entry);

    /// The last update of a target.
    [[nodiscard]] const HistoryEntry* last_of(std::string_view target) const;

    /// The last update of a target with this image.
    [[nodiscard]] const HistoryEntry* last_with(std::string_view target, const Sha256& image) const;

    /// Whether an update of the target waits for a restart: the last one, or an earlier one behind failed attempts.
    [[nodiscard]] bool restart_pending(std::string_view target) const;

    /// Whether any target waits for a restart.
    [[nodiscard]] bool restart_pending() const;

    /// Writes what could not be written before.
    void save_again();

  private:
    void load();
    void save();
    void drop_oldest();

    std::filesystem::path file_;
    Log* log_;
    std::deque<HistoryEntry> entries_;
    bool unsaved_{false};
};

} // namespace fwupdate::agent
