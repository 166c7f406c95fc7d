#!/usr/bin/python3
"""Flash blobs from inside of a host: Debian's kernel with its ipmi_si in a virtual machine, KCS or BT by QEMU, our agent
outside. In the machine a host tool (tests/interop/flash_client.cpp) that sends what OpenBMC's burn_my_bmc sends.
"""

import json
import re
import unittest

import rig
from rig import harness

import verification

DONE, FAILED = 0, 255  # of flash_client
IMAGES = {name: harness.make_image(size, seed) for name, size, seed in
          (("small", 30_003, 1), ("other", 20_000, 2), ("large", 120_000, 3))}
SKIP = {"preparation": {"type": "skip"}, "verification": {"type": "skip"}, "update": {"type": "skip"}}


class Blobs(rig.Case):
    """The tests; each machine interface is a class of its own below."""

    @classmethod
    def setUpClass(cls):
        cls.files = harness.Workspace()
        cls.addClassCleanup(cls.files.close)
        cls.signer = verification.Authority(cls.files.directory / "vendor", "Vendor Root").signer()
        cls.stranger = verification.Authority(cls.files.directory / "stranger", "Foreign Root").signer()
        for name, content in IMAGES.items():
            cls.files.write(f"{name}.bin", content)
            cls.sign(name, cls.signer, f"{name}.sig")
        cls.sign("small", cls.stranger, "foreign.sig")

    @classmethod
    def sign(cls, name, signer, signature):
        """A detached signature by openssl alone."""
        verification.run("openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", f"{signer}.pem", "-inkey",
                         f"{signer}.key", "-in", cls.files.directory / f"{name}.bin", "-out",
                         cls.files.directory / signature)

    def serve(self, policy="full"):
        """An agent for the host: a file of its own as target, and a blob that phosphor-ipmi-flash's files configure."""
        place = self.workspace.directory
        self.socket, self.spare, self.restarted = place / "host.socket", place / "spare.bin", place / "restarted"
        flash = place / "flash"
        flash.mkdir()
        (flash / "spare.json").write_text(json.dumps(
            [{"blob": "/flash/spare", "handler": {"type": "file", "path": str(self.spare)}, "actions": SKIP}]))
        target = place / "agent-target.bin"
        self.agent = harness.Agent(
            self.workspace,
            system_interfaces=[{"type": "vm", "listen": str(self.socket), "policy": policy}],
            verification={"roots": str(self.files.directory / "vendor" / "root.pem")},
            targets=[{"id": 1, "name": "bios", "type": "file", "path": str(target), "blob": "/flash/bios"}],
            default_target="bios",
            flash_config={"directories": [str(flash)], "targets": [
                {"blob": "/flash/spare", "restart": {"what": "bmc", "command": ["/usr/bin/touch", str(self.restarted)]}}]})

    def boot_host(self):
        root = rig.Initramfs(self.kernel, "streaming-init.sh")
        root.modules("ipmi_si", "ipmi_devintf")
        root.program(harness.built("tests/interop/flash_client"))
        root.program("/usr/bin/ipmitool")
        for file in self.files.directory.glob("*.*"):
            root.file(file, f"/{file.name}")
        return self.boot("host", root, rig.external_bmc(f"path={self.socket}", self.interface))

    @staticmethod
    def client(image, blob="bios", signature=None, *words):
        return " ".join((f"flash_client --image /{image}.bin --signature /{signature or image}.sig --type {blob}", *words))

    def flash(self, host, *words, statuses=(DONE,)):
        return self.ok(host.run(self.client(*words)), *statuses)

    def state(self):
        """The BMC's own account, asked over the LAN."""
        return self.status(self.agent.port)

    def last_entry(self):
        """Of the log of updates."""
        return self.fwupdate(self.agent.port, "log", "json").events("log")[0]

    def assert_free(self):
        state = self.state()
        self.assertEqual((state["state"], state["update_mode_held"]), ("init", False))

    def test_updates(self):
        self.serve()
        host = self.boot_host()
        done = self.flash(host, "small")
        self.assertTrue(self.agent.holds(IMAGES["small"]), "the target's bytes differ from the image")
        self.measured(f"{len(IMAGES['small'])} bytes took", f"{done.seconds:.1f} s")
        entry = self.last_entry()
        self.assertEqual((entry["result"], entry["transport"], entry["size"]), ("programmed", "blobs", len(IMAGES["small"])))
        self.assert_free()

        self.flash(host, "other", "bios", "other", "--ignore-update")
        harness.wait_until(lambda: self.agent.holds(IMAGES["other"]), "the target holds what nobody waited for")
        harness.wait_until(lambda: not self.state()["update_mode_held"], "update mode is left")

        self.flash(host, "small", "spare")
        self.assertEqual(self.spare.read_bytes(), IMAGES["small"])
        harness.wait_until(self.restarted.exists, "the configured restart")
        self.assertTrue(self.agent.holds(IMAGES["other"]), "the other target is none of its business")
        self.assert_quiet_kernel(host)

    def test_a_signature_that_is_not_ours(self):
        self.serve()
        host = self.boot_host()
        for signature in ("foreign", "other"):
            refused = self.flash(host, "small", "bios", signature, statuses=(FAILED,))
            self.assertIn("Verification: failed", refused.text)
            self.assertEqual(self.agent.target.read_bytes(), b"old firmware")
            entry = self.last_entry()
            self.assertEqual((entry["result"], entry["transport"]), ("failed", "blobs"))
            self.assertIn("signature", entry["text"])
            self.assert_free()
            self.assertEqual(self.staged(), [], "what was refused must not stay")
        self.flash(host, "small", "spare", "foreign", statuses=(FAILED,))
        self.assertFalse(self.spare.exists(), "what nobody vouches for was handed over")
        self.ok(self.flash(host, "small", "nothing", statuses=(FAILED,)), FAILED)
        self.flash(host, "small")
        self.assertTrue(self.agent.holds(IMAGES["small"]))
        self.assert_quiet_kernel(host)

    def staged(self):
        return [file.name for file in self.agent.state.iterdir() if file.is_file() and "image" in file.name]

    def begin(self, host):
        """A large update in the background, until a part has arrived."""
        job = host.start(self.client("large"))
        harness.wait_until(lambda: self.state()["received"] > 5_000, "the transfer's first part")
        self.assertLess(self.state()["received"], len(IMAGES["large"]) - 20_000, "it comes too late to disturb")
        return job

    def test_two_programs_and_an_agent_that_is_killed(self):
        self.serve()
        host = self.boot_host()
        first = self.begin(host)
        self.flash(host, "other", statuses=(FAILED,))
        self.ok(first.finish(), DONE)
        self.assertTrue(self.agent.holds(IMAGES["large"]), "the second program has disturbed the first one")

        killed = self.begin(host)
        self.kill_between_requests(self.agent, host, "flash_client")
        self.ok(killed.finish(), FAILED)
        self.agent.start()
        self.assertTrue(self.agent.holds(IMAGES["large"]))
        self.assertIn("stopped in the middle", self.last_entry()["text"])
        self.ok(host.run("for i in 1 2 3 4 5 6 7 8 9; do ipmitool -I open mc info && break; sleep 1; done"))
        self.flash(host, "other")
        self.assertTrue(self.agent.holds(IMAGES["other"]))

        killed = self.begin(host)
        self.ok(host.run("killall -9 flash_client"))
        killed.finish()
        refused = self.flash(host, "small", statuses=(FAILED,))
        self.assertIn("giving it up", refused.text)  # as with the original: nobody gives up what is being written
        self.ok(host.run("ipmitool -I open raw 8 0x28"))  # leaves update mode; else the lease does, later
        self.flash(host, "small")
        self.assertTrue(self.agent.holds(IMAGES["small"]))
        self.assert_quiet_kernel(host)

    def test_policy_read_only(self):
        self.serve("read-only")
        host = self.boot_host()
        refused = self.flash(host, "small", statuses=(FAILED,))
        self.assertIn("D4h", refused.text)
        raw = host.run("ipmitool -I open raw 0x2e 0x80 0xcf 0xc2 0x00 0x00")
        self.assertTrue(re.search(r"rsp=0xd4", raw.text), raw.text)
        self.assertEqual(self.agent.target.read_bytes(), b"old firmware")
        self.assert_free()
        self.assert_quiet_kernel(host)


class Kcs(Blobs):
    interface = "kcs"


class Bt(Blobs):
    interface = "bt"


def load_tests(loader, *_):
    """The interfaces' tests, not those of what they have in common."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Kcs, Bt))


if __name__ == "__main__":
    rig.main()
