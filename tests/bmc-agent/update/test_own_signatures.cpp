// OpenBMC tarballs with that project's own signatures, on an agent that has its system keys.
#include "tests/bmc-agent/update/verified_bench.hpp"
#include "tests/common/package/signature/openbmc_vendor.hpp"

using namespace fwupdate;
using namespace fwupdate::test;
using protocol::ReasonCode;
using protocol::UpdateState;

namespace
{

/// One vendor for all cases: RSA keys are slow to make.
const OpenBmcVendor& openbmc()
{
    static const OpenBmcVendor one;
    return one;
}

Bytes packed(const Members& members)
{
    TarBuilder tar;
    for (const auto& [name, data] : members)
    {
        tar.add(name, data);
    }
    return tar.finish();
}

/// An agent for the machine "romulus" that trusts OpenBMC's key, and nobody's certificate unless `roots`.
class OwnBench
{
  public:
    explicit OwnBench(package::Purpose purpose, bool floor = false, bool roots = false)
        : machine{[&](Policy& policy, const Vendor&)
                  {
                      const std::filesystem::path key = files_.path() / "OpenBMC";
                      std::filesystem::create_directories(key);
                      std::ofstream{key / "publickey"} << public_pem_of(openbmc().system.get());
                      std::ofstream{key / "hashfunc"} << "HashType=RSA-SHA256";
                      policy.verification.system_keys = files_.path();
                      if (!roots)
                      {
                          policy.verification.roots.clear();
                      }
                      policy.machine.name = "romulus";
                      policy.change_targets = [=](config::Target& bios, config::Target&)
                      {
                          bios.purpose = purpose;
                          bios.anti_rollback = floor;
                      };
                  }}
    {
    }

  private:
    TemporaryDirectory files_;

  public:
    VerifiedBench machine;
};

const Members bmc{{"image-bmc", std::string(5000, 'b')}};
const Members host{{"image-hostfw", std::string(5000, 'h')}};

} // namespace

TEST_CASE("a tarball signed by a system key is taken, a plain image and one without signatures are not")
{
    OwnBench own{package::Purpose::bmc};
    CHECK(own.machine.update(packed(openbmc().make("BMC", "2", bmc))) == UpdateState::ready);
    CHECK(own.machine.bench().installed() == bmc.at("image-bmc"));
    own.machine.leave();

    Members stripped = openbmc().make("BMC", "2", bmc);
    std::erase_if(stripped, [](const auto& member) { return member.first.ends_with(".sig"); });
    for (const Bytes& image : {packed(stripped), make_image(1000)})
    {
        CHECK(own.machine.update(image) == UpdateState::error);
        CHECK(own.machine.reason_code() == ReasonCode::signature_required);
        own.machine.leave();
    }
}

TEST_CASE("what is not covered, changed or put in afterwards is refused")
{
    const auto refuse = [](const std::function<void(Members&)>& change)
    {
        OwnBench own{package::Purpose::bmc};
        Members members = openbmc().make("BMC", "2", bmc);
        change(members);
        CHECK(own.machine.update(packed(members)) == UpdateState::error);
        CHECK(own.machine.reason_code() == ReasonCode::signature_bad);
        CHECK(own.machine.bench().installed() == "old firmware");
    };
    refuse([](Members& members) { members["image-bmc"][7] ^= 1; });
    refuse([](Members& members) { members["MANIFEST"] += "ExtendedVersion=3\n"; });
    refuse([](Members& members) { members.erase("image-full.sig"); });
    refuse([](Members& members) { members.erase("image-bmc.sig"); });
    refuse([](Members& members) { members["image-kernel"] = "unsigned"; });
    refuse(
        [](Members& members)
        {
            const Members older = openbmc().make("BMC", "1", {{"image-bmc", "older"}});
            members["image-bmc"] = older.at("image-bmc");
            members["image-bmc.sig"] = older.at("image-bmc.sig");
        });
}

TEST_CASE("a system key's signature stands where certificates are trusted too, and both must be good")
{
    OwnBench own{package::Purpose::bmc, false, true};
    const Bytes tarball = packed(openbmc().make("BMC", "2", bmc));
    CHECK(own.machine.update(signed_by(own.machine.vendor.stranger, tarball)) == UpdateState::error);
    CHECK(own.machine.reason_code() == ReasonCode::signature_bad);
    own.machine.leave();
    CHECK(own.machine.update(signed_by(own.machine.vendor.signer, tarball)) == UpdateState::ready);
    own.machine.leave();
    CHECK(own.machine.update(packed(openbmc().make("BMC", "3", {{"image-bmc", "newer"}}))) == UpdateState::ready);
}

TEST_CASE("for other purposes than BMC and System, a floor wants the tarball signed as a whole")
{
    const Bytes tarball = packed(openbmc().make("Host", "2", host));
    OwnBench without{package::Purpose::host};
    CHECK(without.machine.update(tarball) == UpdateState::ready);
    OwnBench with{package::Purpose::host, true, true};
    CHECK(with.machine.update(tarball) == UpdateState::error);
    CHECK(with.machine.reason_code() == ReasonCode::signature_required);
    CHECK(has(with.machine.reason(), "as a whole"));
    with.machine.leave();
    CHECK(with.machine.update(signed_by(with.machine.vendor.signer, tarball)) == UpdateState::ready);
}
