// What an uploaded file is: an OpenBMC tarball with a MANIFEST for this machine, or one of the errors that OpenBMC's
// clients know. Only looked into: whether it may be programmed is verified when it is activated, by the update session.
#pragma once

#include "bmc-agent/software/errors.hpp"
#include "bmc-agent/software/version.hpp"
#include "common/package/byte_source.hpp"
#include "common/package/tarball/contents.hpp"
#include "common/package/tarball/tarball.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::software
{

struct UploadRules
{
    std::string machine;                              ///< this one's MachineName; empty: any is taken
    std::vector<std::string> compatible;              ///< other names of it
    std::vector<std::vector<std::string>> image_sets; ///< of which a BMC's tarball has one; empty: any images do
};

/// OPENBMC_TARGET_MACHINE of /etc/os-release, quoted or not; empty: it has none.
[[nodiscard]] std::string machine_of(std::string_view os_release);

class UploadInspection
{
  public:
    /// `path`: for the errors' metadata. The rules outlive the inspection.
    UploadInspection(package::ByteSource bytes, const UploadRules& rules, std::string path);

    /// One slice of work. True: it is an image for this machine, and facts() tell which. Errors, with PATH:
    /// untar_failure (no tarball, damaged, not plain files), manifest_file_failure (no MANIFEST, or one that lacks
    /// something or has something wrong), image_failure (of another machine). An error is final.
    [[nodiscard]] Outcome<bool> step();

    [[nodiscard]] const ImageFacts& facts() const
    {
        return facts_;
    }

    /// The image is taken, but a person should know: it doesn't say for which machine it is.
    [[nodiscard]] const std::optional<Refusal>& remark() const
    {
        return remark_;
    }

  private:
    /// Remembers whether the MANIFEST was what ended the reading.
    class Visitor final : public package::TarballVisitor
    {
      public:
        [[nodiscard]] Result<void> begin(const package::TarballMember& member) override;
        [[nodiscard]] Result<void> data(ConstBytes slice) override;
        [[nodiscard]] Result<void> end() override;

        package::TarballContents contents;
        bool manifest_failed{false};

      private:
        bool in_manifest_{false};
    };

    [[nodiscard]] Refusal refuse(ErrorCode code, std::string text) const;
    [[nodiscard]] Outcome<bool> conclude();
    [[nodiscard]] Outcome<void> check_machine(const package::Manifest& manifest);
    [[nodiscard]] bool is_ours(const std::string& machine) const;
    [[nodiscard]] bool has_whole_set() const;

    const UploadRules* rules_;
    std::string path_;
    std::unique_ptr<Visitor> visitor_{std::make_unique<Visitor>()}; ///< stays where it is when this is moved
    package::TarballReader reader_;
    ImageFacts facts_;
    std::optional<Refusal> remark_;
};

/// Opens what somebody closed in the upload directory. Errors, with PATH: manifest_file_failure (no regular file, a
/// symbolic link, gone), untar_failure (empty).
[[nodiscard]] Outcome<File> open_upload(const std::filesystem::path& path);

/// The whole of an open file, as a source that shares it.
[[nodiscard]] package::ByteSource file_source(std::shared_ptr<const File> file, std::uint64_t size);

/// What DownloadViaTFTP asks for.
struct TftpRequest
{
    std::string file;   ///< on the server, and in the upload directory: a name without '/' and leading '.'
    std::string server; ///< an address or a host's name
};

/// Errors: invalid_argument (nothing is left of the name or the server, or they hold what no name holds).
[[nodiscard]] Outcome<TftpRequest> tftp_request(std::string_view file, std::string_view server);

} // namespace fwupdate::agent::software
