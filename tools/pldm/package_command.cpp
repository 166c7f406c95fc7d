#include "tools/pldm/package_command.hpp"

#include "tools/pldm/describe.hpp"
#include "tools/pldm/extract.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <ostream>

namespace fwupdate::tools
{
namespace
{

// Documented in pldm-package(1).
constexpr int success = 0;
constexpr int package_refused = 1;
constexpr int bad_usage = 2;
constexpr int no_file = 3;

struct CommandLine
{
    std::filesystem::path package;
    bool json{};
    bool tolerant{};
    ExtractRequest extract{".", {}, Existing::keep};
    bool overwrite{};
};

struct Streams
{
    std::ostream& out;
    std::ostream& err;
};

int exit_code(const Error& error)
{
    switch (error.kind)
    {
    case ErrorKind::input_output:
    case ErrorKind::wrong_state:
        return no_file;
    default:
        return package_refused;
    }
}

int tell(const CommandLine& command_line, const Error& error, const Streams& streams)
{
    const bool refused = exit_code(error) == package_refused;
    if (command_line.json)
    {
        streams.out << to_text({{"valid", false}, {"error", printable(error.text)}});
    }
    streams.err << "pldm-package: " << (refused ? printable(command_line.package.string()) + ": " : "") << error.text
                << '\n';
    return exit_code(error);
}

void tell_warnings(const pldm::Package& package, const Streams& streams)
{
    for (const std::string& warning : package.warnings())
    {
        streams.err << "warning: " << warning << '\n';
    }
}

pldm::Tolerance tolerance(bool tolerant)
{
    return tolerant ? pldm::Tolerance::script : pldm::Tolerance::none;
}

/// People look at packages because they are odd: what the script makes is shown, not refused.
int inspect(const CommandLine& command_line, const Streams& streams)
{
    const auto package = open_package(command_line.package, pldm::Tolerance::script);
    if (!package)
    {
        return tell(command_line, package.error(), streams);
    }
    const auto payload = check_payload(*package);
    if (!payload && payload.error().kind == ErrorKind::input_output)
    {
        return tell(command_line, payload.error(), streams);
    }
    const auto matches = package->package.payload_check_needed() ? std::optional{payload.has_value()} : std::nullopt;
    streams.out << (command_line.json ? to_text(describe_json(package->package, matches))
                                      : describe(package->package, matches));
    tell_warnings(package->package, streams);
    if (!payload)
    {
        streams.err << "pldm-package: " << printable(command_line.package.string()) << ": " << payload.error().text
                    << '\n';
    }
    return payload ? success : package_refused;
}

int verify(const CommandLine& command_line, const Streams& streams)
{
    const auto package = open_package(command_line.package, tolerance(command_line.tolerant));
    if (!package)
    {
        return tell(command_line, package.error(), streams);
    }
    if (const auto payload = check_payload(*package); !payload)
    {
        return tell(command_line, payload.error(), streams);
    }
    if (command_line.json)
    {
        streams.out << to_text({{"valid", true}, {"warnings", package->package.warnings()}});
        return success;
    }
    tell_warnings(package->package, streams);
    streams.out << printable(command_line.package.string()) << ": good, "
                << (package->package.payload_check_needed() ? "header and payload match their checksums"
                                                            : "the header matches its checksum; the images have none")
                << '\n';
    return success;
}

int extract_images(CommandLine& command_line, const Streams& streams)
{
    const auto package = open_package(command_line.package, tolerance(command_line.tolerant));
    if (!package)
    {
        return tell(command_line, package.error(), streams);
    }
    if (const auto payload = check_payload(*package); !payload)
    {
        return tell(command_line, payload.error(), streams);
    }
    command_line.extract.existing = command_line.overwrite ? Existing::replace : Existing::keep;
    const auto names = extract(*package, command_line.extract);
    if (!names)
    {
        if (names.error().kind == ErrorKind::out_of_range)
        {
            streams.err << "pldm-package: " << names.error().text << '\n';
            return bad_usage;
        }
        return tell(command_line, names.error(), streams);
    }
    tell_warnings(package->package, streams);
    for (const std::string& name : *names)
    {
        streams.out << name << '\n';
    }
    return success;
}

/// The sub-commands with their options. The one that was given is asked for its name.
void declare(CLI::App& app, CommandLine& out)
{
    app.set_version_flag("--version", std::string{"pldm-package "} + FWUPDATE_VERSION);
    app.require_subcommand(1);
    CLI::App* const inspect = app.add_subcommand("inspect", "show what a package says");
    inspect->add_flag("--json", out.json, "as JSON, under the names of DSP0267");
    CLI::App* const verify = app.add_subcommand("verify", "check a package as the BMC's agent does");
    verify->add_flag("--json", out.json, "the verdict as JSON");
    CLI::App* const extract = app.add_subcommand("extract", "check a package, then write its images into files");
    extract->add_option("-d,--directory", out.extract.directory, "where to")
        ->type_name("DIRECTORY")
        ->capture_default_str();
    extract->add_option("-c,--component", out.extract.components, "only this one, by index; may be given again")
        ->type_name("INDEX")
        ->expected(1)
        ->take_all();
    extract->add_flag("--overwrite", out.overwrite, "replace files that are there");
    for (CLI::App* const checked : {verify, extract})
    {
        checked->add_flag("--tolerant", out.tolerant,
                          "let pass what OpenBMC's pldm_fwup_pkg_creator.py makes and DSP0267 does not allow");
    }
    for (CLI::App* const command : {inspect, verify, extract})
    {
        command->add_option("package", out.package, "the package")->type_name("PACKAGE")->required();
    }
}

} // namespace

int run_package_command(int argc, const char* const* argv, std::ostream& out, std::ostream& err)
{
    CLI::App app{"Shows, checks and takes apart PLDM firmware update packages (DSP0267). See pldm-package(1).",
                 "pldm-package"};
    CommandLine command_line;
    declare(app, command_line);
    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError& error)
    {
        return app.exit(error, out, err) == 0 ? success : bad_usage;
    }
    const Streams streams{out, err};
    const std::string command = app.get_subcommands().front()->get_name();
    return command == "inspect"  ? inspect(command_line, streams)
           : command == "verify" ? verify(command_line, streams)
                                 : extract_images(command_line, streams);
}

} // namespace fwupdate::tools
