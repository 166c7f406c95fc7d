#!/usr/bin/python3
"""Host and BMC in one machine with Debian's kernel: the whole way of USB on dummy_hcd, the agent restartable within."""

import re

import rig
from rig import harness


class UsbOne(rig.Case):
    def boot_both(self):
        root = rig.Initramfs(self.kernel, "usb-one-init.sh")
        root.modules("ipmi_si", "ipmi_devintf", "virtio_pci", "virtio_net", "configfs", "dummy_hcd", "libcomposite",
                     "usb_f_mass_storage", "usb-storage", "sd_mod", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "loop")
        root.program(harness.built("ipmitool-plugin/ipmitool"))
        root.mtools()
        rig.guest_agent(root)
        card, address = rig.forwarded_ipmi()
        return self.boot("both", root, [*card, *rig.external_bmc(address, "kcs")], memory=384)

    def test_prepared(self):
        vm = self.boot_both()
        self.assertIn("Device ID                 : 32", self.ok(vm.run("ipmitool -I open mc info")).text)
        self.ok(vm.run("ipmitool -I open fwupdate info"))
        self.assertEqual(vm.run("ls /sys/class/udc").text, "dummy_udc.0\n")
        self.ok(vm.run("test -d /sys/kernel/config/usb_gadget && mformat -C -i /tmp/drive -T 65536 -v FWUPDATE ::"))

    def test_agent_restarted(self):
        """QEMU connects to the new one through the machine's network."""
        vm = self.boot_both()
        self.ok(vm.run("killall -9 bmc-agent; start_agent"))
        answered = self.ok(vm.run("wait_for 20 ipmitool -I open mc info"))
        connections = vm.run("grep -c 'Host connected' $agent_log").text
        self.assertEqual(connections.strip(), "2")
        self.measured("the new agent answers its host after", f"{answered.seconds:.1f} s")
        self.assertTrue(re.search("IPMI Version", answered.text))


if __name__ == "__main__":
    harness.require("mformat", "mcopy")
    rig.main()
