// The world around a command in tests: a clock that moves when somebody sleeps, a person who answers, image files.
#pragma once

#include "ipmitool-plugin/client/port.hpp"
#include "ipmitool-plugin/client/run.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace fwupdate::test
{

class FakeWorld final : public client::Environment
{
  public:
    [[nodiscard]] TimePoint now() const override
    {
        now_ += std::chrono::microseconds{20}; // time passes while things are done
        return now_;
    }
    void sleep_for(Duration duration) override
    {
        now_ += duration;
        if (on_sleep)
        {
            on_sleep(now_);
        }
    }
    [[nodiscard]] bool interrupted() const override
    {
        return interrupt;
    }
    [[nodiscard]] bool can_ask() const override
    {
        return person;
    }
    bool ask(const std::string& question) override
    {
        questions.push_back(question);
        return answer;
    }

    std::function<void(TimePoint)> on_sleep;
    bool interrupt{false};
    bool person{false};
    bool answer{false};
    std::vector<std::string> questions;

  private:
    mutable TimePoint now_{std::chrono::hours{1}};
};

/// The disks of a host: what is plugged in, and what was written onto it.
class FakeDrives final : public usb::HostDrives
{
  public:
    [[nodiscard]] Result<void> check() const override
    {
        return usable ? Result<void>{} : fail(ErrorKind::denied, "mounting the drive takes root");
    }
    [[nodiscard]] std::optional<usb::Disk> find(std::string_view serial) const override
    {
        const auto disk = disks.find(std::string{serial});
        return disk == disks.end() ? std::nullopt : std::optional{disk->second};
    }
    [[nodiscard]] Result<void> write(const usb::Disk& disk, const usb::DriveFile& file) override
    {
        if (failure)
        {
            return *failure;
        }
        written[disk.name].clear();
        for (std::uint64_t offset = 0; offset < file.size; offset += piece)
        {
            const auto bytes =
                file.read(offset, static_cast<std::size_t>(std::min<std::uint64_t>(piece, file.size - offset)));
            if (!bytes)
            {
                return bytes.error();
            }
            written[disk.name].insert(written[disk.name].end(), bytes->begin(), bytes->end());
            for (int report = 0; report < reports; ++report)
            {
                if (on_report)
                {
                    on_report();
                }
                if (failure)
                {
                    return *failure;
                }
                if (!file.progress(offset + bytes->size()))
                {
                    return fail(ErrorKind::timeout, "interrupted");
                }
            }
        }
        return {};
    }

    static constexpr std::uint64_t piece = 4096;
    bool usable{true};
    std::map<std::string, usb::Disk> disks; ///< by serial number
    std::optional<Error> failure;
    int reports{1};                       ///< of the same progress, for each piece
    std::function<void()> on_report;      ///< before each
    std::map<std::string, Bytes> written; ///< by the disk's name
};

/// A directory of its own, gone at the end.
class ScratchDirectory
{
  public:
    ScratchDirectory()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "fwupdate-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory()
    {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }

    [[nodiscard]] const std::filesystem::path& path() const
    {
        return path_;
    }

    [[nodiscard]] std::string write(const std::string& name, ConstBytes bytes) const
    {
        const std::filesystem::path file = path_ / name;
        std::ofstream stream{file, std::ios::binary};
        stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return file.string();
    }

  private:
    std::filesystem::path path_;
};

/// Bytes that look like no other block: a counter with a twist.
inline Bytes make_image(std::size_t size, std::uint32_t seed = 1)
{
    Bytes bytes(size);
    std::uint32_t state = seed * 2654435761U + 1;
    for (std::uint8_t& byte : bytes)
    {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

/// What one command line did.
struct Run
{
    int code{};
    std::string out;
    std::string err;

    [[nodiscard]] std::vector<nlohmann::json> lines() const
    {
        std::vector<nlohmann::json> parsed;
        std::istringstream stream{out};
        for (std::string line; std::getline(stream, line);)
        {
            parsed.push_back(nlohmann::json::parse(line));
        }
        return parsed;
    }
};

inline Run run_command(const std::vector<std::string>& arguments, client::Port& port, FakeWorld& world,
                       const std::filesystem::path& notes, bool csv = false, bool terminal = false,
                       FakeDrives* drives = nullptr)
{
    FakeDrives none;
    std::ostringstream out;
    std::ostringstream err;
    Run run;
    run.code =
        client::run(arguments, port, world, {out, err, csv, terminal, notes, drives != nullptr ? *drives : none});
    run.out = out.str();
    run.err = err.str();
    return run;
}

} // namespace fwupdate::test
