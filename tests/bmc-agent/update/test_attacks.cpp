// What must not be programmed, and isn't: every row is refused with its reason, and the targets are as they were.
#include "tests/bmc-agent/update/verified_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::test;
using protocol::ReasonCode;
using protocol::UpdateState;

namespace
{

Bytes pattern(std::size_t size)
{
    Bytes image(size);
    for (std::size_t at = 0; at < size; ++at)
    {
        image[at] = static_cast<std::uint8_t>(at * 7 + at / 251);
    }
    return image;
}

const Bytes first = make_image(70'000);
const Bytes second = pattern(150'000);

struct Attack
{
    std::string_view name;
    std::function<Bytes(const Vendor&)> image;
    ReasonCode code{};
    std::string_view text; ///< a part of the reason
    std::uint16_t parameters{};
    std::uint8_t target{protocol::no_target};
    std::function<Bytes(const Vendor&, const Bytes&)> signature{}; ///< for 4Eh
};

Bytes two_parts(const std::string& version = "2.0")
{
    return pldm_package({{1, version, first}, {2, version, second}});
}

Bytes tarball(const std::string& machine = {}, const std::string& version = "2.0")
{
    return TarBuilder{}.add("MANIFEST", manifest(version, machine)).add("image-host", std::string(3000, 'h')).finish();
}

Bytes flipped(Bytes image, std::size_t at)
{
    image.at(at) ^= 1;
    return image;
}

/// Whoever signs: must be refused.
Bytes signed_with(const Vendor& vendor, CertificateOptions options)
{
    options.name = "Signer";
    return signed_by(vendor.signer_with(std::move(options)), first);
}

Bytes member(const TarEntry& entry)
{
    return TarBuilder{}.add("MANIFEST", manifest("2.0")).add(entry).finish();
}

const std::vector<Attack>& attacks()
{
    static const std::vector<Attack> all{
        {"no signature", [](const Vendor&) { return first; }, ReasonCode::signature_required, "wants a signature"},
        {"a package without a signature", [](const Vendor&) { return two_parts(); }, ReasonCode::signature_required,
         "wants a signature"},
        {"a stripped signature",
         [](const Vendor& vendor)
         {
             Bytes image = signed_by(vendor.signer, first);
             image.resize(first.size());
             return image;
         },
         ReasonCode::signature_required, "wants a signature"},
        {"a byte changed after signing",
         [](const Vendor& vendor) { return flipped(signed_by(vendor.signer, first), 69'999); },
         ReasonCode::signature_bad, "signature"},
        {"a component swapped after signing",
         [](const Vendor& vendor)
         {
             Bytes image = signed_by(vendor.signer, pldm_package({{1, "2.0", first}, {2, "2.0", first}}));
             const auto place = std::search(image.begin(), image.end(), first.begin(), first.end());
             std::ranges::copy(ConstBytes{second}.first(first.size()), place);
             return image;
         },
         ReasonCode::signature_bad, "signature"},
        {"another image's signature",
         [](const Vendor& vendor)
         {
             Bytes image = second;
             const auto trailer = package::make_trailer(sign_cms(first, vendor.signer));
             image.insert(image.end(), trailer->begin(), trailer->end());
             return image;
         },
         ReasonCode::signature_bad, "signature"},
        {"another image's signature beside it", [](const Vendor&) { return second; }, ReasonCode::signature_bad,
         "signature", 0, protocol::no_target,
         [](const Vendor& vendor, const Bytes&) { return sign_cms(first, vendor.signer); }},
        {"a good signature behind the image, a bad one beside it",
         [](const Vendor& vendor) { return signed_by(vendor.signer, first); }, ReasonCode::signature_bad, "signature",
         0, protocol::no_target, [](const Vendor& vendor, const Bytes&) { return sign_cms(second, vendor.signer); }},
        {"noise for a signature", [](const Vendor&) { return first; }, ReasonCode::signature_bad, "", 0,
         protocol::no_target, [](const Vendor&, const Bytes&) { return Bytes(400, 0x30); }},
        {"a stranger's signature", [](const Vendor& vendor) { return signed_by(vendor.stranger, first); },
         ReasonCode::signature_bad, "Stranger"},
        {"an expired certificate",
         [](const Vendor& vendor)
         { return signed_with(vendor, {.name = {}, .not_before = present - 9 * day, .not_after = present - day}); },
         ReasonCode::signature_bad, "expired"},
        {"a certificate of tomorrow",
         [](const Vendor& vendor)
         { return signed_with(vendor, {.name = {}, .not_before = present + day, .not_after = present + 9 * day}); },
         ReasonCode::signature_bad, "not valid yet"},
        {"a web server's certificate",
         [](const Vendor& vendor) { return signed_with(vendor, {.name = {}, .extended_key_usage = "serverAuth"}); },
         ReasonCode::signature_bad, "code signing"},
        {"a signed package for another machine",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{1, "2.0", first}}, Bytes(16, 0x43)));
         },
         ReasonCode::wrong_machine, "descriptors"},
        {"a signed package for another machine, forced",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{1, "2.0", first}}, Bytes(16, 0x43)));
         },
         ReasonCode::wrong_machine, "descriptors", protocol::parameter_force},
        {"a signed tarball for another machine",
         [](const Vendor& vendor) { return signed_by(vendor.signer, tarball("theirs")); }, ReasonCode::wrong_machine,
         "theirs"},
        {"a signed tarball for another machine, forced",
         [](const Vendor& vendor) { return signed_by(vendor.signer, tarball("theirs")); }, ReasonCode::wrong_machine,
         "theirs", protocol::parameter_force},
        {"an older version, though signed, with no-downgrade",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{1, "1.4", first}}));
         },
         ReasonCode::downgrade_refused, "1.4 is older than 1.5", protocol::parameter_no_downgrade},
        {"an older version with no-downgrade, forced",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{1, "1.4", first}}));
         },
         ReasonCode::downgrade_refused, "older", protocol::parameter_no_downgrade | protocol::parameter_force},
        {"one of two components older, with no-downgrade",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{1, "2.0", first}, {2, "1.4", second}}));
         },
         ReasonCode::downgrade_refused, "cpld", protocol::parameter_no_downgrade},
        {"an older tarball with no-downgrade",
         [](const Vendor& vendor) { return signed_by(vendor.signer, tarball("ours", "1.4")); },
         ReasonCode::downgrade_refused, "older", protocol::parameter_no_downgrade},
        {"a plain image with no-downgrade: it has no version",
         [](const Vendor& vendor) { return signed_by(vendor.signer, first); }, ReasonCode::version_unknown,
         "no version", protocol::parameter_no_downgrade},
        {"a signed package that is for no target here",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{9, "2.0", first}}));
         },
         ReasonCode::target_unknown, "identifier 9"},
        {"a signed package with nothing for the chosen target",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{2, "2.0", first}}));
         },
         ReasonCode::target_unknown, "bios", 0, 1},
        {"two components for one target",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, pldm_package({{1, "2.0", first}, {1, "2.0", second}}));
         },
         ReasonCode::target_ambiguous, "more than one"},
        {"a package that is cut off, and signed",
         [](const Vendor& vendor)
         {
             Bytes package = two_parts();
             package.resize(package.size() - 1);
             return signed_by(vendor.signer, package);
         },
         ReasonCode::package_bad, "truncated"},
        {"a package with a broken header, signed",
         [](const Vendor& vendor) { return signed_by(vendor.signer, flipped(two_parts(), 40)); },
         ReasonCode::package_bad, ""},
        {"a tarball with a path out of the folder",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, member({"../../etc/passwd", "root::0:0::/:/bin/sh", '0', {}, {}}));
         },
         ReasonCode::package_bad, "../"},
        {"a tarball with an absolute path",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, member({"/etc/passwd", "root::0:0::/:/bin/sh", '0', {}, {}}));
         },
         ReasonCode::package_bad, "/etc/passwd"},
        {"a tarball with a symbolic link",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, member({"image-host", {}, '2', "/etc/shadow", {}}));
         },
         ReasonCode::package_bad, "image-host"},
        {"a tarball with a hard link",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, member({"image-host", {}, '1', "MANIFEST", {}}));
         },
         ReasonCode::package_bad, "image-host"},
        {"a tarball with a device",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, member({"image-host", {}, '4', {}, {}}));
         },
         ReasonCode::package_bad, "image-host"},
        {"a tarball that is a bomb",
         [](const Vendor& vendor) {
             return signed_by(vendor.signer, gzip(member({"image-host", std::string(64UL << 20, '\0'), '0', {}, {}})));
         },
         ReasonCode::package_bad, "more than"},
        {"a tarball without MANIFEST",
         [](const Vendor& vendor) { return signed_by(vendor.signer, TarBuilder{}.add("image-host", "hhh").finish()); },
         ReasonCode::package_bad, "MANIFEST"},
        {"a tarball of another purpose",
         [](const Vendor& vendor)
         {
             return signed_by(
                 vendor.signer,
                 TarBuilder{}.add("MANIFEST", manifest("2.0", "ours", "PSU")).add("image-psu", "ppp").finish());
         },
         ReasonCode::target_unknown, "target"},
        {"a tarball with two images for one target",
         [](const Vendor& vendor)
         {
             return signed_by(
                 vendor.signer,
                 TarBuilder{}.add("MANIFEST", manifest("2.0")).add("image-a", "aaa").add("image-b", "bbb").finish());
         },
         ReasonCode::target_ambiguous, "2 images"},
        {"nothing but a signature",
         [](const Vendor& vendor)
         {
             const auto trailer = package::make_trailer(sign_cms({}, vendor.signer));
             return Bytes{*trailer};
         },
         ReasonCode::signature_bad, ""},
    };
    return all;
}

void expect_untouched(VerifiedBench& machine)
{
    CHECK(machine.bench().installed() == "old firmware");
    CHECK(machine.cpld().empty());
    for (const auto& entry : std::filesystem::directory_iterator{machine.bench().directory.path()})
    {
        CHECK(entry.path().filename() != "passwd");
    }
}

} // namespace

TEST_CASE("whatever must not be programmed is refused with its reason, and the targets are as they were")
{
    for (const Attack& attack : attacks())
    {
        CAPTURE(attack.name);
        VerifiedBench machine;
        machine.running_version("bios", "1.5");
        machine.running_version("cpld", "1.5");
        const Bytes image = attack.image(machine.vendor);
        const Bytes beside = attack.signature ? attack.signature(machine.vendor, image) : Bytes{};
        CHECK(machine.update(image, attack.parameters, attack.target, beside) == UpdateState::error);
        const std::string reason = machine.reason();
        CAPTURE(reason);
        CHECK(machine.reason_code() == attack.code);
        CHECK(has(reason, attack.text));
        CHECK(printable(reason) == reason);
        expect_untouched(machine);

        // Nothing of it is left: what is right is installed at once.
        machine.leave();
        CHECK(machine.update(signed_by(machine.vendor.signer, second)) == UpdateState::ready);
        CHECK(machine.bench().installed() == std::string{second.begin(), second.end()});
    }
}

TEST_CASE("a revoked signer is refused")
{
    const TemporaryDirectory files;
    for (const bool revoked : {true, false})
    {
        CAPTURE(revoked);
        VerifiedBench machine{[&](Policy& policy, const Vendor& vendor)
                              {
                                  const std::vector<const X509*> on_it{vendor.signer.certificate.get()};
                                  policy.verification.revocation_lists = files.path() / "lists.pem";
                                  std::ofstream{policy.verification.revocation_lists}
                                      << revocation_list(vendor.root, revoked ? on_it : std::vector<const X509*>{});
                              }};
        const UpdateState end = machine.update(signed_by(machine.vendor.signer, first));
        CHECK(end == (revoked ? UpdateState::error : UpdateState::ready));
        if (revoked)
        {
            CHECK(machine.reason_code() == ReasonCode::signature_bad);
            CHECK(has(machine.reason(), "revoked"));
            expect_untouched(machine);
        }
    }
}

TEST_CASE("the bytes that are programmed are those that were verified")
{
    const auto change_staged = [](VerifiedBench& machine, std::size_t at)
    {
        if (!std::filesystem::exists(machine.staged()))
        {
            return; // programmed, and gone
        }
        std::fstream file{machine.staged(), std::ios::in | std::ios::out | std::ios::binary};
        file.seekg(static_cast<std::streamoff>(at));
        const int byte = file.get();
        file.seekp(static_cast<std::streamoff>(at));
        file.put(static_cast<char>(byte ^ 1));
        REQUIRE(file.good());
    };
    std::vector<Bytes> images{first, two_parts(), gzip(tarball("ours"))};
    for (std::size_t at = 0; at < images.size(); ++at)
    {
        CAPTURE(at);
        std::size_t slices = 0;
        for (std::size_t before = 0; before <= slices; ++before) // at every point of verification and programming
        {
            CAPTURE(before);
            VerifiedBench machine;
            const Bytes image = signed_by(machine.vendor.signer, images[at]);
            machine.stage(image);
            agent::UpdateSession& session = machine.bench().session();
            std::size_t done = 0;
            for (; session.wants_work() && done < 10'000; ++done)
            {
                if (done == before)
                {
                    change_staged(machine, images[at].size() / 2);
                }
                session.work(machine.bench().now);
            }
            slices = std::max(slices, done);
            const std::string installed = machine.bench().installed();
            const auto state = machine.bench().state(machine.caller());
            if (state == UpdateState::ready)
            {
                CHECK(installed != "old firmware"); // it had been read before it was changed
            }
            else
            {
                CHECK(state == UpdateState::error);
                CHECK_FALSE(machine.reason().empty());
                CHECK(has(machine.reason(), "staged image"));
            }
            const std::string whole{images[at].begin(), images[at].end()};
            const std::string part{first.begin(), first.end()};
            CHECK((installed == "old firmware" || installed == whole || installed == part ||
                   installed == std::string(3000, 'h')));
        }
        CHECK(slices > 3);
    }
}
