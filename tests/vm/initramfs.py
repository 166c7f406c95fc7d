"""The root of a virtual machine: a cpio archive (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst)
with busybox, modules, programs with their libraries, and an init."""

import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ENTERPRISE_NUMBERS = b"0\n  Reserved\n"  # ipmitool complains when it finds none
CODE_PAGES = "/usr/lib/x86_64-linux-gnu/gconv"
CONSOLE = (5, 1)  # major and minor number of /dev/console


def libraries(program):
    """The shared libraries of a program, its loader included; nothing for a static one."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return re.findall(r"(?:=>|^)\s*(/\S+) \(0x", done.stdout, re.M)


def stripped(program):
    """Its bytes without what only a debugger reads: it is most of them, and they would be unpacked in emulation."""
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run(["strip", "--strip-debug", "-o", copy.name, program], check=True)
        return pathlib.Path(copy.name).read_bytes()


class Initramfs:
    """Gathers files; write() makes the archive."""

    def __init__(self, kernel, init):
        """`init`: a script of this folder; it finds lib.sh and words.sh beside it."""
        self._entries = {}
        self._kernel = kernel
        for directory in ("dev", "proc", "sys", "tmp", "run", "mnt", "root", "usr/bin", "usr/sbin", "var/run"):
            self._directory(directory)
        self._add("dev/console", stat.S_IFCHR | 0o600, device=CONSOLE)
        self.program(shutil.which("busybox"), "/bin/busybox")
        self.link("busybox", "/bin/sh")
        self.data(ENTERPRISE_NUMBERS, "/root/.local/usr/share/misc/enterprise-numbers.txt")
        self.file(HERE / "lib.sh", "/lib.sh")
        self.file(HERE / "words.sh", "/words.sh")
        self.file(HERE / init, "/init", 0o755)

    def _add(self, name, mode, data=b"", device=(0, 0)):
        parent = str(pathlib.PurePath(name).parent)
        if parent != ".":
            self._directory(parent)
        self._entries[name] = (mode, data, device)

    def _directory(self, name):
        if name not in self._entries:
            self._add(name, stat.S_IFDIR | 0o755)

    def data(self, data, place, mode=0o644):
        self._add(place.lstrip("/"), stat.S_IFREG | mode, data)

    def file(self, source, place, mode=0o644):
        self.data(pathlib.Path(source).read_bytes(), place, mode)

    def link(self, target, place):
        self._add(place.lstrip("/"), stat.S_IFLNK | 0o777, target.encode())

    def program(self, source, place=None):
        """A program and its libraries; without a place it goes to /usr/bin."""
        self.data(stripped(source), place or f"/usr/bin/{pathlib.Path(source).name}", 0o755)
        for library in libraries(source):
            self.file(library, library, 0o755)

    def mtools(self):
        """What reads and writes FAT without a mount, with the tables of the code page that it speaks."""
        self.program(shutil.which("mtools"))
        for name in ("mformat", "mdir", "mcopy"):
            self.link("mtools", f"/usr/bin/{name}")
        for name in ("gconv-modules", "gconv-modules.d/gconv-modules-extra.conf", "IBM850.so"):
            self.file(f"{CODE_PAGES}/{name}", f"{CODE_PAGES}/{name}")

    def modules(self, *names):
        """Modules and all that they need, for busybox's modprobe."""
        home = f"/lib/modules/{self._kernel.version}"
        files = self._kernel.closure(*names)
        for file in files:
            self.file(self._kernel.modules / file, f"{home}/{file}")
        self.data(self._kernel.dependencies(files).encode(), f"{home}/modules.dep")

    def write(self, archive):
        with open(archive, "wb") as out:
            for inode, (name, (mode, data, device)) in enumerate(self._entries.items(), 1):
                out.write(entry(name, inode, mode, data, device))
            out.write(entry("TRAILER!!!", 0, 0, b"", (0, 0)))
        return archive


def entry(name, inode, mode, data, device):
    """One file in the format "newc": 13 fields of 8 hexadecimal digits, the name, the data, each to a multiple of 4."""
    name = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
    return padded(b"070701" + b"".join(b"%08X" % field for field in fields) + name) + padded(data)


def padded(data):
    return data + bytes(-len(data) % 4)
