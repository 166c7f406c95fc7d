// A transport that gets the image by itself once it is told where: the virtual drive's reader, network downloads.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"
#include "common/time.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace fwupdate::transports
{

/// User name and password for a server; never shown to anybody.
struct Credentials
{
    std::string user;
    std::string password;

    bool operator==(const Credentials&) const = default;
};

/// What to fetch, and what goes with it (29h-4, 4Dh).
struct FetchOrder
{
    std::string uri;
    std::optional<Sha256> tls_pin; ///< of the server's certificate; then no authority is asked
    std::optional<Credentials> credentials;
};

/// Why nothing came of a fetch.
struct FetchFailure
{
    FetchFailure() = default;
    FetchFailure(protocol::ReasonCode why, std::string sentence) : code{why}, text{std::move(sentence)} {}

    /// A failure that is of no kind of its own.
    FetchFailure(Error error) : code{protocol::ReasonCode::transport_failed}, text{std::move(error.text)} {}

    protocol::ReasonCode code{};
    std::string text; ///< a sentence for a person, without secrets

    bool operator==(const FetchFailure&) const = default;
};

/// Reading the value of a failed result is a bug of ours.
[[noreturn]] inline void throw_exception_from_error(const FetchFailure& failure, const boost::source_location&)
{
    throw std::logic_error("unchecked result: " + failure.text);
}

using FetchResult = boost::system::result<void, FetchFailure>;

/// Takes one image in order.
class FetchSink
{
  public:
    virtual ~FetchSink() = default;

    /// Whether the image's SHA-256 is known, so that any damage of it would show in the end.
    [[nodiscard]] virtual bool knows_digest() const = 0;

    /// Bytes from the image's first one on that are here, whatever brought them: what a fetch may leave out.
    [[nodiscard]] virtual std::uint64_t present() const = 0;

    /// The image's size in bytes, as soon as it is known and before any byte; at most once. An error ends the fetch;
    /// finished() is not called then.
    [[nodiscard]] virtual Result<void> expect(std::uint64_t size, TimePoint now) = 0;

    /// The next bytes are those from `offset` on: present(), or 0 to begin anew. Before the first call: 0. An error
    /// ends the fetch; finished() is not called then.
    [[nodiscard]] virtual Result<void> go_on_at(std::uint64_t offset, TimePoint now) = 0;

    /// The next bytes. An error ends the fetch; finished() is not called then.
    [[nodiscard]] virtual Result<void> accept(ConstBytes bytes, TimePoint now) = 0;

    /// The end: every byte is there, or why not.
    virtual void finished(FetchResult result, TimePoint now) = 0;
};

class Fetcher
{
  public:
    virtual ~Fetcher() = default;

    /// Whether this could be fetched now, as far as can be told without fetching: the URI as people and logs may see
    /// it, without its secrets. The error's sentence is for a person: what is wrong with it, and what would be right.
    [[nodiscard]] virtual Result<std::string> check(const FetchOrder& order) const = 0;

    /// Whether nothing on the way vouches for the bytes, so that the image's SHA-256 must be known; check() has passed.
    [[nodiscard]] virtual bool needs_digest(const FetchOrder& order) const = 0;

    /// Begins and returns at once; the sink hears the rest from the loop. One fetch at a time; check() has passed.
    virtual void begin(const FetchOrder& order, FetchSink& sink) = 0;

    /// Ends a fetch; no call to the sink after it. Without a fetch nothing happens.
    virtual void cancel() noexcept = 0;
};

} // namespace fwupdate::transports
