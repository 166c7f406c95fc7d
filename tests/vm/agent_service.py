#!/usr/bin/python3
"""The agent as a service of the distribution's systemd, with its packaged unit, and the configuration of phosphor-ipmi-flash:
units that prepare, verify and program what the client sends, that fail and hang; activations from D-Bus; and restarts of the machine."""

import io
import json
import tarfile

import agent_machine
import rig
from agent_machine import AGENT, AgentCase
from rig import harness

HANDED_OVER = "/run/initramfs"  # OpenBMC's place for what the restart installs
ONESHOT = "[Service]\nType=oneshot\nTimeoutStartSec=infinity\n"
ACCEPTED, REFUSED, VERIFICATION_FAILED, PROGRAM_FAILED = 10, 12, 13, 17  # exit codes
SIZE = 100_000  # bytes of an image
IMAGE = harness.make_image(SIZE)


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
    # It waits while a test keeps it closed.
    **{f"{blob}-verify.service": step("verifies", f"sha256sum <{handed(blob)}; while test -e /run/closed; do sleep 0.2; done")
       for blob in ("steps", "late", "bmc")},
    **{f"{blob}-update.service": step("programs", INSTALL.format(handed(blob), installed(blob)))
       for blob in ("refused", "hangs")},
    "steps-update.service": step("programs", f"echo running >{STATUS}; "
                                             + INSTALL.format(handed("steps"), installed("steps"))
                                             + f"; echo success >{STATUS}"),
    "refused-verify.service": step("verifies", "echo this is no firmware; exit 1"),
    "hangs-verify.service": step("verifies", "exec sleep 1000"),
    "late-update.service": step("programs", "exec sleep 1000").replace("infinity", "8"),
    # What OpenBMC does while it shuts down, and what a BMC knows of itself when it has started.
    "flash.service": f"""[Unit]
Before={AGENT}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec 'mkdir -p {HANDED_OVER} /run/installed; \\
    head -n 1 /flash/image >/run/version || echo 1 >/run/version; \\
    for blob in refused hangs late; do echo old >/run/installed/$$blob; done'
ExecStop=/bin/sh -ec 'test ! -e {handed("bmc")} || cp {handed("bmc")} /flash/image; sync'
""",
}
SOFTWARE = "xyz.openbmc_project.Software"
SERVICE, ROOT = f"{SOFTWARE}.Manager", "/xyz/openbmc_project/software"
SETTINGS = "xyz.openbmc_project.Settings"
PACKAGED = harness.ROOT / "packaging/systemd"
WRITABLE = f"[Service]\nReadWritePaths={HANDED_OVER}\n"


def units(blob):
    return [f"{blob}-{what}.service" for what in ("prepare", "verify", "update")]


def content(version):
    """An image whose first line is its version, and so is what then runs."""
    return f"{version}\n".encode() + harness.make_image(SIZE, seed=int(version))


def tarball(version, purpose):
    """As OpenBMC makes them."""
    manifest = f"purpose=xyz.openbmc_project.Software.Version.VersionPurpose.{purpose}\nversion={version}\n"
    members = {"MANIFEST": manifest.encode(), f"image-{purpose.lower()}": content(version)}
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
        blobs = [{"blob": "/flash/bmc", "purpose": "BMC", "version_file": "/run/version"},
                 {"blob": "/flash/steps", "purpose": "Host", "version_file": installed("steps.version")}]
        root = self.make_root(flash_config={"targets": blobs}, default_target="bmc", software={})
        root.data(tarball("4", "BMC"), "/upload.tar")
        root.unit(f"{AGENT}.d/openbmc.conf", (PACKAGED / "bmc-agent-openbmc.conf").read_text())
        for guard in ("reboot-guard-enable.service", "reboot-guard-disable.service"):
            root.unit(guard, (PACKAGED / guard).read_text())
        root.disk(agent_machine.make_disk(self.workspace.directory / "flash.img"), "/flash")
        root.data(json.dumps(FLASH_CONFIG).encode(), "/usr/share/phosphor-ipmi-flash/blobs.json")
        root.unit(f"{AGENT}.d/targets.conf", WRITABLE)
        for name, text in UNITS.items():
            root.unit(name, text)
        root.link("/etc/systemd/system/flash.service", "/etc/systemd/system/vm.target.wants/flash.service")
        self.boot_bmc(root)

    def test_service(self):
        self.boot_service()
        for part in (self.unit, self.succeeds, self.refused, self.aborted, self.late, self.restarts, self.deferred,
                     self.activation):
            begun = self.vm.seconds()
            part()
            self.measured(part.__name__, f"{self.vm.seconds() - begun:.1f} s")

    def install(self, blob, data, *words, status=0):
        file = self.workspace.write(f"{blob}.bin", data)
        run = self.client("install", str(file), "target", blob, "yes", *words, status=status)
        return run.events("result")[0]["text"]

    def installed_now(self, blob):
        return self.vm.run(f"sha256sum <{installed(blob)}").text.split()[0]

    def assert_untouched(self, blob):
        """Neither installed nor left where it was handed over."""
        self.assertEqual(self.installed_now(blob), harness.sha256(b"old\n"))
        self.assertFalse(self.exists(handed(blob)))

    def begin(self, blob, unit):
        """A client whose update has come to this unit."""
        run = self.start_client("install", str(self.workspace.write(f"{blob}.bin", IMAGE)), "target", blob, "yes")
        harness.wait_until(lambda: self.states(unit) == ["activating"], f"the start of {unit}", 60)
        return run

    def unit(self):
        """The service has what its unit gives it, and systemd finds nothing to say about that."""
        self.assertEqual(self.states(AGENT), ["active"])
        self.assertEqual(self.vm.run(f"stat -c '%a %U' {agent_machine.STATE} /run/bmc-agent").text, "700 root\n" * 2)
        self.assertRegex("\n".join(self.journal(AGENT)), 'Ready .*port="623"')
        self.assertEqual(self.vm.run(f"journalctl -q -b -o cat -p warning _PID=1 UNIT={AGENT}").text, "")

    def succeeds(self):
        self.assertEqual(self.install("steps", tarball("5", "Host")), "steps: updated, version 5")
        self.assertEqual(self.installed_now("steps"), harness.sha256(content("5")))
        self.assertEqual(self.journal(*units("steps")),
                         ["prepares", "verifies", f"{harness.sha256(content('5'))}  -", "programs"])

    def refused(self):
        text = self.install("refused", IMAGE, status=VERIFICATION_FAILED)
        self.assertIn("verification of refused failed: unit refused-verify.service: it failed", text)
        self.assertEqual(self.journal(*units("refused")), ["prepares", "verifies", "this is no firmware"])
        self.assert_untouched("refused")

    def aborted(self):
        """The client is lost while a unit hangs; another one gives the update up, and systemd's job with it."""
        self.begin("hangs", "hangs-verify.service").end()
        self.assertRegex(self.systemctl("list-jobs"), r"hangs-verify\.service +start +running")
        self.client("abort", "force")
        self.assertNotIn("hangs-verify", self.systemctl("list-jobs"))
        self.assertEqual(self.journal(*units("hangs")), ["prepares", "verifies"])
        self.assert_untouched("hangs")
        self.assertIn("aborted by admin", self.newest()["text"])
        self.systemctl("stop", "hangs-verify.service")

    def late(self):
        """What programs can't be aborted; the unit's own time-out ends it."""
        run = self.begin("late", "late-update.service")
        refusal = self.client("abort", "force", status=REFUSED).events("result")[0]["text"]
        self.assertIn("not supported in the present state (d5h); the state is 'program'", refusal)
        self.assert_status(run.finish(), PROGRAM_FAILED)
        self.assertIn("update of late failed: unit late-update.service: it failed (failed, timeout)", run.text)
        self.assertEqual(self.journal(*units("late"))[-1], "programs")
        self.assert_untouched("late")

    def bus(self, *words):
        return self.ok(self.vm.run(f"busctl {' '.join(words)}")).text

    def wait_for_bus(self):
        """The agent does not wait for the bus."""
        harness.wait_until(lambda: all(self.vm.run(f"busctl status {name}").status == 0 for name in (SERVICE, SETTINGS)),
                           "the names on D-Bus", 60)

    def word(self, path, interface, name):
        """The last word of an enumeration's value."""
        return self.bus("get-property", SERVICE, path, f"{SOFTWARE}.{interface}", name).split('"')[1].rsplit(".", 1)[-1]

    def versions(self):
        """Paths of all versions on D-Bus."""
        lines = self.bus("tree", "--list", SERVICE).split()
        return {line for line in lines if line.count("/") == 4 and line.startswith(f"{ROOT}/")} - {f"{ROOT}/bmc", f"{ROOT}/bios"}

    def activation(self):
        """A client of D-Bus uploads a version and activates it through units; restarts are kept off meanwhile, then the
        machine restarts by itself into what was activated."""
        self.wait_for_bus()
        self.ok(self.vm.run("touch /run/closed"))
        former = self.versions()
        self.ok(self.vm.run("mkdir -p /tmp/images && cat /upload.tar >/tmp/images/upload"))
        harness.wait_until(lambda: self.versions() - former, "the upload's object", 60)
        path, = self.versions() - former
        self.assertEqual(self.word(path, "Activation", "Activation"), "Ready")
        self.bus("set-property", SETTINGS, f"{ROOT}/apply_time", f"{SOFTWARE}.ApplyTime", "RequestedApplyTime", "s",
                 f"{SOFTWARE}.ApplyTime.RequestedApplyTimes.Immediate")
        self.bus("set-property", SERVICE, path, f"{SOFTWARE}.Activation", "RequestedActivation", "s",
                 f"{SOFTWARE}.Activation.RequestedActivations.Active")
        harness.wait_until(lambda: self.states("bmc-verify.service") == ["activating"], "the unit that verifies", 60)
        self.assertEqual(self.word(path, "Activation", "Activation"), "Activating")
        harness.wait_until(lambda: self.guarded() == "yes\n", "the reboot guard", 60)
        self.assertNotEqual(self.vm.run("systemctl start reboot.target").status, 0)
        self.assertEqual(self.client("status").events("status")[0]["holder"], "D-Bus")
        self.ok(self.vm.run("rm /run/closed"))
        self.vm.wait_ready(4)
        self.wait_for_agent()
        self.wait_for_bus()
        self.assertEqual(self.vm.run("cat /run/version").text, "4\n")
        self.assertEqual(self.word(path, "Activation", "Activation"), "Active")
        associations = self.bus("get-property", SERVICE, f"{ROOT}/bmc", "xyz.openbmc_project.Association.Definitions",
                                "Associations")
        self.assertRegex(associations, f'"functional" "software_version" "{path}"')
        self.assertEqual(self.guarded(), "no\n")

    def guarded(self):
        return self.vm.run("systemctl show -P RefuseManualStart reboot.target").text

    def boot_id(self):
        return self.vm.run("cat /proc/sys/kernel/random/boot_id").text

    def restarts(self):
        """The machine restarts by itself, and the agent that comes then tells what runs."""
        boot = self.boot_id()
        self.assertEqual(self.install("bmc", tarball("2", "BMC")), "bmc: updated, version 2")
        self.vm.wait_ready(2)
        self.assertNotEqual(self.boot_id(), boot)
        self.assertEqual(self.vm.run("cat /run/version").text, "2\n")
        self.assertIn("programmed, restarted, and its version runs", self.newest()["text"])

    def deferred(self):
        """Nothing restarts by itself; an ordinary restart is as good."""
        boot = self.boot_id()
        text = self.install("bmc", tarball("3", "BMC"), "defer-reboot", status=ACCEPTED)
        self.assertEqual(text, "bmc: programmed; it runs after the next restart")
        self.vm.run("sleep 4")  # twice as long as a restart is put off for its answer to leave
        self.assertEqual((self.boot_id(), self.states("reboot.target")), (boot, ["inactive"]))
        self.assertIn("programmed", self.newest()["text"])
        self.vm.run("systemctl reboot >/dev/null 2>&1 &")
        self.vm.wait_ready(3)
        self.wait_for_agent()
        self.assertEqual(self.vm.run("cat /run/version").text, "3\n")
        harness.wait_until(lambda: "its version runs" in self.newest()["text"], "the verdict")
        target, = (one for one in self.client("targets").events("target") if one["name"] == "bmc")
        self.assertEqual((target["version"], target["restart_pending"]), ("3", False))


if __name__ == "__main__":
    harness.require("mkfs.ext4")
    rig.main(base=True)
