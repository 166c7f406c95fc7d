// Errors and results: what every function that can fail returns.
#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace fwupdate
{

/// What kind of failure it is; the sentence for a person is in Error::text.
enum class ErrorKind : std::uint8_t
{
    length,        ///< too short, too long, truncated
    invalid_field, ///< reserved bit, unknown enumerator, impossible combination
    out_of_range,  ///< a well-formed number outside its bounds
    not_found,     ///< the named thing does not exist
    wrong_state,   ///< not supported in the present state
    denied,        ///< privilege, policy, authentication
    integrity,     ///< checksum, digest or MAC does not match
    no_space,      ///< storage or memory exhausted, or a size limit
    input_output,  ///< the operating system refused
    timeout,       ///< no answer, no progress
    peer,          ///< the other end answered with a failure
    unsupported,   ///< well-formed, but not served here
};

/// A failure: its kind, and a sentence that says what failed, on what, and what to do.
struct Error
{
    ErrorKind kind{};
    std::string text;

    bool operator==(const Error&) const = default;
};

/// Reading the value of a failed Result is a bug of ours; the shell's edge catches it.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&)
{
    throw std::logic_error("unchecked result: " + error.text);
}

/// Either a T or an Error.
template <class T> class [[nodiscard]] Result : public boost::system::result<T, Error>
{
  public:
    using boost::system::result<T, Error>::result;
};

/// Shorthand for `return fail(ErrorKind::length, "...")`.
[[nodiscard]] inline Error fail(ErrorKind kind, std::string text)
{
    return Error{kind, std::move(text)};
}

} // namespace fwupdate
