#!/usr/bin/python3
"""What keeps a host off, and a BMC from restarting, on the distribution's systemd: the minimum ship level in units that start
the host, with a fan controller's real driver, and the units of the reboot guard."""

import json
import pathlib

import rig
import systemd_root
from rig import harness
from systemd_case import SystemdCase
from systemd_root import SystemdRoot

PACKAGED = harness.ROOT / "packaging/systemd"
SETTING = pathlib.PurePosixPath("/var/lib/phosphor-settings-manager/settings/xyz/openbmc_project/control",
                                "minimum_ship_level_required__")
NOT_REQUIRED = {"value0": {"cereal_class_version": 2, "MinimumShipLevelRequired": False}}
HOST, POWER = "obmc-host-start@0.target", "obmc-power-start@0.service"
NEEDS_FANS, FANS = "fans-and-more.target", "fans-faster.service"
ONESHOT = "[Service]\nType=oneshot\n"
BUS = "/sys/bus/i2c/devices/i2c-0"
FAN_ADDRESS = "0x2c"  # of the stub's chip on its bus
REFUSES = 1  # what systemctl ends with; for a restart it asks the login daemon first, and the machine has none
NO_LOGIN_DAEMON = 4

RULES = [
    {"name": "fan board", "type": "file", "file": "/run/fan-board", "remedy": "put a fan board of revision B in",
     "inventory": "/xyz/openbmc_project/inventory/system/fan_board"},
    {"name": "fan controller", "type": "sensors", "driver": "max6639", "sensors": ["fan1_input", "fan2_input"]},
    {"name": "power supply", "type": "version", "file": "/run/power-supply", "at_least": "2.1"},
]
UNMET = [  # when there is nothing of all that
    "fan board: /run/fan-board is not there; put a fan board of revision B in",
    "fan controller: no hwmon device max6639 is there",
    "power supply: /run/power-supply can't be read: No such file or directory",
]
VERDICT = "not met: the host may not start"

# %i is the host's number, as in OpenBMC's units of these names.
UNITS = {
    "obmc-power-start@.service": ONESHOT + "RemainAfterExit=yes\nExecStart=/bin/touch /run/power-%i",
    "obmc-host-start@.target": "[Unit]\nRequires=obmc-power-start@%i.service",
    "fans-faster.service": ONESHOT + "ExecStart=/bin/touch /run/fans-faster",
    "fans-and-more.target": "[Unit]\nRequires=fans-faster.service\nAfter=fans-faster.service",
}


def as_condition(drop_in):
    """The example's other way: what it has as a comment, in the place of what it has."""
    return drop_in.replace("\nExecStartPre=", "\n#ExecStartPre=").replace("\n#ExecCondition=", "\nExecCondition=")


class Guards(SystemdCase):
    """One machine; the guard comes last, as it ends it."""

    def boot_bmc(self):
        root = SystemdRoot(self.kernel, self.base)
        root.modules("i2c_stub", "max6639")
        root.module_options("i2c_stub", f"chip_addr={FAN_ADDRESS}")
        root.program(harness.built("bmc-agent/ship-level/ship-level-check"), "/usr/sbin/ship-level-check")
        root.program(harness.built("tests/vm/run_action"))
        # A mistake elsewhere keeps no host off.
        configuration = {"ship_level": {"rules": RULES}, "verification": {"signature": "optional"}, "mistake": 1}
        root.data(json.dumps(configuration).encode(), "/etc/bmc-agent.conf")
        for name, text in UNITS.items():
            root.unit(name, text)
        drop_in = (PACKAGED / "ship-level-host-start.conf").read_text()
        root.unit("obmc-power-start@.service.d/50-ship-level.conf", drop_in)
        root.unit("fans-faster.service.d/50-ship-level.conf", as_condition(drop_in))
        for name in ("reboot-guard-enable.service", "reboot-guard-disable.service"):
            root.unit(name, (PACKAGED / name).read_text())
        self.vm = self.boot("bmc", root, root.devices(), arguments=systemd_root.ARGUMENTS)

    def test_guards(self):
        self.boot_bmc()
        for step in (self.not_met, self.sensors, self.setting, self.met, self.broken, self.guard):
            begun = self.vm.seconds()
            step()
            self.measured(step.__name__, f"{self.vm.seconds() - begun:.1f} s")

    def assert_said(self, unit, *lines):
        self.assertEqual(self.journal(unit), list(lines))

    def forget(self):
        """Failures, which a few more of would be too many in a short time; and what units have left."""
        self.vm.run("systemctl reset-failed; rm -f /run/power-0 /run/fans-faster")

    def not_met(self):
        """The unit fails, what requires it does not start, and the journal names every offender."""
        self.refused()
        self.assert_said(POWER, *UNMET, VERDICT)
        self.skipped()
        self.assert_said(FANS, *UNMET, VERDICT)

    def refused(self):
        """As ExecStartPre."""
        self.assertIn(f"dependency job for {HOST} failed", self.systemctl("start", HOST, status=REFUSES))
        self.assertEqual(self.states(POWER, HOST), ["failed", "inactive"])
        self.assertFalse(self.exists("/run/power-0"))
        self.forget()

    def skipped(self):
        """As ExecCondition: no failure, and what requires it goes on."""
        self.systemctl("start", NEEDS_FANS)
        self.assertEqual(self.states(FANS, NEEDS_FANS), ["inactive", "active"])
        self.assertFalse(self.exists("/run/fans-faster"))
        self.systemctl("stop", NEEDS_FANS)

    def started(self):
        """Both ways."""
        self.systemctl("start", HOST, NEEDS_FANS)
        self.assertEqual(self.states(POWER, HOST, NEEDS_FANS), ["active"] * 3)
        self.assertTrue(self.exists("/run/power-0", "/run/fans-faster"))
        self.systemctl("stop", HOST, POWER, NEEDS_FANS)
        self.forget()

    def sensors(self):
        """A driver that is loaded is not enough: its chip must be there. The other rules stay unmet."""
        self.ok(self.vm.run(f"echo max6639 {FAN_ADDRESS} >{BUS}/new_device"))
        self.refused()
        self.assert_said(POWER, UNMET[0], UNMET[2], VERDICT)

    def setting(self):
        """The user's choice, in the file that phosphor-settingsd keeps."""
        self.ok(self.vm.run(f"mkdir -p {SETTING.parent}; echo '{json.dumps(NOT_REQUIRED)}' >{SETTING}"))
        self.started()
        self.assertEqual([line for line in self.journal(POWER) if line in UNMET], [UNMET[0], UNMET[2]], "told all the same")
        self.ok(self.vm.run(f"echo damaged >{SETTING}"))
        self.refused()
        damage, *said = self.journal(POWER)
        self.assertIn("The setting of the minimum ship level is damaged; it counts as required", damage)
        self.assertEqual(said, [UNMET[0], UNMET[2], VERDICT])
        self.ok(self.vm.run(f"rm {SETTING}"))

    def met(self):
        self.ok(self.vm.run("touch /run/fan-board; echo 2.1.3 >/run/power-supply"))
        self.started()
        self.assertEqual(self.journal(POWER), [], "nothing to say")
        self.ok(self.vm.run(f"echo {FAN_ADDRESS} >{BUS}/delete_device"))
        self.refused()
        self.assert_said(POWER, UNMET[1], VERDICT)

    def broken(self):
        """A configuration that can't be read keeps the host off, either way."""
        self.ok(self.vm.run("echo '{' >/etc/bmc-agent.conf"))
        self.refused()
        self.assertRegex("\n".join(self.journal(POWER)), r"^/etc/bmc-agent\.conf: line 2, column 1: syntax error[^\n]*$")
        self.systemctl("start", NEEDS_FANS, status=REFUSES)
        self.assertEqual(self.states(FANS, NEEDS_FANS), ["failed", "inactive"])
        self.assertFalse(self.exists("/run/fans-faster"))
        self.forget()

    def guard(self):
        """A restart is refused with a reason, by systemctl as by the agent's action; taken back, it is done."""
        for unit in ("disable", "enable", "enable"):  # each may come twice
            self.systemctl("start", f"reboot-guard-{unit}.service")
        for verb in ("reboot", "poweroff", "halt"):
            refusal = self.ok(self.vm.run(f"systemctl {verb}"), REFUSES, NO_LOGIN_DAEMON).text
            self.assertIn(f"Operation refused, unit {verb}.target may be requested by dependency only", refusal)
        action = self.ok(self.vm.run("""run_action update '{"type": "reboot"}'"""), REFUSES).text
        self.assertIn("systemd did not start unit reboot.target: Operation refused", action)
        self.assertEqual(self.vm.run("systemctl is-system-running").text, "running\n", "nothing has begun to stop")
        self.systemctl("start", "reboot-guard-disable.service")
        self.assertEqual(self.vm.run("find /run/systemd/system -name reboot-guard.conf").text, "")
        self.vm.run("systemctl reboot >/dev/null 2>&1 &")
        harness.wait_until(lambda: self.vm.process.poll() is not None, "the end of the machine", 60)
        self.assertEqual(self.vm.process.returncode, 0)


if __name__ == "__main__":
    rig.main(base=True)
