// A block device of the machine's kernel, for tests, where there is one to be had.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <filesystem>
#include <string>
#include <utility>

namespace fwupdate::test
{

inline constexpr std::size_t device_size = 2UL * 1024 * 1024; ///< bytes

/// A loop device on a file of its own; detaches itself when nobody has it open any more.
class LoopDevice
{
  public:
    LoopDevice()
    {
        auto backing = agent::File::open(directory_.path() / "disk", O_RDWR | O_CREAT);
        REQUIRE(backing.has_value());
        REQUIRE(backing->write_at(0, Bytes(device_size, 0xA5)).has_value());
        const auto control = agent::File::open("/dev/loop-control", O_RDWR);
        const int number = control ? ::ioctl(control->descriptor(), LOOP_CTL_GET_FREE) : -1;
        if (number < 0)
        {
            return;
        }
        auto device = agent::File::open("/dev/loop" + std::to_string(number), O_RDWR);
        ::loop_config configuration{};
        configuration.fd = static_cast<std::uint32_t>(backing->descriptor());
        configuration.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        if (device && ::ioctl(device->descriptor(), LOOP_CONFIGURE, &configuration) == 0)
        {
            device_ = std::move(*device);
        }
    }

    /// False: this machine has no loop devices. Said aloud, as tests/vm/flash.py has to cover it then.
    [[nodiscard]] bool exists() const
    {
        if (!device_.is_open())
        {
            MESSAGE("SKIPPED: no loop device here; the virtual machine's test (flash.py) covers it");
        }
        return device_.is_open();
    }

    [[nodiscard]] const std::filesystem::path& path() const
    {
        return device_.path();
    }
    [[nodiscard]] std::filesystem::path in_directory(const char* name) const
    {
        return directory_.path() / name;
    }

    /// What is on it.
    [[nodiscard]] Bytes bytes() const
    {
        Bytes all(device_size);
        REQUIRE(device_.read_at(0, all).has_value());
        return all;
    }

    /// False: it can't be written.
    [[nodiscard]] bool overwrite(std::uint64_t offset, char byte) const
    {
        const Bytes bytes(1, static_cast<std::uint8_t>(byte));
        return device_.write_at(offset, bytes) && device_.sync();
    }

    /// Somebody else who has it for himself.
    [[nodiscard]] agent::File hold() const
    {
        auto holder = agent::File::open(path(), O_RDWR | O_EXCL);
        return holder ? std::move(*holder) : agent::File{};
    }

  private:
    TemporaryDirectory directory_;
    agent::File device_;
};

} // namespace fwupdate::test
