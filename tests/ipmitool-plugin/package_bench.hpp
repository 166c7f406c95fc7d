// What the tests of packages and of the plan share: a BMC that plans, takes packages, and may have a second target.
#pragma once

#include "ipmitool-plugin/client/exit_code.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fwupdate::test
{

struct PackageBench
{
    PackageBench()
    {
        bmc.capabilities.features.bits |= protocol::feature_plan | protocol::feature_uri;
        bmc.capabilities.schemes.bits = protocol::scheme_https;
        bmc.fetch_uri = [this](const std::string&) { return std::optional{image}; };
        bmc.targets[0].accepts.bits = protocol::accepts_plain | protocol::accepts_pldm;
    }

    Run run(const std::vector<std::string>& arguments)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes");
    }
    Run install(std::vector<std::string> keywords = {})
    {
        keywords.insert(keywords.begin(), {"install", file});
        return run(keywords);
    }
    void replace_image(const Bytes& bytes)
    {
        image = bytes;
        file = scratch.write("image.bin", image);
    }

    /// A second target, and a package that has something for both.
    void add_bios(protocol::Restart restart = protocol::Restart::nothing)
    {
        bmc.targets.push_back(bmc.targets.front());
        bmc.targets[1].target = 2;
        bmc.targets[1].name.value = "bios";
        bmc.targets[1].flags.bits = protocol::target_digest_known;
        bmc.targets[1].restart = restart;
        bmc.installed_beside[2] = {'o', 'l', 'd', 'e', 'r'};
        bmc.package = {{1, 100, 5000}, {2, 6000, 70'000}};
    }

    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    Bytes image = make_image(protocol::block_size + 20'000);
    std::string file = scratch.write("image.bin", image);
};

inline int code(client::ExitCode exit_code)
{
    return static_cast<int>(exit_code);
}

inline bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace fwupdate::test
