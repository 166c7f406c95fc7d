#include "tools/pldm/package_file.hpp"

#include "common/package/payload_check.hpp"

#include <algorithm>

namespace fwupdate::tools
{

Result<PackageFile> open_package(const std::filesystem::path& path, pldm::Tolerance tolerance)
{
    auto file = InputFile::open(path);
    if (!file)
    {
        return file.error();
    }
    Bytes start(static_cast<std::size_t>(std::min<std::uint64_t>(file->size(), pldm::largest_header)));
    if (const auto read = file->read(0, start); !read)
    {
        return read.error();
    }
    auto package = pldm::Package::parse(start, file->size(), tolerance);
    if (!package)
    {
        return package.error();
    }
    return PackageFile{std::move(*file), std::move(*package)};
}

Result<void> check_payload(const PackageFile& package)
{
    pldm::PayloadCheck check{package.package};
    if (!package.package.payload_check_needed())
    {
        return {};
    }
    const auto read = for_each_slice(package.file, check.offset(), check.rest(),
                                     [&](ConstBytes slice) -> Result<void>
                                     {
                                         check.update(slice);
                                         return {};
                                     });
    return read ? check.verdict() : read;
}

} // namespace fwupdate::tools
