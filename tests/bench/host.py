#!/usr/bin/python3
"""How fast an image travels from a host over KCS and BT, and how much of what the interface itself carries that is.

A virtual machine with Debian's kernel in QEMU's emulation; the agent is outside. The limit is measured in the same machine
in the same run: round trips of requests as large as the client's, and the client's requests without the client. Prints a
table; not a test.
"""

import hashlib
import pathlib
import struct
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))

# pylint: disable=wrong-import-position
import report  # noqa: E402
import rig  # noqa: E402
from rig import harness  # noqa: E402

REQUEST = 240  # data bytes: protocol::largest_system_interface_message
ROUND_TRIPS = 3000
ROUNDS = 4  # the best of each counts: what else the machine does only slows down
IMAGE, REPLAYED = (harness.make_image(2 * harness.MIB, seed) for seed in (1, 2))  # no block of one byte: it would not travel
BLOCK = 65536
FRAGMENT = REQUEST - 12  # header, and the CRC-32 behind a block's last one
ACKNOWLEDGE, BLOCK_END = 1, 2  # flags


def write_fragments(image):
    """The requests that carry an image (45h), for roundtrips; transfer 0 in each."""
    requests = bytearray()
    for start in range(0, len(image), BLOCK):
        block = image[start:start + BLOCK]
        for offset in range(0, len(block), FRAGMENT):
            last = offset + FRAGMENT >= len(block)
            header = struct.pack("<HBBHH", 0, ACKNOWLEDGE | last * BLOCK_END, 0, start // BLOCK, offset)
            request = header + block[offset:offset + FRAGMENT] + (zlib.crc32(block).to_bytes(4, "little") if last else b"")
            requests += bytes([len(request)]) + request
    return bytes(requests)


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
        root.data(write_fragments(REPLAYED), "/fragments.bin")
        return agent, self.boot(interface, root, rig.external_bmc(f"path={socket}", interface))

    def trip(self, host):
        """Seconds of a round trip with an empty answer."""
        return float(self.ok(host.run(f"roundtrips {ROUND_TRIPS} {REQUEST}")).text) / ROUND_TRIPS

    def raw(self, host, command, data=b""):
        words = " ".join(f"0x{byte:02x}" for byte in (8, command, *data))
        return bytes.fromhex(self.ok(host.run(f"ipmitool -I open raw {words}")).text)

    def replay(self, host):
        """Image bytes in a second when the client's requests come from a loop. (Image and staging change in every round.)"""
        self.raw(host, 0x27, self.raw(host, 0x26))
        begin = struct.pack("<BBHQ", 1, 0, FRAGMENT, len(REPLAYED)) + hashlib.sha256(REPLAYED).digest()
        transfer, _, granted, _, present = struct.unpack_from("<HBHII", self.raw(host, 0x44, begin))
        self.assertEqual((granted, present), (FRAGMENT, 0))
        seconds = float(self.ok(host.run(f"roundtrips /fragments.bin {transfer}")).text)
        self.raw(host, 0x28)
        return len(REPLAYED) / seconds

    def goodput(self, agent, host):
        """Image bytes in a second of the transfer, by the client's progress lines."""
        before = len(host.commands.lines)
        self.ok(host.run("ipmitool -I open fwupdate install /image.bin force yes json"))
        self.assertTrue(agent.holds(IMAGE))
        stamps = [stamp for stamp, line in host.commands.lines[before:] if '"phase":"transfer"' in line]
        return len(IMAGE) / (stamps[-1] - stamps[0])

    def test_goodput(self):
        rows = []
        for interface in self.interfaces:
            agent, host = self.boot_host(interface)
            rounds = [(self.trip(host), self.replay(host), self.goodput(agent, host)) for _ in range(ROUNDS)]
            host.end()
            trips, replays, goodputs = zip(*rounds)
            limit, replay, goodput = REQUEST / min(trips), max(replays), max(goodputs)
            rows.append((interface.upper(), kilo(limit), kilo(replay), kilo(goodput), report.percent(goodput / limit),
                         report.percent(goodput / replay)))
        print("\n" + report.table(("kB/s", "limit", "without a client", "fwupdate", "of the limit",
                                   "of that without a client"), rows))


def kilo(rate):
    return f"{rate / 1e3:.0f}"


if __name__ == "__main__":
    tempfile.tempdir = "/dev/shm"  # as a BMC's staging is in RAM
    rig.main()
