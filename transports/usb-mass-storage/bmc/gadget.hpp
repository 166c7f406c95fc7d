// The mass-storage gadget of the kernel, through libusbgx: any USB device controller that Linux knows.
#pragma once

#include "common/result.hpp"
#include "transports/usb-mass-storage/engine/virtual_drive.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace fwupdate::usb
{

/// Which controller, and what the device says of itself.
struct GadgetSettings
{
    std::filesystem::path configfs{"/sys/kernel/config"};
    std::string controller;           ///< its name in /sys/class/udc; empty: the first one that is free
    std::uint16_t vendor_id{0x1D6B};  ///< Linux Foundation
    std::uint16_t product_id{0x0104}; ///< multifunction composite gadget
    std::string manufacturer{"ipmi-fwupdate"};
    std::string product{"Firmware drop"};
};

/// All of it blocks: call it where that does no harm. One drive at a time, under one name in configfs.
class Gadget
{
  public:
    explicit Gadget(GadgetSettings settings) : settings_{std::move(settings)} {}

    /// Whether there is a controller to use, as far as can be told without changing anything. Errors: not_found, with
    /// what to load, mount or configure.
    [[nodiscard]] Result<void> check() const;

    /// Shows `image` to the host as a drive with that serial number. Errors: not_found, input_output; nothing is left
    /// behind then.
    [[nodiscard]] Result<void> plug_in(const DriveIdentity& identity, const std::string& image) const;

    /// Takes our gadget away, whole or half made, this agent's or a former one's. True: there was one. Errors:
    /// input_output.
    [[nodiscard]] Result<bool> remove() const;

  private:
    GadgetSettings settings_;
};

} // namespace fwupdate::usb
