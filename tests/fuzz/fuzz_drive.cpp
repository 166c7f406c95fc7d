// What a client and a host can put before the USB drive's reader: URIs, and the listings of a drive that a host wrote.
#include "common/bytes.hpp"
#include "transports/usb-mass-storage/bmc/fat_tools.hpp"
#include "transports/usb-mass-storage/engine/drive_layout.hpp"
#include "transports/usb-mass-storage/engine/drive_path.hpp"

#include <cstdlib>

using namespace fwupdate;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

/// Nothing that mtools would take for more than the one name.
void check_path(std::string_view uri)
{
    const auto path = usb::DrivePath::parse(uri);
    if (!path)
    {
        require(!path.error().text.empty() && printable(path.error().text) == path.error().text);
        return;
    }
    const std::string& text = path->text();
    require(!text.empty() && text.front() != '/' && text.back() != '/');
    require(text.find_first_of("*?\\:\"<>|") == std::string::npos && printable(text) == text);
    require(("/" + text + "/").find("/../") == std::string::npos && text.find("//") == std::string::npos);
    const std::string pattern = path->pattern();
    for (std::size_t at = 0; at < pattern.size(); ++at)
    {
        const bool bracket = pattern[at] == '[' || pattern[at] == ']';
        require(!bracket || (at > 0 && pattern[at - 1] == '\\'));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text = as_text({data, size});
    check_path(text);
    check_path("usb://" + text);
    const auto told = usb::size_of_listing(text);
    require(!told || *told <= usb::largest_file);
    const std::string names = usb::names_of_listing(text);
    require(names.size() < 1000 && printable(names) == names);
    return 0;
}
