"""One transfer of an image, measured: by `ipmitool fwupdate install`, or by curl."""

import contextlib
import filecmp
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading
import time

from agent import USER, MemoryWatch
from link import BenchError, start, stop

MEGA = 1e6
HTTP_PORT = 8077
# An OEM handling that does nothing over lanplus: with any, the client can't build packets itself and goes through
# ipmitool's own send function, one request at a time.
ONE_AT_A_TIME = ("-o", "supermicro")


def install(ipmitool, namespace_command, agent, image, limit, options=()):
    """Installs the image. Goodput is that of the transfer phase: from the first progress line to its end, as the
    client's JSON lines arrive here. Where the limit (s) ends it, goodput up to the last line before."""
    command = (*namespace_command, ipmitool, "-I", "lanplus", "-C", "17", "-H", agent.address, "-p", str(agent.port),
               "-U", USER, "-f", str(agent.password_file), *options, "fwupdate", "install", str(image), "yes", "json")
    environment = dict(os.environ, XDG_STATE_HOME=str(agent.password_file.parent))
    idle = agent.memory()
    cpu = agent.cpu_seconds()
    begun = time.monotonic()
    with MemoryWatch(agent) as watch:
        lines, errors, whole = _follow(command, environment, begun + limit)
    costs = {"wall_seconds": time.monotonic() - begun, "cpu_seconds": agent.cpu_seconds() - cpu,
             "idle": idle, "peak": watch.peak, "whole": whole}
    if whole and not (_succeeded(lines) and filecmp.cmp(image, agent.target, shallow=False)):
        reason = errors.strip() or str([line for _, line in lines[-1:]])
        raise BenchError(f"the update failed: {reason}; the agent says:\n{agent.log_tail()}")
    return costs | _goodput(lines)


def _follow(command, environment, deadline):
    """Runs the client; returns its JSON lines with their times, its errors, and whether it ended by itself."""
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    arrived = queue.Queue()
    errors = []
    readers = [threading.Thread(target=_read_lines, args=(process.stdout, arrived), daemon=True),
               threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)]
    lines = []
    whole = True
    try:
        for reader in readers:
            reader.start()
        while (line := arrived.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
            lines.append(line)
    except queue.Empty:
        whole = False
    finally:
        stop(process)
        for reader in readers:
            reader.join()
    return lines, "".join(errors), whole


def _read_lines(stream, arrived):
    for text in stream:
        with contextlib.suppress(ValueError):
            arrived.put((time.monotonic(), json.loads(text)))
    arrived.put(None)


def _goodput(lines):
    moving = [(at, line["done"]) for at, line in lines if line.get("phase") == "transfer"]
    if len(moving) < 2:  # the limit came before
        return {"transfer_seconds": 0, "bytes": 0, "mb_per_s": 0}
    (first_at, first_done), (last_at, last_done) = moving[0], moving[-1]
    seconds = last_at - first_at
    return {"transfer_seconds": seconds, "bytes": last_done - first_done,
            "mb_per_s": (last_done - first_done) / MEGA / seconds}


def _succeeded(lines):
    return bool(lines) and lines[-1][1].get("exit_code") == 0


class WebServer:
    """nginx, or Python's own where there is none, with `directory` as its root; runs in the `with` block."""

    def __init__(self, namespace_command, address, directory):
        self._directory = pathlib.Path(directory)
        self.url = f"http://{address}:{HTTP_PORT}"
        self.name = "nginx" if shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") else "http.server"
        server = self._nginx(address) if self.name == "nginx" else self._python(address)
        self._command = (*namespace_command, *server)

    def _nginx(self, address):
        home = self._directory
        configuration = home / "nginx.conf"
        configuration.write_text(
            f"daemon off; user root; worker_processes 1; pid {home}/nginx.pid; error_log {home}/nginx.log;\n"
            "events {}\n"
            f"http {{ access_log off; sendfile on; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;\n"
            f"fastcgi_temp_path {home}/fcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;\n"
            f"server {{ listen {address}:{HTTP_PORT}; root {home}; }} }}\n"
        )
        return "/usr/sbin/nginx", "-c", str(configuration), "-e", f"{home}/nginx.log"

    def _python(self, address):
        return (sys.executable, "-m", "http.server", str(HTTP_PORT), "--bind", address,
                "--directory", str(self._directory))

    def __enter__(self):
        self._process = start(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        if self._process.poll() is not None:
            raise BenchError(f"{self.name} ended at once; look into {self._directory}")
        return self

    def __exit__(self, *unused):
        stop(self._process)


def download(namespace_command, url, size, limit):
    """curl, of a file of `size` bytes. Goodput from the request to the last byte. None: nothing came in time."""
    command = (*namespace_command, "curl", "--silent", "--show-error", "--noproxy", "*", "--output", "/dev/null",
               "--max-time", str(limit), "--write-out", "%{size_download} %{time_pretransfer} %{time_total}", url)
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=limit + 5)
    finally:
        stop(process)
    timed_out = process.returncode == 28
    if process.returncode != 0 and not timed_out:
        raise BenchError(f"curl: {errors.strip()}")
    received, begun, ended = (float(word) for word in output.split())
    if not timed_out and received != size:
        raise BenchError(f"curl got {received:.0f} of {size} bytes")
    return {"seconds": ended - begun, "bytes": received, "mb_per_s": received / MEGA / (ended - begun)}
