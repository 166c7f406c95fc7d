// Uploads of any kind: facts that may be shown on D-Bus, or one of the three refusals.
#include "bmc-agent/software/upload.hpp"

#include "common/bytes.hpp"

#include <cstdlib>

using namespace fwupdate;
using namespace fwupdate::agent::software;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

void check_facts(const ImageFacts& facts)
{
    require(!facts.version.empty() && printable(facts.version) == facts.version);
    require(printable(facts.extended_version) == facts.extended_version);
    for (const std::string& name : facts.compatible_names)
    {
        require(printable(name) == name);
    }
}

void check_tftp(const std::string& text)
{
    const auto request = tftp_request(text, text);
    require(!request || (request->file.find('/') == std::string::npos && request->file.front() != '.' &&
                         request->server.front() != '-'));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const UploadRules rules{"testboard", {}, {{"image-bmc"}}};
    UploadInspection inspection{package::memory_source({data, size}), rules, "upload"};
    Outcome<bool> end{false};
    while (end && !*end)
    {
        end = inspection.step();
    }
    if (end)
    {
        check_facts(inspection.facts());
    }
    else
    {
        const ErrorCode code = end.error().code;
        require(code == ErrorCode::untar_failure || code == ErrorCode::manifest_file_failure ||
                code == ErrorCode::image_failure);
        require(!end.error().text.empty() && end.error().metadata.front().first == "PATH");
    }
    check_tftp(as_text({data, size}));
    return 0;
}
