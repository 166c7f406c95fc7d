// Finding exactly the announced drive in a tree like /sys.
#include "tests/bmc-agent/temporary_directory.hpp"
#include "transports/usb-mass-storage/host/host_drives.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::usb;

namespace
{

namespace fs = std::filesystem;

class Sysfs
{
  public:
    Sysfs()
    {
        fs::create_directories(root() / "block");
    }
    [[nodiscard]] fs::path root() const
    {
        return directory_.path() / "sys";
    }
    /// A disk below a device; `serial` empty: the device has none.
    void add(const std::string& name, const std::string& device, bool usb, const std::string& serial,
             const std::string& sectors)
    {
        const fs::path place = root() / "devices" / device;
        const fs::path disk = place / "host0/target0/block" / name;
        fs::create_directories(disk);
        write(disk / "size", sectors);
        if (usb)
        {
            write(place / "idVendor", "1d6b");
            write(place / "idProduct", "0104");
        }
        if (!serial.empty())
        {
            write(place / "serial", serial);
        }
        fs::create_directory_symlink(disk, root() / "block" / name);
    }

  private:
    static void write(const fs::path& file, const std::string& text)
    {
        std::ofstream{file} << text << '\n';
    }

    test::TemporaryDirectory directory_;
};

} // namespace

TEST_CASE("only the USB disk with exactly this serial number is found")
{
    Sysfs sysfs;
    sysfs.add("sda", "pci0/ata1", false, "0123456789ABCDEF", "1000"); // no USB device
    sysfs.add("sdb", "pci0/usb1/1-1", true, "0123456789ABCDE", "2000");
    sysfs.add("sdc", "pci0/usb1/1-2", true, "0123456789ABCDEF", "3000");
    sysfs.add("sdd", "pci0/usb1/1-3", true, "", "4000");
    sysfs.add("sde", "pci0/usb1/1-4", true, "FFFFFFFFFFFFFFFF", "0"); // no medium
    const auto disk = find_disk(sysfs.root(), "0123456789ABCDEF");
    REQUIRE(disk.has_value());
    CHECK(disk->name == "sdc");
    CHECK(disk->size == 3000 * 512);
    CHECK(!find_disk(sysfs.root(), "0123456789ABCDEF0"));
    CHECK(!find_disk(sysfs.root(), "FFFFFFFFFFFFFFFF"));
    CHECK(!find_disk(sysfs.root(), ""));
    sysfs.add("sdf", "pci0/usb1/1-5", true, "0123456789ABCDEF", "3000"); // two: neither
    CHECK(!find_disk(sysfs.root(), "0123456789ABCDEF"));
    CHECK(!find_disk(sysfs.root() / "nothing", "0123456789ABCDEF"));
}
