// The note that an interrupted install leaves in the user's state directory, so that `resume` needs no arguments.
#pragma once

#include "ipmitool-plugin/client/invocation.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace fwupdate::client
{

/// One unfinished install to one BMC.
struct Note
{
    std::filesystem::path image; ///< absolute
    Sha256 sha256{};
    std::uint64_t size{};
    Keywords keywords;

    bool operator==(const Note&) const = default;
};

/// $XDG_STATE_HOME/ipmitool-fwupdate, else ~/.local/state/ipmitool-fwupdate; empty: there is no place for notes.
[[nodiscard]] std::filesystem::path note_directory(const char* xdg_state_home, const char* home);

/// The notes in one directory, one per BMC. Nothing here fails a command: without notes, resume wants the image named.
class Notes
{
  public:
    explicit Notes(std::filesystem::path directory) : directory_{std::move(directory)} {}

    /// Written beside, under a name that nobody can foresee, and renamed. False: it could not be kept.
    bool keep(const std::string& peer, const Note& note) const;
    [[nodiscard]] std::optional<Note> find(const std::string& peer) const;
    void drop(const std::string& peer) const;
    /// Only if it is about this image: another one may have been interrupted meanwhile.
    void drop(const std::string& peer, const Sha256& sha256) const;

  private:
    [[nodiscard]] std::filesystem::path file_of(const std::string& peer) const;

    std::filesystem::path directory_;
};

} // namespace fwupdate::client
