"""Two network namespaces, a host's and a BMC's, and the emulated link between them. Needs root."""

import contextlib
import json
import os
import signal
import subprocess

HOST_ADDRESS = "10.77.0.1"
BMC_ADDRESS = "10.77.0.2"
DEVICE = "tun0"
QUEUE_KIB = 512
RATE_MBIT = 100
# Packets that a TUN device holds while the emulator is busy: more than its own queue, which is to be the only one.
DEVICE_QUEUE = 8000


class BenchError(Exception):
    """What failed, on what, what to do."""


def run(*command):
    """Runs a command that has to work; returns its output."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {done.stderr.strip() or 'failed'}; run this as root, with iproute2")
    return done.stdout


def start(command, **keywords):
    """Starts a program in a session of its own, so that ^C reaches this script alone, which then ends it in order."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **keywords)


def stop(process, limit=5):
    """Ends a program that `start` started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class Namespaces:
    """`host` and `bmc`, joined by TUN devices; gone with everything in them at the end of the `with` block."""

    def __init__(self):
        self.host = f"fwbench-host-{os.getpid()}"
        self.bmc = f"fwbench-bmc-{os.getpid()}"

    def __enter__(self):
        self._made = contextlib.ExitStack()
        with contextlib.ExitStack() as made:
            for name, own, other in ((self.host, HOST_ADDRESS, BMC_ADDRESS), (self.bmc, BMC_ADDRESS, HOST_ADDRESS)):
                run("ip", "netns", "add", name)
                made.callback(subprocess.run, ("ip", "netns", "del", name), check=False)
                self._set_up(name, own, other)
            self._made = made.pop_all()
        return self

    def __exit__(self, *unused):
        self._made.close()

    @staticmethod
    def _set_up(name, own, other):
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "tuntap", "add", "dev", DEVICE, "mode", "tun")
        run("ip", "-n", name, "link", "set", DEVICE, "mtu", "1500", "txqueuelen", str(DEVICE_QUEUE))
        run("ip", "-n", name, "address", "add", own, "peer", other, "dev", DEVICE)
        run("ip", "-n", name, "link", "set", DEVICE, "up")

    def set_congestion_control(self, name):
        """Which congestion control TCP uses in both; False where the kernel does not have it."""
        setting = f"net.ipv4.tcp_congestion_control={name}"
        try:
            for namespace in (self.host, self.bmc):
                run("ip", "netns", "exec", namespace, "sysctl", "-q", "-w", setting)
        except BenchError:
            return False
        return True

    def command(self, namespace, *command):
        return ("ip", "netns", "exec", namespace, *command)


class Link:
    """The emulator between the namespaces, running in the `with` block; its counters are in `counters` afterwards."""

    def __init__(self, program, namespaces, rtt_ms, loss_percent, seed=1):
        self.counters = None
        self._command = (
            program,
            f"{namespaces.host}:{DEVICE}",
            f"{namespaces.bmc}:{DEVICE}",
            f"--delay={rtt_ms / 2}",
            f"--loss={loss_percent}",
            f"--rate={RATE_MBIT}",
            f"--queue={QUEUE_KIB}",
            f"--seed={seed}",
        )

    def __enter__(self):
        self._process = start(self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._process.stdout.readline().strip() != "ready":
            stop(self._process)
            raise BenchError(self._process.stderr.read().strip())
        return self

    def __exit__(self, *unused):
        stop(self._process)
        with contextlib.suppress(ValueError):
            self.counters = json.loads(self._process.stdout.read())
