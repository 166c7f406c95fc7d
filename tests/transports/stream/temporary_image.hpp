// An image as a file of the test's own, removed at the end.
#pragma once

#include "common/bytes.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace fwupdate::test
{

class TemporaryImage
{
  public:
    explicit TemporaryImage(ConstBytes bytes)
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "fwupdate-image-XXXXXX").string();
        const int descriptor = ::mkstemp(pattern.data());
        if (descriptor < 0)
        {
            throw std::runtime_error("no temporary file");
        }
        ::close(descriptor);
        path_ = pattern;
        write(bytes);
    }
    TemporaryImage(const TemporaryImage&) = delete;
    TemporaryImage& operator=(const TemporaryImage&) = delete;
    ~TemporaryImage()
    {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    void write(ConstBytes bytes) const
    {
        std::ofstream file{path_, std::ios::binary | std::ios::trunc};
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    [[nodiscard]] const std::filesystem::path& path() const
    {
        return path_;
    }

  private:
    std::filesystem::path path_;
};

} // namespace fwupdate::test
