"""Debian's stock kernel, unpacked for QEMU and never installed: fetched once, kept in the build directory."""

import contextlib
import fcntl
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

PACKAGE = "linux-image-amd64"  # depends on the present version, the only one that is sure to be in the archive


class Unavailable(Exception):
    """The kernel cannot be had here; the tests that need it are skipped."""


def command(*words, directory=None):
    """What it says; Unavailable if it fails."""
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def refresh_index():
    """The package index may be missing, or name a version that the archive has dropped."""
    command(*([] if os.geteuid() == 0 else ["sudo", "-n"]), "apt-get", "update", "-q")


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


def unpack(version, directory):
    """Downloads the package and makes `directory` of it."""
    command("apt-get", "download", "-q", f"linux-image-{version}", directory=directory)
    package, = directory.glob("*.deb")
    command("dpkg", "-x", str(package), str(directory))
    package.unlink()
    if not (directory / "lib/modules").is_dir():  # where /lib is a link the package says usr/lib
        (directory / "lib").symlink_to("usr/lib")
    command("depmod", "-b", str(directory), version)
    bzimage = directory / f"boot/vmlinuz-{version}"
    (directory / "vmlinux").write_bytes(extract_vmlinux(bzimage.read_bytes()))


def fetch(version, cache):
    """Into the cache, as a whole or not at all: the final name exists only when everything is there."""
    place = pathlib.Path(tempfile.mkdtemp(prefix=".fetching-", dir=cache))
    try:
        place.chmod(0o755)  # apt's downloads are another user's
        unpack(version, place)
        place.rename(cache / version)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def alone_in(cache):
    """Tests run side by side: one fetches, the others wait. Who died in mid-fetch holds no lock and leaves only rubbish."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for rubbish in cache.glob(".fetching-*"):
            shutil.rmtree(rubbish, ignore_errors=True)
        yield


def cached(cache):
    return sorted(file.parent for file in cache.glob("*/vmlinux"))


def fetch_present(cache):
    """The version that the archive has now; with a fresh index where the first try fails."""
    version = wanted_version()
    if version and (cache / version).exists():
        return
    try:
        if not version:
            raise Unavailable("no package index")
        fetch(version, cache)
    except Unavailable:
        refresh_index()
        version = wanted_version()
        if not version:
            raise Unavailable(f"the package index knows no {PACKAGE}") from None
        if not (cache / version).exists():
            fetch(version, cache)


def get(cache):
    """The kernel, fetched if need be; one of an earlier day is better than none."""
    with alone_in(cache):
        try:
            fetch_present(cache)
        except Unavailable as reason:
            if not cached(cache):
                raise
            print(f"no newer kernel than {cached(cache)[-1].name}: {reason}", flush=True)
        version = wanted_version()
        newest = cache / version if version and (cache / version).exists() else cached(cache)[-1]
        return Kernel(newest)
