// A visitor that keeps what it was shown, and can refuse.
#pragma once

#include "common/package/tarball/tarball.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fwupdate::test
{

class Collector final : public package::TarballVisitor
{
  public:
    [[nodiscard]] Result<void> begin(const package::TarballMember& member) override
    {
        if (member.name == refused)
        {
            return fail(ErrorKind::denied, "the visitor refuses");
        }
        members.emplace_back(member.name, "");
        return {};
    }
    [[nodiscard]] Result<void> data(ConstBytes slice) override
    {
        members.back().second += as_text(slice);
        largest_slice = std::max(largest_slice, slice.size());
        return {};
    }
    [[nodiscard]] Result<void> end() override
    {
        ++ended;
        return {};
    }

    std::vector<std::pair<std::string, std::string>> members;
    std::string refused;
    std::size_t largest_slice{};
    std::size_t ended{};
};

/// The reading's outcome, with what the visitor saw in `seen`.
inline Result<void> read_tarball(ConstBytes tarball, Collector& seen, const package::TarballLimits& limits = {})
{
    return package::TarballReader{package::memory_source(tarball), seen, limits}.run();
}

} // namespace fwupdate::test
