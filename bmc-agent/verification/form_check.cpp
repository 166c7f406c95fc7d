#include "bmc-agent/verification/content_digest.hpp"
#include "bmc-agent/verification/form.hpp"

#include "common/package/package.hpp"
#include "common/package/signature/self_contained.hpp"
#include "common/package/tarball/tarball.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace fwupdate::agent
{
namespace
{

using protocol::ReasonCode;

constexpr std::size_t head_size = 512; ///< bytes that tell every form

ImageForm form_of(ConstBytes head)
{
    return looks_like_pldm(head)               ? ImageForm::pldm
           : package::looks_like_tarball(head) ? ImageForm::tarball
                                               : ImageForm::plain;
}

std::uint8_t accepts_bit(ImageForm form)
{
    switch (form)
    {
    case ImageForm::pldm:
        return protocol::accepts_pldm;
    case ImageForm::tarball:
        return protocol::accepts_tarball;
    case ImageForm::plain:
        break;
    }
    return protocol::accepts_plain;
}

std::string_view name_of(ImageForm form)
{
    switch (form)
    {
    case ImageForm::pldm:
        return "a PLDM package";
    case ImageForm::tarball:
        return "an OpenBMC tarball";
    case ImageForm::plain:
        break;
    }
    return "a plain image";
}

std::optional<FormRefusal> fault_of_part(const std::string& name, const Target& target, std::uint64_t size)
{
    const std::uint64_t limit = target.configuration().max_size;
    if (limit == 0 || size <= limit)
    {
        return std::nullopt;
    }
    return FormRefusal{ReasonCode::image_too_large, name + " has " + std::to_string(size) + " bytes, target " +
                                                        target.configuration().name + " takes at most " +
                                                        std::to_string(limit)};
}

class PlainReader final : public FormReader
{
  public:
    [[nodiscard]] FormResult<bool> step(Subject& subject) override
    {
        if (subject.components.empty())
        {
            if (auto fault = fault_of_part("the image", *subject.request->target, subject.content.size))
            {
                return std::move(*fault);
            }
            subject.components.push_back({.target = subject.request->target,
                                          .name = {},
                                          .version = {},
                                          .security_version = 0,
                                          .image = {subject.content, {}}});
            digest_.begin(subject.content);
        }
        VerifiedImage& image = subject.components.front().image;
        if (subject.content.size == subject.staging->length())
        {
            image.sha256 = *subject.staging->digest();
            return true;
        }
        const auto end = digest_.step();
        if (!end)
        {
            return FormRefusal{end.error()};
        }
        image.sha256 = *end ? digest_.digest() : Sha256{};
        return *end;
    }

  private:
    ContentDigest digest_;
};

class FormCheck final : public Check
{
  public:
    explicit FormCheck(Places places) : places_{places} {}

    [[nodiscard]] std::string_view name() const override
    {
        return "form";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& request, ConstBytes header) override
    {
        if (header.empty())
        {
            return std::nullopt;
        }
        const auto form = accepted_form(header, request);
        if (!form)
        {
            return refused(form.error());
        }
        if (*form == ImageForm::plain) // there may be a signature behind it
        {
            const std::uint64_t least = request.size - std::min<std::uint64_t>(request.size, package::largest_trailer);
            if (const auto fault = fault_of_part("the image", *request.target, least))
            {
                return refused(*fault);
            }
        }
        if (*form != ImageForm::pldm)
        {
            return Finding{name(), ReasonCode::none, std::string{name_of(*form)}};
        }
        const auto components = plan_pldm(places_, request, header);
        return components ? passed(*form, *components) : refused(components.error());
    }

    void begin() override
    {
        reader_.reset();
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        const auto end = go_on(subject);
        if (!end)
        {
            reader_.reset();
            return refused(end.error());
        }
        if (!*end)
        {
            return std::nullopt;
        }
        reader_.reset();
        return passed(subject.form, subject.components);
    }

  private:
    [[nodiscard]] FormResult<bool> go_on(Subject& subject)
    {
        if (reader_)
        {
            return reader_->step(subject);
        }
        std::array<std::uint8_t, head_size> start{};
        const MutableBytes head =
            MutableBytes{start}.first(std::min<std::uint64_t>(start.size(), subject.content.size));
        if (const auto read = subject.content.read(0, head); !read)
        {
            return FormRefusal{read.error()};
        }
        const auto form = accepted_form(head, *subject.request);
        if (!form)
        {
            return form.error();
        }
        subject.form = *form;
        reader_ = *form == ImageForm::pldm      ? make_pldm_reader(places_)
                  : *form == ImageForm::tarball ? make_tarball_reader(places_)
                                                : make_plain_reader();
        return false;
    }

    [[nodiscard]] Finding refused(const FormRefusal& refusal) const
    {
        return {name(), refusal.code, refusal.text};
    }

    [[nodiscard]] Finding passed(ImageForm form, const std::vector<Component>& components) const
    {
        std::string text{name_of(form)};
        for (const Component& component : components)
        {
            text += (&component == &components.front() ? ": " : ", ") +
                    (component.name.empty() ? "all of it" : component.name) +
                    (component.version.empty() ? "" : " " + printable(component.version)) + " for " +
                    component.target->configuration().name;
        }
        return {name(), ReasonCode::none, std::move(text)};
    }

    Places places_;
    std::unique_ptr<FormReader> reader_;
};

} // namespace

FormResult<ImageForm> accepted_form(ConstBytes head, const UpdateRequest& request)
{
    const ImageForm form = form_of(head);
    const std::uint8_t accepts = request.target->configuration().accepts;
    if ((accepts & accepts_bit(form)) != 0)
    {
        return form;
    }
    if ((accepts & protocol::accepts_plain) != 0)
    {
        return ImageForm::plain;
    }
    return FormRefusal{ReasonCode::package_bad, "target " + request.target->configuration().name + " does not take " +
                                                    std::string{name_of(form)} + " (its \"accepts\")"};
}

std::unique_ptr<FormReader> make_plain_reader()
{
    return std::make_unique<PlainReader>();
}

FormResult<std::vector<Component>> arrange(std::vector<Component> found, Targets& targets, const UpdateRequest& request)
{
    std::vector<Component> components;
    for (Target& target : targets.all())
    {
        const auto is_its = [&](const Component& component) { return component.target == &target; };
        if (request.target_chosen && request.target != &target)
        {
            continue;
        }
        if (std::ranges::count_if(found, is_its) > 1)
        {
            return FormRefusal{ReasonCode::target_ambiguous,
                               "more than one part of the package is for target " + target.configuration().name};
        }
        std::ranges::copy_if(found, std::back_inserter(components), is_its);
    }
    if (components.empty())
    {
        return FormRefusal{ReasonCode::target_unknown,
                           request.target_chosen
                               ? "nothing in the package is for target " + request.target->configuration().name
                               : "nothing in the package is for a target of this BMC"};
    }
    for (const Component& component : components)
    {
        if (component.image.bytes.size == 0)
        {
            return FormRefusal{ReasonCode::image_empty, component.name + " is empty"};
        }
        if (auto fault = fault_of_part(component.name, *component.target, component.image.bytes.size))
        {
            return std::move(*fault);
        }
    }
    return components;
}

std::unique_ptr<Check> make_form_check(Places places)
{
    return std::make_unique<FormCheck>(places);
}

} // namespace fwupdate::agent
