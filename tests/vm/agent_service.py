#!/usr/bin/python3
"""The agent as a service of the distribution's systemd, with its packaged unit, and the configuration of phosphor-ipmi-flash:
units that prepare, verify and program what the client sends, that fail and hang; and restarts of the machine."""

import io
import json
import tarfile

import agent_machine
import rig
from agent_machine import AGENT, AgentCase
from rig import harness

HANDED_OVER = "/run/initramfs"  # OpenBMC's place for what the restart installs
ONESHOT = "[Service]\nType=oneshot\nTimeoutStartSec=infinity\n"
ACCEPTED, ABORTED = 10, 12
SIZE = 100_000  # bytes of an image


def step(name, text):
    """A unit that says what it does."""
    return ONESHOT + f"ExecStart=/bin/sh -ec 'echo {name}; {text}'"


def handed(blob):
    return f"{HANDED_OVER}/{blob}"


def installed(blob):
    return f"/run/installed/{blob}"


def actions(blob, **others):
    """Units for each of the three, named after the blob."""
    return {"blob": f"/flash/{blob}", "handler": {"type": "file", "path": handed(blob)}, "actions": {
        "preparation": {"type": "systemd", "unit": f"{blob}-prepare.service"},
        "verification": {"type": "systemd", "unit": f"{blob}-verify.service"},
        "update": {"type": "systemd", "unit": f"{blob}-update.service"},
        **others,
    }}


STATUS = "/run/bmc-agent/steps.status"  # where the agent can write, and the unit sees it
FLASH_CONFIG = [
    actions("steps", update={"type": "fileSystemdUpdate", "unit": "steps-update.service", "path": STATUS}),
    actions("refused"),
    actions("hangs"),
    actions("late"),
    actions("bmc", update={"type": "reboot"}),
]
INSTALL = "cp {0} {1}; head -n 1 {1} >{1}.version"

UNITS = {
    **{f"{blob}-prepare.service": step("prepares", f"test ! -e {handed(blob)}")
       for blob in ("steps", "refused", "hangs", "late", "bmc")},
    **{f"{blob}-verify.service": step("verifies", f"sha256sum <{handed(blob)}") for blob in ("steps", "late", "bmc")},
    **{f"{blob}-update.service": step("programs", INSTALL.format(handed(blob), installed(blob)))
       for blob in ("refused", "hangs")},
    "steps-update.service": step("programs", f"echo running >{STATUS}; {INSTALL.format(handed('steps'), installed('steps'))}; "
                                             f"echo success >{STATUS}"),
    "refused-verify.service": step("verifies", "echo this is no firmware; exit 1"),
    "hangs-verify.service": step("verifies", "exec sleep 1000"),
    "late-update.service": step("programs", "exec sleep 1000").replace("infinity", "12"),
    # What OpenBMC does while it shuts down, and what a BMC knows of itself when it has started.
    "flash.service": f"""[Unit]
Before={AGENT}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec 'mkdir -p {HANDED_OVER} /run/installed; head -n 1 /flash/image >/run/version || echo 1 >/run/version; \\
    for blob in refused hangs late; do echo old >/run/installed/$$blob; done'
ExecStop=/bin/sh -ec 'test ! -e {handed("bmc")} || cp {handed("bmc")} /flash/image; sync'
""",
}
WRITABLE = f"[Service]\nReadWritePaths={HANDED_OVER}\n"


def units(blob):
    return [f"{blob}-{what}.service" for what in ("prepare", "verify", "update")]


def tarball(version, purpose):
    """As OpenBMC makes them; the image's first line is its version, and so is what then runs."""
    image = f"{version}\n".encode() + harness.make_image(SIZE, seed=int(version))
    members = {"MANIFEST": f"purpose=xyz.openbmc_project.Software.Version.VersionPurpose.{purpose}\nversion={version}\n".encode(),
               f"image-{purpose.lower()}": image}
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


class AgentService(AgentCase):
    """One machine, and its restarts."""

    def boot_service(self):
        blobs = [{"blob": f"/flash/{name}", **more} for name, more in (
            ("bmc", {"purpose": "BMC", "version_file": "/run/version"}), ("steps", {"purpose": "Host", "version_file": installed("steps.version")}))]
        root = self.make_root(flash_config={"targets": blobs}, default_target="bmc")
        root.disk(agent_machine.make_disk(self.workspace.directory / "flash.img"), "/flash")
        root.data(json.dumps(FLASH_CONFIG).encode(), "/usr/share/phosphor-ipmi-flash/blobs.json")
        root.unit(f"{AGENT}.d/targets.conf", WRITABLE)
        for name, text in UNITS.items():
            root.unit(name, text)
        root.link("/etc/systemd/system/flash.service", "/etc/systemd/system/vm.target.wants/flash.service")
        self.boot_bmc(root)

    def test_service(self):
        self.boot_service()
        for part in (self.unit, self.succeeds, self.refused, self.aborted, self.late, self.restarts, self.deferred):
            begun = self.vm.seconds()
            part()
            self.measured(part.__name__, f"{self.vm.seconds() - begun:.1f} s")

    def install(self, blob, data, *words, status=0):
        file = self.workspace.write(f"{blob}.bin", data)
        run = self.client("install", str(file), "target", blob, "yes", *words, status=status)
        return run.events("result")[0]["text"]

    def unit(self):
        print(self.vm.run("ls -ld /var/lib/bmc-agent /run/bmc-agent; systemctl show -P Type,StatusText bmc-agent").text)
        print("\n".join(self.journal(AGENT)))

    def succeeds(self):
        print(self.install("steps", tarball("5", "Host")))
        print(self.journal(*units("steps")))
        print(self.vm.run(f"ls -l {HANDED_OVER} /run/installed").text)
        print("\n".join(self.journal(AGENT)))

    def refused(self):
        print(self.install("refused", harness.make_image(SIZE), status=13))
        print(self.journal(*units("refused")))
        print(self.vm.run(f"ls -l {HANDED_OVER} /run/installed").text)

    def aborted(self):
        file = self.workspace.write("hangs.bin", harness.make_image(SIZE))
        run = self.start_client("install", str(file), "target", "hangs", "yes")
        harness.wait_until(lambda: self.states("hangs-verify.service") == ["activating"], "the unit", 60)
        print(self.systemctl("list-jobs"))
        print(self.client("abort", status=(0, 1,2,3,4,5,6,7,8,9,10,11,12,13)).text)
        print(self.client("abort", "force", status=(0, 1,2,3,4,5,6,7,8,9,10,11,12,13)).text)
        print(run.finish().text, run.status)
        print(self.systemctl("list-jobs"))
        print(self.journal(*units("hangs")))
        print(self.vm.run(f"ls -l {HANDED_OVER} /run/installed").text)
        self.systemctl("stop", "hangs-verify.service")

    def late(self):
        file = self.workspace.write("late.bin", harness.make_image(SIZE))
        run = self.start_client("install", str(file), "target", "late", "yes")
        harness.wait_until(lambda: self.states("late-update.service") == ["activating"], "the unit", 60)
        print(self.client("abort", "force", status=(0, 1,2,3,4,5,6,7,8,9,10,11,12,13)).text)
        print(run.finish().text, run.status)
        print(self.client("log").text)
        print(self.journal(*units("late")))
        print(self.vm.run(f"ls -l {HANDED_OVER} /run/installed").text)

    def restarts(self):
        print(self.install("bmc", tarball("2", "BMC")))
        self.vm.wait_ready(2)
        print(self.vm.run(f"cat /run/version").text)
        print(self.newest())

    def deferred(self):
        print(self.install("bmc", tarball("3", "BMC"), "defer-reboot", status=10))
        print(self.newest())
        self.vm.run("systemctl reboot >/dev/null 2>&1 &")
        self.vm.wait_ready(3)
        self.wait_for_agent()
        print(self.vm.run(f"cat /run/version").text)
        print(self.newest())
        print(self.client("targets").text)


if __name__ == "__main__":
    harness.require("mkfs.ext4")
    rig.main(base=True)
