"""Virtual machines with Debian's kernel, in QEMU's emulation (never KVM: it is not everywhere), their consoles over serial
lines, and everything ended with the test.

A machine is a kernel, an initramfs and devices. It says what it says on the console (ttyS0), and after its init has said
READY it runs commands that come on ttyS1: `vm.run("dmesg")`. Time-outs are silence, with a generous limit of the whole.
"""

import dataclasses
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
os.environ["PATH"] += ":/usr/sbin"  # depmod, usbip: in nobody's path but root's
sys.path.insert(0, str(HERE.parent / "interop"))

# pylint: disable=wrong-import-position
import archive  # noqa: E402
import base_image  # noqa: E402
import harness  # noqa: E402
import kernel as kernels  # noqa: E402
from harness import Failure, die_with_the_test  # noqa: E402
from initramfs import Initramfs  # noqa: E402

QEMU = "qemu-system-x86_64"
FIRMWARE = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")  # a real one, and it is in every Debian
IPMI_PORT = 9002  # of an agent inside a machine
BOOT_QUIET = 60  # seconds of silence; a machine starts in 4 s, on a busy computer in 15 s
QUIET = 30
LIMIT = 150  # seconds of anything, however much it says
RECORD_SEPARATOR = b"\x1e"

# For the kernel. Its check of the timer's wiring counts ticks in a short time; on a busy computer the emulated ones come
# too late, and it ends with "IO-APIC + timer doesn't work!".
ARGUMENTS = "no_timer_check"

# The kernel's messages about IPMI; every other one is a fault.
EXPECTED_IPMI = "|".join((
    r"IPMI message handler: version",
    r"ipmi_si: IPMI System Interface driver",
    r"ipmi_platform: probing via (SMBIOS|ACPI)",
    r"ipmi_platform: .* regsize 1 spacing 1 irq 5",
    r"(Adding|Trying|Removing) (SMBIOS|ACPI)-specified (kcs|bt) state machine",
    r"req2rsp=\d+ secs retries=\d+",
    r"Using irq 5",
    r"Found new BMC \(man_id: 0x000000, prod_id: 0x0000, dev_id: 0x20\)",
    r"IPMI (kcs|bt) interface initialized",
    r"ipmi device interface",
))

# Warnings of any emulated machine: its time is not as even as a real one's.
EMULATION = r"\btsc\b|clocksource|hrtimer: interrupt took|perf: interrupt took"


def require_rig():
    """The kernel. Skips, loudly, where QEMU cannot run or no kernel can be had."""
    harness.require(QEMU, "busybox", "depmod", "apt-get", "dpkg")
    accelerators = subprocess.run([QEMU, "-accel", "help"], capture_output=True, text=True, check=False)
    if accelerators.returncode or "tcg" not in accelerators.stdout:
        print(f"SKIPPED: {QEMU} cannot emulate here: {accelerators.stderr.strip()}", flush=True)
        sys.exit(harness.SKIPPED)
    try:
        return kernels.get(harness.Settings.build / "vm")
    except archive.Unavailable as reason:
        print(f"SKIPPED: no kernel: {reason}", flush=True)
        sys.exit(harness.SKIPPED)


def require_base():
    """The image with systemd. Skips, loudly, where none can be made."""
    harness.require("debootstrap", "mkfs.ext4")
    try:
        return base_image.get(harness.Settings.build / "vm-base")
    except archive.Unavailable as reason:
        print(f"SKIPPED: no base image: {reason}", flush=True)
        sys.exit(harness.SKIPPED)


def free_port():
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def guest_agent(root, interface=None, **sections):
    """Puts the agent into a machine, with one target and its host's interface (on TCP); start_agent of lib.sh runs it.
    `sections` are more of its configuration."""
    config = {
        "lan": {"listen": ["127.0.0.1:623"]},
        "users": [{"name": harness.USER, "password_file": "/etc/bmc-agent.password", "privilege": "administrator"}],
        "system_interfaces": [interface or {"type": "vm", "listen": f"0.0.0.0:{IPMI_PORT}"}],
        "verification": {"signature": "optional"},
        "staging": {"directory": "/tmp/staging", "max_image_size": "64MiB"},
        "targets": [{"id": 1, "name": "bios", "type": "file", "path": "/run/bios.bin"}],
        "log_level": "debug",
        **sections,
    }
    root.program(harness.built("bmc-agent/bmc-agent"))
    root.data(harness.PASSWORD.encode(), "/etc/bmc-agent.password", 0o600)
    root.data(json.dumps(config).encode(), "/etc/bmc-agent.conf")


def forwarded_ipmi():
    """A network card whose BMC, in the machine, is reached from outside; and the address for external_bmc()."""
    port = free_port()
    return (["-netdev", f"user,id=ipmi,restrict=on,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:{IPMI_PORT}",
             "-device", "virtio-net-pci,netdev=ipmi,romfile="], f"host=127.0.0.1,port={port}")


def external_bmc(address, interface):
    """QEMU's options for a BMC that listens outside: `interface` is kcs or bt."""
    return ["-chardev", f"socket,id=ipmi0,{address},reconnect=1", "-device", "ipmi-bmc-extern,chardev=ipmi0,id=bmc0",
            "-device", f"isa-ipmi-{interface},bmc=bmc0"]


@dataclasses.dataclass
class Done:
    """A command that ended in a machine."""
    command: str
    status: int
    text: str
    seconds: float

    def events(self, kind=None):
        """Its JSON lines."""
        return events_of(self.text, kind)


def events_of(text, kind=None):
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    return [event for event in events if kind in (None, event.get("event"))]


class Line:
    """One serial line of a machine: what came, its whole lines with their times, and a way to say something."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.begun = self.heard = time.monotonic()
        self.data = b""
        self.lines = []  # (seconds since the start, text)
        self._whole = 0  # bytes of them

    def take(self):
        """False at the end."""
        try:
            piece = self.ours.recv(65536)
        except OSError:
            piece = b""
        self.heard = time.monotonic()
        self.data += piece
        while (end := self.data.find(b"\n", self._whole)) >= 0:
            self.lines.append((self.heard - self.begun, self.data[self._whole:end].decode(errors="replace").strip("\r")))
            self._whole = end + 1
        return bool(piece)


class Vm:
    """A machine. Belongs to a workspace, which ends it and prints its console if the test fails."""

    def __init__(self, workspace, name, kernel, archive, devices=(), memory=256, arguments="", pass_fds=(),
                 reboots=False):
        self.name = name
        self.begun = time.monotonic()
        self.console, self.commands = Line(), Line()
        self.errors = workspace.directory / f"{name}.qemu"
        self._heard = threading.Condition()
        lines = [self.console.theirs, self.commands.theirs]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                self._command(kernel, archive, [*devices, *([] if reboots else ["-no-reboot"])], memory, arguments), stdin=subprocess.DEVNULL, stdout=errors,
                stderr=errors, pass_fds=[*pass_fds, *(line.fileno() for line in lines)], preexec_fn=die_with_the_test)
        for line in lines:
            line.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        workspace.programs.append(self)

    def _command(self, kernel, archive, devices, memory, arguments):
        serial = [word for number, line in enumerate((self.console, self.commands))
                  for word in ("-chardev", f"socket,id=serial{number},fd={line.theirs.fileno()}",
                               "-serial", f"chardev:serial{number}")]
        return [QEMU, "-name", self.name, "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", str(memory),
                "-display", "none", "-nodefaults", *serial, "-kernel", str(kernel.vmlinux), "-initrd",
                str(archive), "-append", f"console=ttyS0 panic=-1 quiet {ARGUMENTS} {arguments}", *devices]

    def _read(self):
        alive = {line.ours: line for line in (self.console, self.commands)}
        while alive:
            for ready in select.select(list(alive), [], [])[0]:
                with self._heard:
                    if not alive[ready].take():
                        del alive[ready]
                    self._heard.notify_all()

    def seconds(self):
        """Since its start."""
        return time.monotonic() - self.begun

    def tail(self, lines=40):
        """The end of its console, what the last commands said, and what QEMU says."""
        console = "\n".join(f"{stamp:8.2f} {line}" for stamp, line in self.console.lines[-lines:])
        said = self.commands.data[-2000:].decode(errors="replace")
        return f"{console}\nLast on the command line:\n{said}\n{self.errors.read_text(errors='replace')}"

    def log_tails(self, files, lines=60):
        """The ends of these files in it, and of its kernel's messages: its console has only the warnings."""
        if self.process.poll() is not None:
            return "it has ended"
        try:
            return self.run(f"tail -n {lines} {files} /dev/null; echo '==> dmesg <=='; dmesg | tail -n {lines}").text
        except (Failure, OSError) as reason:
            return f"it does not tell: {str(reason).splitlines()[0]}"

    def _await(self, found, what, quiet, limit):
        """The first result of `found` that is something. Silence of both lines ends it, and the limit."""
        begun = time.monotonic()
        with self._heard:
            while True:
                if result := found():
                    return result
                now = time.monotonic()
                silent = now - max(begun, self.console.heard, self.commands.heard)
                reason = (f"ended with {self.process.returncode}" if self.process.poll() is not None
                          and not self._reader.is_alive() else f"was silent for {quiet} s" if silent > quiet
                          else f"took {limit} s" if now - begun > limit else None)
                if reason:
                    raise Failure(f"machine {self.name} {reason}, waiting for {what}; its console:\n{self.tail()}")
                self._heard.wait(0.5)

    def wait_for(self, pattern, quiet=QUIET, limit=LIMIT):
        """The match of a pattern in a line of its console."""
        return self._await(lambda: next(filter(None, (re.search(pattern, line) for _, line in self.console.lines)), None),
                           repr(pattern), quiet, limit)

    def wait_ready(self, boots=1):
        """Until it takes commands, after so many boots that came so far; no check of its init may have failed. The
        seconds that it took."""
        self._await(lambda: sum("] READY" in line for _, line in self.console.lines) >= boots, "READY", BOOT_QUIET, LIMIT)
        failed = [line for _, line in self.console.lines if "] FAIL " in line]
        if failed:
            raise Failure(f"machine {self.name}: {failed[0]}; its console:\n{self.tail()}")
        return self.seconds()

    def run(self, command, quiet=QUIET, limit=LIMIT):
        """Runs a command of the shell to its end."""
        start, begun = len(self.commands.data), time.monotonic()
        self.commands.ours.sendall(command.encode() + b"\n")
        pattern = re.compile(RECORD_SEPARATOR + rb"(\d+)\r?\n")
        match = self._await(lambda: pattern.search(self.commands.data, start), f"the end of: {command}", quiet, limit)
        text = self.commands.data[start:match.start()].decode(errors="replace").replace("\r\n", "\n")
        return Done(command, int(match[1]), text, time.monotonic() - begun)

    def start(self, command):
        """Runs a command in the background."""
        return Job(self, command)

    def end(self, number=signal.SIGKILL):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()
        self._reader.join()
        for line in (self.console, self.commands):
            line.ours.close()
        return self.process.returncode


class Job:
    """A command in the background of a machine. Its output is in a file there."""

    counter = 0

    def __init__(self, vm, command):
        Job.counter += 1
        self.vm, self.command = vm, command
        self.begun = time.monotonic()
        self.output = f"/tmp/job-{Job.counter}"
        vm.run(f"({{ {command}; }} >{self.output} 2>&1; echo $? >{self.output}.status) >/dev/null 2>&1 &")

    def text(self):
        return self.vm.run(f"cat {self.output}").text

    def status(self):
        """None while it runs."""
        text = self.vm.run(f"cat {self.output}.status 2>/dev/null").text
        return int(text) if text else None

    def wait_for(self, condition, what, quiet=QUIET, limit=LIMIT):
        """The first result of `condition(text)` that is something; time-outs as the machine's."""
        def reached(status, text):
            result = condition(text)
            if not result and status is not None:
                raise Failure(f"{self.command} ended with {status} before {what}; it said:\n{text}")
            return result

        return self._watch(reached, what, quiet, limit)

    def finish(self, quiet=QUIET, limit=LIMIT):
        """Its end."""
        def ended(status, text):
            return None if status is None else Done(self.command, status, text, time.monotonic() - self.begun)

        return self._watch(ended, "its end", quiet, limit)

    def _watch(self, reached, what, quiet, limit):
        begun = changed = time.monotonic()
        size = 0
        while True:
            status, text = self.status(), self.text()
            if result := reached(status, text):
                return result
            now = time.monotonic()
            if len(text) > size:
                size, changed = len(text), now
            if now - changed > quiet or now - begun > limit:
                raise Failure(f"{self.command}: waited in vain for {what}; it said:\n{text}\n{self.vm.tail()}")
            time.sleep(0.1)


class Case(harness.Case):
    """A test with machines."""

    kernel = None  # set by main()
    base = None  # set by main(base=True)
    interface = None  # kcs or bt
    expected = "$^"  # more of the kernel's messages that are no fault: a pattern

    def setUp(self):
        super().setUp()
        self._logs = []  # (machine, names of files in it)
        self.addCleanup(self._tell)

    def _tell(self):
        """What is in the machines' logs, if the test fails: they go with the machines."""
        for vm, logs in self._logs if self.failed() else ():
            print(f"\n--- logs in {vm.name}\n{vm.log_tails(logs)}", file=sys.stderr)

    def boot(self, name, initramfs, devices=(), logs="", **options):
        """Starts a machine and waits until it takes commands. `logs`: files in it that are printed if the test fails, as
        its shell takes them."""
        archive = initramfs.write(self.workspace.directory / f"{name}.cpio")
        vm = Vm(self.workspace, name, self.kernel, archive, devices, **options)
        self.measured(f"{name} takes commands after", f"{vm.wait_ready():.1f} s")
        self._logs.append((vm, logs))
        archive.unlink()
        return vm

    def ok(self, done, *statuses):
        """Fails with the output unless the status is one of these (default: 0)."""
        self.assertIn(done.status, statuses or (0,), f"{done.command}\n{done.text}")
        return done

    def kill_between_requests(self, agent, host, program):
        """Kills the agent under the host's program while no request is under way. QEMU loses one that it was about to
        hand over (and one of number A0h or A1h): it never answers, keeps IBF set, and ignores what the host does about
        it until the machine ends. No BMC's hardware is like that."""
        self.ok(host.run(f"killall -STOP {program}"))
        agent.kill()
        self.ok(host.run(f"killall -CONT {program}"))

    def assert_quiet_kernel(self, host, interface=True):
        """No warning since the init, and about IPMI nothing but what a start says. (`dmesg -r` tells the levels.)
        `interface`: the machine has the host's side of the interface."""
        lines = host.run("dmesg -r").text.splitlines()
        begin = next(number for number, line in enumerate(lines) if line.endswith("init begins"))
        self.assertTrue(not interface or [line for line in lines if f"IPMI {self.interface} interface initialized" in line], lines)
        for line in lines[begin + 1:]:
            level, text = re.match(r"<(\d+)>\[[ 0-9.]+\] (.*)", line).groups()
            if re.search(f"{EXPECTED_IPMI}|{EMULATION}|{self.expected}", text):
                continue
            self.assertFalse(re.search("ipmi|kcs|bmc", text, re.I), f"the kernel says: {line}")
            self.assertGreater(int(level) & 7, 4, f"the kernel warns: {line}")

    def measured(self, what, value):
        """Everything measured goes to the test's output."""
        print(f"  {self.id().split('.', 1)[1]}: {what} {value}", flush=True)


def main(base=False):
    """Reads --build, gets the kernel (and the image with systemd), hands the rest to unittest."""
    arguments = harness.read_settings()
    Case.kernel = require_rig()
    Case.base = require_base() if base else None
    harness.run_tests(arguments)
