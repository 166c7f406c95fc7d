// The image file of this machine on its way to the BMC: streamed, over the USB drive, or served.
#pragma once

#include "ipmitool-plugin/client/carrier.hpp"
#include "ipmitool-plugin/client/serve_transfer.hpp"
#include "ipmitool-plugin/client/transfer.hpp"

#include <optional>

namespace fwupdate::client
{

class ImageCarrier final : public Carrier
{
  public:
    ImageCarrier(const Context& context, const Image& image, const protocol::GetCapabilitiesResponse& capabilities);

    [[nodiscard]] Attempt<void> begin(std::uint8_t target) override
    {
        return transfer_.begin(target);
    }
    [[nodiscard]] Attempt<void> carry(ProgressMeter& meter) override;
    [[nodiscard]] std::uint64_t arrived() const override
    {
        return transfer_.arrived();
    }
    [[nodiscard]] std::uint16_t number() const override
    {
        return transfer_.number();
    }
    [[nodiscard]] bool outlives_us() const override
    {
        return false; // the BMC's fetch from a server that is gone comes to nothing
    }
    [[nodiscard]] Outcome explained(Outcome outcome) const override
    {
        return server_.explained(std::move(outcome));
    }
    void finish() override
    {
        server_.stop();
    }

  private:
    void choose_way();
    [[nodiscard]] Attempt<void> carry_by_drive(ProgressMeter& meter);

    const Context& context_;
    const Image& image_;
    const protocol::GetCapabilitiesResponse& capabilities_;
    Transfer transfer_;
    ImageServer server_;
    std::optional<Way> way_; ///< none: not chosen yet
};

} // namespace fwupdate::client
