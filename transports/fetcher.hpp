// A transport that gets the image by itself once it is told where: the virtual drive's reader, network downloads.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <string_view>

namespace fwupdate::transports
{

/// Takes one image in order, from its first byte to its last.
class FetchSink
{
  public:
    virtual ~FetchSink() = default;

    /// Whether the image's SHA-256 is known, so that any damage of it would show in the end.
    [[nodiscard]] virtual bool knows_digest() const = 0;

    /// The image's size in bytes, as soon as it is known and before any byte; at most once. An error ends the fetch;
    /// finished() is not called then.
    [[nodiscard]] virtual Result<void> expect(std::uint64_t size, TimePoint now) = 0;

    /// The next bytes. An error ends the fetch; finished() is not called then.
    [[nodiscard]] virtual Result<void> accept(ConstBytes bytes, TimePoint now) = 0;

    /// The end: every byte is there, or why not, as a sentence for a person.
    virtual void finished(Result<void> result, TimePoint now) = 0;
};

class Fetcher
{
  public:
    virtual ~Fetcher() = default;

    /// Whether this URI could be fetched now, as far as can be told without fetching. The error's sentence is for a
    /// person: what is wrong with it, and what would be right.
    [[nodiscard]] virtual Result<void> check(std::string_view uri) const = 0;

    /// Begins and returns at once; the sink hears the rest from the loop. One fetch at a time; check() has passed.
    virtual void begin(std::string_view uri, FetchSink& sink) = 0;

    /// Ends a fetch; no call to the sink after it. Without a fetch nothing happens.
    virtual void cancel() noexcept = 0;
};

} // namespace fwupdate::transports
