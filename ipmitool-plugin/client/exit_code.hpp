// How a command ends: the exit codes that scripts rely on. Documented in help, in the manual page and in README.md;
// the numbers never change meaning.
#pragma once

#include <boost/system/result.hpp>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fwupdate::client
{

enum class ExitCode : std::uint8_t
{
    done = 0,
    failed = 1,
    usage = 2,
    bad_image = 3,
    cancelled = 4,
    accepted = 10,
    already_current = 11,
    refused = 12,
    verification_failed = 13,
    transfer_failed = 14,
    no_return = 15,
    fell_back = 16,
    program_failed = 17,
};

struct ExitCodeRow
{
    ExitCode code{};
    std::string_view name; ///< "result" in JSON lines
    std::string_view meaning;
};

inline constexpr auto exit_codes = std::to_array<ExitCodeRow>({
    {ExitCode::done, "done", "updated, or the command did what it says"},
    {ExitCode::failed, "failed", "no session, no answer, or another failure"},
    {ExitCode::usage, "usage", "wrong arguments"},
    {ExitCode::bad_image, "bad_image", "the image file cannot be used; nothing was sent"},
    {ExitCode::cancelled, "cancelled", "cancelled before anything was changed"},
    {ExitCode::accepted, "accepted", "accepted, but not confirmed: whether it runs is not known yet"},
    {ExitCode::already_current, "already_current", "this image is already installed; nothing was sent"},
    {ExitCode::refused, "refused", "refused by the BMC or on its behalf"},
    {ExitCode::verification_failed, "verification_failed", "the BMC found the image wrong; nothing was programmed"},
    {ExitCode::transfer_failed, "transfer_failed", "the transfer failed or was interrupted; 'resume' goes on"},
    {ExitCode::no_return, "no_return", "the BMC did not restart, or did not come back"},
    {ExitCode::fell_back, "fell_back", "the BMC restarted with the older version"},
    {ExitCode::program_failed, "program_failed", "programming failed or stalled"},
});

[[nodiscard]] constexpr std::string_view name_of(ExitCode code)
{
    for (const ExitCodeRow& row : exit_codes)
    {
        if (row.code == code)
        {
            return row.name;
        }
    }
    return "failed";
}

/// What a longer command may still do about an end before it accepts it.
enum class Remedy : std::uint8_t
{
    none,
    reconnect, ///< the BMC did not answer: open a session again, then go on
    repeat,    ///< the BMC forgot or lost something: begin again, what is staged counts
};

/// The end of a command: what the program returns, and the sentence for a person.
struct Outcome
{
    ExitCode code{};
    std::string text;
    Remedy remedy{Remedy::none};

    bool operator==(const Outcome&) const = default;
};

/// Reading the value of a failed Attempt is a bug of ours; the shell's edge catches it.
[[noreturn]] inline void throw_exception_from_error(const Outcome& outcome, const boost::source_location&)
{
    throw std::logic_error("unchecked attempt: " + outcome.text);
}

/// Either a T, or the command ends here.
template <class T> class [[nodiscard]] Attempt : public boost::system::result<T, Outcome>
{
  public:
    using boost::system::result<T, Outcome>::result;
};

} // namespace fwupdate::client
