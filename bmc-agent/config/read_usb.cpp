#include "bmc-agent/config/sections.hpp"

namespace fwupdate::config
{
namespace
{

constexpr std::size_t longest_controller = 64; ///< bytes of a name in /sys/class/udc
constexpr std::size_t longest_name = 126;      ///< characters of a USB string (USB 2.0 section 9.6.7)

} // namespace

void read_usb(ObjectReader reader, Usb& out)
{
    reader.text("controller", out.controller, longest_controller);
    if (out.controller.find('/') != std::string::npos)
    {
        reader.findings().mistake(reader.pointer("controller"), "is a path", "write a name out of /sys/class/udc");
    }
    reader.path("directory", out.directory);
    reader.path("configfs", out.configfs);
    reader.number("vendor_id", out.vendor_id, 1, 0xFFFF);
    reader.number("product_id", out.product_id, 0, 0xFFFF);
    reader.text("manufacturer", out.manufacturer, longest_name);
    reader.text("product", out.product, longest_name);
    reader.finish();
}

} // namespace fwupdate::config
