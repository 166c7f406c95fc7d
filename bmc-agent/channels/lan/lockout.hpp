// User names that are locked after too many wrong passwords in a row.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "common/time.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::lan
{

/// Counts by name, whether a user has it or not: a lock must not tell which names exist.
class LockOut
{
  public:
    LockOut(const config::Lan& lan, const std::vector<config::User>& users);

    [[nodiscard]] bool locked(std::string_view name, TimePoint now) const;

    /// True if the name is locked from now on.
    bool failed(std::string_view name, TimePoint now);

    void succeeded(std::string_view name);

  private:
    struct Entry
    {
        unsigned failures{};
        TimePoint last{};
        bool known{false}; ///< a user's: never makes room
    };
    static constexpr std::size_t capacity = 1024; ///< more than the RAKP rate can lock within a minute

    void make_room(TimePoint now);
    [[nodiscard]] bool expired(const Entry& entry, TimePoint now) const;

    unsigned limit_;
    Duration time_;
    std::map<std::string, Entry, std::less<>> entries_;
};

} // namespace fwupdate::agent::lan
