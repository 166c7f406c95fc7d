// A folder with the vectors' images, in which the tools are run as from a command line.
#pragma once

#include "common/bytes.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"
#include "tools/pldm/creator_command.hpp"
#include "tools/pldm/metadata_object.hpp"
#include "tools/pldm/package_command.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::tools::test
{

inline const std::filesystem::path vectors{std::string{SOURCE_DIR} + "/tests/common/package/vectors"};

struct Outcome
{
    int code{};
    std::string out;
    std::string err;
};

class Workbench
{
  public:
    [[nodiscard]] std::filesystem::path path(std::string_view name) const
    {
        return folder_.path() / name;
    }
    [[nodiscard]] std::string name(std::string_view name) const
    {
        return path(name).string();
    }

    void write(std::string_view name, std::string_view text) const
    {
        std::ofstream{path(name), std::ios::binary} << text;
    }
    [[nodiscard]] static std::string read(const std::filesystem::path& path)
    {
        std::ifstream file{path, std::ios::binary};
        REQUIRE_MESSAGE(file.good(), path.string());
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    /// What is in the folder.
    [[nodiscard]] std::size_t files() const
    {
        using Iterator = std::filesystem::directory_iterator;
        return static_cast<std::size_t>(std::distance(Iterator{folder_.path()}, Iterator{}));
    }

    [[nodiscard]] static Outcome creator(const std::vector<std::string>& arguments)
    {
        return run(run_creator, "pldm-fwup-pkg-creator", arguments);
    }
    [[nodiscard]] static Outcome package(const std::vector<std::string>& arguments)
    {
        return run(run_package_command, "pldm-package", arguments);
    }

    /// Makes "package" from this metadata and as many images as are named.
    [[nodiscard]] Outcome create(const Json& metadata, const std::vector<std::string>& images,
                                 const std::vector<std::string>& options = {}) const
    {
        write("metadata.json", metadata.dump());
        std::vector<std::string> arguments{name("package"), name("metadata.json")};
        arguments.insert(arguments.end(), images.begin(), images.end());
        arguments.insert(arguments.end(), options.begin(), options.end());
        return creator(arguments);
    }

  private:
    template <class Command>
    static Outcome run(Command command, const char* program, const std::vector<std::string>& arguments)
    {
        std::vector<const char*> argv{program};
        for (const std::string& argument : arguments)
        {
            argv.push_back(argument.c_str());
        }
        std::ostringstream out;
        std::ostringstream err;
        const int code = command(static_cast<int>(argv.size()), argv.data(), out, err);
        return {code, out.str(), err.str()};
    }

    fwupdate::test::TemporaryDirectory folder_;
};

inline std::string image(std::string_view name)
{
    return (vectors / "images" / name).string();
}

inline std::vector<std::string> three_images()
{
    return {image("a.bin"), image("b.bin"), image("c.bin")};
}

/// Metadata of one of the vectors.
inline Json metadata_of(std::string_view vector)
{
    return Json::parse(Workbench::read(vectors / vector / "metadata.json"));
}

inline bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace fwupdate::tools::test
