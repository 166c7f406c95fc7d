"""What the tests of the USB drive have in common, whether host and BMC are one machine or two."""

import rig
from rig import FIRMWARE, harness

IMAGE = "/firmware.fd"  # on the host
TARGET = "/run/bios.bin"  # on the BMC
GADGETS = "/sys/kernel/config/usb_gadget"
FIRMWARE_BYTES = FIRMWARE.read_bytes()
DONE, ALREADY_CURRENT, REFUSED, TRANSFER_FAILED = 0, 11, 12, 14
LEASE = 5  # seconds, of the extended profile: short, so that its end can be waited for


class Drive(rig.Case):
    """`self.host` and `self.bmc` are set by boot(); they may be the same machine."""

    host = bmc = None
    interface = "kcs"
    expected = r"dummy_hcd|usbip_vudc|Power-on or device reset occurred|Manufacturer: ipmi-fwupdate"

    def fwupdate(self, *words, statuses=(DONE,)):
        return self.ok(self.host.run(f"ipmitool -I open fwupdate {' '.join(words)}", quiet=60), *statuses)

    def status(self):
        return self.fwupdate("status", "json").events("status")[0]

    def agent_log(self):
        return self.bmc.run("cat $agent_log").text

    def assert_installed(self):
        digest = self.bmc.run(f"sha256sum {TARGET}").text.split()[0]
        self.assertEqual(digest, harness.sha256(FIRMWARE_BYTES), "the target's bytes differ from the image")

    def assert_nothing_left(self):
        """Neither a gadget nor an image on the BMC, neither a disk nor a mount on the host."""
        self.assert_drive_gone()
        self.ok(self.host.run("wait_for 20 no_disk"))
        self.assertEqual(self.host.run("grep /dev/sd /proc/mounts").text, "")

    def assert_drive_gone(self):
        """Neither a gadget nor an image on the BMC, soon: the agent takes the drive away on a thread of its own."""
        left = f"{{ ls {GADGETS} 2>&1; ls /tmp/staging | grep usb-drive; }}"
        self.ok(self.bmc.run(f"wait_for 20 sh -c '! {left} | grep -q .' || {{ {left}; false; }}"))

    def update(self, *words):
        """A whole update over the drive, which must go well whatever was before."""
        self.bmc.run(f"echo old >{TARGET}")
        done = self.fwupdate("usb", IMAGE, "yes", "json", "force", *words)
        self.assert_installed()
        self.assert_nothing_left()
        return done

    def plug_in(self):
        """By hand: the drive's disk on the host."""
        self.fwupdate("enter")
        drive = self.fwupdate("usb-in", "json").events("drive")[0]
        disk = self.ok(self.host.run(f"wait_for 20 disk_with {drive['serial']} && disk_with {drive['serial']}")).text
        return disk.split()[-1]

    def fetch(self, uri):
        """Plugs out, names a file, lets the BMC read it; the state and the reason in the end."""
        self.fwupdate("usb-out")
        self.fwupdate("uri", uri)
        return self.complete()

    def complete(self):
        self.fwupdate("complete")
        return harness.wait_until(lambda: next(filter(
            lambda status: status["state"] in ("ready", "error"), [self.status()]), None), "the end of the update", 60)
