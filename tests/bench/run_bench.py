#!/usr/bin/python3
"""Measures how fast an image travels: our client and agent against curl over TCP with BBR and against one request at
a time, over an emulated link and over loopback; and what the agent costs. See README.md. Needs root."""

import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import statistics
import sys
import tempfile
import time

import agent as agents
import link as links
import report
import transfers

MIB = 1 << 20
ROUND_TRIPS_MS = (1, 10, 50)
LOSSES_PERCENT = (0, 1, 5)
LOOPBACK = "127.0.0.1"


def parse_arguments():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=root / "build", help="build directory (%(default)s)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("bench-results"),
                        help="directory for table.md and table.json (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="two cells and loopback, smaller images")
    parser.add_argument("--only", choices=("link", "loopback"), help="one of the two parts")
    parser.add_argument("--cell", action="append", metavar="RTT/LOSS", help="only this cell, e.g. 50/5; repeatable")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="runs per figure, the median counts")
    parser.add_argument("--size", type=int, metavar="MIB", help="size of the image (64; with --quick 16)")
    parser.add_argument("--limit", type=float, default=60, metavar="S", help="longest single transfer (%(default)s)")
    parser.add_argument("--total", type=float, default=1200, metavar="S",
                        help="no further cell is begun after this time (%(default)s)")
    parser.add_argument("--no-client", action="store_true", help="curl alone")
    parser.add_argument("--directory", default="/dev/shm", help="for images and the agent's files (%(default)s)")
    return parser.parse_args()


def cells(arguments):
    if arguments.cell:
        return [tuple(int(number) for number in cell.split("/")) for cell in arguments.cell]
    if arguments.quick:
        return [(1, 0), (10, 1)]
    return [(rtt, loss) for rtt in ROUND_TRIPS_MS for loss in LOSSES_PERCENT]


class Bench:
    """What every measurement needs: programs, namespaces, a folder, an image."""

    def __init__(self, arguments, namespaces, folder):
        self.namespaces = namespaces
        self._arguments = arguments
        self._folder = pathlib.Path(folder)
        self._agents = 0
        self.emulator = self._program("tests/bench/link_emulator", "link_emulator")
        self.agent_program = self.ipmitool = None
        if not arguments.no_client:
            self.agent_program = self._program("bmc-agent/bmc-agent", "bmc-agent")
            self.ipmitool = self._program("ipmitool-plugin/ipmitool", "ipmitool")
        self.web_root = self._folder / "web"
        self.web_root.mkdir()
        self.image = self._make_image("image.bin", arguments.size or (16 if arguments.quick else 64))
        self.small_image = self._make_image("small.bin", 2)
        self._begun = time.monotonic()

    def _program(self, path, target):
        program = self._arguments.build / path
        if not os.access(program, os.X_OK):
            raise links.BenchError(f"{program} is not there; build it: ninja -C {self._arguments.build} {target}")
        return str(program)

    def _make_image(self, name, mebibytes):
        image = self.web_root / name
        source = random.Random(mebibytes)
        with image.open("wb") as file:
            for _ in range(mebibytes):
                file.write(source.randbytes(MIB))
        return image

    def time_is_up(self):
        return time.monotonic() - self._begun > self._arguments.total

    def on_host(self):
        return self.namespaces.command(self.namespaces.host)

    def on_bmc(self):
        return self.namespaces.command(self.namespaces.bmc)

    def several(self, measure):
        """The run with the median goodput; a failure is a result too, and the next cell goes on."""
        try:
            runs = sorted((measure() for _ in range(self._arguments.repeat)), key=lambda result: result["mb_per_s"])
        except links.BenchError as error:
            tell(f"  failed: {error}")
            return {"error": str(error)}
        chosen = dict(runs[len(runs) // 2])
        chosen["mb_per_s"] = statistics.median(run["mb_per_s"] for run in runs)
        chosen["runs"] = [run["mb_per_s"] for run in runs]
        return chosen

    def agent(self, namespace_command, address):
        """A new one with nothing staged and nothing installed."""
        self._agents += 1
        directory = self._folder / f"agent-{self._agents}"
        return agents.Agent(self.agent_program, namespace_command, address, directory, 2 * self.image.stat().st_size)

    def install(self, over_link, image=None, limit=None, options=()):
        where, address = (self.on_bmc(), links.BMC_ADDRESS) if over_link else (self.on_host(), LOOPBACK)
        with self.agent(where, address) as agent:
            return transfers.install(self.ipmitool, self.on_host(), agent, image or self.image,
                                     limit or self._arguments.limit, options)

    def curl(self, over_link):
        address = links.HOST_ADDRESS if over_link else LOOPBACK
        where = self.on_bmc() if over_link else self.on_host()
        with transfers.WebServer(self.on_host(), address, self.web_root) as server:
            return transfers.download(where, f"{server.url}/{self.image.name}", self.image.stat().st_size,
                                      self._arguments.limit) | {"server": server.name}


def measure_cell(bench, rtt, loss, one_at_a_time):
    cell = {"rtt_ms": rtt, "loss_percent": loss}
    with links.Link(bench.emulator, bench.namespaces, rtt, loss) as link:
        cell["curl"] = bench.several(lambda: bench.curl(over_link=True))
        if bench.ipmitool:
            cell["ours"] = bench.several(lambda: bench.install(over_link=True))
        if bench.ipmitool and one_at_a_time:
            # Every loss costs ipmitool a second: a small image, and not all of it.
            cell["one_at_a_time"] = bench.several(
                lambda: bench.install(over_link=True, image=bench.small_image, limit=20,
                                      options=transfers.ONE_AT_A_TIME))
    cell["link"] = link.counters
    return cell


def measure_loopback(bench):
    results = {"curl": bench.several(lambda: bench.curl(over_link=False))}
    if bench.ipmitool:
        results["ours"] = bench.several(lambda: bench.install(over_link=False))
        results["one_at_a_time"] = bench.several(
            lambda: bench.install(over_link=False, limit=15, options=transfers.ONE_AT_A_TIME))
    return results


def measure_agent(bench, folder):
    """What does not depend on a transfer."""
    with bench.agent(bench.on_host(), LOOPBACK) as agent:
        time.sleep(0.5)
        return {"idle": agent.memory(), "stripped_bytes": agents.stripped_size(bench.agent_program, folder)}


def measure(arguments, namespaces, folder):
    bench = Bench(arguments, namespaces, folder)
    results = {"image_bytes": bench.image.stat().st_size, "rate_mbit": links.RATE_MBIT, "queue_kib": links.QUEUE_KIB,
               "bbr": namespaces.set_congestion_control("bbr"), "cells": []}
    if bench.agent_program:
        results["agent"] = measure_agent(bench, folder)
    if arguments.only != "link":
        tell("loopback")
        results["loopback"] = measure_loopback(bench)
    for rtt, loss in cells(arguments) if arguments.only != "loopback" else ():
        if bench.time_is_up():
            tell(f"--total is over: cell {rtt} ms, {loss} % and what follows is left out")
            break
        tell(f"round trip {rtt} ms, loss {loss} %")
        results["cells"].append(measure_cell(bench, rtt, loss, one_at_a_time=rtt == 1))
        tell(report.cell_line(results["cells"][-1]))
    return results


def tell(text):
    print(text, file=sys.stderr, flush=True)


def end_on_signal(number, frame):
    raise SystemExit(128 + number)


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, end_on_signal)
    signal.signal(signal.SIGHUP, end_on_signal)
    try:
        with contextlib.ExitStack() as stack:
            # A second ^C must not interrupt the cleaning up.
            stack.callback(signal.signal, signal.SIGINT, signal.SIG_DFL)
            namespaces = stack.enter_context(links.Namespaces())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fwbench-", dir=arguments.directory))
            stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)
            results = measure(arguments, namespaces, folder)
    except links.BenchError as error:
        tell(f"run_bench: {error}")
        return 1
    except KeyboardInterrupt:
        tell("run_bench: interrupted; everything it made is gone again")
        return 130
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "table.json").write_text(json.dumps(results, indent=2) + "\n")
    table = report.markdown(results)
    (arguments.output / "table.md").write_text(table)
    print(table, end="")
    return 1 if report.failures(results) else 0


if __name__ == "__main__":
    sys.exit(main())
