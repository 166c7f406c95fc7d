// The image on its way over a network that the BMC fetches it from by itself.
#pragma once

#include "ipmitool-plugin/client/carrier.hpp"
#include "ipmitool-plugin/client/subject.hpp"
#include "ipmitool-plugin/client/transfer.hpp"
#include "ipmitool-plugin/client/uri.hpp"

#include <optional>

namespace fwupdate::client
{

/// Where the image is, and what the BMC has to know of the server.
struct Source
{
    Uri uri;                                ///< its own credentials count when there are no others
    std::optional<Sha256> pin;              ///< SHA-256 of the server's certificate
    std::optional<Credentials> credentials; ///< at the server
};

/// Puts the source together: reads the password's file. Errors: invalid_field (credentials that contradict each other,
/// too long, with a control character), input_output (the file).
[[nodiscard]] Result<Source> make_source(const Uri& uri, const Keywords& keywords);

/// The end where the BMC does not fetch by this scheme, or does not take what goes with the URI. None: it does.
[[nodiscard]] std::optional<Outcome> refuse_source(const protocol::GetCapabilitiesResponse& capabilities,
                                                   const Source& source);

/// 4Dh: what an image is to be.
[[nodiscard]] Attempt<void> tell_expectation(const Context& context, std::uint64_t size, const Sha256& sha256);

/// 4Dh: what goes with the URI, as far as there is something.
[[nodiscard]] Attempt<void>
tell_companions(const Context& context, const protocol::GetCapabilitiesResponse& capabilities, const Source& source);

/// The end where 29h-4 was answered with `code`: the BMC's reason, if it is about the URI.
[[nodiscard]] Outcome uri_refusal(const Context& context, ipmi::CompletionCode code);

/// The companions, and 29h-4.
[[nodiscard]] Attempt<void> tell_source(const Context& context, const protocol::GetCapabilitiesResponse& capabilities,
                                        const Source& source);

/// Named by 44h where size and SHA-256 are known, else begun by 29h-1.
class UriCarrier final : public Carrier
{
  public:
    UriCarrier(const Context& context, const Source& source, const Subject& subject,
               const protocol::GetCapabilitiesResponse& capabilities);

    [[nodiscard]] Attempt<void> begin(std::uint8_t target) override;
    [[nodiscard]] Attempt<void> carry(ProgressMeter& meter) override;
    [[nodiscard]] std::uint64_t arrived() const override
    {
        return named_ ? named_->arrived() : 0;
    }
    [[nodiscard]] std::uint16_t number() const override
    {
        return named_ ? named_->number() : 0;
    }
    [[nodiscard]] bool outlives_us() const override
    {
        return true;
    }
    [[nodiscard]] Outcome explained(Outcome outcome) const override;
    void finish() override {}

  private:
    const Context& context_;
    const Source& source_;
    const Subject& subject_;
    const protocol::GetCapabilitiesResponse& capabilities_;
    std::optional<NamedTransfer> named_;
};

} // namespace fwupdate::client
