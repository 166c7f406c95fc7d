// What systemd takes as names.
#pragma once

#include <string_view>
#include <vector>

namespace fwupdate::config::flash
{

/// Whether systemd may have a unit of this name that can be started: systemd.unit(5), no template.
[[nodiscard]] bool is_unit_name(std::string_view name);

/// The modes of StartUnit (org.freedesktop.systemd1(5)).
[[nodiscard]] std::vector<std::string_view> job_modes();

} // namespace fwupdate::config::flash
