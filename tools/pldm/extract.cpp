#include "tools/pldm/extract.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>

namespace fwupdate::tools
{
namespace
{

Result<Descriptor> open_directory(const std::filesystem::path& path)
{
    constexpr mode_t permissions = 0777; // less what the umask takes
    if (::mkdir(path.c_str(), permissions) != 0 && errno != EEXIST)
    {
        return fail(ErrorKind::input_output,
                    "cannot make the folder " + printable(path.string()) + ": " + std::strerror(errno));
    }
    Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.number() < 0)
    {
        return fail(ErrorKind::input_output,
                    "cannot open the folder " + printable(path.string()) + ": " + std::strerror(errno));
    }
    return directory;
}

Result<std::set<std::size_t>> choose(const PackageFile& package, const ExtractRequest& request)
{
    const std::size_t count = package.package.content().components.size();
    std::set<std::size_t> chosen{request.components.begin(), request.components.end()};
    for (std::size_t at = 0; request.components.empty() && at < count; ++at)
    {
        chosen.insert(at);
    }
    for (const std::size_t index : chosen)
    {
        if (index >= count)
        {
            return fail(ErrorKind::out_of_range, "there is no component " + std::to_string(index) +
                                                     "; the package has " + std::to_string(count) +
                                                     ", the first one is 0");
        }
    }
    return chosen;
}

Result<void> write_image(const PackageFile& package, const pldm::ComponentImage& image, const Descriptor& directory,
                         const std::string& name, const std::string& shown, Existing existing)
{
    auto file = OutputFile::create(directory.number(), name, shown, existing);
    if (!file)
    {
        return file.error();
    }
    const auto copied = for_each_slice(package.file, image.location_offset, image.size,
                                       [&](ConstBytes slice) { return file->append(slice); });
    return copied ? file->commit() : copied;
}

} // namespace

std::string image_name(std::size_t index, const pldm::ComponentImage& image)
{
    std::array<char, 64> name{};
    static_cast<void>(std::snprintf(name.data(), name.size(), "component-%zu-class-%04X-id-%04X.bin", index,
                                    static_cast<unsigned>(image.classification),
                                    static_cast<unsigned>(image.identifier)));
    return name.data();
}

Result<std::vector<std::string>> extract(const PackageFile& package, const ExtractRequest& request)
{
    const auto chosen = choose(package, request);
    if (!chosen)
    {
        return chosen.error();
    }
    const auto directory = open_directory(request.directory);
    if (!directory)
    {
        return directory.error();
    }
    std::vector<std::string> names;
    for (const std::size_t index : *chosen)
    {
        const pldm::ComponentImage& image = package.package.content().components[index];
        const std::string name = image_name(index, image);
        const std::string shown = printable((request.directory / name).string());
        if (const auto written = write_image(package, image, *directory, name, shown, request.existing); !written)
        {
            return written.error();
        }
        names.push_back(shown);
    }
    return names;
}

} // namespace fwupdate::tools
