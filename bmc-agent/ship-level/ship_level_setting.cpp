#include "bmc-agent/ship-level/ship_level_setting.hpp"

#include "bmc-agent/ship-level/settings_file.hpp"
#include "bmc-agent/staging/file.hpp"

#include <optional>
#include <string>
#include <system_error>

namespace fwupdate::agent::ship_level
{
namespace
{

constexpr std::size_t largest_file = 64UL * 1024; ///< bytes
constexpr bool by_default = true;
constexpr mode_t readable = 0644; ///< as settingsd's are

SettingProperties properties(bool required)
{
    return {{std::string{setting_property}, required}};
}

struct Reading
{
    bool required{by_default};
    bool old{false};
    bool damaged{false};
};

Reading read(const std::filesystem::path& file, Log& log)
{
    const auto text = read_file(file, largest_file);
    if (!text)
    {
        if (text.error().kind != ErrorKind::not_found)
        {
            log.event(Level::error, "The setting of the minimum ship level can't be read; it counts as required",
                      {{"reason", text.error().text}});
        }
        return {};
    }
    const auto stored = parse_setting(*text, properties(by_default));
    if (!stored)
    {
        log.event(Level::error, "The setting of the minimum ship level is damaged; it counts as required",
                  {{"file", file.string()}, {"reason", stored.error().text}});
        return {by_default, false, true};
    }
    if (!stored->defaulted.empty())
    {
        log.event(Level::info, "The file of the setting lacks it, its default holds", {{"file", file.string()}});
    }
    return {std::get<bool>(stored->properties.front().second), stored->old, false};
}

} // namespace

bool read_required(const std::filesystem::path& root, Log& log)
{
    return read(setting_file(root, setting_path), log).required;
}

ShipLevelSetting::ShipLevelSetting(const std::filesystem::path& root, Log& log)
    : file_{setting_file(root, setting_path)}, log_{&log}
{
    const Reading reading = read(file_, log);
    required_ = reading.required;
    std::error_code ignored; // it is told already, and the next value that is set replaces the file
    if (reading.damaged)
    {
        std::filesystem::remove(file_, ignored);
    }
    if (reading.old)
    {
        if (const auto written = write(required_); !written)
        {
            log.event(Level::warning, "The setting of the minimum ship level can't be written in its new form",
                      {{"reason", written.error().text}});
        }
    }
}

Result<bool> ShipLevelSetting::set(bool required)
{
    if (required == required_)
    {
        return false;
    }
    if (const auto written = write(required); !written)
    {
        log_->event(Level::error, "The setting of the minimum ship level can't be written",
                    {{"reason", written.error().text}});
        return written.error();
    }
    required_ = required;
    return true;
}

Result<void> ShipLevelSetting::write(bool required) const
{
    std::error_code error;
    std::filesystem::create_directories(file_.parent_path(), error);
    if (error)
    {
        return fail(ErrorKind::input_output, "cannot make " + file_.parent_path().string() + ": " + error.message());
    }
    return write_file_atomically(file_, serialize_setting(properties(required)), readable);
}

} // namespace fwupdate::agent::ship_level
