"""A bmc-agent under test: its configuration, its life, what it costs."""

import json
import os
import pathlib
import re
import secrets
import subprocess
import threading
import time

from link import BenchError, start, stop

USER = "admin"
NANO = 1e-9


class Agent:
    """Runs in the `with` block, in a namespace, with one file target; everything of it is in `directory`."""

    def __init__(self, program, namespace_command, address, directory, max_image_size):
        self._directory = pathlib.Path(directory)
        self._directory.mkdir()
        self.address = address
        self.target = self._directory / "target.bin"
        self.password_file = self._directory / "password"
        self._log_file = self._directory / "agent.log"
        self._command = (*namespace_command, program, "--config", str(self._write_files(max_image_size)))

    def _write_files(self, max_image_size):
        self.target.write_bytes(b"old firmware")
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_hex(8))
        config = {
            "lan": {"listen": [f"{self.address}:0"]},
            "users": [{"name": USER, "password_file": str(self.password_file), "privilege": "administrator"}],
            "verification": {"signature": "optional"},
            "staging": {"directory": str(self._directory / "state"), "max_image_size": max_image_size},
            "targets": [
                {"id": 1, "name": "bench", "type": "file", "path": str(self.target), "restart": {"what": "nothing"}}
            ],
        }
        file = self._directory / "agent.json"
        file.write_text(json.dumps(config))
        return file

    def __enter__(self):
        with self._log_file.open("w") as log:
            self._process = start(self._command, stdout=log, stderr=log)
        try:
            self.port = self._wait_for_port()
        except BaseException:
            stop(self._process)
            raise
        return self

    def __exit__(self, *unused):
        stop(self._process)

    def _wait_for_port(self):
        for _ in range(100):
            found = re.search(r'port="?(\d+)', self._log_file.read_text())
            if found:
                return int(found[1])
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise BenchError(f"the agent does not listen; it says:\n{self.log_tail()}")

    @property
    def pid(self):
        return self._process.pid  # `ip netns exec` becomes the agent

    def log_tail(self, lines=15):
        return "\n".join(self._log_file.read_text().splitlines()[-lines:])

    def cpu_seconds(self):
        """Of all its threads, user and system, since it began."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total * NANO

    def memory(self):
        """Anonymous memory and resident set, in bytes."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        values = {name: int(value) * 1024 for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}
        return {"anonymous": values["Anonymous"], "resident": values["Rss"]}


class MemoryWatch:
    """The greatest memory of an agent while the `with` block runs, sampled."""

    def __init__(self, agent, interval=0.02):
        self.peak = agent.memory()
        self._agent = agent
        self._interval = interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self):
        while not self._over.wait(self._interval):
            try:
                now = self._agent.memory()
            except (OSError, KeyError):  # it has ended
                return
            self.peak = {name: max(self.peak[name], value) for name, value in now.items()}

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._over.set()
        self._thread.join()


def stripped_size(program, directory):
    """Bytes of the program without symbols; None without binutils."""
    copy = os.path.join(directory, "stripped")
    try:
        subprocess.run(("strip", "-o", copy, program), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return os.path.getsize(copy)
