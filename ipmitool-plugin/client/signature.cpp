#include "ipmitool-plugin/client/signature.hpp"

#include "common/package/signature/cms.hpp"
#include "ipmitool-plugin/client/refusal.hpp"
#include "ipmitool-plugin/client/transfer.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace fwupdate::client
{
namespace
{

using ipmi::CompletionCode;

constexpr std::size_t part_overhead = 4;        ///< bytes of 4Eh before the data
constexpr std::uint8_t der_sequence = 0x30;     ///< what every CMS signature begins with (X.690, 8.9)
constexpr std::string_view pem_begin = "-----"; ///< RFC 7468: "-----BEGIN CMS-----"
constexpr int tries = 3;                        ///< of all parts, where the BMC has lost count of them

Error unfit(const std::string& file, const std::string& text)
{
    return fail(ErrorKind::invalid_field, "the signature file " + printable(file) + " " + text);
}

/// Whether the bytes begin like DER of a sequence and end where it says.
bool is_der(ConstBytes bytes)
{
    if (bytes.size() < 2 || bytes[0] != der_sequence)
    {
        return false;
    }
    if (bytes[1] < 0x80)
    {
        return bytes.size() == 2U + bytes[1];
    }
    // 80h: of indefinite length, which is BER; nothing that fits needs more than two bytes of length.
    const std::size_t count = bytes[1] & 0x7FU;
    if (count == 0 || count > 2 || bytes.size() < 2 + count)
    {
        return false;
    }
    std::size_t length = 0;
    for (const std::uint8_t byte : bytes.subspan(2, count))
    {
        length = length << 8 | byte;
    }
    return bytes.size() == 2 + count + length;
}

/// One byte more than there may be tells a file that is too large.
Result<Bytes> read_bytes(const std::string& file)
{
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found)
    {
        return fail(ErrorKind::not_found, "cannot read the signature file " + printable(file) + ": there is none");
    }
    if (status.type() != std::filesystem::file_type::regular)
    {
        return unfit(file, "is no regular file: name the file that 'fwsign sign' has written");
    }
    std::ifstream stream{file, std::ios::binary};
    Bytes bytes(package::largest_signature + 1);
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!stream.is_open() || stream.bad())
    {
        return fail(ErrorKind::input_output,
                    "cannot read the signature file " + printable(file) + ": is it this user's to read?");
    }
    bytes.resize(static_cast<std::size_t>(stream.gcount()));
    return bytes;
}

} // namespace

Result<Bytes> read_signature(const std::string& file)
{
    Result<Bytes> bytes = read_bytes(file);
    if (!bytes)
    {
        return bytes;
    }
    if (bytes->empty())
    {
        return unfit(file, "is empty: sign the image again");
    }
    if (as_text(*bytes).starts_with(pem_begin))
    {
        return unfit(file, "is PEM text; a BMC takes DER: 'openssl cms -cmsout -inform PEM -in FILE -outform DER -out "
                           "FILE.der' converts it");
    }
    if (bytes->size() > package::largest_signature)
    {
        return fail(ErrorKind::length, "the signature file " + printable(file) + " has more than " +
                                           std::to_string(package::largest_signature) +
                                           " bytes, the most of a signature: is it the image itself? Name what 'fwsign "
                                           "sign' or 'openssl cms -sign -binary -outform DER' has written");
    }
    if (!is_der(*bytes))
    {
        return unfit(file,
                     "is no signature in DER: name what 'fwsign sign' or 'openssl cms -sign -binary -outform DER' "
                     "has written");
    }
    return bytes;
}

std::optional<Outcome> refuse_signature(const std::optional<protocol::GetCapabilitiesResponse>& capabilities)
{
    constexpr std::string_view advice =
        ": put it in the image's own file, with 'fwsign sign --self-contained', and leave out 'signature'";
    if (!capabilities)
    {
        return Outcome{ExitCode::refused,
                       "this BMC knows the base profile only: it takes no signature beside the image" +
                           std::string{advice}};
    }
    if (!capabilities->features.has(protocol::feature_signature))
    {
        return Outcome{ExitCode::refused, "this BMC takes no detached signatures" + std::string{advice}};
    }
    return std::nullopt;
}

SignatureSender::SignatureSender(const Context& context, ConstBytes signature,
                                 const protocol::GetCapabilitiesResponse& capabilities)
    : context_{context},
      signature_{signature},
      part_size_{
          std::max<std::size_t>(std::min<std::size_t>(capabilities.max_message, context.bmc.port().facts().max_message),
                                part_overhead + 1) -
          part_overhead}
{
}

Attempt<void> SignatureSender::send()
{
    for (int round = 1;; ++round)
    {
        const Attempt<CompletionCode> sent = send_parts();
        if (!sent)
        {
            return sent.error();
        }
        if (*sent == CompletionCode::ok)
        {
            return {};
        }
        // C9h: a part whose answer was lost counts twice there.
        if (*sent != CompletionCode::parameter_out_of_range || round == tries)
        {
            Outcome outcome =
                explained_refusal(context_, Profile::extended, protocol::Command::write_signature_part, *sent);
            outcome.remedy = *sent == CompletionCode::not_supported_in_present_state ? Remedy::repeat : outcome.remedy;
            return outcome;
        }
    }
}

/// From the first part to the last one, or to the one that is refused.
Attempt<CompletionCode> SignatureSender::send_parts()
{
    for (std::size_t offset = 0; offset < signature_.size();)
    {
        const ConstBytes part = signature_.subspan(offset, std::min(part_size_, signature_.size() - offset));
        const auto answer = ask<protocol::EmptyResponse>(
            context_, protocol::Command::write_signature_part,
            protocol::WriteSignaturePartRequest{
                static_cast<std::uint16_t>(signature_.size()), static_cast<std::uint16_t>(offset), {part}});
        if (!answer)
        {
            part_size_ = std::min(part_size_, smallest_message - part_overhead);
            return answer.error();
        }
        if (!answer->ok())
        {
            return answer->code;
        }
        offset += part.size();
    }
    return CompletionCode::ok;
}

} // namespace fwupdate::client
