// Who this BMC and this run of the agent are.
#pragma once

#include "common/random.hpp"
#include "common/result.hpp"
#include "protocol-spec/messages.hpp"

#include <filesystem>

namespace fwupdate::agent
{

/// The numbers of this boot and this run.
struct RunIdentity
{
    protocol::Identifier boot_id{};
    protocol::Identifier instance_id{};
};

/// The kernel's boot id: another one after every boot. Errors: input_output.
[[nodiscard]] Result<protocol::Identifier> read_boot_id(const std::filesystem::path& file);

/// A number of its own for every start of the agent.
[[nodiscard]] protocol::Identifier make_instance_id(RandomSource& random);

/// A random GUID (RFC 4122 version 4), chosen so that a client which guesses the byte order from the version digit
/// (ipmitool does) can only guess right.
[[nodiscard]] protocol::Identifier make_guid(RandomSource& random);

/// As RFC 4122 writes it.
[[nodiscard]] std::string guid_text(const protocol::Identifier& guid);

/// The GUID that the file holds; makes one and writes it when there is no file. Errors: invalid_field (damaged),
/// input_output.
[[nodiscard]] Result<protocol::Identifier> load_or_make_guid(const std::filesystem::path& file, RandomSource& random);

} // namespace fwupdate::agent
