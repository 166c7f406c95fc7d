// A place where the configured actions find an image: phosphor-ipmi-flash's "file". It is written like a target that is
// a file, but what lies there is not what is installed: an action programs it, at once or at the next restart.
#pragma once

#include "bmc-agent/targets/file_target.hpp"

namespace fwupdate::agent
{

class HandoverTarget final : public TargetHandler
{
  public:
    explicit HandoverTarget(std::filesystem::path path) : path_{path}, file_{std::move(path)} {}

    [[nodiscard]] Result<void> begin(VerifiedImage image) override
    {
        return file_.begin(std::move(image));
    }
    [[nodiscard]] Result<bool> step() override
    {
        return file_.step();
    }
    void cancel() noexcept override
    {
        file_.cancel();
    }
    [[nodiscard]] std::uint64_t done() const override
    {
        return file_.done();
    }
    [[nodiscard]] std::uint64_t total() const override
    {
        return file_.total();
    }

    /// Nothing: it is installed elsewhere.
    [[nodiscard]] std::optional<InstalledContent> installed(std::optional<std::uint64_t> /*size*/) const override
    {
        return std::nullopt;
    }
    [[nodiscard]] bool hands_over() const override
    {
        return true;
    }
    void withdraw() noexcept override;

  private:
    std::filesystem::path path_;
    FileTarget file_;
};

} // namespace fwupdate::agent
