// The configuration's shell: files in, one object or all mistakes out.
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/config/file_text.hpp"
#include "bmc-agent/config/sections.hpp"

#include <sys/stat.h>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t largest_file = 1 << 20; ///< bytes; a configuration has some kilobytes

Result<Config> parse_with_mode(std::string_view text, std::string_view name, const SecretReader& read_secret,
                               Surroundings surroundings, mode_t mode)
{
    Findings findings;
    Secrets secrets{read_secret};
    const auto document = parse_document(text, findings);
    Config config = document ? read_config(*document, findings, secrets) : Config{};
    check_target_paths(config, surroundings, findings);
    if ((mode & S_IWOTH) != 0)
    {
        findings.mistake({}, "everybody may write this file", "chmod o-w " + std::string{name});
    }
    if (secrets.inline_secret && (mode & (S_IROTH | S_IWOTH)) != 0)
    {
        findings.mistake({}, "holds a password and everybody may read it", "chmod o= " + std::string{name});
    }
    if (!findings.clean())
    {
        return fail(ErrorKind::invalid_field, findings.report(name));
    }
    config.warnings = findings.warnings(name);
    return config;
}

} // namespace

Result<std::string> read_secret_file(const std::filesystem::path& file)
{
    auto whole = read_file_text(file, largest_file);
    if (!whole)
    {
        return fail(whole.error().kind, "file " + file.string() + " " + whole.error().text);
    }
    if ((whole->mode & S_IRWXO) != 0)
    {
        return fail(ErrorKind::denied, "file " + file.string() + " may be read by everybody");
    }
    std::string secret = whole->text.substr(0, whole->text.find('\n'));
    if (secret.ends_with('\r'))
    {
        secret.pop_back();
    }
    return secret;
}

Result<Config> parse(std::string_view text, std::string_view name, const SecretReader& read_secret)
{
    return parse_with_mode(text, name, read_secret, Surroundings::none, 0);
}

Result<Config> load(const std::filesystem::path& file)
{
    const auto whole = read_file_text(file, largest_file);
    if (!whole)
    {
        return fail(whole.error().kind,
                    file.string() + ": " + whole.error().text + "; name the configuration with --config FILE");
    }
    return parse_with_mode(whole->text, file.string(), read_secret_file, Surroundings::disk, whole->mode);
}

} // namespace fwupdate::config
