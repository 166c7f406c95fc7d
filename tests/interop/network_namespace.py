"""A network of the test's own: the script moves into new namespaces, where every port is free and every name is its own
to give. They end with the script.

One namespace is enough for servers on 127.x.y.z, which are different hosts to a client. A Link adds a second one, behind
a line that loses and delays.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import harness

NEW_MOUNTS, NEW_NETWORK = 0x00020000, 0x40000000  # unshare(2)
PRIVATE_BELOW, BIND = 0x40000 | 0x4000, 0x1000  # mount(2)
NAMES = "/run/netns"  # where `ip netns` looks
RESOLVER = "127.0.0.53"
OWN_ADDRESS, OWN_ADDRESS_6 = "10.99.0.1", "2001:db8:99::1"  # a machine without any is nobody's case

LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(what, result):
    if result:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def _mount(source, target, kind, flags, options=None):
    _checked(f"mount {target}", LIBC.mount(source.encode(), target.encode(), kind, flags, options))


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise harness.Failure(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def skip(reason):
    print(f"SKIPPED: {reason}", flush=True)
    sys.exit(harness.SKIPPED)


def become_root():
    """Starts the script again by sudo where that works without a question; skips it loudly elsewhere."""
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo") or subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode:
        skip("a network namespace of its own needs root, or sudo without a password")
    os.execvp("sudo", ["sudo", "-n", sys.executable, *sys.argv])


def enter(workspace_directory):
    """Moves this process, and all that it starts from now on, into namespaces of its own. Names are looked up at RESOLVER,
    where nobody answers until the test starts someone, and nowhere else."""
    try:
        _checked("unshare", LIBC.unshare(NEW_MOUNTS | NEW_NETWORK))
    except PermissionError as failure:
        skip(f"no namespaces here: {failure}")  # a container
    try:
        _mount("none", "/", None, PRIVATE_BELOW)
    except OSError as failure:
        skip(f"no name space for mounts of its own: {failure} (a chroot whose root is no mount point?)")
    files = {
        "/etc/resolv.conf": f"nameserver {RESOLVER}\noptions timeout:5 attempts:2\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n",
        "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    }
    for path, text in files.items():
        own = pathlib.Path(workspace_directory) / pathlib.Path(path).name
        own.write_text(text, encoding="ascii")
        bind(own, path)
    command("ip", "link", "set", "lo", "up")
    command("ip", "address", "add", OWN_ADDRESS, "dev", "lo")
    command("ip", "address", "add", OWN_ADDRESS_6, "dev", "lo", "nodad")


def bind(own, path):
    """Shows a file or a folder of the test's own in the place of another, to this script and its programs alone."""
    _mount(str(own), os.path.realpath(path), None, BIND)


def small_disk(path, size):
    """An empty file system of so many bytes, there until the script ends."""
    path.mkdir()
    _mount("none", str(path), b"tmpfs", 0, f"size={size}".encode())


class Link:
    """The script's namespace, a second one called `far`, and the line between them in user space. Run programs behind it
    with `far()` before their words."""

    HERE, THERE = "10.77.0.2", "10.77.0.1"
    DEVICE = "tun0"

    def __init__(self, workspace, loss=0, delay=0, rate=0):
        self._made = contextlib.ExitStack()
        self._name_the_namespaces()
        self._set_up(("ip",), self.HERE, self.THERE)
        self._set_up(("ip", "-n", "far"), self.THERE, self.HERE)
        options = [f"--{key}={value}" for key, value in (("loss", loss), ("delay", delay), ("rate", rate)) if value]
        self.program = workspace.start("link", [harness.built("tests/bench/link_emulator"), f"here:{self.DEVICE}",
                                                f"far:{self.DEVICE}", *options])
        self.program.wait_for("ready")

    def _name_the_namespaces(self):
        os.makedirs(NAMES, exist_ok=True)
        _mount("none", NAMES, b"tmpfs", 0)
        self._made.callback(command, "umount", "-l", NAMES)
        command("ip", "netns", "attach", "here", str(os.getpid()))
        command("ip", "netns", "add", "far")
        self._made.callback(command, "ip", "netns", "del", "far")
        self._made.callback(command, "ip", "link", "del", self.DEVICE)

    def _set_up(self, ip, own, other):
        command(*ip, "link", "set", "lo", "up")
        command(*ip, "tuntap", "add", "dev", self.DEVICE, "mode", "tun")
        command(*ip, "link", "set", self.DEVICE, "mtu", "1500", "txqueuelen", "8000")
        command(*ip, "address", "add", own, "peer", other, "dev", self.DEVICE)
        command(*ip, "link", "set", self.DEVICE, "up")

    @staticmethod
    def far(*words):
        return ["ip", "netns", "exec", "far", *words]

    def close(self):
        """Ends the line and the second namespace; counters of the line are in its log."""
        self.program.end(signal.SIGTERM)
        self._made.close()


def free_port(kind=socket.SOCK_STREAM, address="127.0.0.1"):
    with socket.socket(type=kind) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def silent(address=RESOLVER, port=53):
    """A datagram socket where nobody reads: a server that never answers."""
    mute = socket.socket(type=socket.SOCK_DGRAM)
    mute.bind((address, port))
    return mute
