// The way to one BMC, whatever carries it: ipmitool's interface in the program, a script in the tests.
#pragma once

#include "common/bytes.hpp"
#include "common/ipmi/message.hpp"
#include "common/result.hpp"
#include "common/time.hpp"
#include "ipmitool-plugin/client/stream_link.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace fwupdate::client
{

/// What carries the messages.
enum class LinkKind : std::uint8_t
{
    lan,              ///< IPMI over a network
    system_interface, ///< the host's own BMC
    bridged,          ///< through a BMC to another one
};

struct PortFacts
{
    LinkKind kind{};
    std::size_t max_message{}; ///< request data bytes that pass without harm
    std::size_t max_write{};   ///< the same for a base-profile write, which may be larger at the user's wish
    std::string peer;          ///< for people and file names: "192.0.2.1", "192.0.2.1:6230", "open"
    std::string user;
    std::string command_line; ///< ipmitool with its options, up to the word fwupdate; secrets left out
    std::string host;         ///< the BMC's own address or name; empty: it has none here (local, bridged)
};

/// How often and how long a command is tried.
struct Patience
{
    int tries{};   ///< 0: as ipmitool was told; 1: never repeated
    int seconds{}; ///< per try; 0: as ipmitool was told
};

class Port
{
  public:
    virtual ~Port() = default;

    [[nodiscard]] virtual const PortFacts& facts() const = 0;

    /// One command and its response. Errors: timeout (no answer came; whether the BMC acted on it is unknown).
    virtual Result<ipmi::Response> exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data,
                                            Patience patience) = 0;

    /// Drops the session and opens a new one, trying for about `seconds`. Errors: timeout.
    virtual Result<void> reopen(int seconds) = 0;

    /// The session itself, for many messages outstanding at a time; null: only exchange() works here. exchange() and
    /// reopen() must wait until the link is gone.
    virtual std::unique_ptr<StreamLink> open_stream() = 0;
};

/// The world around a command: the clock, the person, the interrupt key.
class Environment
{
  public:
    virtual ~Environment() = default;

    [[nodiscard]] virtual TimePoint now() const = 0;
    virtual void sleep_for(Duration duration) = 0;

    /// Whether somebody wants the command to end (^C).
    [[nodiscard]] virtual bool interrupted() const = 0;

    /// Whether there is a person to ask.
    [[nodiscard]] virtual bool can_ask() const = 0;

    /// Asks and waits; true for yes.
    virtual bool ask(const std::string& question) = 0;
};

} // namespace fwupdate::client
