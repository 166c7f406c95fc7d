#include "tests/bmc-agent/software/model_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::agent::software;
using namespace fwupdate::agent::software::test;
using fwupdate::config::SoftwareLayout;
using fwupdate::package::Purpose;

namespace
{

const std::string root{software_root};

const Interfaces* object(const Objects& objects, Service service, const std::string& path)
{
    const auto found = objects.find({service, path});
    return found == objects.end() ? nullptr : &found->second;
}

std::string associations_of(const Objects& objects, const std::string& path)
{
    const Interfaces* const found = object(objects, Service::updater, path);
    return found == nullptr || !found->contains(std::string{interfaces::definitions})
               ? "none"
               : text_of(found->at(std::string{interfaces::definitions}).at("Associations"));
}

std::vector<std::string> names_of(const Interfaces* interfaces)
{
    std::vector<std::string> names;
    for (const auto& [name, properties] : *interfaces)
    {
        names.push_back(last_word(name, '.'));
    }
    return names;
}

Version version_of(std::string id, Purpose purpose, Activation activation)
{
    Version version;
    version.id = std::move(id);
    version.facts = facts_of("v-" + version.id, purpose);
    version.activation = activation;
    return version;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("2020: an upload is an object of the image manager and one of the updater, at the same path")
{
    Bench bench;
    bench.start();
    const std::string id = bench.upload(facts_of("2.7.0-dev"));
    CHECK(id == "7b7385fe");
    const auto& objects = bench.model.objects();
    const Interfaces* const image = object(objects, Service::image_manager, root + "/" + id);
    const Interfaces* const updater = object(objects, Service::updater, root + "/" + id);
    REQUIRE(image != nullptr);
    REQUIRE(updater != nullptr);
    CHECK(names_of(image) == Names{"FilePath", "Delete", "ExtendedVersion", "Version"});
    CHECK(names_of(updater) == Names{"Definitions", "FilePath", "Delete", "Activation", "ExtendedVersion",
                                     "RequestedRedundancyPriority", "Version"});
    CHECK(text_of(image->at("xyz.openbmc_project.Common.FilePath").at("Path")) == "/tmp/images/7b7385fe");
    const Properties& version = updater->at("xyz.openbmc_project.Software.Version");
    CHECK(std::get<std::string>(version.at("Version")) == "2.7.0-dev");
    CHECK(std::get<std::string>(version.at("Purpose")) == "xyz.openbmc_project.Software.Version.VersionPurpose.BMC");
    CHECK(associations_of(objects, root + "/" + id) == "inventory:bmc");
}

TEST_CASE("current: one service, and what is active can be updated with StartUpdate")
{
    Bench bench{settings_of(SoftwareLayout::current)};
    bench.start();
    const std::string id = bench.upload(facts_of("2.0"));
    const auto& objects = bench.model.objects();
    CHECK(object(objects, Service::image_manager, root + "/" + id) == nullptr);
    CHECK_FALSE(object(objects, Service::updater, root + "/" + id)->contains(std::string{interfaces::update}));
    const std::string running = last_word(associations_of(objects, root + "/bmc").substr(0, 15), ':');
    const Interfaces* const functional = object(objects, Service::updater, root + "/" + running);
    REQUIRE(functional != nullptr);
    CHECK(text_of(functional->at(std::string{interfaces::update}).at("AllowedApplyTimes")) ==
          to_dbus(ApplyTime::immediate) + "," + to_dbus(ApplyTime::on_reset));
    CHECK_FALSE(functional->contains(std::string{interfaces::erase}));
}

TEST_CASE("2020: one root for all devices; current: one for each that has versions")
{
    Versions versions;
    for (const Purpose purpose : {Purpose::bmc, Purpose::host, Purpose::psu})
    {
        Version version = version_of(std::string{fwupdate::package::to_text(purpose)}, purpose, Activation::active);
        version.functional = purpose != Purpose::psu;
        version.updateable = true;
        versions.emplace(version.id, version);
    }
    const auto old = describe(settings_of(SoftwareLayout::era_2020), versions, ApplyTime::on_reset);
    CHECK(associations_of(old, root) == "active:BMC,functional:BMC,updateable:BMC,active:Host,functional:Host,"
                                        "updateable:Host,active:PSU,updateable:PSU");
    CHECK(associations_of(old, root + "/bmc") == "none");
    const auto now = describe(settings_of(SoftwareLayout::current), versions, ApplyTime::on_reset);
    CHECK(associations_of(now, root + "/bmc") == "active:BMC,functional:BMC,updateable:BMC");
    CHECK(associations_of(now, root + "/bios") == "active:Host,functional:Host,updateable:Host");
    CHECK(associations_of(now, root + "/psu") == "active:PSU,updateable:PSU");
    CHECK(associations_of(now, root) == "none");
}

TEST_CASE("the roots are there without versions, and so are the other services' objects")
{
    const auto old = describe(settings_of(SoftwareLayout::era_2020), {}, ApplyTime::immediate);
    CHECK(associations_of(old, root).empty());
    CHECK(object(old, Service::updater, root)->contains(std::string{interfaces::erase_all}));
    CHECK(object(old, Service::download, root)->contains(std::string{interfaces::tftp}));
    CHECK(text_of(object(old, Service::settings, root + "/apply_time")
                      ->at(std::string{interfaces::apply_time})
                      .at("RequestedApplyTime")) == "Immediate");
    const auto now = describe(settings_of(SoftwareLayout::current), {}, ApplyTime::immediate);
    CHECK(associations_of(now, root + "/bmc").empty());
    CHECK(associations_of(now, root + "/bios") == "none");
}

TEST_CASE("what is invalid or not looked into yet belongs to no inventory item; without one nothing does")
{
    Versions versions;
    for (const Activation state : {Activation::not_ready, Activation::invalid, Activation::ready,
                                   Activation::activating, Activation::active, Activation::failed})
    {
        const std::string id = "v" + std::to_string(static_cast<int>(state));
        versions.emplace(id, version_of(id, Purpose::bmc, state));
    }
    config::Software settings = settings_of();
    const auto objects = describe(settings, versions, ApplyTime::on_reset);
    CHECK(associations_of(objects, root + "/v0").empty());
    CHECK(associations_of(objects, root + "/v1").empty());
    for (const char* const id : {"/v2", "/v3", "/v4", "/v5"})
    {
        CHECK(associations_of(objects, root + id) == "inventory:bmc");
    }
    settings.inventory.clear();
    CHECK(associations_of(describe(settings, versions, ApplyTime::on_reset), root + "/v2").empty());
}

TEST_CASE("without a mapper the association objects are published too")
{
    config::Software settings = settings_of(SoftwareLayout::current);
    settings.own_associations = true;
    Versions versions;
    Version version = version_of("abc", Purpose::bmc, Activation::active);
    version.functional = true;
    versions.emplace("abc", version);
    const auto objects = describe(settings, versions, ApplyTime::on_reset);
    const auto endpoints = [&](const std::string& path)
    {
        const Interfaces* const found = object(objects, Service::updater, path);
        return found == nullptr ? "none" : text_of(found->at(std::string{interfaces::association}).at("endpoints"));
    };
    CHECK(endpoints(root + "/bmc/active") == "abc");
    CHECK(endpoints(root + "/bmc/functional") == "abc");
    CHECK(endpoints(root + "/bmc/updateable") == "none");
    CHECK(endpoints(root + "/abc/software_version") == "bmc");
    CHECK(endpoints(root + "/abc/inventory") == "bmc");
    CHECK(endpoints("/xyz/openbmc_project/inventory/bmc/activation") == "abc");
}

TEST_CASE("a version that nobody knows yet shows its activation alone")
{
    Versions versions;
    versions["x"].id = "x";
    const auto objects = describe(settings_of(SoftwareLayout::current), versions, ApplyTime::on_reset);
    CHECK(names_of(object(objects, Service::updater, root + "/x")) ==
          Names{"Definitions", "Delete", "Activation", "RequestedRedundancyPriority"});
}

TEST_CASE("the least version is shown on the BMC's running one; compatible names where there are any")
{
    config::Software settings = settings_of();
    settings.least_bmc_version = config::LeastBmcVersion{"2.0", "x"};
    Versions versions;
    Version bmc = version_of("a", Purpose::bmc, Activation::active);
    bmc.functional = true;
    bmc.facts.compatible_names = {"one", "two"};
    Version host = version_of("b", Purpose::host, Activation::active);
    host.functional = true;
    versions.emplace("a", bmc);
    versions.emplace("b", host);
    versions.emplace("c", version_of("c", Purpose::bmc, Activation::active));
    const auto objects = describe(settings, versions, ApplyTime::on_reset);
    const std::string interface {
        interfaces::minimum_version
    };
    CHECK(text_of(object(objects, Service::updater, root + "/a")->at(interface).at("MinimumVersion")) == "0");
    CHECK_FALSE(object(objects, Service::updater, root + "/b")->contains(interface));
    CHECK_FALSE(object(objects, Service::updater, root + "/c")->contains(interface));
    const std::string compatible{interfaces::compatible};
    CHECK(text_of(object(objects, Service::updater, root + "/a")->at(compatible).at("Names")) == "one,two");
    CHECK_FALSE(object(objects, Service::updater, root + "/b")->contains(compatible));
}
