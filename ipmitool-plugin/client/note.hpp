// The note that an interrupted install leaves in the user's state directory, so that `resume` needs no arguments.
#pragma once

#include "ipmitool-plugin/client/invocation.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace fwupdate::client
{

/// One unfinished update of one BMC.
struct Note
{
    std::filesystem::path image;  ///< absolute; empty: a URI
    std::string uri;              ///< without user name and password; empty: an image
    bool had_credentials{};       ///< in the URI: they are not here
    std::optional<Sha256> sha256; ///< none: unknown
    std::uint64_t size{};         ///< bytes; 0: unknown
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
    /// Only if it is about the same image or URI: another one may have been interrupted meanwhile.
    void drop(const std::string& peer, const Note& about) const;

  private:
    [[nodiscard]] std::filesystem::path file_of(const std::string& peer) const;

    std::filesystem::path directory_;
};

} // namespace fwupdate::client
