// A staged image under verification: what was asked, where the bytes are, and what the checks have found in them.
#pragma once

#include "bmc-agent/staging/staging.hpp"
#include "bmc-agent/targets/target.hpp"
#include "bmc-agent/targets/verified_image.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent
{

/// What somebody has seen in an image before it came here.
struct ExpectedImage
{
    std::string version;
    package::Purpose purpose{};
};

/// What the client asked for and announced.
struct UpdateRequest
{
    Target* target{};                        ///< where the image goes, if it does not say so itself
    bool target_chosen{false};               ///< by the client: nothing else is to be changed
    std::uint16_t parameters{};              ///< protocol::parameter_*
    std::uint64_t size{};                    ///< bytes; 0: not announced
    std::optional<Sha256> sha256;            ///< announced by 2Bh, 44h or 4Ah
    std::optional<ExpectedImage> expected{}; ///< by who hands it over on the BMC itself
    Bytes signature;                         ///< detached, over the whole image (4Eh); empty: none
    bool base_profile{};                     ///< nothing but the base commands was used
    bool is_current{};                       ///< plan: all of it is known to be installed
};

enum class ImageForm : std::uint8_t
{
    plain,   ///< goes to the target as it is
    pldm,    ///< a PLDM firmware update package
    tarball, ///< an OpenBMC tarball
};

/// One thing to be programmed.
struct Component
{
    Target* target{};
    std::string name;    ///< for people: "component 0", "image-bmc"; empty: the image itself
    std::string version; ///< empty: it carries none
    std::uint32_t security_version{};
    VerifiedImage image;
};

struct Subject
{
    const UpdateRequest* request{};
    const Staging* staging{};

    /// How often the content is to be read: once for its form, once for each signature. For the percent.
    unsigned readings{1};

    // Found by the checks, in their order:
    std::string signer;          ///< who vouches for it; empty: nobody
    package::ByteSource content; ///< without the signature behind it
    ImageForm form{};
    std::string machine;                 ///< what the image says it is for; empty: it does not say
    std::vector<std::string> compatible; ///< other machines it is for
    std::vector<Component> components;   ///< in the order they are programmed in
};

} // namespace fwupdate::agent
