"""Results of run_bench.py as Markdown."""

MEGA = 1e6
KIB = 1 << 10
MIB = 1 << 20


def rate(result):
    if result is None:
        return "-"
    if "error" in result:
        return "failed"
    return f"{result['mb_per_s']:.2f}" if result["mb_per_s"] < 10 else f"{result['mb_per_s']:.1f}"


def ratio(results, of, to, form):
    speeds = [results.get(name, {}).get("mb_per_s") for name in (of, to)]
    return form(speeds[0] / speeds[1]) if all(speeds) else "-"


def failures(results):
    """What went wrong, one sentence each."""
    parts = [results.get("loopback", {}), *results["cells"]]
    return [value["error"] for part in parts for value in part.values() if isinstance(value, dict) and "error" in value]


def percent(value):
    return f"{100 * value:.0f} %"


def times(value):
    return f"{value:.1f} x"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cell_line(cell):
    return (f"  ours {rate(cell.get('ours'))} MB/s, curl {rate(cell['curl'])} MB/s, "
            f"ratio {ratio(cell, 'ours', 'curl', percent)}")


def link_table(results):
    control = "BBR" if results["bbr"] else "the kernel's default control, it has no BBR"
    rows = [(str(cell["rtt_ms"]), f"{cell['loss_percent']} %", rate(cell.get("ours")), rate(cell["curl"]),
             ratio(cell, "ours", "curl", percent), rate(cell.get("one_at_a_time")))
            for cell in results["cells"]]
    return (f"Over {results['rate_mbit']} Mbit/s with a queue of {results['queue_kib']} KiB, image of "
            f"{results['image_bytes'] // MIB} MiB, curl by HTTP over TCP with {control}, in MB/s:\n\n" +
            table(("RTT ms", "loss", "fwupdate", "curl", "ratio", "one at a time"), rows))


def loopback_table(results):
    loopback = results["loopback"]
    rows = [("fwupdate", rate(loopback.get("ours")), "-"),
            ("one at a time, 1400 bytes", rate(loopback.get("one_at_a_time")),
             ratio(loopback, "ours", "one_at_a_time", times)),
            ("curl", rate(loopback["curl"]), ratio(loopback, "ours", "curl", percent))]
    return "On loopback:\n\n" + table(("", "MB/s", "fwupdate to it"), rows)


def agent_table(results):
    agent = results["agent"]
    rows = [("anonymous memory, idle", f"{agent['idle']['anonymous'] / KIB:.0f} KiB"),
            ("resident set, idle", f"{agent['idle']['resident'] / KIB:.0f} KiB")]
    if agent["stripped_bytes"]:
        rows.append(("program, stripped", f"{agent['stripped_bytes'] / KIB:.0f} KiB"))
    parts = [results.get("loopback", {}), *results["cells"]]
    installs = [part["ours"] for part in parts if "peak" in part.get("ours", {})]
    if installs:
        above = max(run["peak"]["anonymous"] - agent["idle"]["anonymous"] for run in installs)
        rows.append(("anonymous memory, peak above idle", f"{above / KIB:.0f} KiB"))
        rows.append(("resident set, peak", f"{max(run['peak']['resident'] for run in installs) / KIB:.0f} KiB"))
    run = results.get("loopback", {}).get("ours", {})
    if "cpu_seconds" in run:
        per_100_mb = run["cpu_seconds"] * 100 * MEGA / results["image_bytes"]
        rows.append(("processor time per 100 MB, whole update", f"{per_100_mb:.2f} s"))
    return "The agent:\n\n" + table(("", ""), rows)


def markdown(results):
    parts = []
    if results["cells"]:
        parts.append(link_table(results))
    if "loopback" in results:
        parts.append(loopback_table(results))
    if "agent" in results:
        parts.append(agent_table(results))
    return "\n".join(parts)
