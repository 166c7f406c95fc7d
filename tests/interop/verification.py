#!/usr/bin/python3
"""What may be programmed, end to end: images signed by openssl and fwsign, packages made by pldm-fwup-pkg-creator, tarballs
made by tar, installed by `ipmitool fwupdate` on an agent that requires signatures. Every refusal leaves the targets as they
were."""

import json
import pathlib
import subprocess
import threading
import http.server

import harness
from harness import Agent, Case, built, make_image

DONE, ALREADY_CURRENT, REFUSED, UPDATE_FAILED = 0, 11, 12, 13
BIOS, CPLD = make_image(700_001), make_image(90_000, seed=5)
UUID = "00112233445566778899aabbccddeeff"
EXTENSIONS = {
    "signer": "extendedKeyUsage=codeSigning",
    "server": "extendedKeyUsage=serverAuth",
}


def run(*command, cwd=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, cwd=cwd)
    if done.returncode != 0:
        raise harness.Failure(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done


class Authority:
    """A certification authority of openssl's, in a folder."""

    def __init__(self, folder, name):
        folder.mkdir()
        self.folder, self.name = folder, name
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj",
            f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", "root.key", "-out", "root.pem",
            cwd=folder)

    def signer(self, kind="signer", *validity):
        """A certificate and its key."""
        file = self.folder / kind
        (self.folder / "extensions").write_text("basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
                                                f"{EXTENSIONS.get(kind, EXTENSIONS['signer'])}\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={kind}",
            "-keyout", f"{file}.key", "-out", f"{file}.csr")
        run("openssl", "x509", "-req", "-in", f"{file}.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
            *(validity or ("-days", 2)), "-extfile", "extensions", "-out", f"{file}.pem", cwd=self.folder)
        return file

    def revocation_list(self, *revoked):
        (self.folder / "index.txt").write_text("")
        (self.folder / "number").write_text("01\n")
        (self.folder / "ca.conf").write_text("[ca]\ndefault_ca=it\n[it]\ndatabase=index.txt\ncrlnumber=number\n"
                                             "default_md=sha256\ndefault_crl_days=2\n")
        base = ("openssl", "ca", "-config", "ca.conf", "-cert", "root.pem", "-keyfile", "root.key")
        for certificate in revoked:
            run(*base, "-revoke", f"{certificate}.pem", cwd=self.folder)
        run(*base, "-gencrl", "-out", "list.pem", cwd=self.folder)
        return self.folder / "list.pem"


class Verification(Case):
    @classmethod
    def setUpClass(cls):
        cls.files = harness.Workspace()
        cls.addClassCleanup(cls.files.close)
        cls.vendor = Authority(cls.files.directory / "vendor", "Vendor Root")
        cls.signer = cls.vendor.signer()
        cls.stranger = Authority(cls.files.directory / "stranger", "Foreign Root").signer()

    def agent(self, **verification):
        self.cpld = self.workspace.write("cpld.bin", b"old cpld")
        agent = Agent(self.workspace, verification={"roots": str(self.vendor.folder / "root.pem"), **verification},
                      machine={"name": "ours", "descriptors": [{"type": 2, "data": UUID}]})
        agent.kill()
        nothing = {"what": "nothing"}
        versions = {name: self.workspace.write(f"{name}.version", b"1.5\n") for name in ("bios", "cpld")}
        agent.config["targets"] = [
            {"id": 1, "name": "bios", "type": "file", "path": str(agent.target), "restart": nothing, "purpose": "Host",
             "components": [{"classification": 10, "identifier": 1}], "version_file": str(versions["bios"])},
            {"id": 2, "name": "cpld", "type": "file", "path": str(self.cpld), "restart": nothing,
             "components": [{"classification": 10, "identifier": 2}], "version_file": str(versions["cpld"])},
        ]
        agent.config["default_target"] = "bios"
        agent.config["network"] = {"allow": ["127.0.0.0/8"]}
        agent.start()
        return agent

    def sign(self, file, signer=None):
        signer = signer or self.signer
        signed = file.with_suffix(".signed")
        run(built("tools/fwsign/fwsign"), "sign", "--key", f"{signer}.key", "--certificate", f"{signer}.pem",
            "--self-contained", "--output", signed, file)
        return signed

    def sign_beside(self, file, signer=None):
        """By openssl alone, as the documentation says."""
        signer = signer or self.signer
        beside = file.with_suffix(".p7s")
        run("openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", f"{signer}.pem", "-inkey", f"{signer}.key",
            "-in", file, "-out", beside)
        return beside

    def image(self, content=BIOS, name="image.bin"):
        return self.workspace.write(name, content)

    def package(self, bios_version="2.0", cpld_version="2.1", uuid=UUID):
        metadata = {
            "PackageHeaderInformation": {"PackageHeaderIdentifier": "f018878ccb7d49439800a02f059aca02",
                                         "PackageHeaderFormatVersion": 1, "PackageReleaseDateTime": "2026-01-01T00:00:00",
                                         "PackageVersionString": "set 7"},
            "FirmwareDeviceIdentificationArea": [
                {"DeviceUpdateOptionFlags": [0], "ComponentImageSetVersionString": "set 7", "ApplicableComponents": [0, 1],
                 "Descriptors": [{"DescriptorType": 2, "DescriptorData": uuid}]}],
            "ComponentImageInformationArea": [
                {"ComponentClassification": 10, "ComponentIdentifier": number, "ComponentOptions": [0],
                 "RequestedComponentActivationMethod": [0], "ComponentVersionString": version}
                for number, version in ((1, bios_version), (2, cpld_version))],
        }
        description = self.workspace.write("metadata.json", json.dumps(metadata).encode())
        package = self.workspace.directory / "package.pldm"
        package.unlink(missing_ok=True)
        run(built("tools/pldm-fwup-pkg-creator"), package, description, self.image(BIOS, "bios.bin"),
            self.image(CPLD, "cpld-image.bin"))
        return package

    def tarball(self, machine="ours", version="2.0", compression="-z", content=BIOS):
        folder = self.workspace.directory / "tar"
        folder.mkdir(exist_ok=True)
        (folder / "MANIFEST").write_text("purpose=xyz.openbmc_project.Software.Version.VersionPurpose.Host\n"
                                         f"version={version}\nMachineName={machine}\n")
        (folder / "image-bios").write_bytes(content)
        file = self.workspace.directory / "update.tar"
        run("tar", compression, "-cf", file, "-C", folder, "MANIFEST", "image-bios")
        return file

    def assert_untouched(self, agent):
        self.assertEqual(agent.target.read_bytes(), b"old firmware")
        self.assertEqual(self.cpld.read_bytes(), b"old cpld")

    def assert_refused(self, agent, file, what, *words):
        run = self.install(agent.port, file, *words)
        self.assert_status(run, REFUSED, UPDATE_FAILED)
        self.assertIn(what, run.text)
        self.assert_untouched(agent)
        return run

    # ---- what is taken

    def test_a_signed_image_and_the_same_again(self):
        agent = self.agent()
        signed = self.sign(self.image())
        self.assert_status(self.install(agent.port, signed), DONE)
        self.assertTrue(agent.holds(BIOS))
        self.assert_status(self.install(agent.port, signed), ALREADY_CURRENT)

    def test_a_signature_beside_the_image(self):
        agent = self.agent()
        image = self.image()
        self.assert_status(self.install(agent.port, image, "signature", self.sign_beside(image)), DONE)
        self.assertTrue(agent.holds(BIOS))

    def test_a_package_for_two_targets(self):
        agent = self.agent()
        package = self.sign(self.package())
        run = self.install(agent.port, package)
        self.assert_status(run, DONE)
        self.assertTrue(agent.holds(BIOS))
        self.assertEqual(self.cpld.read_bytes(), CPLD)
        self.assertIn("bios: updated", run.text)
        self.assertIn("cpld: updated", run.text)
        self.assert_status(self.install(agent.port, package), ALREADY_CURRENT)

    def test_one_target_of_a_package(self):
        agent = self.agent()
        self.assert_status(self.install(agent.port, self.sign(self.package()), "target", "cpld"), DONE)
        self.assertEqual(agent.target.read_bytes(), b"old firmware")
        self.assertEqual(self.cpld.read_bytes(), CPLD)

    def test_tarballs(self):
        agent = self.agent()
        for number, compression in enumerate(("-z", "-J", "--zstd")):
            content = make_image(700_000, seed=10 + number)
            with self.subTest(compression):
                signed = self.sign(self.tarball(compression=compression, content=content))
                self.assert_status(self.install(agent.port, signed), DONE)
                self.assertTrue(agent.holds(content))

    def test_the_base_profile_takes_a_signed_file(self):
        agent = self.agent()
        signed = self.sign(self.image())
        for words in (("enter",), ("write", signed), ("complete",)):
            self.assert_status(self.fwupdate(agent.port, *words), 0)
        harness.wait_until(lambda: agent.holds(BIOS), "the target holds the image")

    def test_http_needs_no_digest_where_a_signature_is_required(self):
        agent = self.agent()
        signed = self.sign(self.image())

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=signed.parent)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        uri = f"http://127.0.0.1:{server.server_address[1]}/{signed.name}"
        self.assert_status(self.fwupdate(agent.port, "uri", uri, "yes", "json"), DONE, 10)
        self.assertTrue(agent.holds(BIOS))
        self.assert_refused_uri(agent, uri.replace(signed.name, self.image(CPLD, "unsigned.bin").name))

    def assert_refused_uri(self, agent, uri):
        run = self.fwupdate(agent.port, "uri", uri, "yes", "json")
        self.assert_status(run, REFUSED, UPDATE_FAILED)
        self.assertIn("signature", run.text)
        self.assertTrue(agent.holds(BIOS))

    # ---- what is not

    def test_images_that_nobody_or_the_wrong_one_vouches_for(self):
        agent = self.agent(revocation_lists=str(self.vendor.revocation_list(revoked := self.vendor.signer("revoked"))))
        image = self.image()
        self.assert_refused(agent, image, "wants a signature")
        self.assert_refused(agent, self.package(), "wants a signature")
        self.assert_refused(agent, self.sign(image, self.stranger), "signature")
        self.assert_refused(agent, self.sign(image, revoked), "revoked")
        self.assert_refused(agent, image, "signature", "signature",
                            self.sign_beside(self.image(CPLD, "other.bin")))
        # fwsign refuses to sign with these; openssl does not.
        server = self.sign_beside(image, self.vendor.signer("server"))
        self.assert_refused(agent, image, "code signing", "signature", server)
        expired = self.vendor.signer("expired", "-days", "-1")
        self.assert_refused(agent, image, "expired", "signature", self.sign_beside(image, expired))

    def test_images_that_were_changed_after_signing(self):
        agent = self.agent()
        for file in (self.image(), self.package(), self.tarball()):
            signed = self.sign(file)
            content = signed.read_bytes()
            for at in (0, file.stat().st_size // 2, file.stat().st_size - 1):
                changed = bytearray(content)
                changed[at] ^= 1
                self.assert_refused(agent, self.image(bytes(changed), "changed"), "signature")
            stripped = self.image(content[:file.stat().st_size], "stripped")
            self.assert_refused(agent, stripped, "wants a signature")

    def test_what_is_for_another_machine_or_older(self):
        agent = self.agent()
        self.assert_refused(agent, self.sign(self.package(uuid=UUID[::-1])), "descriptors")
        self.assert_refused(agent, self.sign(self.tarball("theirs")), "theirs")
        self.assert_refused(agent, self.sign(self.package("1.4")), "older", "no-downgrade")
        self.assert_refused(agent, self.sign(self.package("2.0", "1.4")), "cpld", "no-downgrade")
        self.assert_refused(agent, self.sign(self.tarball(version="1.4")), "older", "no-downgrade")
        self.assert_refused(agent, self.sign(self.image()), "no version", "no-downgrade")

    def test_a_tarball_with_paths_that_leave_it(self):
        agent = self.agent()
        folder = self.workspace.directory / "evil"
        folder.mkdir()
        (folder / "MANIFEST").write_text("purpose=xyz.openbmc_project.Software.Version.VersionPurpose.Host\nversion=9\n")
        (folder / "image-bios").symlink_to("/etc/passwd")
        link = self.workspace.directory / "link.tar"
        run("tar", "-cf", link, "-C", folder, "MANIFEST", "image-bios")
        self.assert_refused(agent, self.sign(link), "image-bios")
        (folder / "image-bios").unlink()
        (folder / "image-bios").write_bytes(BIOS)
        away = self.workspace.directory / "away.tar"
        run("tar", "-P", "-cf", away, "-C", folder, "MANIFEST", "--transform", "s,^image,../image,", "image-bios")
        self.assert_refused(agent, self.sign(away), "../image-bios")
        bomb = folder / "image-bios"
        with bomb.open("wb") as file:
            file.truncate(2 << 30)
        packed = self.workspace.directory / "bomb.tar"
        run("tar", "--zstd", "-cf", packed, "-C", folder, "MANIFEST", "image-bios")
        self.assert_refused(agent, self.sign(packed), "larger than")

    def test_plan_tells_it_before(self):
        agent = self.agent()
        plan = self.fwupdate(agent.port, "plan", self.package("1.4"), "no-downgrade")
        self.assert_status(plan, REFUSED)
        self.assertIn("older", plan.text)
        plan = self.fwupdate(agent.port, "plan", self.package())
        self.assert_status(plan, 0)
        self.assertIn("component 0 2.0 for bios, component 1 2.1 for cpld", plan.text)
        self.assert_untouched(agent)


if __name__ == "__main__":
    harness.main()
