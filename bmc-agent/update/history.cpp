#include "bmc-agent/update/history.hpp"

#include "bmc-agent/staging/file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

using nlohmann::json;

constexpr std::size_t largest_file = 256UL * 1024;    ///< bytes
constexpr std::uint64_t longest_uptime = 0xFFFF'FFFF; ///< seconds; what is more is damage

json to_json(const HistoryEntry& entry)
{
    return {{"result", static_cast<unsigned>(entry.result)},
            {"target", printable(entry.target)},
            {"transport", static_cast<unsigned>(entry.transport)},
            {"code", static_cast<unsigned>(entry.code)},
            {"phase", static_cast<unsigned>(entry.phase)},
            {"started", entry.started},
            {"duration", entry.duration},
            {"size", entry.size},
            {"sha256", to_hex(entry.sha256)},
            {"content_sha256", to_hex(entry.content_sha256)},
            {"content_size", entry.content_size},
            {"version", printable(entry.version)},
            {"security_version", entry.security_version},
            {"parts", entry.parts},
            {"whole", entry.whole},
            {"user", printable(entry.user)},
            {"text", printable(entry.text)},
            {"restart_pending", entry.restart_pending},
            {"restarted", entry.restarted},
            {"settle", entry.settle},
            {"boot_id", entry.boot_id},
            {"slot", entry.slot},
            {"trial_boot", entry.trial_boot},
            {"trial_began", entry.trial_began}};
}

std::optional<Sha256> digest_in(const json& object, const char* key)
{
    const auto bytes = from_hex(object.value(key, std::string{}));
    Sha256 digest{};
    if (!bytes || bytes->size() != digest.size())
    {
        return std::nullopt;
    }
    std::ranges::copy(*bytes, digest.begin());
    return digest;
}

/// Throws json's exceptions on a wrong shape; load() catches them.
HistoryEntry from_json(const json& object)
{
    HistoryEntry entry;
    entry.result = static_cast<protocol::UpdateResult>(object.at("result").get<std::uint8_t>());
    entry.target = object.at("target").get<std::string>();
    entry.transport = static_cast<protocol::Transport>(object.at("transport").get<std::uint8_t>());
    entry.code = static_cast<protocol::ReasonCode>(object.at("code").get<std::uint16_t>());
    entry.phase = static_cast<protocol::UpdateState>(object.at("phase").get<std::uint8_t>());
    entry.started = object.at("started").get<std::uint64_t>();
    entry.duration = object.at("duration").get<std::uint32_t>();
    entry.size = object.at("size").get<std::uint64_t>();
    entry.sha256 = digest_in(object, "sha256").value_or(Sha256{});
    entry.content_sha256 = digest_in(object, "content_sha256").value_or(entry.sha256); // agents of old had only that
    entry.content_size = object.value("content_size", std::uint64_t{0});
    entry.version = object.value("version", std::string{});
    entry.security_version = object.value("security_version", std::uint32_t{0});
    entry.parts = object.value("parts", std::uint32_t{0});
    entry.whole = object.value("whole", false);
    entry.user = object.at("user").get<std::string>();
    entry.text = object.at("text").get<std::string>();
    entry.restart_pending = object.at("restart_pending").get<bool>();
    entry.restarted = object.at("restarted").get<bool>();
    entry.settle = object.at("settle").get<bool>();
    entry.boot_id = object.at("boot_id").get<std::string>();
    entry.slot = object.value("slot", std::string{});
    entry.trial_boot = object.value("trial_boot", std::string{});
    entry.trial_began = std::min(object.value("trial_began", std::uint64_t{0}), longest_uptime);
    return entry;
}

} // namespace

History::History(std::filesystem::path file, Log& log) : file_{std::move(file)}, log_{&log}
{
    load();
}

void History::load()
{
    const auto text = read_file(file_, largest_file);
    if (!text)
    {
        if (text.error().kind != ErrorKind::not_found)
        {
            log_->event(Level::warning, "The log of updates can't be read, a new one is begun",
                        {{"reason", text.error().text}});
        }
        return;
    }
    try
    {
        const json document = json::parse(*text);
        for (const json& object : document.at("updates"))
        {
            entries_.push_back(from_json(object));
        }
    }
    catch (const json::exception& error)
    {
        entries_.clear();
        log_->event(Level::warning, "The log of updates is damaged, a new one is begun", {{"reason", error.what()}});
    }
    entries_.resize(std::min(entries_.size(), most_entries));
}

void History::save()
{
    json updates = json::array();
    for (const HistoryEntry& entry : entries_)
    {
        updates.push_back(to_json(entry));
    }
    const auto written = write_file_atomically(file_, json{{"updates", updates}}.dump(1) + "\n");
    unsaved_ = !written;
    if (!written)
    {
        log_->event(Level::error, "The log of updates can't be written", {{"reason", written.error().text}});
    }
}

void History::begin(HistoryEntry entry)
{
    entries_.push_front(std::move(entry));
    if (entries_.size() > most_entries)
    {
        drop_oldest();
    }
    save();
}

void History::drop_oldest()
{
    const auto dispensable =
        std::find_if(entries_.rbegin(), entries_.rend() - 1,
                     [](const HistoryEntry& entry) { return !entry.restart_pending && !entry.settle; });
    entries_.erase(dispensable == entries_.rend() - 1 ? entries_.end() - 1 : dispensable.base() - 1);
}

void History::save_again()
{
    if (unsaved_)
    {
        save();
    }
}

void History::update(const HistoryEntry& entry)
{
    update(0, entry);
}

void History::update(std::size_t index, const HistoryEntry& entry)
{
    if (index < entries_.size() && entries_[index] != entry)
    {
        entries_[index] = entry;
        save();
    }
}

const HistoryEntry* History::last_of(std::string_view target) const
{
    const auto place = std::ranges::find(entries_, target, &HistoryEntry::target);
    return place == entries_.end() ? nullptr : &*place;
}

const HistoryEntry* History::last_with(std::string_view target, const Sha256& image) const
{
    const auto place = std::ranges::find_if(entries_, [&](const HistoryEntry& entry)
                                            { return entry.target == target && entry.sha256 == image; });
    return place == entries_.end() ? nullptr : &*place;
}

bool History::restart_pending(std::string_view target) const
{
    return std::ranges::any_of(entries_, [&](const HistoryEntry& entry)
                               { return entry.target == target && entry.restart_pending; });
}

bool History::restart_pending() const
{
    return std::ranges::any_of(entries_, &HistoryEntry::restart_pending);
}

} // namespace fwupdate::agent
