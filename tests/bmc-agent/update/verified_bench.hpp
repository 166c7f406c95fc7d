// An agent that wants signatures, on a machine with two targets; and the images that it is offered.
#pragma once

#include "common/package/signature/self_contained.hpp"
#include "common/package/writer.hpp"
#include "tests/bmc-agent/update/transfer_steps.hpp"
#include "tests/common/package/signature/pki.hpp"
#include "tests/common/package/tarball/tar_builder.hpp"

#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace fwupdate::test
{

/// A component of a PLDM package. Classification 10 and identifier 1 are the machine's "bios", 2 its "cpld".
struct Part
{
    std::uint16_t identifier{};
    std::string version;
    Bytes bytes;
    std::uint32_t stamp{pldm::no_comparison_stamp}; ///< comparison stamp: the security version
};

inline constexpr std::uint16_t part_classification = 10;
inline constexpr std::uint16_t uuid_descriptor = 2;

/// The UUID of the machine under test.
inline Bytes machine_uuid()
{
    return Bytes(16, 0x42);
}

inline pldm::VersionString ascii(const std::string& text)
{
    return pldm::from_utf8(pldm::StringType::ascii, text).value();
}

/// A package of revision 1 with one device record, which all parts are for.
inline Bytes pldm_package(const std::vector<Part>& parts, const Bytes& uuid = machine_uuid())
{
    pldm::Content content;
    content.revision = 1;
    content.identifier = pldm::find_revision(content.revision)->identifier;
    content.release_date_time = {0, {0, 0, 0}, 0, 0, 12, 1, 1, 2026, 0};
    content.component_bitmap_bit_length = 8;
    content.version = ascii("package 1");
    pldm::DeviceIdRecord& record = content.firmware_devices.emplace_back();
    record.version = ascii("set 1");
    record.descriptors = {{uuid_descriptor, {}, uuid}};
    for (const Part& part : parts)
    {
        record.applicable_components.push_back(static_cast<std::uint16_t>(content.components.size()));
        pldm::ComponentImage& image = content.components.emplace_back();
        image.classification = part_classification;
        image.identifier = part.identifier;
        image.comparison_stamp = part.stamp;
        image.options = part.stamp == pldm::no_comparison_stamp ? 0 : pldm::use_component_comparison_stamp;
        image.version = ascii(part.version);
        image.size = static_cast<std::uint32_t>(part.bytes.size());
    }
    const auto total = pldm::place_components(content);
    REQUIRE(total.has_value());
    const auto header = pldm::encode_header(content, *total);
    REQUIRE(header.has_value());
    Bytes package = header->bytes;
    for (const Part& part : parts)
    {
        package.insert(package.end(), part.bytes.begin(), part.bytes.end());
    }
    return package;
}

inline std::string manifest(const std::string& version, const std::string& machine = {},
                            const std::string& purpose = "Host")
{
    return "purpose=xyz.openbmc_project.Software.Version.VersionPurpose." + purpose + "\nversion=" + version +
           (machine.empty() ? "\n" : "\nMachineName=" + machine + "\n");
}

/// A signer whom the agent trusts, and everybody else.
struct Vendor
{
    Identity root = make_root();
    Identity signer = make_signer(root);
    Identity stranger = make_signer(make_root("Foreign Root"), "Stranger");

    [[nodiscard]] Identity signer_with(CertificateOptions options) const
    {
        options.issuer = &root;
        options.extended_key_usage = options.extended_key_usage.empty() ? "codeSigning" : options.extended_key_usage;
        options.key_usage = "digitalSignature";
        return make_identity(options);
    }
};

/// The image with a signature behind it.
inline Bytes signed_by(const Identity& signer, const Bytes& content)
{
    Bytes image = content;
    const auto trailer = package::make_trailer(sign_cms(content, signer));
    REQUIRE(trailer.has_value());
    image.insert(image.end(), trailer->begin(), trailer->end());
    return image;
}

class VerifiedBench
{
  public:
    /// `change`: what is different from an agent that requires signatures and knows its machine.
    explicit VerifiedBench(const std::function<void(Policy&, const Vendor&)>& change = {},
                           protocol::Restart restart = protocol::Restart::nothing)
        : bench_{restart, policy(change)}
    {
    }

    [[nodiscard]] UpdateBench& bench()
    {
        return bench_;
    }
    [[nodiscard]] std::string cpld() const
    {
        const auto text = agent::read_file(bench_.directory.path() / "cpld.bin", UpdateBench::limit);
        return text ? *text : std::string{};
    }
    [[nodiscard]] std::filesystem::path staged() const
    {
        return bench_.directory.path() / "staging" / "image";
    }
    void running_version(const std::string& target, const std::string& version) const
    {
        std::ofstream{files_.path() / (target + ".version")} << version << '\n';
    }

    /// Everything up to "transfer complete". The target: FFh leaves it to the image.
    void stage(const Bytes& image, std::uint16_t parameters = 0, std::uint8_t target = protocol::no_target,
               const Bytes& signature = {})
    {
        using protocol::Command;
        REQUIRE(bench_.enter(caller_) == ipmi::CompletionCode::ok);
        const auto set = bench_.send(
            caller_, Command::set_update_parameters,
            protocol::SetUpdateParametersRequest{{parameters}, {parameters}, protocol::ApplyTime::unchanged, target});
        REQUIRE(set.response.completion_code == ipmi::CompletionCode::ok);
        auto request = begin_request(image);
        request.target = target;
        const auto transfer =
            bench_.get<protocol::BeginTransferResponse>(caller_, Command::begin_transfer, codec::encode(request));
        send_all(bench_, caller_, transfer.transfer, image);
        send_signature(signature);
        REQUIRE(bench_.code(caller_, "29 02") == ipmi::CompletionCode::ok);
    }

    void send_signature(const Bytes& signature)
    {
        for (std::size_t offset = 0; offset < signature.size(); offset += 200)
        {
            const ConstBytes part =
                ConstBytes{signature}.subspan(offset, std::min<std::size_t>(200, signature.size() - offset));
            const auto sent = bench_.send(
                caller_, protocol::Command::write_signature_part,
                protocol::WriteSignaturePartRequest{
                    static_cast<std::uint16_t>(signature.size()), static_cast<std::uint16_t>(offset), {part}});
            REQUIRE(sent.response.completion_code == ipmi::CompletionCode::ok);
        }
    }

    /// A whole update; gives the state it ends in.
    protocol::UpdateState update(const Bytes& image, std::uint16_t parameters = 0,
                                 std::uint8_t target = protocol::no_target, const Bytes& signature = {})
    {
        stage(image, parameters, target, signature);
        bench_.work();
        return bench_.state(caller_);
    }

    void leave()
    {
        REQUIRE(bench_.code(caller_, "28") == ipmi::CompletionCode::ok);
        bench_.pass(std::chrono::seconds{10});
    }

    [[nodiscard]] protocol::ReasonCode reason_code()
    {
        return bench_.get<protocol::GetReasonResponse>(caller_, protocol::Command::get_reason, Bytes{0, 0}).code;
    }
    [[nodiscard]] std::string reason()
    {
        return bench_.reason(caller_);
    }
    [[nodiscard]] const agent::Caller& caller() const
    {
        return caller_;
    }

    Vendor vendor;

  private:
    [[nodiscard]] Policy policy(const std::function<void(Policy&, const Vendor&)>& change)
    {
        std::ofstream{files_.path() / "roots.pem"} << pem_of(vendor.root.certificate.get());
        Policy policy;
        policy.verification.signature_required = true;
        policy.verification.roots = files_.path() / "roots.pem";
        policy.machine.name = "ours";
        policy.machine.descriptors = {{uuid_descriptor, {}, machine_uuid()}};
        policy.date = std::chrono::system_clock::from_time_t(present);
        policy.change_targets = [directory = files_.path()](config::Target& bios, config::Target& cpld)
        {
            bios.components = {{part_classification, 1}};
            cpld.components = {{part_classification, 2}};
            bios.purpose = package::Purpose::host;
            bios.version_file = directory / "bios.version";
            cpld.version_file = directory / "cpld.version";
        };
        if (change)
        {
            change(policy, vendor);
        }
        return policy;
    }

    TemporaryDirectory files_; ///< roots, versions
    UpdateBench bench_;
    agent::Caller caller_ = lan_caller(1);
};

inline bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace fwupdate::test
