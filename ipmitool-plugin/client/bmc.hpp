// Typed commands to the BMC: one call per message of protocol-spec/messages.hpp.
#pragma once

#include "common/codec.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/port.hpp"
#include "protocol-spec/messages.hpp"

#include <optional>
#include <string>
#include <utility>

namespace fwupdate::client
{

/// A response: its completion code and, if that is 00h, the message. Views inside the message point into `raw`.
template <class Message> struct Answer
{
    ipmi::CompletionCode code{};
    Bytes raw;
    Message message{};

    Answer() = default;
    Answer(Answer&&) noexcept = default;
    Answer& operator=(Answer&&) noexcept = default;
    Answer(const Answer&) = delete; ///< the views would dangle
    Answer& operator=(const Answer&) = delete;
    ~Answer() = default;

    [[nodiscard]] bool ok() const
    {
        return code == ipmi::CompletionCode::ok;
    }
};

/// What Get Device ID says of the running firmware (IPMI 2.0 section 20.1).
struct DeviceId
{
    Bytes revision;      ///< firmware revision and auxiliary revision: a change after a restart means another firmware
    std::string version; ///< "1.23"
};

/// Why the BMC refused or failed (47h), made printable.
struct Reason
{
    protocol::ReasonCode code{};
    protocol::UpdateState phase{};
    std::string text;
};

class Bmc
{
  public:
    explicit Bmc(Port& port) : port_{port} {}

    [[nodiscard]] Port& port() const
    {
        return port_;
    }

    /// Sends a request. Errors: timeout: no answer, or D2h, which drivers and emulators answer in the place of a BMC
    /// that is restarting.
    [[nodiscard]] Result<ipmi::Response> exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data,
                                                  Patience patience = {}) const;

    /// Sends a request of NetFn 08h. Errors: timeout (no answer); peer (an answer that is none).
    template <class Response, class Request>
    Result<Answer<Response>> call(protocol::Command command, const Request& request, Patience patience = {}) const
    {
        Result<ipmi::Response> response =
            exchange(ipmi::NetFn::firmware, static_cast<std::uint8_t>(command), codec::encode(request), patience);
        if (!response)
        {
            return response.error();
        }
        Answer<Response> answer;
        answer.code = response->completion_code;
        answer.raw = std::move(response->data);
        if (!answer.ok())
        {
            return answer;
        }
        Result<Response> message = codec::decode_response<Response>(answer.raw);
        if (!message)
        {
            return fail(ErrorKind::peer, malformed(command));
        }
        answer.message = std::move(*message);
        return answer;
    }

    template <class Response> Result<Answer<Response>> call(protocol::Command command) const
    {
        return call<Response>(command, protocol::EmptyRequest{});
    }

    /// 29h without a URI.
    Result<Answer<protocol::UpdateControlResponse>> control(protocol::Control control) const;

    /// The last failure or refusal, its text read whole; none: the BMC has none to tell.
    [[nodiscard]] std::optional<Reason> reason() const;

    /// App 01h. Errors: timeout, peer.
    [[nodiscard]] Result<DeviceId> device_id(Patience patience = {}) const;

  private:
    static std::string malformed(protocol::Command command);

    Port& port_;
};

/// "Set FW Update Mode: busy, or already in update mode (C0h)"
[[nodiscard]] std::string describe(protocol::Command command, ipmi::CompletionCode code);

/// The command's name in the specification.
[[nodiscard]] std::string_view name_of(protocol::Command command);

/// The state in a word.
[[nodiscard]] std::string name_of(protocol::UpdateState state);
[[nodiscard]] std::string name_of(protocol::IntegrityCheck check);
[[nodiscard]] std::string name_of(protocol::Transport transport);
[[nodiscard]] std::string name_of(protocol::UpdateResult result);
[[nodiscard]] std::string name_of(protocol::Restart restart);

} // namespace fwupdate::client
