#include "ipmitool-plugin/client/note.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace fwupdate::client
{
namespace
{

using Json = nlohmann::json;

/// What is noted of a keyword with a value, by its name in the note.
template <class Value> void put(Json& json, const char* name, const std::optional<Value>& value)
{
    if (value)
    {
        json[name] = *value;
    }
}

template <class Value> void take(const Json& json, const char* name, std::optional<Value>& value)
{
    if (json.contains(name))
    {
        value = json[name].get<Value>();
    }
}

std::optional<std::string> hexadecimal(const std::optional<Sha256>& digest)
{
    return digest ? std::optional{to_hex(*digest)} : std::nullopt;
}

/// False: there is one, and it is none.
bool take_digest(const Json& json, const char* name, std::optional<Sha256>& digest)
{
    if (!json.contains(name))
    {
        return true;
    }
    const Result<Sha256> read = read_sha256(json[name].get<std::string>());
    digest = read ? std::optional{*read} : std::nullopt;
    return digest.has_value();
}

struct FlagRow
{
    const char* name;
    bool Keywords::*flag;
};

/// Those that are not of one run only.
constexpr std::array noted_flags{FlagRow{"http", &Keywords::http},
                                 FlagRow{"no_downgrade", &Keywords::no_downgrade},
                                 FlagRow{"defer_reboot", &Keywords::defer_reboot},
                                 FlagRow{"debug", &Keywords::debug},
                                 FlagRow{"no_wait", &Keywords::no_wait},
                                 FlagRow{"wait_reboot", &Keywords::wait_reboot}};

Json to_json(const Note& note)
{
    const Keywords& words = note.keywords;
    Json json{{"size", note.size}};
    if (note.uri.empty())
    {
        json["image"] = note.image.string();
    }
    else
    {
        json["uri"] = note.uri;
        json["had_credentials"] = note.had_credentials;
    }
    put(json, "sha256", hexadecimal(note.sha256));
    for (const FlagRow& row : noted_flags)
    {
        json[row.name] = words.*row.flag;
    }
    put(json, "target", words.target);
    put(json, "signature", words.signature);
    put(json, "pin", hexadecimal(words.pin));
    put(json, "user", words.user);
    put(json, "password_file", words.password_file);
    put(json, "port", words.port);
    put(json, "address", words.address);
    put(json, "from", words.from);
    if (words.transport)
    {
        json["transport"] = name_of(*words.transport);
    }
    return json;
}

/// The fields of a note; throws what nlohmann throws.
std::optional<Note> from_json(const Json& json)
{
    Note note;
    note.image = json.value("image", std::string{});
    note.uri = json.value("uri", std::string{});
    note.had_credentials = json.value("had_credentials", false);
    note.size = json.at("size").get<std::uint64_t>();
    Keywords& words = note.keywords;
    if (note.image.empty() == note.uri.empty() || !take_digest(json, "sha256", note.sha256) ||
        !take_digest(json, "pin", words.pin) || (note.uri.empty() && !note.sha256))
    {
        return std::nullopt;
    }
    for (const FlagRow& row : noted_flags)
    {
        words.*row.flag = json.value(row.name, false);
    }
    take(json, "target", words.target);
    take(json, "signature", words.signature);
    take(json, "user", words.user);
    take(json, "password_file", words.password_file);
    take(json, "port", words.port);
    take(json, "address", words.address);
    take(json, "from", words.from);
    if (json.contains("transport"))
    {
        words.transport = way_named(json["transport"].get<std::string>());
    }
    return note;
}

bool is_about_the_same(const Note& one, const Note& other)
{
    return (one.sha256 && one.sha256 == other.sha256) || (!one.uri.empty() && one.uri == other.uri);
}

} // namespace

std::filesystem::path note_directory(const char* xdg_state_home, const char* home)
{
    constexpr std::string_view own = "ipmitool-fwupdate";
    // The XDG base directory specification: a relative path counts as unset.
    if (xdg_state_home != nullptr && *xdg_state_home == '/')
    {
        return std::filesystem::path{xdg_state_home} / own;
    }
    return home != nullptr && *home == '/' ? std::filesystem::path{home} / ".local/state" / own
                                           : std::filesystem::path{};
}

std::filesystem::path Notes::file_of(const std::string& peer) const
{
    std::string name = peer;
    std::ranges::replace_if(
        name,
        [](char character)
        {
            const bool plain = (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
                               (character >= 'A' && character <= 'Z') || character == '.' || character == '-';
            return !plain;
        },
        '_');
    return directory_ / ("bmc_" + name + ".json");
}

bool Notes::keep(const std::string& peer, const Note& note) const
{
    if (directory_.empty())
    {
        return false;
    }
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    const std::filesystem::path file = file_of(peer);
    std::string beside = file.string() + ".XXXXXX";
    const int descriptor = ::mkstemp(beside.data()); // for this user's eyes only
    if (descriptor < 0)
    {
        return false;
    }
    const std::string text = to_json(note).dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
    const bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const bool closed = ::close(descriptor) == 0;
    if (written && closed)
    {
        std::filesystem::rename(beside, file, error);
    }
    if (!written || !closed || error)
    {
        static_cast<void>(::unlink(beside.c_str()));
        return false;
    }
    return true;
}

std::optional<Note> Notes::find(const std::string& peer) const
{
    std::ifstream stream{file_of(peer)};
    if (directory_.empty() || !stream)
    {
        return std::nullopt;
    }
    try
    {
        return from_json(Json::parse(stream));
    }
    catch (const Json::exception&)
    {
        return std::nullopt; // not ours, or damaged: as good as none
    }
}

void Notes::drop(const std::string& peer) const
{
    std::error_code error;
    if (!directory_.empty())
    {
        std::filesystem::remove(file_of(peer), error);
    }
}

void Notes::drop(const std::string& peer, const Note& about) const
{
    if (const std::optional<Note> note = find(peer); note && is_about_the_same(*note, about))
    {
        drop(peer);
    }
}

} // namespace fwupdate::client
