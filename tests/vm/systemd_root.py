"""The root of a machine whose first process is the distribution's systemd: the base image, and what the machine adds.

    root = SystemdRoot(kernel, base)
    root.program(harness.built("bmc-agent/bmc-agent"))
    root.unit("flash.service", "[Service]...")
    vm = self.boot("bmc", root, root.devices(), arguments=ARGUMENTS)

Used as initramfs.Initramfs is."""

import pathlib
import re
import shutil
import string

from initramfs import HERE, Initramfs, libraries, stripped

# Messages on the serial console are slow in emulation.
ARGUMENTS = "systemd.unit=vm.target systemd.show_status=0 systemd.log_level=warning systemd.log_target=console"
MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "overlay")
MERGED = re.compile(r"^/(bin|sbin|lib|lib64)/")  # links into /usr: what is put there must not take the link's place

TARGET = """[Unit]
Description=The machine
Requires=basic.target serve.service
Wants=dbus.socket
After=basic.target dbus.socket
AllowIsolate=yes
"""
SERVE = """[Unit]
Description=Commands from outside
Wants=dbus.socket
After=basic.target dbus.socket
[Service]
ExecStart=/usr/lib/vm/serve.sh
StandardInput=null
StandardOutput=tty
TTYPath=/dev/ttyS0
"""


class SystemdRoot:
    """Gathers files; write() makes the initramfs, whose init lays them over the base."""

    def __init__(self, kernel, base):
        self._base = base
        self._initramfs = Initramfs(kernel, "systemd-init.sh")
        self._modules = []
        self._options = {}
        self._disks = []
        self.modules(*MODULES)
        self.program(shutil.which("busybox"), "/usr/bin/busybox")
        self.link("busybox", "/usr/bin/usleep")
        self.file(HERE / "words.sh", "/usr/lib/vm/words.sh")
        self.file(HERE / "systemd-serve.sh", "/usr/lib/vm/serve.sh", 0o755)
        self.unit("vm.target", TARGET)
        self.unit("serve.service", SERVE)

    def devices(self):
        """QEMU's options."""
        return [*self._base.drive(), *(word for disk, _ in self._disks for word in (
            "-drive", f"file={disk},format=raw,if=virtio,cache=writeback"))]

    def modules(self, *names):
        """Modules that are loaded before systemd starts."""
        self._modules += names

    def module_options(self, name, options):
        """For its load, as modprobe takes them."""
        self._options[name] = options

    def disk(self, image, place):
        """A disk with an ext4 file system that is mounted there, read-write, before systemd starts: what outlives restarts."""
        self._disks.append((image, place))

    def data(self, data, place, mode=0o644):
        self._initramfs.data(data, f"/added{merged(place)}", mode)

    def file(self, source, place, mode=0o644):
        self.data(pathlib.Path(source).read_bytes(), place, mode)

    def link(self, target, place):
        self._initramfs.link(target, f"/added{merged(place)}")

    def program(self, source, place=None):
        """A program, and what of its libraries the base lacks; without a place it goes to /usr/bin."""
        self.data(stripped(source), place or f"/usr/bin/{pathlib.Path(source).name}", 0o755)
        for library in libraries(source):
            if not self._base.has(merged(library)):
                self.file(library, library, 0o755)

    def unit(self, name, text):
        """A unit of the machine's own."""
        self.data(text.encode(), f"/etc/systemd/system/{name}")

    def write(self, archive):
        self._initramfs.modules(*self._modules)
        self._initramfs.data("".join(f"{name} {self._options.get(name, '')}\n" for name in self._modules).encode(), "/load")
        disks = zip(string.ascii_lowercase[1:], self._disks)  # a is the base
        self._initramfs.data("".join(f"/dev/vd{letter} {place}\n" for letter, (_, place) in disks).encode(), "/mounts")
        return self._initramfs.write(archive)


def merged(place):
    """Where it lies in a root whose /bin, /sbin and /lib are links into /usr."""
    return MERGED.sub(r"/usr/\1/", place)
