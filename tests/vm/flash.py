#!/usr/bin/python3
"""Targets that are flash and disks, written by their handlers (program_target) on a real kernel's drivers, and looked at with
the tools that everybody uses: mtd-utils, dd, cmp, sha256sum."""

import hashlib

import rig
from rig import harness

SIZES = {"a": 3 * 1024 * 1024 + 100, "b": 3 * 1024 * 1024 + 100, "large": 5 * 1024 * 1024, "whole": 4 * 1024 * 1024}
IMAGES = {name: harness.make_image(size, seed) for seed, (name, size) in enumerate(SIZES.items(), 1)}
DISK_SIZE = 4 * 1024 * 1024
KILLED = 137
CHUNK = 256 * 1024  # of a disk, as block_medium.hpp has it


class Flash(rig.Case):
    """One machine; each step on what the one before left."""

    vm = None
    disk = None

    def boot_it(self):
        root = rig.Initramfs(self.kernel, "flash-init.sh")
        root.modules("virtio_pci", "virtio_blk", "loop", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "jffs2", "ubi",
                     "mtdram", "nandsim", "block2mtd")
        root.program(harness.built("tests/vm/program_target"))
        for tool in ("flash_erase", "nanddump", "ubiattach", "ubidetach"):
            root.program(f"/usr/sbin/{tool}")
        for name, image in IMAGES.items():
            root.data(image, f"/{name}")
        self.disk = self.workspace.directory / "disk"
        self.disk.write_bytes(b"\xa5" * DISK_SIZE)
        self.vm = self.boot("flash", root, ["-drive", f"file={self.disk},format=raw,if=virtio,cache=writeback"], memory=384)

    def run_ok(self, command):
        return self.ok(self.vm.run(command))

    def program(self, kind, path, image, more="", status=0):
        done = self.vm.run(f"program_target --type {kind} --path '{path}' {more} /{image}")
        self.assertEqual(done.status, status, done.text)
        return done.text

    def refused(self, kind, path, image, reason, more=""):
        """Before anything is changed."""
        text = self.program(kind, path, image, more, status=1)
        self.assertRegex(text, reason)
        self.assertIn(" 0 of ", text)
        self.assertNotIn("holds neither", text)

    def installed(self, kind, path, name, more=""):
        """What the agent reads back later, in another process."""
        digest = self.run_ok(f"program_target --type {kind} --path '{path}' {more} --installed {SIZES[name]}").text.strip()
        self.assertEqual(digest, hashlib.sha256(IMAGES[name]).hexdigest())

    def test_flash(self):
        self.boot_it()
        begun = self.vm.seconds()
        for step in (self.nor, self.users_of_flash, self.nand, self.disk_below_flash, self.disks, self.users_of_disks):
            step()
            self.measured(f"{step.__name__}: done at", f"{self.vm.seconds() - begun:.1f} s")

    def nor(self):
        name = "mtd:mtdram test device"
        text = self.program("mtd", name, "a")
        self.assertIn("0 of 49 blocks were the same already", text)
        self.run_ok(f"head -c {SIZES['a']} /dev/mtd0 | cmp - /a")
        self.installed("mtd", "/dev/mtd0", "a")
        self.assertIn("48 of 49 blocks were the same already", self.program("mtd", "/dev/mtd0", "a"))
        self.refused("mtd", name, "large", "needs 80 blocks of 65536 bytes, and mtd:mtdram test device has 64 good ones")
        self.run_ok(f"head -c {SIZES['a']} /dev/mtd0 | cmp - /a")
        self.program("mtd", name, "b", "--kill-at 30", KILLED)
        self.run_ok("head -c 65536 /dev/mtd0 | tr -d '\\377' | cmp - /dev/null")  # it does not begin as an image
        self.program("mtd", name, "whole")
        self.run_ok("cmp /dev/mtd0 /whole")
        self.refused("mtd", "mtd:no such", "a", "mtd:no such is not there; load the flash's driver")
        self.refused("mtd", "/dev/mtd0ro", "a", "cannot open|Permission|read-only")

    def users_of_flash(self):
        """What a kernel uses is not written under its feet."""
        self.run_ok("flash_erase -q /dev/mtd0 0 0 && mount -t jffs2 mtd0 /mnt && echo kept >/mnt/file")
        self.refused("mtd", "/dev/mtd0", "a", "/dev/mtd0 is mounted at /mnt; unmount or detach it")
        self.run_ok("grep kept /mnt/file && umount /mnt")
        self.run_ok("flash_erase -q /dev/mtd0 0 0 && ubiattach -p /dev/mtd0")
        self.refused("mtd", "/dev/mtd0", "a", "/dev/mtd0 is attached to ubi0; unmount or detach it")
        self.run_ok("ubidetach -p /dev/mtd0")
        self.program("mtd", "/dev/mtd0", "a")
        self.run_ok(f"head -c {SIZES['a']} /dev/mtd0 | cmp - /a")

    def nand(self):
        name = "mtd:NAND simulator partition 0"
        self.assertRegex(self.program("mtd", name, "a"), "1 worn out and marked bad")  # page 1282
        self.assert_nand("a")
        self.assertRegex(self.program("mtd", name, "b"), "2 worn out and marked bad")  # block 12, and at last page 2
        self.assert_nand("b")
        self.assertEqual(self.bad_blocks(), [0, 5, 9, 12, 20])
        self.assertIn("24 of 25 blocks were the same already", self.program("mtd", name, "b"))
        for step in (2, 3, 20, 30):
            self.program("mtd", name, "a", f"--kill-at {step}", KILLED)
            done = self.run_ok("nanddump -q --bb=skipbad -l 131072 /dev/mtd1 | tr -d '\\377' | wc -c")
            self.assertEqual(done.text.strip() == "0", step > 2, "whether it begins as an image")
        self.assertRegex(self.program("mtd", name, "a"), "blocks were the same already$")
        self.assert_nand("a")
        self.run_ok("head -c 8388608 /dev/zero >/eight")
        self.refused("mtd", name, "eight", "needs 64 blocks of 131072 bytes, and .* has 59 good ones")
        self.assert_nand("a")

    def assert_nand(self, name):
        self.run_ok(f"nanddump -q --bb=skipbad -l {SIZES[name]} -f /tmp/dump /dev/mtd1 && "
                    f"head -c {SIZES[name]} /tmp/dump | cmp - /{name}")
        self.installed("mtd", "/dev/mtd1", name)

    def bad_blocks(self):
        text = self.run_ok("nanddump --bb=dumpbad -l 8388608 -f /dev/null /dev/mtd1").text
        self.assertIn("Number of bad blocks: 5", text)
        pages = self.run_ok("nanddump -q --bb=padbad -l 8388608 -f /tmp/dump /dev/mtd1; "
                            "for block in 0 5 9 12 20; do dd if=/tmp/dump bs=131072 skip=$block count=1 2>/dev/null | "
                            "tr -d '\\377' | cmp -s - /dev/null && echo $block; done")
        return [int(line) for line in pages.text.split()]

    def disk_below_flash(self):
        """Flash that keeps what it is given until it is closed: when the handler says done, it is on the medium."""
        self.program("mtd", "/dev/mtd3", "a")
        self.run_ok(f"head -c {SIZES['a']} /tmp/backing | cmp - /a")
        self.program("mtd", "/dev/mtd3", "b", "--kill-at 40", KILLED)
        self.program("mtd", "/dev/mtd3", "b")
        self.run_ok(f"head -c {SIZES['b']} /tmp/backing | cmp - /b")

    def disks(self):
        link = "/dev/disk/by-partlabel/bios"
        self.program("block", link, "a")
        self.assertEqual(self.disk.read_bytes()[:SIZES["a"]], IMAGES["a"])
        self.assertEqual(self.run_ok(f"head -c {SIZES['a']} {link} | sha256sum").text.split()[0],
                         hashlib.sha256(IMAGES["a"]).hexdigest())
        self.installed("block", link, "a")
        self.refused("block", link, "large", f"has {SIZES['large']} bytes, and {link} takes {DISK_SIZE}")
        self.assertEqual(self.disk.read_bytes()[:SIZES["a"]], IMAGES["a"])
        self.program("block", link, "b", "--kill-at 8", KILLED)
        self.assertEqual(self.disk.read_bytes()[:CHUNK], bytes(CHUNK), "half-written, it begins as an image does")
        self.program("block", link, "whole")
        self.assertEqual(self.disk.read_bytes(), IMAGES["whole"])
        self.run_ok("truncate -s 4194304 /tmp/other && losetup /dev/loop1 /tmp/other")
        self.program("block", "/dev/loop1", "a", "--offset 4096 --size 3145828")
        self.run_ok(f"dd if=/tmp/other bs=4096 skip=1 2>/dev/null | head -c {SIZES['a']} | cmp - /a")
        self.run_ok("head -c 4096 /tmp/other | tr -d '\\000' | cmp - /dev/null")
        self.installed("block", "/dev/loop1", "a", "--offset 4096")
        self.refused("block", "/dev/loop1", "a", "takes 4096", "--offset 8192 --size 4096")

    def users_of_disks(self):
        self.run_ok("mkdosfs /dev/vda && mount -t vfat /dev/vda /mnt && echo kept >/mnt/file && sync")
        self.refused("block", "/dev/vda", "a", r"/dev/vda is in use \(mounted at /mnt\); unmount or stop what uses it")
        self.run_ok("grep kept /mnt/file && umount /mnt")
        self.refused("block", "/dev/loop0", "a", "/dev/loop0 is in use; ")  # block2mtd has it
        self.refused("block", "/dev/null", "a", "/dev/null is no block device")
        self.run_ok("echo 1 >/sys/block/vda/ro || blockdev --setro /dev/vda")
        self.refused("block", "/dev/vda", "a", "/dev/vda is write-protected; ")


if __name__ == "__main__":
    harness.require("/usr/sbin/nanddump", "/usr/sbin/ubiattach")
    rig.main()
