"""Servers that no one here wrote, unpacked from their packages (archive.py).

They listen in the script's own namespace, at their protocols' ports."""

import pathlib
import socket
import subprocess
import time

import archive
import harness

class HttpServer:
    """The one of Python's own library, as people start it: python3 -m http.server."""

    def __init__(self, workspace, folder, port=8000):
        self.program = workspace.start("http.server", [harness.PYTHON, "-m", "http.server", str(port), "--bind",
                                                       "127.0.0.1", "--directory", folder])
        wait_for_port(port)


class TftpdHpa:
    """tftpd-hpa. It refuses the options that `refuse` names."""

    def __init__(self, workspace, folder, refuse=(), address="127.0.0.1", within=()):
        program = archive.unpacked("tftpd-hpa", harness.Settings.build / "servers") / "usr/sbin/in.tftpd"
        words = [word for option in refuse for word in ("-r", option)]
        self.program = workspace.start("tftpd-hpa", [*within, program, "-L", "-a", f"{address}:69", "-u", "root", *words,
                                                     "-s", folder])
        wait_for_datagrams(69, within)


class Atftpd:
    """atftpd. `options` are its own, such as --no-blksize."""

    def __init__(self, workspace, folder, *options):
        program = archive.unpacked("atftpd", harness.Settings.build / "servers") / "usr/sbin/atftpd"
        self.program = workspace.start("atftpd", [program, "--daemon", "--no-fork", "--port", "69", "--bind-address",
                                                  "127.0.0.1", "--user", "root.root", "--logfile", "-", *options, folder])
        wait_for_datagrams(69)


class Dnsmasq:
    """dnsmasq: TFTP below `folder`, or DNS with these names (name="address")."""

    def __init__(self, workspace, folder=None, names=None, options=()):
        words = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root",
                 "--group=root", f"--pid-file={workspace.directory}/dnsmasq.pid", "--log-facility=-", "--bind-interfaces"]
        if folder:
            words += ["--port=0", "--listen-address=127.0.0.1", "--enable-tftp", f"--tftp-root={folder}"]
        else:
            words += ["--listen-address=127.0.0.53", "--log-queries", "--local=//", "--filter-AAAA"]
            words += [f"--address=/{name}/{address}" for name, address in names.items()]
        self.program = workspace.start("dnsmasq", ["/usr/sbin/dnsmasq", *words, *options])
        self.program.wait_for("TFTP root is|started, version")
        wait_for_datagrams(69 if folder else 53)


def wait_for_port(port, address="127.0.0.1"):
    def accepts():
        with socket.socket() as probe:
            return probe.connect_ex((address, port)) == 0

    harness.wait_until(accepts, f"somebody listens on port {port}")


def wait_for_datagrams(port, within=()):
    """Until a socket is bound to this UDP port."""
    def bound():
        return subprocess.run([*within, "ss", "-Huln", f"sport = {port}"], capture_output=True, text=True,
                              check=True).stdout.strip()

    harness.wait_until(bound, f"somebody listens on UDP port {port}")


def wait_for_quiet(sample, still=0.4, seconds=10):
    """Until `sample()` has not changed for so long; what it says then."""
    end = time.monotonic() + seconds
    last, since = sample(), time.monotonic()
    while time.monotonic() - since < still:
        if time.monotonic() > end:
            raise harness.Failure("nothing comes to rest")
        time.sleep(0.02)
        now = sample()
        if now != last:
            last, since = now, time.monotonic()
    return last


def descendants(process):
    """The processes that this one started, and those that they started."""
    children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return [found for child in children for found in (int(child), *descendants(int(child)))]
