#!/usr/bin/python3
"""Host and BMC in one machine with Debian's kernel: the whole way of USB on dummy_hcd, the agent restartable within."""

import rig
from rig import FIRMWARE, harness
from usb import ALREADY_CURRENT, FIRMWARE_BYTES, GADGETS, IMAGE, LEASE, REFUSED, TARGET, TRANSFER_FAILED, Drive


class UsbOne(Drive):
    """One machine for all of it: each mishap must leave it as good as new for the next."""

    memory = 384  # MiB

    def boot_both(self):
        root = rig.Initramfs(self.kernel, "usb-one-init.sh")
        root.file(rig.HERE / "usb.sh", "/usb.sh")
        root.modules("ipmi_si", "ipmi_devintf", "virtio_pci", "virtio_net", "configfs", "dummy_hcd", "libcomposite",
                     "usb_f_mass_storage", "usb-storage", "sd_mod", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "loop")
        root.program(harness.built("ipmitool-plugin/ipmitool"))
        root.mtools()
        root.file(FIRMWARE, IMAGE)
        rig.guest_agent(root, usb={}, lease={"extended": LEASE, "base": LEASE})
        card, address = rig.forwarded_ipmi()
        self.host = self.bmc = self.boot("both", root, [*card, *rig.external_bmc(address, self.interface)],
                                         logs="$agent_log", memory=self.memory)

    def mishap(self, what):
        """Then everything is as before, and an update goes well."""
        done = self.update()
        self.measured(f"after {what}, a whole update over the drive took", f"{done.seconds:.1f} s")

    def test_update(self):
        self.boot_both()
        done = self.update()
        self.measured(f"{len(FIRMWARE_BYTES)} bytes over the drive took", f"{done.seconds:.1f} s")
        self.assertEqual([event["phase"] for event in done.events("progress") if event["percent"] == 100][0], "transfer")
        self.fwupdate("usb", IMAGE, "yes", statuses=(ALREADY_CURRENT,))
        log = self.fwupdate("log", "json").events("log")[0]
        self.assertEqual((log["transport"], log["result"]), ("USB", "programmed"))
        self.bmc.run(f"echo old >{TARGET}")
        chosen = self.fwupdate("install", IMAGE, "yes", "json")
        self.assertRegex(chosen.text, "over the BMC's USB drive, .* over IPMI: using the drive")
        self.assert_installed()
        self.bmc.run(f"echo old >{TARGET}")
        streamed = self.fwupdate("install", IMAGE, "yes", "json", "transport", "stream")
        self.assertNotIn("USB", streamed.text)
        self.assert_installed()
        self.assert_nothing_left()
        self.assert_quiet_kernel(self.host)

    def test_by_hand(self):
        """What people do who copy the file themselves, and what they may do wrong."""
        self.boot_both()
        disk = self.plug_in()
        self.fwupdate("usb-in", statuses=(0,))  # begins again, with another empty drive
        self.fwupdate("usb-out")
        disk = self.plug_in_again()
        self.fill(disk, f"mkdir /mnt/dir && cp {IMAGE} '/mnt/dir/My image.bin' && touch /mnt/empty.bin")
        status = self.fetch("usb://wrong.bin")
        self.assertEqual(status["state"], "error")
        self.assertRegex(status["last_reason"], 'no file "wrong.bin" on the drive; it holds .*dir/')
        # Another name on the same drive: start, name, complete.
        self.ok(self.host.run("ipmitool -I open raw 8 0x29 1"))
        self.fwupdate("uri", "usb://empty.bin")
        status = self.complete()
        self.assertEqual((status["state"], "0 bytes" in status["last_reason"]), ("error", True), status)
        self.ok(self.host.run("ipmitool -I open raw 8 0x29 1"))
        self.fwupdate("uri", "'usb://../etc/passwd'", statuses=(REFUSED,))
        self.fwupdate("uri", "'usb://dir/My image.bin'")
        self.assertEqual(self.complete()["state"], "ready")
        self.fwupdate("exit")
        self.assert_installed()
        self.assert_nothing_left()
        # The first two drives went while the host's kernel may still have been looking for partitions.
        self.expected += r"|(device offline|I/O|Buffer I/O) error,? (on )?dev sd|sd \S+: \[sd[a-z]\]|unable to read (partition|RDB)"
        self.expected += r"|usb \S+: device (not accepting address|descriptor read)"
        self.assert_quiet_kernel(self.host)

    def plug_in_again(self):
        drive = self.fwupdate("usb-in", "json").events("drive")[0]
        return self.ok(self.host.run(f"wait_for 20 disk_with {drive['serial']} >/dev/null; disk_with {drive['serial']}")
                       ).text.split()[-1]

    def fill(self, disk, command):
        """Mounts the drive as a person would, does something, unmounts."""
        self.ok(self.host.run(f"mount -t vfat /dev/{disk} /mnt && {{ {command}; }}; status=$?; umount /mnt && "
                              f"(exit $status)"))

    def test_drive_misused(self):
        """Filled to the brim, made anew by the host, with a file system that is none, never used, pulled in mid-write."""
        self.boot_both()
        disk = self.plug_in()
        self.ok(self.host.run(f"mount -t vfat /dev/{disk} /mnt && ! cp /dev/zero /mnt/image.bin 2>/dev/null; umount /mnt"))
        status = self.fetch("usb://image.bin")
        self.assertEqual(status["state"], "error", "an image larger than the BMC takes")
        self.assertIn("more than the", status["last_reason"])

        disk = self.plug_in_again()
        self.ok(self.host.run(f"mformat -i /dev/{disk} -v ANEW -T 20000 :: && sync"))
        self.fill(disk, f"cp {IMAGE} /mnt/image.bin")
        self.assertEqual(self.fetch("usb://image.bin")["state"], "ready")
        self.fwupdate("exit")
        self.assert_installed()

        disk = self.plug_in()
        self.ok(self.host.run(f"dd if=/dev/urandom of=/dev/{disk} bs=1M count=2 conv=fsync"))
        status = self.fetch("usb://image.bin")
        self.assertEqual(status["state"], "error")
        self.assertIn("cannot be read", status["last_reason"])
        self.fwupdate("exit")

        self.plug_in()
        status = self.fetch("usb://image.bin")
        self.assertEqual(status["state"], "error")
        self.assertIn("it is empty", status["last_reason"])

        disk = self.plug_in_again()
        self.ok(self.host.run(f"mount -t vfat /dev/{disk} /mnt && cp {IMAGE} /mnt/image.bin && sync"))
        status = self.fetch("usb://image.bin")
        self.host.run("umount -l /mnt")
        self.assertEqual(status["state"], "error")
        self.assertIn("was not unmounted", status["last_reason"])
        self.fwupdate("exit")
        self.mishap("all of that")

    def test_pulled_while_writing(self):
        """The host does not stop: the drive goes all the same, what is on it is refused, and the next try is clean."""
        self.boot_both()
        disk = self.plug_in()
        self.ok(self.host.run(f"mount -t vfat -o sync /dev/{disk} /mnt"))
        writer = self.host.start("dd if=/dev/zero of=/mnt/image.bin bs=4k count=16000 conv=notrunc")
        self.ok(self.host.run("wait_for 20 test -s /mnt/image.bin"))
        self.fwupdate("usb-out")
        self.fwupdate("uri", "usb://image.bin")
        status = self.complete()
        self.assertEqual(status["state"], "error", status)
        self.assertIn("the host was still writing", status["last_reason"])
        writer.finish()
        self.host.run("umount -l /mnt")
        self.fwupdate("exit")
        self.mishap("the drive was pulled")

    def start_copy(self):
        """An update, until the host writes."""
        self.bmc.run(f"echo old >{TARGET}")
        job = self.host.start(f"ipmitool -I open fwupdate usb {IMAGE} yes json force")
        job.wait_for(lambda text: "is /dev/" in text, "the drive")
        return job

    def test_client_killed(self):
        """Its mount ends with it, the drive with the lease; resume goes on over the drive."""
        self.boot_both()
        self.start_copy()
        self.ok(self.host.run("killall -9 ipmitool"))
        self.assertEqual(self.host.run("grep /dev/sd /proc/mounts").text, "")
        self.ok(self.bmc.run(f"wait_for {LEASE * 6} grep -q 'lease of update mode ended' $agent_log"))
        self.assert_nothing_left()
        self.fwupdate("resume", "yes", "json")
        self.assert_installed()
        self.mishap("the client was killed")

    def test_agent_killed(self):
        """With the gadget bound: the next agent takes it away, and the client goes on with it."""
        self.boot_both()
        job = self.start_copy()
        self.ok(self.bmc.run(f"killall -9 bmc-agent; ls {GADGETS} | grep . && start_agent"))
        self.ok(self.bmc.run("wait_for 20 grep -q 'took away a drive that a former agent had left' $agent_log"))
        ended = job.finish(quiet=90)
        self.measured("the client, whose agent was killed, ended with", ended.status)
        self.assertIn(ended.status, (0, TRANSFER_FAILED), ended.text)
        self.mishap("the agent was killed")

    def test_agent_stopped(self):
        """An ordinary stop leaves nothing behind either."""
        self.boot_both()
        self.plug_in()
        self.ok(self.bmc.run("killall bmc-agent; wait_for 10 sh -c '! pidof bmc-agent'"))
        self.assert_nothing_left()
        self.ok(self.bmc.run("start_agent; wait_for 20 ipmitool -I open mc info"))
        self.mishap("the agent was stopped")




if __name__ == "__main__":
    harness.require("mformat", "mdir", "mcopy")
    rig.main()
