"""What every interoperability test needs: programs under test and their lives, clients, time-outs by lack of progress.

A test is a script: it builds unittest cases, and ends with harness.main(). It gets --build DIR (default: build in the
repository's root) and, behind it, unittest's own arguments. Exit code 77: skipped, because a program is not installed.
"""

import ctypes
import hashlib
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = "/usr/bin/python3"
USER = "admin"
PASSWORD = "interop-secret-1"
MIB = 1 << 20
SKIPPED = 77


class Settings:
    build = ROOT / "build"


class Failure(AssertionError):
    """A program did not do what the test needs."""


def require(*programs):
    """Skips the whole test, loudly, when a client program is not installed."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        print(f"SKIPPED: not installed: {', '.join(missing)}", flush=True)
        sys.exit(SKIPPED)


def require_module(name):
    if subprocess.run([PYTHON, "-c", f"import {name}"], capture_output=True, check=False).returncode:
        print(f"SKIPPED: Python module not installed: {name}", flush=True)
        sys.exit(SKIPPED)


def built(path):
    file = Settings.build / path
    if not file.exists():
        raise Failure(f"not built: {file}")
    return str(file)


def make_image(size, seed=1):
    """Bytes that no compression or pattern can hide a mistake in."""
    return random.Random(seed).randbytes(size)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def die_with_the_test():
    """A program that the test started ends with it, however it ends (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def wait_until(condition, what, seconds=30):
    """Polls; for things that a program says or does soon."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(0.005)


class Program:
    """A program that runs beside the test. Everything it says goes to a file."""

    def __init__(self, workspace, name, command):
        self.name = name
        self.output = workspace.directory / f"{name}.log"
        self.stream = self.output.open("ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.stream, stderr=self.stream,
                                        preexec_fn=die_with_the_test, env=workspace.environment)

    def text(self):
        return self.output.read_text(errors="replace")

    def said(self, pattern, start=0):
        """The match of a pattern in what it said behind character `start`."""
        if self.process.poll() not in (None, 0, -signal.SIGKILL, -signal.SIGTERM):
            raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        return re.search(pattern, self.text()[start:])

    def wait_for(self, pattern, seconds=30, start=0):
        try:
            return wait_until(lambda: self.said(pattern, start), pattern, seconds)
        except Failure as failure:
            raise Failure(f"{failure}; {self.name} said:\n{self.tail()}") from None

    def tail(self, lines=25):
        return "\n".join(self.text().splitlines()[-lines:])

    def end(self, number=signal.SIGTERM):
        """The exit status; SIGKILL for one that does not listen."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)  # a stopped one hears nothing
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.stream.close()
        return self.process.returncode


class Workspace:
    """A folder of its own, and an end for every program that was started."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fwupdate-interop-"))
        self.programs = []
        self.environment = {**os.environ, "XDG_STATE_HOME": str(self.directory / "client-state"), "LC_ALL": "C.UTF-8"}

    def start(self, name, command):
        program = Program(self, name, command)
        self.programs.append(program)
        return program

    def write(self, name, data):
        file = self.directory / name
        file.write_bytes(data)
        return file

    def logs(self):
        return "".join(f"\n--- {program.name}\n{program.tail()}" for program in self.programs)

    def close(self):
        for program in reversed(self.programs):
            program.end()
        shutil.rmtree(self.directory, ignore_errors=True)


class Agent:
    """A bmc-agent with one file target. It can be killed and started again: its port and its folders stay. `sections`
    are more of its configuration."""

    def __init__(self, workspace, max_image_size=64 * MIB, lan=None, restart=None, name="agent", **sections):
        self.workspace = workspace
        self.name = name
        self.target = workspace.write(f"{name}-target.bin", b"old firmware")
        self.state = workspace.directory / f"{name}-state"
        self.port = 0
        self.program = None
        password = workspace.write(f"{name}-password", PASSWORD.encode())
        password.chmod(0o600)
        self.config = {
            "lan": {"listen": ["127.0.0.1:0"], "max_sessions": 32, **(lan or {})},
            "users": [{"name": USER, "password_file": str(password), "privilege": "administrator"}],
            "verification": {"signature": "optional"},
            "staging": {"directory": str(self.state), "max_image_size": max_image_size},
            "targets": [{"id": 1, "name": "bios", "type": "file", "path": str(self.target),
                         "restart": restart or {"what": "nothing"}}],
            "log_level": "debug",
            **sections,
        }
        self.start()

    def start(self):
        self.config["lan"]["listen"] = [f"127.0.0.1:{self.port}"]
        file = self.workspace.write(f"{self.name}.json", json.dumps(self.config).encode())
        said_before = len(self.program.text()) if self.program else 0
        self.program = self.workspace.start(self.name, [built("bmc-agent/bmc-agent"), "--config", str(file)])
        self.program.wait_for(r"info: Ready", start=said_before)
        if not self.port:
            self.port = int(self.program.wait_for(r'Ready.*port="?(\d+)', start=said_before)[1])

    def kill(self):
        self.program.end(signal.SIGKILL)

    def states(self):
        """Every state it has been in (protocol-spec/values.md), by its log."""
        return [int(state) for state in re.findall(r'State changed.*to="(\d+)"', self.log())]

    def log(self):
        return self.program.text()

    def log_length(self):
        return len(self.program.text())

    def holds(self, image):
        return self.target.read_bytes() == image


class Relay:
    """The lossy relay in front of a server. Faults as its options say: loss=5, delay=200, ..."""

    def __init__(self, workspace, server_port, name="relay", **faults):
        options = [word for key, value in faults.items() for word in (f"--{key.replace('_', '-')}", str(value))]
        self.program = workspace.start(name, [built("tests/interop/lossy_relay"), "--server-port", str(server_port),
                                              *options])
        self.port = int(self.program.wait_for(r"^port (\d+)")[1])

    def counters(self):
        """What it counted until now."""
        before = len(self.program.text())
        self.program.process.send_signal(signal.SIGUSR1)
        self.program.wait_for(r"\{.*\}\n", start=before)
        return json.loads(self.program.text().splitlines()[-1])


class ForeignBmc:
    """A responder like the deployed BMCs. Options as foreign_bmc.py's: tick=0.05, drop_answer="2c:3", ..."""

    def __init__(self, workspace, name="foreign", **options):
        self.image_out = workspace.directory / f"{name}-image.bin"
        self.log_file = workspace.directory / f"{name}-commands.log"
        words = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
        self.program = workspace.start(name, [
            PYTHON, str(HERE / "foreign_bmc.py"), "--user", USER, "--password", PASSWORD, "--image-out",
            str(self.image_out), "--log", str(self.log_file), *words])
        self.port = int(self.program.wait_for(r"^port (\d+)")[1])

    def commands(self):
        """The lines of its log."""
        return self.log_file.read_text().splitlines()

    def activated(self):
        return self.image_out.read_bytes() if self.image_out.exists() else None


class Run:
    """A command of a client, line by line. Its time-out is silence, not the clock."""

    def __init__(self, workspace, command, quiet=60, name="client"):
        self.command = [str(word) for word in command]
        self.quiet = quiet
        self.lines = []
        self.rest = b""
        self.status = None
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_the_test, env=workspace.environment)
        workspace.programs.append(self)
        self.name = name

    def read_line(self):
        """The next line; None at the end."""
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], self.quiet)
            if not ready:
                self.process.kill()
                self.process.wait()
                raise Failure(f"silent for {self.quiet} s: {' '.join(self.command)}\n{self.tail()}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                line, self.rest = self.rest, b""
                self.status = self.process.wait()
                return self.keep(line) if line else None
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return self.keep(line)

    def keep(self, line):
        self.lines.append(line.decode(errors="replace"))
        return self.lines[-1]

    def finish(self):
        while self.read_line() is not None:
            pass
        return self

    def read_until(self, pattern):
        """Reads on until a line matches; None if it ends before."""
        while (line := self.read_line()) is not None:
            if re.search(pattern, line):
                return line
        return None

    @property
    def text(self):
        return "\n".join(self.lines)

    def events(self, kind=None):
        """Its JSON lines."""
        events = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [event for event in events if kind in (None, event.get("event"))]

    def tail(self, lines=25):
        return "\n".join(self.lines[-lines:])

    def end(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()
        self.process.stdout.close()
        return self.process.returncode


class Case(unittest.TestCase):
    """A test case with a workspace, and the clients."""

    def setUp(self):
        self.workspace = Workspace()
        self.addCleanup(self._finish)

    def failed(self):
        """Whether this test has failed until now. (unittest's own success is that of the present clean-up alone.)"""
        result = self._outcome.result
        return any(getattr(test, "test_case", test) is self for test, _ in result.failures + result.errors)

    def _finish(self):
        if self.failed():
            print(self.workspace.logs(), file=sys.stderr)
        self.workspace.close()

    def lanplus(self, port, *words, program=None, quiet=60, cipher=17):
        """Starts ipmitool: ours, or the program named."""
        program = program or built("ipmitool-plugin/ipmitool")
        return Run(self.workspace, [program, "-I", "lanplus", "-H", "127.0.0.1", "-p", port, "-U", USER, "-P", PASSWORD,
                                    "-C", cipher, *words], quiet)

    def fwupdate(self, port, *words, quiet=60):
        """Runs our command to its end."""
        return self.lanplus(port, "fwupdate", *words, quiet=quiet).finish()

    def install(self, port, image_file, *words, verb="install", quiet=60):
        return self.fwupdate(port, verb, image_file, "yes", "json", *words, quiet=quiet)

    def status(self, port):
        """The BMC's own account of the present update."""
        run = self.fwupdate(port, "status", "json")
        self.assertEqual(run.status, 0, run.text)
        return run.events("status")[0]

    def assert_status(self, run, *wanted):
        self.assertIn(run.status, wanted, f"{' '.join(run.command)}\n{run.text}")


def read_settings():
    """Reads --build; the rest is unittest's."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--build"]:
        Settings.build = pathlib.Path(arguments[1]).resolve()
        arguments = arguments[2:]
    return arguments


def run_tests(arguments):
    unittest.main(module="__main__", argv=[sys.argv[0], *arguments], verbosity=2)


def main():
    run_tests(read_settings())
