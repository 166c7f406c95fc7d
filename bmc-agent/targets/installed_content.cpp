#include "bmc-agent/targets/installed_content.hpp"

#include "bmc-agent/staging/file.hpp"

#include <fcntl.h>

#include <memory>

namespace fwupdate::agent
{

std::optional<InstalledContent> file_content(const std::filesystem::path& path)
{
    struct ::stat status
    {
    };
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    {
        return std::nullopt;
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const auto open = [path, size]() -> Result<package::ByteSource>
    {
        auto opened = File::open(path, O_RDONLY);
        if (!opened)
        {
            return opened.error();
        }
        const auto file = std::make_shared<File>(std::move(*opened));
        return package::ByteSource{size, [file](std::uint64_t offset, MutableBytes out)
                                   { return file->read_at(offset, out); }};
    };
    return InstalledContent{{status.st_dev, status.st_ino, size, status.st_ctim.tv_sec, status.st_ctim.tv_nsec}, open};
}

} // namespace fwupdate::agent
