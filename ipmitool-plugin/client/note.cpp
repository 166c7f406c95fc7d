#include "ipmitool-plugin/client/note.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace fwupdate::client
{
namespace
{

using Json = nlohmann::json;

Json to_json(const Note& note)
{
    const Keywords& words = note.keywords;
    Json json{{"image", note.image.string()},       {"sha256", to_hex(note.sha256)},      {"size", note.size},
              {"no_downgrade", words.no_downgrade}, {"defer_reboot", words.defer_reboot}, {"debug", words.debug},
              {"no_wait", words.no_wait},           {"wait_reboot", words.wait_reboot}};
    if (words.target)
    {
        json["target"] = *words.target;
    }
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
    note.image = json.at("image").get<std::string>();
    const Result<Bytes> digest = from_hex(json.at("sha256").get<std::string>());
    if (!digest || digest->size() != note.sha256.size() || note.image.empty())
    {
        return std::nullopt;
    }
    std::ranges::copy(*digest, note.sha256.begin());
    note.size = json.at("size").get<std::uint64_t>();
    note.keywords.no_downgrade = json.value("no_downgrade", false);
    note.keywords.defer_reboot = json.value("defer_reboot", false);
    note.keywords.debug = json.value("debug", false);
    note.keywords.no_wait = json.value("no_wait", false);
    note.keywords.wait_reboot = json.value("wait_reboot", false);
    if (json.contains("target"))
    {
        note.keywords.target = json["target"].get<std::string>();
    }
    if (json.contains("transport"))
    {
        note.keywords.transport = way_named(json["transport"].get<std::string>());
    }
    return note;
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

void Notes::drop(const std::string& peer, const Sha256& sha256) const
{
    if (const std::optional<Note> note = find(peer); note && note->sha256 == sha256)
    {
        drop(peer);
    }
}

} // namespace fwupdate::client
