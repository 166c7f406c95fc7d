// fwsign: the command line. What it does is in sign.cpp and verify.cpp.
#include "tools/fwsign/sign.hpp"
#include "tools/fwsign/verify.hpp"
#include "tools/fwsign/version.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <exception>
#include <iostream>
#include <optional>
#include <string>

namespace
{

using namespace fwupdate;

// Documented in fwsign(1).
constexpr int success = 0;
constexpr int refused = 1;
constexpr int bad_usage = 2;
constexpr int cannot_do = 3; ///< a file, a key, a certificate
constexpr int internal_failure = 4;

struct CommandLine
{
    fwsign::SignOptions sign;
    fwsign::VerifyOptions verify;
    bool by_signing_time{false};
    bool verifies{false};
};

void add_sign(CLI::App& app, fwsign::SignOptions& out)
{
    CLI::App* const command = app.add_subcommand("sign", "sign an image or package");
    command->add_option("--key", out.key, "private key: a file, or a URI such as pkcs11:...")
        ->required()
        ->type_name("KEY");
    command->add_option("--certificate", out.certificate, "the signer's certificate, PEM")
        ->required()
        ->type_name("FILE");
    command->add_option("--chain", out.chain, "certificates between it and the root, PEM")->type_name("FILE");
    command
        ->add_option("--passphrase-file", out.passphrase_file, "file with the key's passphrase; else it is asked for")
        ->type_name("FILE");
    command->add_option("--digest", out.digest, "sha256, sha384 or sha512")
        ->type_name("NAME")
        ->capture_default_str()
        ->check(CLI::IsMember({"sha256", "sha384", "sha512"}));
    command->add_flag("--self-contained", out.self_contained,
                      "write the image with its signature, not the signature alone");
    command->add_option("--output", out.output, "where to")->required()->type_name("FILE");
    command->add_option("IMAGE", out.image, "what to sign")->required()->type_name("");
}

void add_verify(CLI::App& app, CommandLine& command_line)
{
    fwsign::VerifyOptions& out = command_line.verify;
    CLI::App* const command = app.add_subcommand("verify", "verify as a BMC would");
    auto* const roots = command->add_option("--roots", out.roots, "trusted roots, PEM")->type_name("FILE");
    command->add_option("--revocation-lists", out.revocation_lists, "revocation lists of all issuers, PEM")
        ->type_name("FILE")
        ->needs(roots);
    command->add_option("--signature", out.signature, "detached signature, DER; else the image's own")
        ->type_name("FILE")
        ->needs(roots);
    command->add_flag("--by-signing-time", command_line.by_signing_time,
                      "certificates must have been valid when it was signed, not now");
    command->add_option("--openbmc-keys", out.openbmc_keys, "system keys for an OpenBMC tarball's own signatures")
        ->type_name("DIRECTORY");
    command->add_option("IMAGE", out.image, "what to verify")->required()->type_name("");
}

/// An exit code when the process is to end here, or nothing.
std::optional<int> read(int argc, char** argv, CommandLine& out)
{
    CLI::App app{"Signs firmware images and packages, and verifies them as a BMC would. See fwsign(1).", "fwsign"};
    app.set_version_flag("--version", std::string{"fwsign "} + fwsign::version_text);
    app.require_subcommand(1);
    add_sign(app, out.sign);
    add_verify(app, out);
    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError& error)
    {
        return app.exit(error) == 0 ? success : bad_usage;
    }
    out.verifies = app.got_subcommand("verify");
    out.verify.time = out.by_signing_time ? package::TimeSource::signing_time : package::TimeSource::clock;
    if (out.verifies && out.verify.roots.empty() && out.verify.openbmc_keys.empty())
    {
        std::cerr << "fwsign: verify against what? Give --roots, --openbmc-keys, or both\n";
        return bad_usage;
    }
    return std::nullopt;
}

int complain(const std::string& text, int code)
{
    std::cerr << "fwsign: " << text << '\n';
    return code;
}

int run_sign(const fwsign::SignOptions& options)
{
    const auto done = fwsign::sign(options);
    if (!done)
    {
        return complain(done.error().text, cannot_do);
    }
    std::cout << *done << '\n';
    return success;
}

int run_verify(const fwsign::VerifyOptions& options)
{
    const auto verdict = fwsign::verify(options);
    if (!verdict)
    {
        return complain(verdict.error().text, cannot_do);
    }
    if (!verdict->good)
    {
        return complain("refused: " + options.image.string() + ": " + verdict->text, refused);
    }
    std::cout << verdict->text;
    return success;
}

} // namespace

int main(int argc, char** argv)
{
    try
    {
        CommandLine command_line;
        if (const auto code = read(argc, argv, command_line))
        {
            return *code;
        }
        return command_line.verifies ? run_verify(command_line.verify) : run_sign(command_line.sign);
    }
    catch (const std::exception& error)
    {
        return complain(std::string{"internal failure: "} + error.what(), internal_failure);
    }
}
