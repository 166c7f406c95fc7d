// Configuration text of any kind: either one whole object or a report, never a crash, never a secret in the report.
#include "bmc-agent/config/config.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace fwupdate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto secret = [](const std::filesystem::path&) -> Result<std::string>
    { return std::string{"0123456789abcdef"}; };
    const auto parsed = config::parse(text, "fuzz", secret);
    if (!parsed)
    {
        return parsed.error().text.starts_with("fuzz: ") ? 0 : (std::abort(), 0);
    }
    const bool whole = !parsed->users.empty() && !parsed->targets.empty() && !parsed->lan.listen.empty() &&
                       !parsed->lan.cipher_suites.empty() && parsed->staging.directory.is_absolute() &&
                       !config::summary(*parsed).empty();
    if (!whole)
    {
        std::abort();
    }
    return 0;
}
