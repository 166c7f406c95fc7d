// What both kinds of install share: the question before, and what is said and noted at the end.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/subject.hpp"

#include <string>

namespace fwupdate::client
{

/// What a BMC keeps of an interrupted transfer.
enum class Keeps : std::uint8_t
{
    nothing,
    blocks,
    nothing_yet, ///< it would keep blocks, but none has arrived
    nameless,    ///< without size and SHA-256 it can't
};

/// How to go on after an interrupted command: what to type.
[[nodiscard]] std::string resume_hint(const PortFacts& facts, const Subject& subject, const Keywords& keywords);

/// The note that lets resume go on with it.
[[nodiscard]] Note note_of(const Subject& subject, const Keywords& keywords);

/// Keeps that note; says so where it cannot be kept.
void keep_note(const Context& context, const Subject& subject, const Notes& notes);

/// After an install: adds the hint to what can be resumed, drops the note of what is over.
[[nodiscard]] Outcome conclude_install(const Context& context, const Subject& subject, const Notes& notes, Keeps keeps,
                                       Outcome outcome);

/// Asks the person, if there is one and nobody said yes. False: declined.
[[nodiscard]] bool confirmed(const Context& context, const std::string& question);

} // namespace fwupdate::client
