"""A BMC as it is installed: the agent is a service of the distribution's systemd, with the unit that is packaged, on that
machine's system bus. Its LAN is reached from outside, where the client is."""

import json
import subprocess

import lan
import systemd_root
from rig import harness
from systemd_case import SystemdCase
from systemd_root import SystemdRoot

AGENT = "bmc-agent.service"
STATE = "/var/lib/bmc-agent"
JOURNAL = "$(journalctl -o short-monotonic _TRANSPORT=stdout + _PID=1 >/tmp/journal; echo /tmp/journal)"  # a file, on the way
DISK_SIZE = 16 << 20  # bytes
PATIENCE = 240  # seconds that a client may be silent: boots in emulation, on a busy computer

# Debian's ways of bringing a card up take longer than the test.
NETWORK = f"""[Unit]
DefaultDependencies=no
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/busybox ifconfig eth0 {lan.ADDRESS} netmask 255.255.255.0 up
"""


def make_disk(file):
    """With an empty file system."""
    with file.open("wb") as disk:
        disk.truncate(DISK_SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(file)], check=True, capture_output=True)
    return file


class AgentCase(SystemdCase):
    """A test with one such machine."""

    def make_root(self, **sections):
        """With the agent's program, unit and configuration (`sections` are more of it), and a disk for its state."""
        root = SystemdRoot(self.kernel, self.base)
        root.modules("virtio_net")
        root.disk(make_disk(self.workspace.directory / "state.img"), STATE)
        root.program(harness.built("bmc-agent/bmc-agent"), installed_program())
        root.file(harness.built(f"bmc-agent/{AGENT}"), f"/usr/lib/systemd/system/{AGENT}")
        root.file(harness.ROOT / "packaging/dbus/bmc-agent.conf", "/usr/share/dbus-1/system.d/bmc-agent.conf")
        root.unit("network.service", NETWORK)
        for unit, place in ((AGENT, "/usr/lib/systemd/system"), ("network.service", "/etc/systemd/system")):
            root.link(f"{place}/{unit}", f"/etc/systemd/system/vm.target.wants/{unit}")
        root.data(harness.PASSWORD.encode(), "/etc/bmc-agent.password", 0o600)
        root.data(json.dumps({
            "lan": {"listen": ["0.0.0.0:623"]},
            "users": [{"name": harness.USER, "password_file": "/etc/bmc-agent.password", "privilege": "administrator"}],
            "verification": {"signature": "optional"},
            "staging": {"directory": STATE, "max_image_size": "8MiB"},
            "log_level": "debug",
            **sections,
        }).encode(), "/etc/bmc-agent.conf")
        return root

    def boot_bmc(self, root):
        """Until the agent says that it is ready."""
        self.port = lan.free_udp_port()
        self.vm = self.boot("bmc", root, [*root.devices(), *lan.devices(self.port)], reboots=True, memory=384,
                            arguments=systemd_root.ARGUMENTS, logs=JOURNAL)
        self.wait_for_agent()

    def wait_for_agent(self):
        """systemd's start is done when the agent has said READY=1."""
        self.systemctl("start", AGENT)

    def client(self, *words, status=0):
        """Ours, outside, to its end."""
        run = self.fwupdate(self.port, *words, "json", quiet=PATIENCE)
        self.assert_status(run, *(status if isinstance(status, tuple) else (status,)))
        return run

    def start_client(self, *words):
        return self.lanplus(self.port, "fwupdate", *words, "json", quiet=PATIENCE)

    def newest(self):
        """Of the agent's log of updates."""
        return self.client("log").events("log")[0]


def installed_program():
    """Where the unit wants it."""
    with open(harness.built(f"bmc-agent/{AGENT}"), encoding="utf-8") as unit:
        command, = (line for line in unit if line.startswith("ExecStart="))
    return command.split("=", 1)[1].split()[0]
