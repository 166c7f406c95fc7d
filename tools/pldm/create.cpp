#include "tools/pldm/create.hpp"

#include "common/package/crc32.hpp"
#include "common/package/writer.hpp"
#include "tools/pldm/file.hpp"
#include "tools/pldm/metadata.hpp"

#include <fcntl.h>

#include <limits>

namespace fwupdate::tools
{
namespace
{

constexpr std::uint64_t largest_metadata = std::uint64_t{16} * 1024 * 1024;

Error prefixed(const Error& error)
{
    return fail(error.kind, "ERROR: " + error.text);
}

Result<Metadata> load_metadata(const CreateRequest& request)
{
    const auto file = InputFile::open(request.metadata);
    if (!file)
    {
        return prefixed(file.error());
    }
    if (file->size() > largest_metadata)
    {
        return fail(ErrorKind::length,
                    "ERROR: " + printable(request.metadata.string()) + " has over 16 MiB: this is no metadata");
    }
    Bytes text(static_cast<std::size_t>(file->size()));
    if (const auto read = file->read(0, text); !read)
    {
        return prefixed(read.error());
    }
    return read_metadata(as_text(text), request.images.size(), request.extended);
}

/// Sizes and places of the images. Gives the bytes of the whole package.
Result<std::uint64_t> place_images(const CreateRequest& request, pldm::Content& content)
{
    for (std::size_t at = 0; at < request.images.size(); ++at)
    {
        const auto image = InputFile::open(request.images[at]);
        if (!image)
        {
            return image.error();
        }
        if (image->size() > std::numeric_limits<std::uint32_t>::max())
        {
            return fail(ErrorKind::length, printable(request.images[at].string()) + " has " +
                                               std::to_string(image->size()) +
                                               " bytes; an image can have 4 GiB less one byte");
        }
        content.components[at].size = static_cast<std::uint32_t>(image->size());
    }
    return pldm::place_components(content);
}

/// Appends one image and adds it to the checksum.
Result<void> append_image(const std::filesystem::path& path, std::uint32_t size, OutputFile& package, pldm::Crc32& crc)
{
    const auto image = InputFile::open(path);
    if (!image)
    {
        return image.error();
    }
    if (image->size() != size)
    {
        return fail(ErrorKind::input_output, printable(path.string()) + " has changed meanwhile; try again");
    }
    return for_each_slice(*image, 0, size,
                          [&](ConstBytes slice)
                          {
                              crc.update(slice);
                              return package.append(slice);
                          });
}

/// Where a symbolic link leads, so that it stays one. Anything there but a file is left alone.
Result<std::string> destination(const std::filesystem::path& path)
{
    std::error_code ignored;
    const auto status = std::filesystem::status(path, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    {
        return fail(ErrorKind::input_output, printable(path.string()) + " is not a regular file; name another one");
    }
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored)))
    {
        const auto target = std::filesystem::weakly_canonical(path, ignored);
        return ignored ? path.string() : target.string();
    }
    return path.string();
}

/// The header is written first without the payload's checksum, as that is known only when the images are written.
Result<std::vector<std::string>> write_package(const CreateRequest& request, pldm::Content& content,
                                               std::uint64_t total)
{
    const auto tolerance = request.extended ? pldm::Tolerance::none : pldm::Tolerance::script;
    auto header = pldm::encode_header(content, total, tolerance);
    const auto place = destination(request.package);
    if (!header || !place)
    {
        return header ? place.error() : header.error();
    }
    auto file = OutputFile::create(AT_FDCWD, *place, printable(request.package.string()), Existing::replace);
    if (!file)
    {
        return file.error();
    }
    auto result = file->append(header->bytes);
    pldm::Crc32 crc;
    for (std::size_t at = 0; at < request.images.size() && result; ++at)
    {
        result = append_image(request.images[at], content.components[at].size, *file, crc);
    }
    if (result && pldm::find_revision(content.revision)->has_payload_checksum())
    {
        content.payload_checksum = crc.value();
        header = pldm::encode_header(content, total, tolerance);
        result = header ? file->write(0, header->bytes) : header.error();
    }
    if (result)
    {
        result = file->commit();
    }
    if (!result)
    {
        return result.error();
    }
    return header->warnings;
}

} // namespace

Result<Created> create_package(const CreateRequest& request)
{
    auto metadata = load_metadata(request);
    if (!metadata)
    {
        return metadata.error();
    }
    const auto total = place_images(request, metadata->content);
    if (!total)
    {
        return prefixed(total.error());
    }
    auto warnings = write_package(request, metadata->content, *total);
    if (!warnings)
    {
        return prefixed(warnings.error());
    }
    return Created{std::move(metadata->notes), std::move(*warnings)};
}

} // namespace fwupdate::tools
