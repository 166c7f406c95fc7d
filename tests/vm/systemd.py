#!/usr/bin/python3
"""Actions on a real systemd: the distribution's, as the first process of a machine with its D-Bus. Units that succeed,
fail, hang, are refused, write status files; a bus that hangs, and one that goes away."""

import json
import re

import rig
import systemd_root
from rig import harness
from systemd_root import SystemdRoot

STATUS = "/run/status"

ONESHOT = "[Service]\nType=oneshot\n"
UNITS = {
    "good.service": ONESHOT + "ExecStart=/bin/true",
    "bad.service": ONESHOT + "ExecStart=/bin/sh -c 'exit 3'",
    "late.service": ONESHOT + "TimeoutStartSec=1\nExecStart=/bin/sleep 1000",
    "long.service": ONESHOT + "TimeoutStartSec=infinity\nExecStart=/bin/sleep 1000",
    "waits.service": ONESHOT + "ExecStart=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.1; done'",
    "refused.service": ONESHOT + "ExecCondition=/bin/false\nExecStart=/bin/touch /run/refused-ran",
    "unmet.service": "[Unit]\nConditionPathExists=/nowhere\n" + ONESHOT + "ExecStart=/bin/touch /run/unmet-ran",
    "asserted.service": "[Unit]\nAssertPathExists=/nowhere\n" + ONESHOT + "ExecStart=/bin/true",
    "kept.service": ONESHOT + "RemainAfterExit=yes\nExecStart=/bin/true",
    "daemon.service": "[Service]\nExecStart=/bin/sleep 1000",
    "template@.service": ONESHOT + "ExecStart=/bin/sh -c 'echo %i >/run/instance'",
    "missing-program.service": ONESHOT + "ExecStart=/no/such/program",
    "needs-bad.target": "[Unit]\nRequires=bad.service",
    "needs-refused.target": "[Unit]\nRequires=refused.service\nAfter=refused.service",
    "wants-bad.target": "[Unit]\nWants=bad.service\nAfter=bad.service",
    "empty.target": "[Unit]\nDescription=Nothing",
    "says-success.service": ONESHOT + f"ExecStart=/bin/sh -c 'cp {STATUS} /run/before; echo running >{STATUS}; "
                                      f"echo success >{STATUS}.new; mv {STATUS}.new {STATUS}'",
    "says-failed.service": ONESHOT + f"ExecStart=/bin/sh -c 'echo failed again >{STATUS}'",
    "says-success-and-fails.service": ONESHOT + f"ExecStart=/bin/sh -c 'echo success >{STATUS}; exit 1'",
    "says-nothing.service": ONESHOT + f"ExecStart=/bin/rm {STATUS}",
    "says-it-later.service": f"[Service]\nExecStart=/bin/sh -c 'sleep 1; echo success >{STATUS}; sleep 1000'",
    "stays-running.service": ONESHOT + f"ExecStart=/bin/sh -c 'echo running >{STATUS}'",
}


class Systemd(rig.Case):
    """One machine, many actions."""

    def boot_bmc(self):
        root = SystemdRoot(self.kernel, self.base)
        root.program(harness.built("tests/vm/run_action"))
        for name, text in UNITS.items():
            root.unit(name, text)
        self.vm = self.boot("bmc", root, root.devices(), arguments=systemd_root.ARGUMENTS)

    def action(self, action, *options, slot="update"):
        """Its reports, a line each, without the last line, which must be small."""
        command = f"run_action {' '.join(options)} {slot} '{json.dumps(action)}'"
        done = self.vm.run(command)
        lines = done.text.splitlines()
        busy = re.fullmatch(r"busy at most (\d+) ms", lines[-1] if lines else "")
        self.assertTrue(busy, f"{command}\n{done.text}")
        self.assertLess(int(busy[1]), 1500, f"the loop was blocked: {command}\n{done.text}")
        return lines[:-1]

    def unit(self, name, *options, **more):
        return self.action({"type": "systemd", "unit": name, **more}, *options)

    def file(self, name, *options):
        return self.action({"type": "fileSystemdUpdate", "unit": name, "path": STATUS}, *options)

    def assert_succeeds(self, reports):
        self.assertEqual(reports, ["running", "succeeded"])

    def assert_fails(self, reports, pattern):
        """With one sentence, and nothing after it."""
        self.assertEqual(reports[0], "running", reports)
        self.assertRegex(reports[1], "^failed: .*" + pattern, reports)
        self.assertEqual(len(reports), 2, reports)

    def state_of(self, unit, name="ActiveState"):
        return self.vm.run(f"systemctl show -P {name} {unit}").text.strip()

    def test_actions(self):
        self.boot_bmc()
        for step in (self.units, self.targets, self.refusals, self.aborts, self.status_files, self.bus, self.reboot):
            begun = self.vm.seconds()
            step()
            self.measured(step.__name__, f"{self.vm.seconds() - begun:.1f} s")

    def units(self):
        self.assert_succeeds(self.unit("good.service"))
        self.assert_succeeds(self.unit("kept.service"))
        self.assertEqual(self.state_of("kept.service"), "active")
        self.assert_succeeds(self.unit("daemon.service"))
        self.assert_succeeds(self.unit("daemon.service"))  # it runs already
        self.assert_succeeds(self.unit("template@v1.service"))
        self.assertEqual(self.vm.run("cat /run/instance").text, "v1\n")
        self.assert_fails(self.unit("bad.service"),
                          r"unit bad\.service: it failed \(failed, exit-code\); look at: journalctl -u bad\.service$")
        self.assert_fails(self.unit("late.service"), r"it failed \(failed, timeout\)")
        self.assert_fails(self.unit("missing-program.service"), r"it failed \(failed, exit-code\)")
        self.assert_fails(self.unit("none.service"),
                          r"systemd did not start unit none\.service: Unit none\.service not found")
        self.assertEqual(self.unit("good.service", "--repeat", "2"), ["running", "succeeded"] * 2)

    def targets(self):
        self.assert_succeeds(self.unit("empty.target"))
        self.assert_succeeds(self.unit("wants-bad.target"))
        self.assert_succeeds(self.unit("needs-refused.target"))
        self.assert_fails(self.unit("needs-bad.target"), r"something that it requires failed \(dependency\)")

    def refusals(self):
        """systemd says `done` of the first two."""
        self.assert_fails(self.unit("refused.service"), "its ExecCondition refused it, so nothing was done")
        self.assert_fails(self.unit("unmet.service"), "its Condition refused it, so nothing was done")
        self.assert_fails(self.unit("asserted.service"), r"an Assert of it does not hold \(assert\)")
        self.assertEqual(self.vm.run("ls /run | grep ran").text, "")

    def aborts(self):
        self.assertEqual(self.unit("long.service", "--abort-after", "1500"), ["running", "idle"])
        self.assertEqual(self.vm.run("systemctl list-jobs --no-legend").text, "")
        self.assertEqual(self.state_of("long.service"), "activating", "what runs already runs on")
        self.ok(self.vm.run("systemctl stop long.service"))
        self.assertEqual(self.unit("long.service", "--abort-after", "1"), ["running", "idle"])
        self.assertEqual(self.vm.run("systemctl list-jobs --no-legend").text, "", "aborted before systemd answered")
        self.vm.run("systemctl stop long.service")
        self.assert_fails(self.unit("long.service", "--patience", "2"),
                          r"nothing moved for 2 s.* unit long\.service may still run")
        self.ok(self.vm.run("systemctl stop long.service"))

    def status_files(self):
        self.assert_succeeds(self.file("says-success.service"))
        self.assertEqual(self.vm.run("cat /run/before").text, "unknown")
        self.assert_fails(self.file("says-failed.service"), "says in /run/status that it failed")
        self.assert_fails(self.file("says-success-and-fails.service"), r"it failed \(failed, exit-code\)")
        self.assert_fails(self.file("says-nothing.service"), "has left no status file /run/status")
        self.assert_succeeds(self.file("says-it-later.service"))
        self.assert_fails(self.file("stays-running.service", "--patience", "2"),
                          "nothing moved for 2 s.* /run/status does not say that it ended")
        self.assert_fails(self.file("refused.service"), "its ExecCondition refused it")

    def bus(self):
        """A bus that hangs does not hold the agent; one that goes away under a unit leaves it unknown; one that is back
        is found."""
        daemon = self.vm.run("systemctl show -P MainPID dbus.service").text.strip()
        self.ok(self.vm.run(f"kill -STOP {daemon}"))
        self.assert_fails(self.unit("good.service"), "cannot connect to D-Bus .* it does not answer")
        self.ok(self.vm.run(f"kill -CONT {daemon}"))
        job = self.vm.start("run_action --repeat 2 --await /run/go update "
                            """'{"type": "systemd", "unit": "waits.service"}'""")
        job.wait_for(lambda _: self.state_of("waits.service") == "activating", "the unit")
        self.ok(self.vm.run("systemctl stop dbus.socket dbus.service"))
        lost = "failed: the connection to D-Bus was lost while unit waits.service was being started"
        job.wait_for(lambda text: lost in text, "the loss")
        self.assert_fails(self.unit("good.service"), "cannot connect to D-Bus at .*system_bus_socket: ")
        self.ok(self.vm.run("systemctl start dbus.socket; touch /run/go"))
        self.assertEqual(self.ok(job.finish()).text.splitlines()[2:4], ["running", "succeeded"])

    def reboot(self):
        self.vm.run("""run_action update '{"type": "reboot"}' >/dev/null 2>&1 &""")
        harness.wait_until(lambda: self.vm.process.poll() is not None, "the end of the machine", 60)
        self.assertEqual(self.vm.process.returncode, 0)


if __name__ == "__main__":
    rig.main(base=True)
