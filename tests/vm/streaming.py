#!/usr/bin/python3
"""Updates from inside of a host: Debian's kernel with its ipmi_si in a virtual machine, KCS or BT by QEMU, our agent outside.

Streaming over the system interface, and what survives kills of the client, of the agent and of the whole host.
"""

import re
import signal
import time
import unittest

import rig
from rig import FIRMWARE, harness

import base_raw

FIRMWARE_BYTES = FIRMWARE.read_bytes()
DONE, ALREADY_CURRENT, REFUSED, TRANSFER_FAILED = 0, 11, 12, 14
IMAGE = "/firmware.fd"  # in the machine
STOCK = "/bin/ipmitool.stock"
BLOCK = 65536


class Streaming(base_raw.RawUpdate, rig.Case):
    """The tests; each machine interface is a class of its own below."""

    write = 240

    def setUp(self):
        super().setUp()
        self.socket = self.workspace.directory / "host.socket"
        self.hosts = 0

    def serve(self, policy="full"):
        """An agent for the host."""
        self.agent = harness.Agent(self.workspace, system_interfaces=[
            {"type": "vm", "listen": str(self.socket), "policy": policy}])

    def boot_host(self):
        self.hosts += 1
        root = rig.Initramfs(self.kernel, "streaming-init.sh")
        root.modules("ipmi_si", "ipmi_devintf")
        root.program(harness.built("ipmitool-plugin/ipmitool"))
        root.program("/usr/bin/ipmitool", STOCK)
        root.file(FIRMWARE, IMAGE)
        return self.boot(f"host-{self.hosts}", root, rig.external_bmc(f"path={self.socket}", self.interface))

    def fwupdate(self, host, *words, statuses=(DONE,)):
        return self.ok(host.run(f"ipmitool -I open fwupdate {' '.join(words)}"), *statuses)

    def start_install(self, host):
        """Installs in the background, until a good part has arrived."""
        job = host.start(f"ipmitool -I open fwupdate install {IMAGE} yes json")
        arrived = job.wait_for(lambda text: max((event["done"] for event in rig.events_of(text, "progress")
                                                 if event["done"] > 8 * BLOCK), default=0), "the transfer's first part")
        self.assertLess(arrived, len(FIRMWARE_BYTES) - 8 * BLOCK, "the kill comes too late")
        return job, arrived

    def assert_resumed(self, text, start, arrived):
        """Both ends say that the transfer went on where it was, but for the blocks that were being gathered."""
        present = [int(blocks) for blocks in re.findall(r'Transfer begun.*blocks_present="(\d+)"',
                                                        self.agent.log()[start:])]
        self.assertTrue(present, f"no transfer was begun again:\n{self.agent.log()[start:]}")
        self.assertGreater(present[-1] * BLOCK, arrived - 3 * BLOCK, "what was staged before must count")
        self.assertRegex(text, r"resuming: .* are on the BMC already")
        self.measured("staged when the kill came, blocks found again:", f"{arrived} bytes, {present[-1]} blocks")
        self.assertTrue(self.agent.holds(FIRMWARE_BYTES))

    def test_install(self):
        self.serve()
        host = self.boot_host()
        self.assertIn("IPMI Version              : 2.0", self.ok(host.run("ipmitool -I open mc info")).text)
        self.assertIn("bios", self.fwupdate(host, "targets").text)
        self.fwupdate(host, "info")
        done = self.fwupdate(host, f"install {IMAGE} yes json")
        self.assertTrue(self.agent.holds(FIRMWARE_BYTES), "the target's bytes differ from the image")
        self.measured(f"install of {len(FIRMWARE_BYTES)} bytes took", f"{done.seconds:.1f} s")
        again = self.fwupdate(host, f"install {IMAGE} yes", statuses=(ALREADY_CURRENT,))
        self.measured("the same again took", f"{again.seconds:.1f} s")
        self.assert_quiet_kernel(host)

    def test_client_killed(self):
        self.serve()
        host = self.boot_host()
        _, arrived = self.start_install(host)
        start = self.agent.log_length()
        self.ok(host.run("killall -9 ipmitool"))
        resumed = self.fwupdate(host, "resume yes json")
        self.assert_resumed(resumed.text, start, arrived)
        self.assert_quiet_kernel(host)

    def test_agent_killed(self):
        """QEMU finds the new agent within a second; until then it answers D2h. The client waits and goes on."""
        self.serve()
        host = self.boot_host()
        job, arrived = self.start_install(host)
        start = self.agent.log_length()
        self.kill_between_requests(self.agent, host, "ipmitool")
        self.agent.start()
        begun = time.monotonic()
        self.agent.program.wait_for("Transfer begun", start=start, seconds=100)
        self.measured("from the new agent's start until the transfer goes on", f"{time.monotonic() - begun:.1f} s")
        done = self.ok(job.finish(), DONE)
        self.assert_resumed(done.text, start, arrived)
        self.assert_quiet_kernel(host)

    def test_host_killed(self):
        """The power of the host fails; the BMC's does not."""
        self.serve()
        host = self.boot_host()
        _, arrived = self.start_install(host)
        start = self.agent.log_length()
        host.end(signal.SIGKILL)
        host = self.boot_host()
        resumed = self.fwupdate(host, f"resume {IMAGE} yes json")
        self.assert_resumed(resumed.text, start, arrived)
        self.assert_quiet_kernel(host)

    def test_policy_read_only(self):
        self.serve("read-only")
        host = self.boot_host()
        for words in ("info", "targets", "status"):
            self.fwupdate(host, words)
        refused = self.fwupdate(host, f"install {IMAGE} yes", statuses=(REFUSED,))
        self.assertIn("the BMC's policy lets this host only ask", refused.text)
        self.assertEqual(self.agent.target.read_bytes(), b"old firmware")
        self.assert_quiet_kernel(host)

    def test_policy_off(self):
        """Nothing listens."""
        self.serve("off")
        self.assertFalse(self.socket.exists())

    def test_stock_ipmitool(self):
        """The distribution's ipmitool, the base profile's commands alone."""
        self.serve()
        host = self.boot_host()

        def raw(command, data):
            done = host.run(" ".join((STOCK, "-I open raw 8", *(f"0x{byte:02x}" for byte in (command, *data)))))
            refused = re.search(r"rsp=0x([0-9a-f]+)", done.text)
            if refused:
                return int(refused[1], 16), b""
            self.ok(done)
            return 0, bytes.fromhex(done.text)

        self.update(raw)
        self.assert_quiet_kernel(host)


class Kcs(Streaming):
    interface = "kcs"


class Bt(Streaming):
    interface = "bt"


def load_tests(loader, *_):
    """The interfaces' tests, not those of what they have in common."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Kcs, Bt))


if __name__ == "__main__":
    rig.main()
