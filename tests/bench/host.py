#!/usr/bin/python3
"""How fast an image travels from a host over KCS and BT, and how much of what the interface itself carries that is.

A virtual machine with Debian's kernel in QEMU's emulation; the agent is outside. The limit is measured in the same machine
in the same run: round trips of requests as large as the client's. Prints a table; not a test.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))

# pylint: disable=wrong-import-position
import report  # noqa: E402
import rig  # noqa: E402
from rig import harness  # noqa: E402

REQUEST = 240  # data bytes: protocol::largest_system_interface_message
ROUND_TRIPS = 3000
ROUNDS = 4  # the best of each counts: what else the machine does only slows down
IMAGE = harness.make_image(2 * harness.MIB)  # no block of it is of one byte, which would not travel


class Host(rig.Case):
    interfaces = ("kcs", "bt")

    def boot_host(self, interface):
        socket = self.workspace.directory / f"{interface}.socket"
        agent = harness.Agent(self.workspace, name=f"agent-{interface}",
                              system_interfaces=[{"type": "vm", "listen": str(socket)}])
        root = rig.Initramfs(self.kernel, "streaming-init.sh")
        root.modules("ipmi_si", "ipmi_devintf")
        root.program(harness.built("ipmitool-plugin/ipmitool"))
        root.program(harness.built("tests/vm/roundtrips"))
        root.data(IMAGE, "/image.bin")
        return agent, self.boot(interface, root, rig.external_bmc(f"path={socket}", interface))

    def trip(self, host, size):
        """Seconds of a round trip with `size` data bytes."""
        return float(self.ok(host.run(f"roundtrips {ROUND_TRIPS} {size}")).text) / ROUND_TRIPS

    def goodput(self, agent, host):
        """Image bytes in a second of the transfer, by the client's progress lines."""
        before = len(host.commands.lines)
        self.ok(host.run("ipmitool -I open fwupdate install /image.bin force yes json"))
        self.assertTrue(agent.holds(IMAGE))
        stamps = [stamp for stamp, line in host.commands.lines[before:] if '"phase":"transfer"' in line]
        return len(IMAGE) / (stamps[-1] - stamps[0])

    def round(self, agent, host):
        """Seconds of a round trip, seconds more for an answer as long as an acknowledgement, and goodput. (Get Device ID
        without data is answered with 15 bytes, with a byte too many it is refused.)"""
        return self.trip(host, REQUEST), self.trip(host, 0), self.trip(host, 1), self.goodput(agent, host)

    def test_goodput(self):
        rows = []
        for interface in self.interfaces:
            agent, host = self.boot_host(interface)
            trips, answered, refused, goodputs = zip(*(self.round(agent, host) for _ in range(ROUNDS)))
            host.end()
            limit = REQUEST / min(trips)
            with_answers = REQUEST / (min(trips) + max(min(answered) - min(refused), 0))
            goodput = max(goodputs)
            rows.append((interface.upper(), kilo(limit), kilo(with_answers), kilo(goodput),
                         report.percent(goodput / limit), report.percent(goodput / with_answers)))
        print("\n" + report.table(("kB/s", "limit", "limit with answers", "fwupdate", "of the limit",
                                   "of that with answers"), rows))


def kilo(rate):
    return f"{rate / 1e3:.0f}"


if __name__ == "__main__":
    tempfile.tempdir = "/dev/shm"  # as a BMC's staging is in RAM
    rig.main()
