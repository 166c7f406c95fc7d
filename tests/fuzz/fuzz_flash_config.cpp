// A file of phosphor-ipmi-flash's configuration, of any kind: what comes out may be served, what does not was told.
#include "bmc-agent/config/flash/flash_config.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

using namespace fwupdate::config::flash;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

bool is_plain(std::string_view text)
{
    return std::ranges::none_of(text, [](char letter) { return static_cast<unsigned char>(letter) < 0x20; });
}

void check_blob(const FlashBlob& blob)
{
    require(blob.blob.starts_with("/flash/") && blob.blob.size() > 7 && blob.blob.size() <= 255);
    require(is_plain(blob.blob) && is_plain(blob.handler.path.string()));
    require(blob.origin.pointer.starts_with('/'));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const FlashConfig config = parse({reinterpret_cast<const char*>(data), size}, "fuzz");
    std::set<std::string_view> ids;
    for (const FlashBlob& blob : config.blobs)
    {
        check_blob(blob);
        require(!is_reserved(blob.blob) && ids.insert(blob.blob).second);
    }
    std::ranges::for_each(config.set_aside, check_blob);
    require(config.blobs.size() + config.set_aside.size() <= 64);
    require(config.warnings.size() >= (config.set_aside.empty() ? 0U : 1U));
    for (const auto* const lines : {&config.mistakes, &config.warnings})
    {
        require(std::ranges::all_of(*lines, [](const std::string& line)
                                    { return line.starts_with("fuzz: ") && is_plain(line); }));
    }
    const std::string text = summary(config);
    require(static_cast<std::size_t>(std::ranges::count(text, '\n')) == config.blobs.size() + config.set_aside.size());
    return 0;
}
