#include "bmc-agent/software/version_id.hpp"

#include "bmc-agent/software/names.hpp"
#include "common/bytes.hpp"

#include <openssl/sha.h>

#include <array>

namespace fwupdate::agent::software
{
namespace
{

constexpr std::size_t id_bytes = 4; ///< of the digest

std::string hash(std::string_view text)
{
    std::array<std::uint8_t, SHA512_DIGEST_LENGTH> digest{};
    ::SHA512(as_bytes(text).data(), text.size(), digest.data());
    return to_hex(ConstBytes{digest}.first(id_bytes));
}

bool needs_version(config::IdRule rule)
{
    return rule != config::IdRule::random && rule != config::IdRule::named;
}

} // namespace

Outcome<std::string> make_id(config::IdRule rule, const IdParts& parts)
{
    const std::string version{parts.version.substr(0, parts.version.find('\0'))};
    if (needs_version(rule) && version.empty())
    {
        return Refusal{ErrorCode::invalid_argument, "a version without a text has no id"};
    }
    switch (rule)
    {
    case config::IdRule::readme:
        return hash(version + " " + to_dbus(parts.purpose) + "\n");
    case config::IdRule::readme_purpose:
        return hash(version + " " + std::string{package::to_text(parts.purpose)} + "\n");
    case config::IdRule::version:
        return hash(version);
    case config::IdRule::salted:
        return hash(version + std::to_string(parts.salt));
    case config::IdRule::location:
        return hash(version + std::string{parts.location});
    case config::IdRule::named:
        return std::string{parts.name} + "_" + std::to_string(parts.salt % 10'000);
    case config::IdRule::random:
        break;
    }
    return hash(std::to_string(parts.salt));
}

} // namespace fwupdate::agent::software
