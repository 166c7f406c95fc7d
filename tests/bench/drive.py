#!/usr/bin/python3
"""How fast an image travels over the USB drive, and how much of what the drive itself takes that is.

Host and BMC are one virtual machine with Debian's kernel in QEMU's emulation, the gadget hangs on dummy_hcd. The limits are
measured in the same machine in the same run: dd onto the raw disk past the cache, and dd into a file on the mounted drive with
the final sync. Prints a table; not a test.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))

# pylint: disable=wrong-import-position
import report  # noqa: E402
import rig  # noqa: E402
import usb  # noqa: E402
import usb_one  # noqa: E402
from rig import harness  # noqa: E402

SIZE = 32 * harness.MIB
IMAGE = "/run/image.bin"
ROUNDS = 3  # the best of each counts: what else the machine does only slows down


class Bench(usb_one.UsbOne):
    """One machine; the tests it inherits are not loaded."""

    memory = 768

    def seconds(self, command):
        """Of a command in the machine, by its own clock."""
        done = self.ok(self.host.run(f"cut -d' ' -f1 /proc/uptime; {command} >/dev/null 2>&1 || echo failed; "
                                     f"cut -d' ' -f1 /proc/uptime"))
        begin, end = done.text.split()
        return float(end) - float(begin)

    def by_hand(self):
        """Seconds of dd onto the raw disk, and into a file on it."""
        disk = self.plug_in()
        raw = self.seconds(f"dd if={IMAGE} of=/dev/{disk} bs=1M seek=1 oflag=direct conv=notrunc")
        self.ok(self.host.run(f"mount -t vfat /dev/{disk} /mnt"))
        file = self.seconds(f"dd if={IMAGE} of=/mnt/image.bin bs=1M conv=fsync")
        self.ok(self.host.run("umount /mnt"))
        self.fwupdate("usb-out")
        self.fwupdate("exit")
        return raw, file

    def by_command(self):
        """Seconds of the transfer, from the drive's appearance to the last byte on it, and of the whole command."""
        before = len(self.host.commands.lines)
        done = self.fwupdate("usb", IMAGE, "yes", "json", "force")
        lines = self.host.commands.lines[before:]
        appeared = next(stamp for stamp, line in lines if "is /dev/" in line)
        last = [stamp for stamp, line in lines if '"phase":"transfer"' in line][-1]
        return last - appeared, done.seconds

    def test_goodput(self):
        self.boot_both()
        self.ok(self.host.run(f"dd if=/dev/urandom of={IMAGE} bs=1M count={SIZE // harness.MIB}"))
        raw, file = (min(times) for times in zip(*(self.by_hand() for _ in range(ROUNDS))))
        transfer, whole = (min(times) for times in zip(*(self.by_command() for _ in range(ROUNDS))))
        rows = [("dd onto the raw disk", f"{SIZE / raw / 1e6:.1f}", report.percent(raw / transfer)),
                ("dd into a file, with sync", f"{SIZE / file / 1e6:.1f}", report.percent(file / transfer)),
                ("fwupdate usb, the transfer", f"{SIZE / transfer / 1e6:.1f}", ""),
                ("fwupdate usb, all of it", f"{SIZE / whole / 1e6:.1f}", "")]
        print("\n" + report.table(("32 MiB", "MB/s", "fwupdate's transfer to it"), rows))


if __name__ == "__main__":
    harness.require("mformat", "mdir", "mcopy")
    sys.argv[1:] = [*sys.argv[1:], "Bench.test_goodput"]
    rig.main()
