#!/usr/bin/python3
"""Host and BMC as two machines with Debian's kernel, the USB cable between them by usbip: two kernels, as in a server."""

import socket

import rig
from rig import harness


class UsbTwo(rig.Case):
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
        for program in ("/usr/sbin/usbip", "/usr/sbin/usbipd"):
            root.program(program)
        root.mtools()
        rig.guest_agent(root)
        link, number = self.link(0)
        return self.boot("bmc", root, [*link, *self.bmc_devices], memory=384, pass_fds=[number])

    def boot_host(self):
        root = rig.Initramfs(self.kernel, "usb-two-host-init.sh")
        root.modules("ipmi_si", "ipmi_devintf", "virtio_pci", "virtio_net", "vhci-hcd", "usb-storage", "sd_mod", "vfat",
                     "nls_cp437", "nls_ascii", "nls_utf8")
        root.program("/usr/sbin/usbip")
        root.program(harness.built("ipmitool-plugin/ipmitool"))
        link, number = self.link(1)
        return self.boot("host", root, [*link, *rig.external_bmc(self.bmc_address, "kcs")], pass_fds=[number])

    def test_prepared(self):
        bmc = self.boot_bmc()
        host = self.boot_host()
        self.assertIn("IPMI Version", self.ok(host.run("ipmitool -I open mc info")).text)
        self.assertIn("Host connected", bmc.run("cat $agent_log").text)
        self.assertEqual(bmc.run("ls /sys/class/udc").text, "usbip-vudc.0\n")
        self.ok(bmc.run("usbip version && usbipd --version"))
        self.ok(host.run("usbip version && usbip port"))


if __name__ == "__main__":
    harness.require("usbip", "usbipd", "mformat", "mcopy")
    rig.main()
