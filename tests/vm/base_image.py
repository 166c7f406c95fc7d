#!/usr/bin/python3
"""A root file system with the distribution's systemd and D-Bus: made once by debootstrap, kept in the build directory, and
only ever read. What a machine adds lies over it (systemd_root.py)."""

import hashlib
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

import archive  # noqa: E402  pylint: disable=wrong-import-position

SUITE = "bookworm"
PACKAGES = ("systemd", "dbus")
FOLDERS_LEFT_OUT = ("var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man", "usr/share/info",
                    "usr/share/locale", "dev", "run", "tmp")
MACHINE_ID = "5d0c0ffee5d0c0ffee5d0c0ffee5d0c0"  # without one systemd presets all units, as at a first boot

# What no test needs and emulation is slow at.
MASKED = """
apt-daily-upgrade.service apt-daily-upgrade.timer apt-daily.service apt-daily.timer dev-hugepages.mount
dev-mqueue.mount dpkg-db-backup.service dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
getty.target getty@tty1.service kmod-static-nodes.service ldconfig.service modprobe@configfs.service
modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service
proc-sys-fs-binfmt_misc.automount swap.target sys-fs-fuse-connections.mount sys-kernel-config.mount
sys-kernel-debug.mount sys-kernel-tracing.mount systemd-ask-password-console.path systemd-ask-password-wall.path
systemd-boot-system-token.service systemd-firstboot.service systemd-hwdb-update.service
systemd-journal-catalog-update.service systemd-journal-flush.service systemd-logind.service
systemd-machine-id-commit.service systemd-modules-load.service systemd-pstore.service systemd-random-seed.service
systemd-remount-fs.service systemd-sysctl.service systemd-sysusers.service systemd-tmpfiles-clean.timer
systemd-update-done.service systemd-update-utmp-runlevel.service systemd-update-utmp.service
systemd-user-sessions.service
""".split()

JOURNAL = "[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\nForwardToConsole=no\nAudit=no\n"
BLOCK_SIZE = 4096


class BaseImage:
    """An ext4 image, and the paths in it."""

    def __init__(self, directory):
        self.image = directory / "base.ext4"
        self._paths = set((directory / "paths").read_text().splitlines())

    def has(self, path):
        """Whether it is in the image: an absolute path, directories merged into /usr."""
        return path in self._paths

    def drive(self):
        """QEMU's options: /dev/vda, for any number of machines at a time."""
        return ["-drive", f"file={self.image},format=raw,if=virtio,readonly=on,cache=unsafe"]


def mirror():
    """Where this computer has its packages from."""
    listed = archive.command("apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", f"Codename: {SUITE}")
    if not listed:
        raise archive.Unavailable(f"no source of packages for {SUITE}")
    return listed.split()[0]


def wanted():
    """A name that changes with everything that the image is made of."""
    return f"{SUITE}-{hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]}"


def make(_, directory):
    """Fills the directory. The image's files are root's: whoever is not root asks sudo, without a word."""
    if os.geteuid() == 0:
        make_as_root(directory)
    else:
        archive.command("sudo", "-n", sys.executable, __file__, str(directory))


def make_as_root(directory):
    root = directory / "root"
    archive.command("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), mirror())
    thin_out(root)
    settle(root)
    paths = sorted(f"/{path.relative_to(root)}" for path in root.rglob("*"))
    (directory / "paths").write_text("\n".join(paths))
    make_ext4(root, directory / "base.ext4", len(paths))
    shutil.rmtree(root)


def thin_out(root):
    for name in FOLDERS_LEFT_OUT:
        shutil.rmtree(root / name, ignore_errors=True)
    for name in ("dev", "proc", "sys", "run", "tmp", "var/log"):
        (root / name).mkdir(exist_ok=True)


def settle(root):
    """Configures it for a machine without disks, users and terminals."""
    (root / "etc/machine-id").write_text(MACHINE_ID + "\n")
    (root / "etc/hostname").write_text("vm\n")
    (root / "etc/fstab").write_text("")
    for unit in MASKED:
        mask(root / "etc/systemd/system" / unit)
    generators = root / "etc/systemd/system-generators"
    generators.mkdir(exist_ok=True)
    for generator in (root / "usr/lib/systemd/system-generators").iterdir():
        mask(generators / generator.name)
    journal = root / "etc/systemd/journald.conf.d"
    journal.mkdir(exist_ok=True)
    (journal / "vm.conf").write_text(JOURNAL)


def mask(link):
    link.unlink(missing_ok=True)
    link.symlink_to("/dev/null")


def make_ext4(root, image, files):
    """A file system that nobody writes to: no journal, hardly any room."""
    size = sum((path.lstat().st_size // BLOCK_SIZE + 1) * BLOCK_SIZE for path in root.rglob("*") if not path.is_symlink())
    archive.command("mkfs.ext4", "-q", "-F", "-O", "^has_journal,^metadata_csum,^resize_inode", "-m", "0", "-N",
                    str(files + 1000), "-d", str(root), str(image), f"{size * 11 // 10 // 1024 + 8192}k")


def get(folder):
    """The image, made if need be. Raises archive.Unavailable."""
    return BaseImage(archive.Shelf(folder, wanted, make).get())


if __name__ == "__main__":
    make_as_root(pathlib.Path(sys.argv[1]))
