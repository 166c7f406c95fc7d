// PLDM packages: which record is for this machine, which component for which target.
#include "bmc-agent/verification/content_digest.hpp"
#include "bmc-agent/verification/form.hpp"

#include "common/package/package.hpp"
#include "common/package/payload_check.hpp"

#include <algorithm>

namespace fwupdate::agent
{
namespace
{

using protocol::ReasonCode;

constexpr std::size_t slice_size = 256UL * 1024; ///< bytes of one step

bool has(const config::Machine& machine, const pldm::Descriptor& descriptor)
{
    const std::string title = descriptor.title ? pldm::to_utf8(*descriptor.title) : std::string{};
    return std::ranges::any_of(
        machine.descriptors, [&](const config::MachineDescriptor& own)
        { return own.type == descriptor.type && own.title == title && own.data == descriptor.data; });
}

/// The first record whose descriptors this machine has all (DSP0267: all must match).
FormResult<const pldm::DeviceIdRecord*> record_for(const config::Machine& machine, const pldm::Content& content)
{
    if (machine.descriptors.empty())
    {
        return FormRefusal{ReasonCode::wrong_machine, "this BMC's configuration names no descriptors of this machine "
                                                      "(machine: descriptors), so no PLDM package is for it"};
    }
    const auto record = std::ranges::find_if(content.firmware_devices,
                                             [&](const pldm::DeviceIdRecord& candidate)
                                             {
                                                 return !candidate.descriptors.empty() &&
                                                        std::ranges::all_of(candidate.descriptors,
                                                                            [&](const pldm::Descriptor& descriptor)
                                                                            { return has(machine, descriptor); });
                                             });
    if (record == content.firmware_devices.end())
    {
        return FormRefusal{ReasonCode::wrong_machine, "none of the package's " +
                                                          std::to_string(content.firmware_devices.size()) +
                                                          " device records has the descriptors of this machine"};
    }
    return &*record;
}

Target* target_of(const pldm::ComponentImage& image, Targets& targets)
{
    const config::ComponentId id{image.classification, image.identifier};
    const auto place = std::ranges::find_if(targets.all(),
                                            [&](const Target& target) {
                                                return std::ranges::find(target.configuration().components, id) !=
                                                       target.configuration().components.end();
                                            });
    return place == targets.all().end() ? nullptr : &*place;
}

std::uint32_t security_version_of(const pldm::ComponentImage& image)
{
    const bool counts = (image.options & pldm::use_component_comparison_stamp) != 0;
    return counts && image.comparison_stamp != pldm::no_comparison_stamp ? image.comparison_stamp : 0;
}

/// The components for this machine, each with the place of its bytes in `content`.
FormResult<std::vector<Component>> find_components(const Places& places, const pldm::Content& content,
                                                   const UpdateRequest& request, const package::ByteSource& bytes)
{
    const auto record = record_for(places.machine, content);
    if (!record)
    {
        return record.error();
    }
    std::vector<Component> found;
    for (const std::uint16_t index : (*record)->applicable_components)
    {
        const pldm::ComponentImage& image = content.components.at(index);
        Target* const target = target_of(image, places.targets);
        const std::string name = "component " + std::to_string(index);
        if (target == nullptr && !request.target_chosen)
        {
            return FormRefusal{ReasonCode::target_unknown, name + " (classification " +
                                                               std::to_string(image.classification) + ", identifier " +
                                                               std::to_string(image.identifier) +
                                                               ") is for no target of this BMC (targets: components)"};
        }
        if (target != nullptr)
        {
            const std::uint64_t offset = image.location_offset;
            found.push_back({.target = target,
                             .name = name,
                             .version = pldm::to_utf8(image.version),
                             .security_version = security_version_of(image),
                             .image = {{image.size, [bytes, offset](std::uint64_t at, MutableBytes out)
                                        { return bytes.read(offset + at, out); }},
                                       {}}});
        }
    }
    return arrange(std::move(found), places.targets, request);
}

class PldmReader final : public FormReader
{
  public:
    explicit PldmReader(Places places) : places_{places} {}

    [[nodiscard]] FormResult<bool> step(Subject& subject) override
    {
        if (!package_)
        {
            return read_header(subject);
        }
        if (payload_)
        {
            return check_payload(subject);
        }
        return hash(subject);
    }

  private:
    [[nodiscard]] FormResult<bool> read_header(Subject& subject)
    {
        Bytes bytes(std::min<std::uint64_t>(pldm::header_prefix_size, subject.content.size));
        if (const auto read = subject.content.read(0, bytes); !read)
        {
            return FormRefusal{read.error()};
        }
        const auto size = pldm::header_size(bytes);
        if (!size)
        {
            return FormRefusal{size.error()};
        }
        bytes.resize(std::min<std::uint64_t>(*size, subject.content.size));
        if (const auto read = subject.content.read(0, bytes); !read)
        {
            return FormRefusal{read.error()};
        }
        auto package = pldm::Package::parse(bytes, subject.content.size);
        if (!package)
        {
            return FormRefusal{package.error()};
        }
        auto components = find_components(places_, package->content(), *subject.request, subject.content);
        if (!components)
        {
            return components.error();
        }
        subject.components = std::move(*components);
        package_.emplace(std::move(*package));
        if (package_->payload_check_needed())
        {
            payload_.emplace(*package_);
        }
        digest_.begin(subject.components.front().image.bytes);
        return false;
    }

    [[nodiscard]] FormResult<bool> check_payload(const Subject& subject)
    {
        if (payload_->rest() != 0)
        {
            slice_.resize(std::min<std::uint64_t>(slice_size, payload_->rest()));
            if (const auto read = subject.content.read(payload_->offset(), slice_); !read)
            {
                return FormRefusal{read.error()};
            }
            payload_->update(slice_);
            return false;
        }
        const auto verdict = payload_->verdict();
        payload_.reset();
        slice_ = {};
        return verdict ? FormResult<bool>{false} : FormResult<bool>{FormRefusal{verdict.error()}};
    }

    [[nodiscard]] FormResult<bool> hash(Subject& subject)
    {
        const auto end = digest_.step();
        if (!end)
        {
            return FormRefusal{end.error()};
        }
        if (!*end)
        {
            return false;
        }
        subject.components[hashed_].image.sha256 = digest_.digest();
        ++hashed_;
        if (hashed_ == subject.components.size())
        {
            return true;
        }
        digest_.begin(subject.components[hashed_].image.bytes);
        return false;
    }

    Places places_;
    std::optional<pldm::Package> package_;
    std::optional<pldm::PayloadCheck> payload_;
    ContentDigest digest_;
    std::size_t hashed_{}; ///< components
    Bytes slice_;
};

} // namespace

bool looks_like_pldm(ConstBytes header)
{
    pldm::Identifier identifier{};
    if (header.size() < identifier.size())
    {
        return false;
    }
    std::ranges::copy(header.first(identifier.size()), identifier.begin());
    return pldm::find_revision(identifier) != nullptr;
}

FormResult<std::vector<Component>> plan_pldm(Places places, const UpdateRequest& request, ConstBytes header)
{
    if (header.size() < pldm::header_prefix_size)
    {
        return std::vector<Component>{};
    }
    const auto size = pldm::header_size(header);
    if (!size)
    {
        return FormRefusal{size.error()};
    }
    if (header.size() < *size)
    {
        return std::vector<Component>{}; // it must be the image itself that tells
    }
    const auto package = pldm::Package::parse(header, request.size);
    if (!package)
    {
        return FormRefusal{package.error()};
    }
    return find_components(places, package->content(), request, package::memory_source({}));
}

std::unique_ptr<FormReader> make_pldm_reader(Places places)
{
    return std::make_unique<PldmReader>(places);
}

} // namespace fwupdate::agent
