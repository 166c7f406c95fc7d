#!/usr/bin/python3
"""Host and BMC as two machines with Debian's kernel, the USB cable between them by usbip: two kernels, as in a server."""

import signal
import socket

import rig
from rig import FIRMWARE, harness
from usb import FIRMWARE_BYTES, IMAGE, LEASE, TARGET, Drive


class UsbTwo(Drive):
    """The cable is a loop on the host that attaches what the BMC shows, as a port does by itself."""

    def setUp(self):
        super().setUp()
        self.cable = socket.socketpair()  # the network between the machines
        for end in self.cable:
            self.addCleanup(end.close)
        self.bmc_devices, self.bmc_address = rig.forwarded_ipmi()

    def link(self, end):
        """QEMU's options and the descriptor for one end of the network between the machines."""
        number = self.cable[end].fileno()
        return ["-netdev", f"socket,id=link,fd={number}",
                "-device", f"virtio-net-pci,netdev=link,romfile=,mac=52:54:00:00:00:0{end + 1}"], number

    def boot_bmc(self):
        root = rig.Initramfs(self.kernel, "usb-two-bmc-init.sh")
        root.modules("virtio_pci", "virtio_net", "configfs", "usbip-vudc", "libcomposite", "usb_f_mass_storage", "vfat",
                     "nls_cp437", "nls_ascii", "nls_utf8", "loop")
        root.program("/usr/sbin/usbipd")
        root.mtools()
        rig.guest_agent(root, usb={}, lease={"extended": LEASE, "base": LEASE})
        link, number = self.link(0)
        self.bmc = self.boot("bmc", root, [*link, *self.bmc_devices], logs="$agent_log /tmp/usbipd.log", memory=384,
                             pass_fds=[number])

    def boot_host(self):
        root = rig.Initramfs(self.kernel, "usb-two-host-init.sh")
        root.file(rig.HERE / "usb.sh", "/usb.sh")
        root.modules("ipmi_si", "ipmi_devintf", "virtio_pci", "virtio_net", "vhci-hcd", "usb-storage", "sd_mod", "vfat",
                     "nls_cp437", "nls_ascii", "nls_utf8")
        root.program("/usr/sbin/usbip")
        root.program(harness.built("ipmitool-plugin/ipmitool"))
        root.file(FIRMWARE, IMAGE)
        link, number = self.link(1)
        self.hosts = getattr(self, "hosts", 0) + 1
        self.host = self.boot(f"host-{self.hosts}", root, [*link, *rig.external_bmc(self.bmc_address, "kcs")],
                              logs="/tmp/port.log", pass_fds=[number])

    def test_update(self):
        self.boot_bmc()
        self.boot_host()
        self.assertIn("IPMI Version", self.ok(self.host.run("ipmitool -I open mc info")).text)
        for delay in (0, LEASE + 2):  # seconds until the host's driver shows the disk: longer than the lease
            self.ok(self.host.run(f"echo {delay} >/sys/module/usb_storage/parameters/delay_use"))
            done = self.update()
            self.measured(f"{len(FIRMWARE_BYTES)} bytes over a drive that appears after {delay} s took",
                          f"{done.seconds:.1f} s")
        self.assert_quiet_kernel(self.host)
        self.assert_quiet_kernel(self.bmc, interface=False)

    def test_host_killed(self):
        """The host's power fails while it writes: the lease takes the drive away, the next host begins anew."""
        self.boot_bmc()
        self.boot_host()
        self.bmc.run(f"echo old >{TARGET}")
        job = self.host.start(f"ipmitool -I open fwupdate usb {IMAGE} yes json")
        job.wait_for(lambda text: "is /dev/" in text, "the drive")
        self.host.end(signal.SIGKILL)
        self.ok(self.bmc.run(f"wait_for {LEASE * 6} grep -q 'lease of update mode ended' $agent_log"))
        self.assert_drive_gone()
        self.assertEqual(self.bmc.run(f"cat {TARGET}").text, "old\n")
        self.boot_host()
        self.update()


if __name__ == "__main__":
    harness.require("usbip", "usbipd", "mformat", "mcopy")
    rig.main()
