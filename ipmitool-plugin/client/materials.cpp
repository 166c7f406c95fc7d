#include "ipmitool-plugin/client/materials.hpp"

#include "ipmitool-plugin/client/signature.hpp"

#include <utility>

namespace fwupdate::client
{
namespace
{

/// The file that the command line names; empty: none.
std::string image_file(const Invocation& invocation)
{
    switch (invocation.verb)
    {
    case Verb::install:
    case Verb::plan:
    case Verb::write:
    case Verb::usb:
    case Verb::serve:
        return invocation.argument;
    case Verb::resume:
        return is_uri(invocation) ? invocation.keywords.image.value_or("") : invocation.argument;
    default:
        return invocation.keywords.image.value_or("");
    }
}

Attempt<Image> open_image(const std::string& file, const std::optional<Sha256>& wanted)
{
    Result<Image> opened = Image::open(file);
    if (!opened)
    {
        return Outcome{ExitCode::bad_image, opened.error().text};
    }
    if (wanted && *wanted != opened->sha256())
    {
        return Outcome{ExitCode::bad_image, opened->file().string() + " has the SHA-256 " + to_hex(opened->sha256()) +
                                                ", not " + to_hex(*wanted)};
    }
    return std::move(*opened);
}

Attempt<void> add_source(const Invocation& invocation, Materials& materials)
{
    const Result<Uri> uri = parse_uri(invocation.argument);
    if (!uri)
    {
        return Outcome{ExitCode::usage, uri.error().text};
    }
    Result<Source> source = make_source(*uri, invocation.keywords);
    if (!source)
    {
        return Outcome{ExitCode::usage, source.error().text};
    }
    materials.source.emplace(std::move(*source));
    Subject& subject = materials.subject;
    subject.name = uri->shown;
    subject.argument = uri->text;
    subject.is_uri = true;
    subject.had_credentials = uri->credentials.has_value();
    if (!materials.image)
    {
        subject.size = invocation.keywords.size.value_or(0);
        subject.sha256 = invocation.keywords.sha256;
    }
    return {};
}

Attempt<void> add_image(const std::string& file, const Keywords& keywords, Materials& materials)
{
    Attempt<Image> image = open_image(file, keywords.sha256);
    if (!image)
    {
        return image.error();
    }
    Result<Bytes> header = image->read(0, protocol::largest_lan_message);
    if (!header)
    {
        return Outcome{ExitCode::bad_image, header.error().text};
    }
    materials.image.emplace(std::move(*image));
    materials.subject = subject_of(*materials.image);
    materials.subject.header = std::move(*header);
    return {};
}

/// The file that the keyword or, for the single step, the command line names; empty: none.
std::string signature_file(const Invocation& invocation)
{
    return invocation.verb == Verb::signature ? invocation.argument : invocation.keywords.signature.value_or("");
}

} // namespace

Attempt<Materials> gather(const Invocation& invocation)
{
    Materials materials;
    if (const std::string file = image_file(invocation); !file.empty())
    {
        if (const Attempt<void> added = add_image(file, invocation.keywords, materials); !added)
        {
            return added.error();
        }
    }
    const bool by_uri = invocation.verb == Verb::uri || (invocation.verb == Verb::resume && is_uri(invocation));
    if (by_uri)
    {
        if (const Attempt<void> added = add_source(invocation, materials); !added)
        {
            return added.error();
        }
    }
    if (const std::string file = signature_file(invocation); !file.empty())
    {
        Result<Bytes> signature = read_signature(file);
        if (!signature)
        {
            return Outcome{ExitCode::usage, signature.error().text};
        }
        materials.signature = std::move(*signature);
    }
    return materials;
}

} // namespace fwupdate::client
