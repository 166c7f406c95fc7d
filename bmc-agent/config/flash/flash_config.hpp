// phosphor-ipmi-flash's own configuration, as systems have it: which blobs there are, where their bytes go, and what is
// started to prepare, verify and update. Names are the original's. README.md tells where we are stricter.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fwupdate::config::flash
{

/// "skip": done at once.
struct Skip
{
    bool operator==(const Skip&) const = default;
};

/// "systemd": a unit is started (org.freedesktop.systemd1.Manager.StartUnit).
struct Systemd
{
    std::string unit;
    std::string mode{"replace"};

    bool operator==(const Systemd&) const = default;
};

/// "fileSystemdVerify", "fileSystemdUpdate": a unit is started, and writes its status into a file.
struct FileSystemd
{
    std::filesystem::path path; ///< first word: running, success or failed
    Systemd job;

    bool operator==(const FileSystemd&) const = default;
};

/// "reboot": the BMC restarts.
struct Reboot
{
    static constexpr std::string_view unit = "reboot.target";
    static constexpr std::string_view mode = "replace-irreversibly";

    bool operator==(const Reboot&) const = default;
};

using Preparation = std::variant<Skip, Systemd>;
using Verification = std::variant<Skip, Systemd, FileSystemd>;
using Update = std::variant<Skip, Systemd, FileSystemd, Reboot>;

/// "file": the bytes that a client writes gather in a file. There is no other handler.
struct FileHandler
{
    std::filesystem::path path; ///< empty or relative with a warning

    bool operator==(const FileHandler&) const = default;
};

/// Where an entry stands. Its members stand below: pointer + "/actions/update".
struct Origin
{
    std::filesystem::path file;
    std::string pointer; ///< RFC 6901
};

/// One entry that is whole.
struct FlashBlob
{
    std::string blob; ///< its id, "/flash/" and more, without control characters
    FileHandler handler;
    Preparation preparation;
    Verification verification;
    Update update;
    Origin origin;
};

/// What all files say together.
struct FlashConfig
{
    std::vector<FlashBlob> blobs; ///< in the order of directories and names; each id once

    /// Whole, but not to be served: the id is one of the protocol's own, or stands twice (a repetition of the same
    /// leaves the first in `blobs`). Warnings tell why.
    std::vector<FlashBlob> set_aside;

    std::vector<std::string> mistakes; ///< why an entry, a file or a directory is left out: place, reason, remedy
    std::vector<std::string> warnings; ///< taken, but unwise
};

/// Reads every *.json file in and below these directories; one that isn't there is no mistake. Throws nothing but
/// std::bad_alloc.
[[nodiscard]] FlashConfig load(const std::vector<std::filesystem::path>& directories);

/// The same of one file's text; `file` stands for it in messages and is not opened.
[[nodiscard]] FlashConfig parse(std::string_view text, const std::filesystem::path& file);

/// An id that the protocol itself uses, such as /flash/hash.
[[nodiscard]] bool is_reserved(std::string_view blob);

/// One line for each blob, for a person.
[[nodiscard]] std::string summary(const FlashConfig& config);

} // namespace fwupdate::config::flash
