#include "bmc-agent/software/errors.hpp"
#include "bmc-agent/software/names.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace fwupdate::agent::software;
using fwupdate::config::SoftwareLayout;
using fwupdate::package::Purpose;

namespace
{

template <class Enum> void check_round()
{
    for (std::size_t at = 0; at < Words<Enum>::words.size(); ++at)
    {
        const auto value = static_cast<Enum>(at);
        CHECK(from_dbus<Enum>(to_dbus(value)) == value);
    }
    CHECK_FALSE(from_dbus<Enum>(""));
    CHECK_FALSE(from_dbus<Enum>(Words<Enum>::prefix));
    CHECK_FALSE(from_dbus<Enum>(Words<Enum>::words.front()));
    CHECK_FALSE(from_dbus<Enum>(to_dbus(Enum{}) + " "));
}

} // namespace

TEST_CASE("enumerators go to D-Bus and back; nothing else is taken")
{
    check_round<Activation>();
    check_round<RequestedActivation>();
    check_round<ApplyTime>();
    check_round<Purpose>();
}

TEST_CASE("the words are OpenBMC's")
{
    CHECK(to_dbus(Activation::not_ready) == "xyz.openbmc_project.Software.Activation.Activations.NotReady");
    CHECK(to_dbus(Activation::staging) == "xyz.openbmc_project.Software.Activation.Activations.Staging");
    CHECK(to_dbus(RequestedActivation::active) ==
          "xyz.openbmc_project.Software.Activation.RequestedActivations.Active");
    CHECK(to_dbus(ApplyTime::on_reset) == "xyz.openbmc_project.Software.ApplyTime.RequestedApplyTimes.OnReset");
    CHECK(to_dbus(Purpose::psu) == "xyz.openbmc_project.Software.Version.VersionPurpose.PSU");
    for (std::size_t at = 0; at < Words<Purpose>::words.size(); ++at)
    {
        const auto purpose = static_cast<Purpose>(at);
        CHECK(to_dbus(purpose).ends_with("." + std::string{fwupdate::package::to_text(purpose)}));
    }
}

TEST_CASE("every error has a name of its own")
{
    std::set<std::string_view> names;
    for (const ErrorRow& row : error_rows)
    {
        CHECK(row.name.starts_with("xyz.openbmc_project."));
        CHECK(row.name.find(".Error.") != std::string_view::npos);
        CHECK(names.insert(row.name).second);
        CHECK(dbus_name(row.code) == row.name);
    }
    CHECK(dbus_name(ErrorCode::already_exists) == "xyz.openbmc_project.Software.Version.Error.AlreadyExists");
}

TEST_CASE("the services have the layout's names")
{
    CHECK(bus_name(Service::updater, SoftwareLayout::era_2020) == "xyz.openbmc_project.Software.BMC.Updater");
    CHECK(bus_name(Service::updater, SoftwareLayout::current) == "xyz.openbmc_project.Software.Manager");
    CHECK(bus_name(Service::image_manager, SoftwareLayout::era_2020) == "xyz.openbmc_project.Software.Version");
    CHECK(bus_name(Service::image_manager, SoftwareLayout::current).empty());
    CHECK(bus_name(Service::settings, SoftwareLayout::current) == "xyz.openbmc_project.Settings");
    CHECK(bus_name(Service::download, SoftwareLayout::era_2020) == "xyz.openbmc_project.Software.Download");
}
