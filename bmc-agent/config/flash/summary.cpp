#include "bmc-agent/config/flash/flash_config.hpp"
#include "common/bytes.hpp"

#include <string>

namespace fwupdate::config::flash
{
namespace
{

/// What an action does.
struct Words
{
    std::string operator()(const Skip& /*skip*/) const
    {
        return "skipped";
    }
    std::string operator()(const Systemd& job) const
    {
        return "starts " + printable(job.unit) + (job.mode == Systemd{}.mode ? "" : " (" + printable(job.mode) + ")");
    }
    std::string operator()(const FileSystemd& action) const
    {
        return (*this)(action.job) + ", status in " + printable(action.path.string());
    }
    std::string operator()(const Reboot& /*reboot*/) const
    {
        return "restarts the BMC";
    }
};

std::string line_of(const FlashBlob& blob)
{
    return printable(blob.blob) + ": file " + printable(blob.handler.path.string()) + "; preparation " +
           std::visit(Words{}, blob.preparation) + "; verification " + std::visit(Words{}, blob.verification) +
           "; update " + std::visit(Words{}, blob.update) + "\n";
}

} // namespace

std::string summary(const FlashConfig& config)
{
    std::string text;
    for (const FlashBlob& blob : config.blobs)
    {
        text += "blob " + line_of(blob);
    }
    for (const FlashBlob& blob : config.set_aside)
    {
        text += "set aside: blob " + line_of(blob);
    }
    return text;
}

} // namespace fwupdate::config::flash
