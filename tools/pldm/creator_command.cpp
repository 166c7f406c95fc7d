#include "tools/pldm/creator_command.hpp"

#include "tools/pldm/create.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <ostream>

namespace fwupdate::tools
{

int run_creator(int argc, const char* const* argv, std::ostream& out, std::ostream& err)
{
    constexpr int success = 0;
    constexpr int not_made = 1;
    constexpr int bad_usage = 2;
    CreateRequest request;
    CLI::App app{"Makes a PLDM firmware update package (DSP0267). See pldm-fwup-pkg-creator(1).",
                 "pldm-fwup-pkg-creator"};
    app.set_version_flag("--version", std::string{"pldm-fwup-pkg-creator "} + FWUPDATE_VERSION);
    app.add_option("pldmfwuppkgname", request.package, "the package to make; an older one is replaced")->required();
    app.add_option("metadatafile", request.metadata, "what to write into its header, as JSON")->required();
    app.add_option("images", request.images, "images, in the order of ComponentImageInformationArea")->required();
    app.add_flag("--extended", request.extended,
                 "write package data, opaque data, other string types and more than 32 components too, "
                 "and nothing that DSP0267 does not allow");
    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError& error)
    {
        return app.exit(error, out, err) == 0 ? success : bad_usage;
    }
    const auto created = create_package(request);
    if (!created)
    {
        err << created.error().text << '\n';
        return not_made;
    }
    for (const std::string& note : created->notes)
    {
        err << "note: " << note << '\n';
    }
    for (const std::string& warning : created->warnings)
    {
        err << "warning: " << warning << '\n';
    }
    return success;
}

} // namespace fwupdate::tools
