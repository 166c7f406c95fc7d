// A detached signature that goes beside the image, by 4Eh: read and judged before a word is said to the BMC, then sent
// in parts.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

#include <optional>
#include <string>

namespace fwupdate::client
{

/// The file's bytes: a CMS signature in DER, 1 to 16,384 bytes. Whom it is by is for the BMC to judge. Errors:
/// not_found, input_output, invalid_field (empty, no regular file, PEM, no DER), length (too large); each says what to
/// do.
[[nodiscard]] Result<Bytes> read_signature(const std::string& file);

/// The end where this BMC takes no signature beside the image. None: it does.
[[nodiscard]] std::optional<Outcome>
refuse_signature(const std::optional<protocol::GetCapabilitiesResponse>& capabilities);

/// Sends one signature, as often as it takes: a BMC forgets it when update mode ends.
class SignatureSender
{
  public:
    SignatureSender(const Context& context, ConstBytes signature,
                    const protocol::GetCapabilitiesResponse& capabilities);

    /// All parts from the first one on. Remedy::repeat: update mode was lost. After a part that nobody answered the
    /// next attempt sends smaller ones: a path may swallow large messages without a word.
    [[nodiscard]] Attempt<void> send();

  private:
    [[nodiscard]] Attempt<ipmi::CompletionCode> send_parts();

    const Context& context_;
    ConstBytes signature_;
    std::size_t part_size_; ///< bytes
};

} // namespace fwupdate::client
