// The forms an image may have: a plain one, a PLDM package, an OpenBMC tarball. A reader of a form finds what is to be
// programmed, where, and which version it has; nothing is written and nothing is believed before every check has
// passed.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "bmc-agent/verification/signature_check.hpp"
#include "bmc-agent/verification/subject.hpp"

#include <boost/system/result.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace fwupdate::agent
{

/// Why an image of this form is not taken.
struct FormRefusal
{
    FormRefusal() = default;
    FormRefusal(protocol::ReasonCode why, std::string sentence) : code{why}, text{std::move(sentence)} {}

    /// Something that could not be read, or is not what it must be.
    FormRefusal(Error error)
        : code{error.kind == ErrorKind::input_output ? protocol::ReasonCode::input_output
                                                     : protocol::ReasonCode::package_bad},
          text{std::move(error.text)}
    {
    }

    protocol::ReasonCode code{};
    std::string text;
};

/// Reading the value of a failed result is a bug of ours.
[[noreturn]] inline void throw_exception_from_error(const FormRefusal& refusal, const boost::source_location&)
{
    throw std::logic_error("unchecked result: " + refusal.text);
}

template <class T> using FormResult = boost::system::result<T, FormRefusal>;

/// Where components may go.
struct Places
{
    Targets& targets;
    const config::Machine& machine;
    const Trust& trust;
};

/// Reads one image; made anew for each.
class FormReader
{
  public:
    virtual ~FormReader() = default;

    /// One slice of work. True: the subject's machine, versions and components are known, digests included.
    [[nodiscard]] virtual FormResult<bool> step(Subject& subject) = 0;
};

[[nodiscard]] std::unique_ptr<FormReader> make_plain_reader();
[[nodiscard]] std::unique_ptr<FormReader> make_pldm_reader(Places places);
[[nodiscard]] std::unique_ptr<FormReader> make_tarball_reader(Places places);

/// What a PLDM package's header alone tells: the components without their bytes. `header` may be cut off: an empty list
/// then. Errors: as the reader's.
[[nodiscard]] FormResult<std::vector<Component>> plan_pldm(Places places, const UpdateRequest& request,
                                                           ConstBytes header);

/// The form of an image with these first bytes, for the request's target: what looks like a package goes to a target
/// that takes no such packages as it is, if that takes plain images. Error: package_bad (none that the target takes).
[[nodiscard]] FormResult<ImageForm> accepted_form(ConstBytes head, const UpdateRequest& request);

/// Whether these are the first bytes of a PLDM package.
[[nodiscard]] bool looks_like_pldm(ConstBytes header);

/// Keeps the components that the request wants (the chosen target's, or all), in the order of the configuration, and
/// looks at the targets' limits. Errors: target_unknown, target_ambiguous, image_too_large.
[[nodiscard]] FormResult<std::vector<Component>> arrange(std::vector<Component> found, Targets& targets,
                                                         const UpdateRequest& request);

/// The check of the form: picks the reader by the content's first bytes and what the target accepts.
[[nodiscard]] std::unique_ptr<Check> make_form_check(Places places);

} // namespace fwupdate::agent
