"""Debian's stock kernel, unpacked for QEMU and never installed: fetched once, kept in the build directory."""

import lzma
import pathlib
import re
import struct
import subprocess
import zlib

import archive

PACKAGE = "linux-image-amd64"  # depends on the present version, the only one that is sure to be in the archive


def wanted_version():
    """The version PACKAGE depends on, such as 6.1.0-42-amd64; None without an index."""
    done = subprocess.run(["apt-cache", "depends", PACKAGE], capture_output=True, text=True, check=False)
    found = re.search(r"Depends: linux-image-(\S+)", done.stdout)
    return found[1] if found else None


def extract_vmlinux(bzimage):
    """The ELF kernel inside of a bzImage (the kernel's Documentation/arch/x86/boot.rst): QEMU starts it at once, where
    the bzImage would first unpack itself, slowly, in emulation."""
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = bzimage[start:start + length]
    unpack = lzma.LZMADecompressor() if payload.startswith(b"\xfd7zXZ") else zlib.decompressobj(31)
    vmlinux = unpack.decompress(payload)
    if not vmlinux.startswith(b"\x7fELF"):
        raise AssertionError("the kernel's payload is no ELF file")
    return vmlinux


class Kernel:
    """An unpacked kernel: `vmlinux`, and its modules with their dependencies."""

    def __init__(self, directory):
        self.directory = directory
        self.version = directory.name
        self.vmlinux = directory / "vmlinux"
        self.modules = directory / "lib/modules" / self.version
        self._needs = dict(line.split(":", 1) for line in (self.modules / "modules.dep").read_text().splitlines())
        self._paths = {module_name(path): path for path in self._needs}
        self._builtin = {module_name(path) for path in (self.modules / "modules.builtin").read_text().split()}

    def closure(self, *names):
        """The files (below `modules`) of these modules and of all they need; nothing for what is built in."""
        files = set()
        for name in (name.replace("-", "_") for name in names):
            if name in self._paths:
                files |= {self._paths[name], *self._needs[self._paths[name]].split()}
            elif name not in self._builtin:
                raise AssertionError(f"Linux {self.version} has no module {name}")
        return sorted(files)

    def dependencies(self, files):
        """The lines of modules.dep about these files."""
        return "".join(f"{file}:{self._needs[file]}\n" for file in files)


def module_name(path):
    return pathlib.PurePath(path).name.split(".")[0].replace("-", "_")


def make(version, directory):
    """Downloads the package and makes `directory` of it."""
    archive.unpack(f"linux-image-{version}", directory)
    if not (directory / "lib/modules").is_dir():  # where /lib is a link the package says usr/lib
        (directory / "lib").symlink_to("usr/lib")
    archive.command("depmod", "-b", str(directory), version)
    bzimage = directory / f"boot/vmlinuz-{version}"
    (directory / "vmlinux").write_bytes(extract_vmlinux(bzimage.read_bytes()))


def get(folder):
    """The kernel, fetched if need be. Raises archive.Unavailable."""
    return Kernel(archive.Shelf(folder, wanted_version, make).get())
