#include "bmc-agent/software/upload.hpp"

#include "common/bytes.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace fwupdate::agent::software
{
namespace
{

constexpr std::size_t longest_name = 255;   ///< bytes, NAME_MAX
constexpr std::size_t longest_server = 253; ///< bytes of a host's name (RFC 1035 section 2.3.4)

bool is_server_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '.' || letter == '-' || letter == '_' || letter == ':' || letter == '%' || letter == '[' ||
           letter == ']';
}

bool looks_for_set(package::Purpose purpose)
{
    return purpose == package::Purpose::bmc || purpose == package::Purpose::system;
}

} // namespace

std::string machine_of(std::string_view os_release)
{
    constexpr std::string_view key = "OPENBMC_TARGET_MACHINE=";
    while (!os_release.empty())
    {
        const std::size_t end = os_release.find('\n');
        std::string_view line = os_release.substr(0, end);
        os_release.remove_prefix(end == std::string_view::npos ? os_release.size() : end + 1);
        if (!line.starts_with(key))
        {
            continue;
        }
        line.remove_prefix(key.size());
        const bool quoted = line.size() >= 2 && line.starts_with('"') && line.ends_with('"');
        return std::string{quoted ? line.substr(1, line.size() - 2) : line};
    }
    return {};
}

Result<void> UploadInspection::Visitor::begin(const package::TarballMember& member)
{
    in_manifest_ = member.name == "MANIFEST";
    auto begun = contents.begin(member);
    manifest_failed = !begun && in_manifest_;
    return begun;
}

Result<void> UploadInspection::Visitor::data(ConstBytes slice)
{
    return contents.data(slice);
}

Result<void> UploadInspection::Visitor::end()
{
    auto ended = contents.end();
    manifest_failed = !ended && in_manifest_;
    return ended;
}

UploadInspection::UploadInspection(package::ByteSource bytes, const UploadRules& rules, std::string path)
    : rules_{&rules}, path_{std::move(path)}, reader_{std::move(bytes), *visitor_}
{
}

Outcome<bool> UploadInspection::step()
{
    const auto end = reader_.step();
    if (!end)
    {
        const bool manifest = visitor_->manifest_failed;
        return refuse(manifest ? ErrorCode::manifest_file_failure : ErrorCode::untar_failure, end.error().text);
    }
    return *end ? conclude() : Outcome<bool>{false};
}

Refusal UploadInspection::refuse(ErrorCode code, std::string text) const
{
    return {code, std::move(text), {{"PATH", path_}}};
}

Outcome<bool> UploadInspection::conclude()
{
    const auto& manifest = visitor_->contents.manifest();
    if (!manifest)
    {
        return refuse(ErrorCode::manifest_file_failure, "the tarball has no MANIFEST");
    }
    if (const auto ours = check_machine(*manifest); !ours)
    {
        return ours.error();
    }
    facts_.version = manifest->version;
    facts_.purpose = manifest->purpose;
    facts_.extended_version = manifest->extended_version;
    facts_.compatible_names = manifest->compatible_names;
    facts_.complete = !visitor_->contents.images().empty() && (!looks_for_set(manifest->purpose) || has_whole_set());
    return true;
}

Outcome<void> UploadInspection::check_machine(const package::Manifest& manifest)
{
    const auto is_named = [this](const std::string& name) { return is_ours(name); };
    const bool anything = rules_->machine.empty() && rules_->compatible.empty();
    if (manifest.machine_name.empty())
    {
        remark_ = refuse(ErrorCode::image_failure, "MANIFEST is missing machine name");
        remark_->metadata.emplace_back("FAIL", remark_->text);
        return {};
    }
    if (anything || is_named(manifest.machine_name) || std::ranges::any_of(manifest.compatible_names, is_named))
    {
        return {};
    }
    Refusal refusal =
        refuse(ErrorCode::image_failure, "the image is for " + manifest.machine_name + ", this machine is " +
                                             (rules_->machine.empty() ? rules_->compatible.front() : rules_->machine));
    refusal.metadata.emplace_back("FAIL", refusal.text);
    return refusal;
}

bool UploadInspection::is_ours(const std::string& machine) const
{
    return machine == rules_->machine || std::ranges::find(rules_->compatible, machine) != rules_->compatible.end();
}

bool UploadInspection::has_whole_set() const
{
    const package::TarballContents& contents = visitor_->contents;
    const auto is_there = [&](const std::string& name) { return contents.image(name) != nullptr; };
    return rules_->image_sets.empty() ||
           std::ranges::any_of(rules_->image_sets, [&](const auto& set) { return std::ranges::all_of(set, is_there); });
}

Outcome<File> open_upload(const std::filesystem::path& path)
{
    const auto refuse = [&](ErrorCode code, std::string text) {
        return Refusal{code, std::move(text), {{"PATH", printable(path.string())}}};
    };
    auto file = File::open(path, O_RDONLY | O_NONBLOCK);
    if (!file)
    {
        return refuse(ErrorCode::manifest_file_failure, file.error().text);
    }
    const auto status = file->status();
    if (!status || !S_ISREG(status->st_mode))
    {
        return refuse(ErrorCode::manifest_file_failure, printable(path.string()) + " is no regular file");
    }
    if (status->st_size == 0)
    {
        return refuse(ErrorCode::untar_failure, printable(path.string()) + " is empty");
    }
    return std::move(*file);
}

package::ByteSource file_source(std::shared_ptr<const File> file, std::uint64_t size)
{
    return {size,
            [file = std::move(file)](std::uint64_t offset, MutableBytes out) { return file->read_at(offset, out); }};
}

Outcome<TftpRequest> tftp_request(std::string_view file, std::string_view server)
{
    std::string name{file};
    std::erase(name, '/');
    name.erase(0, name.find_first_not_of('.'));
    if (name.empty() || name.size() > longest_name || printable(name) != name)
    {
        return Refusal{ErrorCode::invalid_argument, "the file's name is empty, too long, or not printable"};
    }
    const bool good = !server.empty() && server.size() <= longest_server && server.front() != '-' &&
                      std::ranges::all_of(server, is_server_letter);
    if (!good)
    {
        return Refusal{ErrorCode::invalid_argument, "the server is neither an address nor a host's name"};
    }
    return TftpRequest{std::move(name), std::string{server}};
}

} // namespace fwupdate::agent::software
