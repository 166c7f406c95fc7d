#!/usr/bin/python3
"""How fast the BMC fetches, and how much of what curl does with the same server, file and line that is; what it costs.

Servers are those of tests/interop (nginx, vsftpd, tftpd-hpa) in a network of the script's own; see NETWORK.md there. curl
writes the file to the same disk. Prints a table; not a test. Needs root, or sudo without a password.
"""

import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

# pylint: disable=wrong-import-position
import harness  # noqa: E402
import network_case  # noqa: E402
import network_vsftpd  # noqa: E402
import report  # noqa: E402
from agent import MemoryWatch  # noqa: E402
from network_certificates import Authority  # noqa: E402
from network_nginx import Nginx  # noqa: E402
from network_servers import TftpdHpa  # noqa: E402
from network_updater import COMPLETE, DOWNLOAD  # noqa: E402
from network_vsftpd import Vsftpd  # noqa: E402

MIB = harness.MIB
SIZE = 256 * MIB
ROUNDS = 3  # the best of each counts: what else the machine does only slows down
LIMITS = {"max_image_size": SIZE}


class Costs:
    """Of an agent: what MemoryWatch wants to know of one, and its processor time."""

    def __init__(self, pid):
        self.pid = pid

    def memory(self):
        lines = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        values = dict(line.split(":") for line in lines[1:])
        return {"anonymous": int(values["Anonymous"].split()[0]) * 1024, "resident": int(values["Rss"].split()[0]) * 1024}

    def cpu_seconds(self):
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) * 1e-9


class Bench(network_case.Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = network_case.Folder()
        cls.addClassCleanup(cls.folder.workspace.close)
        cls.image = b"".join(harness.make_image(16 * MIB, seed) for seed in range(SIZE // (16 * MIB)))
        cls.authority = Authority(cls.folder.workspace.directory)

    def fetch(self, uri, size, network):
        """(seconds of the download, greatest memory, processor time of the whole update) of a new agent."""
        updater = self.start_agent(network, staging={"directory": str(self.workspace.directory / f"s{len(self.agents)}"),
                                                     **LIMITS})
        costs = Costs(self.agent.program.process.pid)
        image = self.image[:size]
        self.prepare(updater, uri, image=image)
        idle, cpu = costs.memory(), costs.cpu_seconds()
        with MemoryWatch(costs) as watch:
            begun = time.monotonic()
            updater.control(COMPLETE)
            while updater.session().state == DOWNLOAD:
                time.sleep(0.002)
            seconds = time.monotonic() - begun
            updater.wait_for_end(60)
        self.assertTrue(self.agent.holds(image))
        spent = costs.cpu_seconds() - cpu
        self.agent.program.end()
        return seconds, idle["anonymous"], watch.peak["anonymous"], spent

    def curl(self, uri, options):
        """Seconds of the download."""
        out = self.workspace.directory / "curl.bin"
        done = subprocess.run(["curl", "--silent", "--show-error", "--fail", "--output", str(out), "--write-out",
                               "%{time_total}", *options, uri], capture_output=True, text=True, check=True)
        out.unlink()
        return float(done.stdout)

    def row(self, name, uri, size=SIZE, network=None, options=()):
        file = self.folder.path / f"{size}.bin"
        file.write_bytes(self.image[:size])
        uri = f"{uri}/{file.name}"
        ours = [self.fetch(uri, size, network) for _ in range(ROUNDS)]
        theirs = min(self.curl(uri, options) for _ in range(ROUNDS))
        best = min(run[0] for run in ours)
        rate = size / best / 1e6
        return (name, f"{size // MIB}", f"{rate:.1f}", f"{size / theirs / 1e6:.1f}", report.percent(theirs / best),
                f"{min(run[1] for run in ours) // 1024}", f"{max(run[2] for run in ours) // 1024}",
                f"{min(run[3] for run in ours) * 1e8 / size:.2f}")

    def test_goodput(self):
        certificate = self.authority.issue("server", "127.0.0.1")
        Nginx(self.workspace, self.folder.path, certificate)
        Vsftpd(self.workspace, self.folder.path)
        Vsftpd(self.workspace, self.folder.path, port=990, certificate=certificate)
        TftpdHpa(self.workspace, self.folder.path)
        authority = {"ca_file": str(self.authority.certificate.file)}
        trusted = ("--cacert", str(self.authority.certificate.file))
        rows = [
            self.row("http", "http://127.0.0.1"),
            self.row("https", "https://127.0.0.1", network=authority, options=trusted),
            self.row("ftp", "ftp://127.0.0.1"),
            self.row("ftps", "ftps://127.0.0.1", network=authority, options=trusted),
            self.row("tftp, blocks of 1428", "tftp://127.0.0.1", 32 * MIB, options=("--tftp-blksize", "1428")),
            self.row("tftp, blocks of 65464", "tftp://127.0.0.1", 32 * MIB, {"tftp_block_size": 65464},
                     ("--tftp-blksize", "65464")),
        ]
        head = ("scheme", "MiB", "BMC, MB/s", "curl, MB/s", "ratio", "idle KiB", "peak KiB", "s per 100 MB")
        print("\n" + report.table(head, rows), flush=True)


if __name__ == "__main__":
    network_case.main("nginx", "vsftpd", "tftpd-hpa", prepare=network_vsftpd.make_users)
