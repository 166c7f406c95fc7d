#include "transports/usb-mass-storage/bmc/gadget.hpp"

#include <usbg/function/ms.h>
#include <usbg/usbg.h>

#include <array>
#include <memory>
#include <system_error>
#include <utility>

namespace fwupdate::usb
{
namespace
{

constexpr const char* gadget_name = "bmc-agent-fwupdate"; ///< in configfs
constexpr std::uint16_t usb_2 = 0x0200;
constexpr std::uint8_t control_packet = 64; ///< bytes
constexpr std::uint8_t bus_powered = 0x80;  ///< USB 2.0 table 9-10: this bit is always set
constexpr std::uint8_t most_current = 125;  ///< in 2 mA

/// What libusbgx reads of configfs, freed at the end.
using State = std::unique_ptr<usbg_state, decltype(&usbg_cleanup)>;

Error usb_error(const std::string& what, int code)
{
    const auto error = static_cast<usbg_error>(code);
    return fail(ErrorKind::input_output,
                "cannot " + what + ": " + usbg_strerror(error) + " (" + usbg_error_name(error) + ")");
}

/// All gadgets' functions, for a sentence: "g1/uvc.0 g2/acm.0".
std::string functions_in(const std::filesystem::path& configfs)
{
    std::string names;
    std::error_code error;
    for (const auto& gadget : std::filesystem::directory_iterator{configfs / "usb_gadget", error})
    {
        for (const auto& function : std::filesystem::directory_iterator{gadget.path() / "functions", error})
        {
            names += (names.empty() ? "" : " ") + gadget.path().filename().string() + "/" +
                     function.path().filename().string();
        }
    }
    return names;
}

Result<State> open_state(const std::filesystem::path& configfs)
{
    std::error_code ignored;
    if (!std::filesystem::is_directory(configfs / "usb_gadget", ignored))
    {
        return fail(ErrorKind::not_found, "there is no " + (configfs / "usb_gadget").string() +
                                              ": load the module libcomposite and mount configfs");
    }
    usbg_state* state = nullptr;
    if (const int error = usbg_init(configfs.c_str(), &state); error != USBG_SUCCESS)
    {
        if (error == USBG_ERROR_NOT_SUPPORTED)
        {
            return fail(ErrorKind::unsupported, "another gadget in " + (configfs / "usb_gadget").string() +
                                                    " has a function that libusbgx does not know (" +
                                                    functions_in(configfs) + "): the USB drive cannot be beside it");
        }
        return usb_error("read " + configfs.string(), error);
    }
    return State{state, &usbg_cleanup};
}

/// The configured controller, or the first one that no gadget uses.
Result<usbg_udc*> choose_controller(usbg_state* state, const std::string& name)
{
    if (!name.empty())
    {
        usbg_udc* const controller = usbg_get_udc(state, name.c_str());
        return controller != nullptr
                   ? Result<usbg_udc*>{controller}
                   : fail(ErrorKind::not_found, "there is no controller \"" + name + "\" in /sys/class/udc");
    }
    for (usbg_udc* controller = usbg_get_first_udc(state); controller != nullptr;
         controller = usbg_get_next_udc(controller))
    {
        if (usbg_get_udc_gadget(controller) == nullptr)
        {
            return controller;
        }
    }
    return fail(ErrorKind::not_found,
                "no USB device controller is free: /sys/class/udc is empty, or others use them all");
}

/// libusbgx takes texts it does not change by pointers to char.
char* text(const std::string& value)
{
    return const_cast<char*>(value.c_str());
}

Result<usbg_gadget*> create_gadget(usbg_state* state, const GadgetSettings& settings, const DriveIdentity& identity)
{
    usbg_gadget_attrs attributes{};
    attributes.bcdUSB = usb_2;
    attributes.bMaxPacketSize0 = control_packet;
    attributes.idVendor = settings.vendor_id;
    attributes.idProduct = settings.product_id;
    usbg_gadget_strs strings{};
    strings.manufacturer = text(settings.manufacturer);
    strings.product = text(settings.product);
    strings.serial = text(identity.serial);
    usbg_gadget* gadget = nullptr;
    const int error = usbg_create_gadget(state, gadget_name, &attributes, &strings, &gadget);
    return error == USBG_SUCCESS ? Result<usbg_gadget*>{gadget} : usb_error("make its gadget", error);
}

Result<void> add_storage(usbg_gadget* gadget, const std::string& image)
{
    usbg_f_ms_lun_attrs unit{};
    unit.removable = true;
    unit.file = image.c_str();
    std::array<usbg_f_ms_lun_attrs*, 2> units{&unit, nullptr};
    usbg_f_ms_attrs storage{};
    storage.stall = true;
    storage.nluns = 1;
    storage.luns = units.data();
    usbg_function* function = nullptr;
    if (const int error = usbg_create_function(gadget, USBG_F_MASS_STORAGE, "drive", &storage, &function);
        error != USBG_SUCCESS)
    {
        return usb_error("make its mass storage of " + image, error);
    }
    const std::string label{"storage"};
    usbg_config_attrs attributes{bus_powered, most_current};
    usbg_config_strs strings{text(label)};
    usbg_config* configuration = nullptr;
    if (const int error = usbg_create_config(gadget, 1, "c", &attributes, &strings, &configuration);
        error != USBG_SUCCESS)
    {
        return usb_error("make its configuration", error);
    }
    const int error = usbg_add_config_function(configuration, "mass_storage.drive", function);
    return error == USBG_SUCCESS ? Result<void>{} : usb_error("put its configuration together", error);
}

/// A half-made gadget of ours that libusbgx can't read: takes its directories away, as configfs wants it, from the
/// leaves on.
void remove_by_hand(const std::filesystem::path& gadget)
{
    namespace fs = std::filesystem;
    std::error_code ignored;
    const auto each = [&](const fs::path& directory, auto action)
    {
        for (const auto& entry : fs::directory_iterator{directory, ignored})
        {
            action(entry.path());
        }
    };
    const auto remove = [&](const fs::path& path) { fs::remove(path, ignored); };
    each(gadget / "configs",
         [&](const fs::path& configuration)
         {
             each(configuration,
                  [&](const fs::path& entry)
                  {
                      if (fs::is_symlink(entry, ignored))
                      {
                          remove(entry);
                      }
                  });
             each(configuration / "strings", remove);
             remove(configuration);
         });
    each(gadget / "functions", remove);
    each(gadget / "strings", remove);
    remove(gadget);
}

} // namespace

Result<void> Gadget::check() const
{
    const auto state = open_state(settings_.configfs);
    if (!state)
    {
        return state.error();
    }
    const auto controller = choose_controller(state->get(), settings_.controller);
    return controller ? Result<void>{} : controller.error();
}

Result<void> Gadget::plug_in(const DriveIdentity& identity, const std::string& image) const
{
    if (const auto removed = remove(); !removed)
    {
        return removed.error();
    }
    const auto state = open_state(settings_.configfs);
    if (!state)
    {
        return state.error();
    }
    const auto controller = choose_controller(state->get(), settings_.controller);
    if (!controller)
    {
        return controller.error();
    }
    auto made = [&]() -> Result<void>
    {
        const auto gadget = create_gadget(state->get(), settings_, identity);
        if (!gadget)
        {
            return gadget.error();
        }
        if (auto added = add_storage(*gadget, image); !added)
        {
            return added;
        }
        const int error = usbg_enable_gadget(*gadget, *controller);
        return error == USBG_SUCCESS ? Result<void>{}
                                     : usb_error("show it on " + std::string{usbg_get_udc_name(*controller)}, error);
    }();
    if (!made)
    {
        static_cast<void>(remove());
    }
    return made;
}

Result<bool> Gadget::remove() const
{
    const std::filesystem::path place = settings_.configfs / "usb_gadget" / gadget_name;
    std::error_code ignored;
    if (!std::filesystem::is_directory(place, ignored))
    {
        return false;
    }
    if (const auto state = open_state(settings_.configfs))
    {
        if (usbg_gadget* const gadget = usbg_get_gadget(state->get(), gadget_name))
        {
            static_cast<void>(usbg_disable_gadget(gadget)); // it may not be enabled
            static_cast<void>(usbg_rm_gadget(gadget, USBG_RM_RECURSE));
        }
    }
    remove_by_hand(place);
    if (std::filesystem::is_directory(place, ignored))
    {
        return fail(ErrorKind::input_output, "cannot take away " + place.string());
    }
    return true;
}

} // namespace fwupdate::usb
