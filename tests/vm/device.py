#!/usr/bin/python3
"""The agent on a BMC's KCS and BT device. Host and BMC are one machine with Debian's kernel, whose ipmi_si talks to QEMU's
interface; the other end of that is pseudo_host_device, a CUSE program that behaves as a BMC's drivers do."""

import unittest

import rig
from rig import harness

IMAGES = [harness.make_image(300 * 1024, seed) for seed in (1, 2)]


class Device(rig.Case):
    """One machine's life, each step on what the one before left; each machine interface is a class of its own below."""

    name = None  # in /dev
    vm = None

    def boot_both(self):
        root = rig.Initramfs(self.kernel, "device-init.sh")
        root.modules("ipmi_si", "ipmi_devintf", "virtio_pci", "virtio_console", "cuse")
        root.program(harness.built("ipmitool-plugin/ipmitool"))
        root.program(harness.built("tests/vm/pseudo_host_device"))
        for number, image in enumerate(IMAGES):
            root.data(image, f"/image-{number}.bin")
        rig.guest_agent(root, {"type": self.interface, "device": f"/dev/{self.name}"})
        socket = self.workspace.directory / "port.socket"  # QEMU talks to itself
        port = ["-chardev", f"socket,id=port,path={socket},server=on,wait=off", "-device", "virtio-serial-pci",
                "-device", "virtserialport,chardev=port,name=host"]
        self.vm = self.boot("both", root, [*port, *rig.external_bmc(f"path={socket}", self.interface)],
                            logs="$agent_log $device_log", arguments=f"interface={self.interface} name={self.name}", memory=384)

    def run_ok(self, command):
        return self.ok(self.vm.run(command))

    def assert_refused(self, command, reason):
        done = self.vm.run(command)
        self.assertNotEqual(done.status, 0, command)
        self.assertIn(reason, done.text)

    def await_log(self, pattern, first=1):
        """Until the agent says it, from this line of its log on."""
        self.run_ok(f"wait_for 20 agent_said '{pattern}' {first}")

    def count(self, text, log):
        return self.vm.run(f"cat {log}").text.count(text)

    def await_answer(self, seconds=20):
        """Until the BMC answers its host."""
        return self.run_ok(f"wait_for {seconds} ipmitool -I open mc info")

    def install(self, number):
        done = self.run_ok(f"ipmitool -I open fwupdate install /image-{number}.bin yes json")
        self.run_ok(f"cmp /image-{number}.bin /run/bios.bin")
        self.measured(f"install of {len(IMAGES[number])} bytes took", f"{done.seconds:.1f} s")

    def test_life(self):
        self.boot_both()
        self.device_before_agent()
        self.agent_before_device()
        self.host_updates()
        self.agent_killed()
        self.device_killed()
        self.run_ok("killall bmc-agent && wait_for 20 not pidof bmc-agent")
        self.assertNotRegex(self.vm.run("cat $device_log").text, "would sleep|aborted by", "the agent was blocked")
        self.assert_quiet_kernel(self.vm)

    def device_before_agent(self):
        """The pseudo-device itself: a response that nobody waits for is refused, as KCS's driver does."""
        self.run_ok("start_device")
        if self.interface == "kcs":
            self.assert_refused(rf"printf '\034\001\000' | dd of=/dev/{self.name}", "Invalid argument")
        self.run_ok("kill_device")

    def agent_before_device(self):
        """The agent runs without it, says once that it is missing, and finds it."""
        self.run_ok("start_agent")
        self.await_log("No such file or directory")
        self.run_ok("start_device")
        self.await_log("Host.s device opened")
        self.assertEqual(self.count("No such file or directory", "$agent_log"), 1)
        self.assert_refused(f"dd if=/dev/{self.name} bs=1000 count=1", "Device or resource busy")

    def host_updates(self):
        self.run_ok("host_interface")
        self.run_ok("ipmitool -I open mc info")
        self.run_ok("ipmitool -I open channel info")
        self.install(0)
        if self.interface == "kcs":
            self.host_withdraws()

    def host_withdraws(self):
        """The host withdraws a request and makes it again: the first response is refused."""
        refused = self.count("EINVAL", "$device_log")
        self.run_ok("killall -USR1 pseudo_host_device")
        self.run_ok("ipmitool -I open mc info")
        self.assertEqual(self.count("EINVAL", "$device_log"), refused + 1)

    def agent_killed(self):
        self.run_ok("killall -9 bmc-agent && wait_for 20 not pidof bmc-agent && start_agent")
        self.measured("a killed agent's successor answers after", f"{self.await_answer().seconds:.1f} s")

    def device_killed(self):
        """The agent says that it is gone, waits for it, and serves it again."""
        first = self.count("\n", "$agent_log") + 1
        self.run_ok("kill_device")
        self.await_log("can.t be used.*reason=.(the device is gone|.*connected|.*abort)", first)
        self.run_ok("start_device")
        self.measured("a device that came back answers after", f"{self.await_answer(10).seconds:.1f} s")
        self.await_log("serves again", first)
        self.install(1)


class Kcs(Device):
    interface, name = "kcs", "ipmi-kcs3"


class Bt(Device):
    interface, name = "bt", "ipmi-bt-host"


def load_tests(loader, *_):
    """The interfaces' tests, not those of what they have in common."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Kcs, Bt))


if __name__ == "__main__":
    rig.main()
