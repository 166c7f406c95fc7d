"""A real bmc-agent on the loopback address, for tests that talk to it with real clients."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading

PASSWORD = "Tr0ub4dor&3-and-more"  # 20 bytes, as many as IPMI 2.0 has


class Agent:
    """Starts the agent in a directory of its own; `with` stops it and removes the directory."""

    def __init__(self, program, image=b"old firmware", address="127.0.0.1:0", environment=None, **sections):
        self.program = program
        self.environment = environment
        self.directory = tempfile.mkdtemp(prefix="agent-")
        self.password_file = self.path("password")
        with open(os.open(self.password_file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(PASSWORD)
        self.target = self.path("target.bin")
        with open(self.target, "wb") as file:
            file.write(image)
        self.configuration = {
            "lan": {"listen": [address]},
            "users": [{"name": "admin", "password_file": self.password_file, "privilege": "administrator"}],
            "verification": {"signature": "optional"},
            "staging": {"directory": self.path("state"), "max_image_size": "64MiB"},
            "targets": [{"id": 1, "name": "bios", "type": "file", "path": self.target}],
        }
        self.configuration.update(sections)
        self.write_configuration()
        self.process = None
        self.port = None
        self.lines = []
        self.reader = None
        self.starts = True

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_configuration(self):
        with open(self.path("agent.conf"), "w", encoding="utf-8") as file:
            json.dump(self.configuration, file)

    def start(self, *options):
        """Returns when the agent says Ready; fails with its log when it ends before."""
        self.process = subprocess.Popen(
            [self.program, "--config", self.path("agent.conf"), *options],
            stderr=subprocess.PIPE, text=True, env=self.environment)
        for line in self.process.stderr:
            self.lines.append(line)
            ready = re.search(r'Ready .*port="(\d+)"', line)
            if ready:
                self.port = int(ready.group(1))
                self.reader = threading.Thread(target=self._read_log, daemon=True)
                self.reader.start()
                return self
        raise AssertionError(f"the agent did not start, exit code {self.process.wait()}:\n{self.log()}")

    def _read_log(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def log(self):
        return "".join(self.lines)

    def stop(self, with_signal=signal.SIGTERM):
        """The exit code; None: it was not running."""
        if self.process is None:
            return None
        self.process.send_signal(with_signal)
        code = self.process.wait(timeout=20)
        self.reader.join(timeout=20)
        self.process.stderr.close()
        self.process = None
        return code

    def ipmitool(self, *arguments, suite=17, program="ipmitool", timeout=60, password_file=None):
        """Runs a client; gives the finished process."""
        return subprocess.run(
            [program, "-I", "lanplus", "-C", str(suite), "-H", "127.0.0.1", "-p", str(self.port), "-U", "admin",
             "-f", password_file or self.password_file, *arguments],
            capture_output=True, text=True, timeout=timeout, check=False)

    def prepared(self):
        """For `with`: the directory alone, nothing started."""
        self.starts = False
        return self

    def __enter__(self):
        return self.start() if self.starts else self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
