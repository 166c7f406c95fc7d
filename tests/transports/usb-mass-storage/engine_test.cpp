// The virtual drive's names, sizes and paths.
#include "transports/usb-mass-storage/bmc/fat_tools.hpp"
#include "transports/usb-mass-storage/engine/drive_layout.hpp"
#include "transports/usb-mass-storage/engine/drive_path.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fwupdate;
using namespace fwupdate::usb;

TEST_CASE("serial number and label are random, and what USB and FAT can have")
{
    SystemRandom random;
    std::set<std::string> serials;
    for (int round = 0; round < 200; ++round)
    {
        const DriveIdentity identity = make_identity(random);
        CHECK(identity.serial.size() == 16);
        CHECK(identity.serial.find_first_not_of("0123456789ABCDEF") == std::string::npos);
        CHECK(identity.label.size() == 11);
        CHECK(identity.label.starts_with("FW"));
        CHECK(identity.label.find_first_not_of("0123456789ABCDEFW") == std::string::npos);
        serials.insert(identity.serial);
    }
    CHECK(serials.size() == 200);
}

TEST_CASE("a drive has room for its image, in whole MiB")
{
    constexpr std::uint64_t mebibyte = 1U << 20;
    for (const std::uint64_t image : {std::uint64_t{0}, std::uint64_t{1}, 4 * mebibyte, 64 * mebibyte, 1000 * mebibyte})
    {
        const std::uint64_t size = drive_size(image);
        CHECK(size % mebibyte == 0);
        CHECK(size >= smallest_drive);
        CHECK(size > image + image / 512 + mebibyte);
        CHECK(size <= image + image / 128 + 4 * mebibyte);
    }
    CHECK(drive_size(UINT64_MAX) == drive_size(largest_file));
}

TEST_CASE("usb:// takes paths that FAT can have, and nothing else")
{
    const auto path = [](std::string_view uri)
    {
        const auto parsed = DrivePath::parse(uri);
        return parsed ? parsed->text() : "refused: " + parsed.error().text;
    };
    CHECK(path("usb://image.bin") == "image.bin");
    CHECK(path("usb:///image.bin") == "image.bin");
    CHECK(path("usb://dir/sub dir/Größe 1.bin") == "dir/sub dir/Größe 1.bin");
    CHECK(path("usb://50%.bin") == "50%.bin");
    CHECK(path("USB://image.bin") == "image.bin");

    for (const std::string uri : {"usb://",
                                  "usb:///",
                                  "usb://.",
                                  "usb://..",
                                  "usb://../image.bin",
                                  "usb://dir/../image.bin",
                                  "usb://dir//a",
                                  "usb://dir/",
                                  "usb://*.bin",
                                  "usb://a?b",
                                  "usb://C:image.bin",
                                  "usb://dir\\a",
                                  "usb://a\nb",
                                  "usb://a\xff",
                                  "usb://a<b",
                                  "image.bin",
                                  "http://host/image.bin",
                                  "",
                                  "usb:/image.bin",
                                  "usb://a\xe2\x80\xae"})
    {
        CHECK_MESSAGE(path(uri).starts_with("refused: "), uri);
    }
    CHECK(path("usb://" + std::string(256, 'a')).starts_with("refused: "));
    CHECK(path("usb://" + std::string(255, 'a')) == std::string(255, 'a'));
}

TEST_CASE("brackets are no patterns")
{
    CHECK(DrivePath::parse("usb://a[b].bin")->pattern() == "a\\[b\\].bin");
}

TEST_CASE("a listing of mdir tells the one file's size")
{
    constexpr std::string_view listing = " Volume in drive : is FWE12345678\n"
                                         " Volume Serial Number is 3F71-401B\n"
                                         "Directory for ::/\n\n"
                                         "image    bin   3000000 2026-11-21  10:40 \n"
                                         "        1 file            3 000 000 bytes\n"
                                         "                          7 716 864 bytes free\n\n";
    CHECK(size_of_listing(listing) == 3'000'000);
    CHECK(size_of_listing(" Volume in drive : is \n1 file 7 bytes\n        1 file                0 bytes\n") == 0);
    for (const std::string_view other :
         {"", "        3 files           3 000 000 bytes\n", "1 file bytes", "1 file 12a bytes",
          "1 file 99999999999999999999999 bytes", "1 file 4 294 967 296 bytes", "1 file"})
    {
        CHECK_MESSAGE(!size_of_listing(other), other);
    }
}

TEST_CASE("a listing of the root becomes a few names")
{
    CHECK(names_of_listing("::/a.bin\n::/dir/\n") == "a.bin, dir/");
    CHECK(names_of_listing("") == "");
    CHECK(names_of_listing("::/1\n::/2\n::/3\n::/4\n::/5\n::/6\n::/7\n") == "1, 2, 3, 4, 5 and 2 more");
    CHECK(names_of_listing("::/a\x1b[2Jb\n") == "a?[2Jb");
}
