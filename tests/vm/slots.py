#!/usr/bin/python3
"""A BMC with two slots that really restarts: a disk with a boot record and two slots, a boot script that keeps to
bmc-agent/targets/SLOTS.md, the agent in the machine, and the client outside, on its LAN."""

import dataclasses
import hashlib
import json
import pathlib
import struct
import subprocess
import tempfile
import time

import lan
import rig
import write_log
from rig import harness

MIB = 1 << 20
SECTOR = 512
RECORD, STATE, SLOT_A, SLOT_B = range(4)  # partitions
SIZES = (1, 16, 16, 16)  # MiB of each; the first MiB has the table
STARTS = tuple((1 + sum(SIZES[:number])) * MIB for number in range(4))
COPIES = (0, 4096)  # bytes, of the boot record in its partition
FELL_BACK = 16  # exit code
PATIENCE = 240  # seconds that a client may be silent: boots in emulation, on a busy computer
TRIES = 1
LOSSES = 3  # disks with losses, for each flush
PAYLOAD = 2 * MIB  # bytes in an image that nothing compresses


def record_line(sequence, chosen, good, tries):
    words = f"seq={sequence} chosen={chosen} good={good} tries={tries}"
    return f"{words} sum={hashlib.sha256(words.encode()).hexdigest()[:16]}\n".encode()


def read_record(disk):
    """The valid copy with the higher number, as a dictionary."""
    best = None
    for offset in COPIES:
        at = STARTS[RECORD] + offset
        line = disk[at:at + SECTOR].split(b"\0")[0].split(b"\n")[0].decode(errors="replace")
        words, _, total = line.rpartition(" sum=")
        if words and hashlib.sha256(words.encode()).hexdigest()[:16] == total:
            found = dict(word.split("=") for word in words.split())
            best = found if best is None or int(found["seq"]) > int(best["seq"]) else best
    return best


def file_system(megabytes, **files):
    """The bytes of an ext4 file system with these files."""
    with tempfile.TemporaryDirectory() as folder:
        content, image = pathlib.Path(folder, "content"), pathlib.Path(folder, "image")
        content.mkdir(mode=0o755)
        for name, data in files.items():
            (content / name).write_bytes(data)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-d", str(content), str(image), f"{megabytes}M"], check=True,
                       capture_output=True)
        return image.read_bytes()


def agent_configuration(probation):
    """What an image has for its agent."""
    return json.dumps({
        "lan": {"listen": ["0.0.0.0:623"]},
        "users": [{"name": harness.USER, "password_file": "/etc/bmc-agent.password", "privilege": "administrator"}],
        "verification": {"signature": "optional"},
        "staging": {"directory": "/state/agent", "max_image_size": "16MiB"},
        "log_level": "debug",
        "targets": [{
            "id": 1, "name": "bmc", "type": "slots", "version_file": "/slot/version", "accepts": ["plain"],
            "slots": [{"name": name, "type": "file", "path": f"/slots/{name}/image"} for name in ("a", "b")],
            "selector": {"type": "redundant", "path": "/dev/vda1", "tries": TRIES},
            "running": {"file": "/run/slot"},
            "probation": probation,
            "restart": {"what": "bmc", "command": ["/bin/busybox", "reboot", "-f"]},
        }],
    }).encode()


def image(version, probation=None):
    """A slot's image: a file system that says what it is, and how its agent is to be."""
    return file_system(4, version=f"{version}\n".encode(), payload=harness.make_image(PAYLOAD, seed=sum(version.encode())),
                       **{"agent.conf": agent_configuration(probation or {"seconds": 300})})


def partition_table():
    """A master boot record; no program for it is needed."""
    entries = b"".join(struct.pack("<B3xB3xII", 0, 0x83, start // SECTOR, size * MIB // SECTOR)
                       for start, size in zip(STARTS, SIZES))
    return bytes(446) + entries + b"\x55\xaa"


def write_disk(file, first):
    """A machine as it leaves the factory: slot a has an image, slot b none."""
    parts = {0: partition_table(), STARTS[RECORD]: record_line(1, "a", "a", 0), STARTS[STATE]: file_system(SIZES[STATE]),
             STARTS[SLOT_A]: file_system(SIZES[SLOT_A], image=first), STARTS[SLOT_B]: file_system(SIZES[SLOT_B])}
    with file.open("wb") as disk:
        disk.truncate(STARTS[SLOT_B] + SIZES[SLOT_B] * MIB)
        for at, data in parts.items():
            disk.seek(at)
            disk.write(data)


@dataclasses.dataclass
class Machine:
    vm: rig.Vm
    port: int


class Slots(rig.Case):
    """The whole life of a machine, in one: each restart of it costs seconds."""

    def setUp(self):
        super().setUp()
        self.disk = self.workspace.directory / "disk.img"
        self.first = image("1")
        write_disk(self.disk, self.first)

    def start_machine(self, name, disk=None):
        """With the disk as it is. `disk`: QEMU's options for it."""
        root = rig.Initramfs(self.kernel, "slots-init.sh")
        root.modules("virtio_pci", "virtio_blk", "virtio_net", "ext4", "crc32c_generic", "loop")
        root.program(harness.built("bmc-agent/bmc-agent"))
        root.data(harness.PASSWORD.encode(), "/etc/bmc-agent.password", 0o600)
        port = lan.free_udp_port()
        devices = [*(disk or ["-drive", f"file={self.disk},format=raw,if=virtio,cache=writeback"]),
                   *lan.devices(port)]
        vm = self.boot(name, root, devices, logs="$agent_log", reboots=True, memory=512)
        return Machine(vm, port)

    def write(self, name, data):
        return self.workspace.write(name, data)

    def client(self, machine, *words, status=0):
        """Our client, to its end: its JSON lines."""
        run = self.fwupdate(machine.port, *words, "json", quiet=PATIENCE)
        self.assert_status(run, status)
        return run

    def install(self, machine, version, data, *words, status=0):
        begun = time.monotonic()
        file = self.write(f"image-{version}.bin", data)
        run = self.client(machine, "install", str(file), "yes", *words, status=status)
        self.measured(f"install of version {version}, restarts included,", f"{time.monotonic() - begun:.1f} s")
        return run.events("result")[0]["text"]

    def running(self, machine):
        """Slot and version, as the machine itself has it."""
        return machine.vm.run("cat /run/slot /slot/version").text.split()

    def newest(self, machine):
        return self.client(machine, "log").events("log")[0]

    def test_life(self):
        machine = self.start_machine("first")
        self.assertEqual(self.running(machine), ["a", "1"])

        with self.subTest("a good image: it boots, and the client that saw it run confirms it"):
            text = self.install(machine, "2", image("2"))
            self.assertRegex(text, "bmc: updated, version 2, confirmed")
            machine.vm.wait_ready(2)
            self.assertEqual(self.running(machine), ["b", "2"])
            self.assertIn("confirmed by admin", self.newest(machine)["text"])

        with self.subTest("no file system: the boot script gives it up, and the client says so"):
            text = self.install(machine, "3", harness.make_image(PAYLOAD, seed=3), status=FELL_BACK)
            self.assertIn("the older version is back, version 2", text)
            machine.vm.wait_ready(3)
            self.assertEqual(self.running(machine), ["b", "2"])
            self.assertEqual(len(self.lines(machine, "slot a does not start")), TRIES)
            self.assertRegex(self.newest(machine)["text"], "slot b runs: slot a did not boot or was not confirmed")

        with self.subTest("a good image that nobody confirms: its time ends, and the former one comes back"):
            text = self.install(machine, "4", image("4", {"seconds": 4}), "no-confirm")
            self.assertRegex(text, "bmc: updated, version 4, on probation")
            machine.vm.wait_ready(5)
            self.assertEqual(self.running(machine), ["b", "2"])
            log = self.newest(machine)
            self.assertEqual(log["result"], "fell back")
            self.assertIn("not confirmed within 4 s", log["text"])

        with self.subTest("the power goes while the slot is written"):
            machine, switched = self.cut_while_programming(machine)
            self.assertEqual(self.running(machine), ["a", "cut"] if switched else ["b", "2"])
            self.assertEqual(self.newest(machine)["result"], "programmed" if switched else "failed")
            if switched:
                self.client(machine, "confirm")
            self.assertIn("confirmed", self.install(machine, "5", image("5")))
            machine.vm.wait_ready(2)
            self.assertEqual(self.running(machine), ["b" if switched else "a", "5"])

    def lines(self, machine, part):
        return [line for _, line in machine.vm.console.lines if part in line]

    def cut_while_programming(self, machine):
        """Kills QEMU while the agent writes; the machine that then starts with that disk, and whether the agent had come to
        the switch already."""
        file = self.write("cut.bin", image("cut"))
        run = self.lanplus(machine.port, "fwupdate", "install", str(file), "yes", "json")
        self.ok(machine.vm.run("wait_for 90 grep -q 'programming begins' $agent_log", quiet=100))
        machine.vm.end()
        run.end()
        record = read_record(self.disk.read_bytes())
        self.measured("cut with the boot record", record)
        return self.start_machine("second"), record["chosen"] == "a"

    def test_every_cut(self):
        """One update, and every disk that a power cut in it could have left: what the boot record names is whole."""
        factory = self.disk.read_bytes()
        log = self.workspace.directory / "writes"
        machine = self.start_machine("recorded", write_log.devices(self.disk, log))
        new = image("2")
        self.assertIn("confirmed", self.install(machine, "2", new))
        machine.vm.end()
        writes = write_log.read(log)
        check = DiskCheck({"a": self.first, "b": new})
        begun, disks, bad = time.monotonic(), 0, []
        for name, disk in write_log.cuts(factory, writes, LOSSES):
            disks += 1
            if fault := check.fault(disk):
                bad.append(f"{name}: {fault}")
        self.measured(f"{disks} disks of {len(writes)} recorded operations, {check.looked} slots looked into,",
                      f"{time.monotonic() - begun:.1f} s")
        self.assertEqual(bad[:5], [])
        self.assertEqual(check.chosen, {("a", "a"), ("b", "a"), ("b", "b")}, "each state was met")


class DiskCheck:
    """Whether a disk can be booted: a valid record, and the slots that it names have their whole image."""

    def __init__(self, images):
        self._images = images
        self._known = {}
        self.looked = 0
        self.chosen = set()

    def fault(self, disk):
        """None: it can."""
        record = read_record(disk)
        if not record:
            return "no valid boot record"
        self.chosen.add((record["chosen"], record["good"]))
        for slot in {record["chosen"], record["good"]}:
            part = SLOT_A if slot == "a" else SLOT_B
            content = bytes(disk[STARTS[part]:STARTS[part] + SIZES[part] * MIB])
            key = slot, hash(content)
            if key not in self._known:
                self._known[key] = self._image_in(content) == self._images[slot]
            if not self._known[key]:
                return f"slot {slot} is not whole, and the record says {record}"
        return None

    def _image_in(self, content):
        """As a kernel would find it: its journal played first."""
        self.looked += 1
        with tempfile.NamedTemporaryFile() as part:
            part.write(content)
            part.flush()
            subprocess.run(["e2fsck", "-fy", part.name], capture_output=True, check=False)
            return subprocess.run(["debugfs", "-R", "cat /image", part.name], capture_output=True, check=False).stdout


if __name__ == "__main__":
    harness.require("mkfs.ext4", "e2fsck", "debugfs", "busybox")
    rig.main()
