"""Stock clients look around: no warning, no stall, sensible output; and the daemon's own manners.

usage: standard_commands.py BMC_AGENT SOURCE_DIRECTORY
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from agent_fixture import PASSWORD, Agent

PROGRAM = os.path.abspath(sys.argv[1])
SOURCE = os.path.abspath(sys.argv[2])
DEVICE = {"id": 33, "revision": 2, "firmware_major": 3, "firmware_minor": 45, "manufacturer": 49769, "product": 4660,
          "guid": "fbf651d9-807f-4d23-98a7-56b33c6e2fd0"}
LONGEST = 8.0  # seconds; a request that nobody answers costs ipmitool 10


class StockClients(unittest.TestCase):
    """One agent for all of them."""

    @classmethod
    def setUpClass(cls):
        cls.agent = Agent(PROGRAM, device=DEVICE).start()

    @classmethod
    def tearDownClass(cls):
        cls.agent.__exit__()

    def run_ipmitool(self, *arguments, suite=17):
        began = time.monotonic()
        result = self.agent.ipmitool(*arguments, suite=suite)
        self.assertEqual((result.returncode, result.stderr), (0, ""), arguments)
        self.assertLess(time.monotonic() - began, LONGEST, arguments)
        return result.stdout

    def expect(self, output, *patterns):
        for pattern in patterns:
            self.assertRegex(output, re.compile("^" + pattern, re.MULTILINE))

    def test_device(self):
        for suite in (3, 17):
            self.expect(self.run_ipmitool("mc", "info", suite=suite),
                        r"Device ID +: 33$", r"Device Revision +: 2$", r"Firmware Revision +: 3\.45$",
                        r"IPMI Version +: 2\.0$", r"Manufacturer ID +: 49769$", r"Product ID +: 4660 ",
                        r"Device Available +: yes$", r"Provides Device SDRs +: no$")
            self.expect(self.run_ipmitool("mc", "selftest", suite=suite), "Selftest: passed$")

    def test_guid_is_read_in_the_right_order(self):
        self.expect(self.run_ipmitool("mc", "guid"), f"System GUID +: {DEVICE['guid']}$", "GUID Encoding : IPMI$")

    def test_global_enables(self):
        self.expect(self.run_ipmitool("mc", "getenables"), "System Event Logging +: disabled$")

    def test_chassis(self):
        self.expect(self.run_ipmitool("chassis", "status"), "System Power +: on$", "Power Restore Policy : unknown$")

    def test_channel_users_sessions(self):
        self.expect(self.run_ipmitool("channel", "info"), "Channel 0x1 info", " +Channel Medium Type +: 802.3 LAN$")
        self.expect(self.run_ipmitool("user", "list"), r"\d+ +admin .*ADMINISTRATOR$")
        self.expect(self.run_ipmitool("session", "info", "active"), "privilege level +: ADMINISTRATOR$")
        self.run_ipmitool("channel", "getciphers", "ipmi")
        self.run_ipmitool("lan", "print")

    def test_the_message_size_is_adopted(self):
        # Suite 3 loses the bytes of confidentiality and rounding to ipmitool's own arithmetic.
        for suite, request, response in ((17, 1400, 900), (3, 1375, 879)):
            result = self.agent.ipmitool("-vv", "mc", "selftest", suite=suite)
            self.assertIn(f"Set maximum request size to {request}\nSet maximum response size to {response}\n",
                          result.stderr + result.stdout)
            for complaint in ("Bad response", "Bad HPM", "request failed", "No valid response"):
                self.assertNotIn(complaint, result.stderr + result.stdout)

    def test_firewall(self):
        self.expect(self.run_ipmitool("firewall", "info", "lun", "0", "netfn", "8"),
                    "enabled: +[0-9a-f]{8} ", "configurable: 00000000 ")

    def test_refused_at_once(self):
        for raw in (["0x0a", "0x20"], ["0x2c", "0x00", "0x00"], ["0x30", "0x01"], ["0x06", "0x02"]):
            began = time.monotonic()
            result = self.agent.ipmitool("raw", *raw)
            self.assertEqual(result.returncode, 1, raw)
            self.assertIn("rsp=0xd5" if raw == ["0x06", "0x02"] else "rsp=0xc1", result.stderr)
            self.assertLess(time.monotonic() - began, LONGEST, raw)

    def test_the_wrong_password_is_refused(self):
        wrong = self.agent.path("wrong")
        with open(wrong, "w", encoding="ascii") as file:
            file.write("not the password")
        result = self.agent.ipmitool("mc", "info", password_file=wrong)
        self.assertEqual(result.returncode, 1)
        self.assertIn("Unable to establish", result.stderr)

    def test_no_secret_in_the_log(self):
        self.run_ipmitool("mc", "info")
        self.assertNotIn(PASSWORD, self.agent.log())
        self.assertIn('Session opened user="admin"', self.agent.log())

    def free_ipmi(self, *command):
        began = time.monotonic()
        result = subprocess.run(
            [*command, "-D", "LAN_2_0", "-h", f"127.0.0.1:{self.agent.port}", "-u", "admin", "-p", PASSWORD,
             "-l", "ADMIN"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""), command)
        self.assertLess(time.monotonic() - began, LONGEST, command)
        return result.stdout

    @unittest.skipUnless(shutil.which("bmc-info"), "needs freeipmi-tools")
    def test_freeipmi(self):
        self.expect(self.free_ipmi("bmc-info"), r"Firmware Revision +: 3\.45$", r"Manufacturer ID +: .*49769\)?$",
                    f"Device GUID : {DEVICE['guid']}$", f"System GUID : {DEVICE['guid']}$",
                    "Medium Type +: 802.3 LAN$")
        self.expect(self.free_ipmi("ipmi-chassis", "--get-status"), "System Power +: on$")
        self.expect(self.free_ipmi("ipmi-raw", "0", "0x06", "0x01"), "rcvd: 01 00 21 02 03 45 02 00")
        self.expect(self.free_ipmi("ipmi-config", "--checkout", "-S", "Lan_Channel"),
                    r"\s+Volatile_Access_Mode +Always_Available$", r"\s+Volatile_Channel_Privilege_Limit +Administrator$")

    def test_pyghmi(self):
        try:
            from pyghmi.ipmi import command
        except ImportError:
            self.skipTest("needs python3-pyghmi")
        client = command.Command(bmc="127.0.0.1", userid="admin", password=PASSWORD, port=self.agent.port)
        try:
            answer = client.raw_command(netfn=6, command=1)
            self.assertEqual((answer["code"], bytes(answer["data"][:4])), (0, bytes([33, 2, 3, 0x45])))
            self.assertEqual(client.get_power()["powerstate"], "on")
        finally:
            client.ipmi_session.logout()

    @unittest.skipUnless(shutil.which("openipmicmd"), "needs openipmi")
    def test_openipmi(self):
        result = subprocess.run(
            ["openipmicmd", "-k", "0f 00 06 01", "lan", "-U", "admin", "-P", PASSWORD, "-p", str(self.agent.port),
             "127.0.0.1"], capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("21 02 03 45 02 00", result.stdout)


class Manners(unittest.TestCase):
    """Start, stop, exit codes, what a person is told."""

    def run_agent(self, *arguments, **options):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30, check=False, **options)

    def write_json(self, directory, name, value):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            json.dump(value, file)

    def test_signals_end_it_cleanly(self):
        for with_signal in (signal.SIGTERM, signal.SIGINT):
            with Agent(PROGRAM) as agent:
                self.assertEqual(agent.ipmitool("mc", "selftest").returncode, 0)
                self.assertEqual(agent.stop(with_signal), 0)
                self.assertIn("Stopping", agent.log())

    def test_the_guid_is_kept(self):
        with Agent(PROGRAM) as agent:
            first = agent.ipmitool("raw", "0x06", "0x37").stdout
            agent.stop()
            agent.start()
            self.assertEqual(agent.ipmitool("raw", "0x06", "0x37").stdout, first)

    def test_a_taken_port(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            with Agent(PROGRAM, address=f"127.0.0.1:{taken.getsockname()[1]}").prepared() as agent:
                result = self.run_agent("--config", agent.path("agent.conf"))
                self.assertEqual(result.returncode, 3)
                self.assertIn("Cannot start", result.stderr)
                self.assertIn(str(taken.getsockname()[1]), result.stderr)
                self.assertIn("in use", result.stderr)

    def test_a_state_directory_of_another_agent(self):
        with Agent(PROGRAM) as agent:
            result = self.run_agent("--config", agent.path("agent.conf"))
            self.assertEqual(result.returncode, 3)
            self.assertIn("another agent uses", result.stderr)
            self.assertEqual(agent.ipmitool("mc", "selftest").returncode, 0)

    def test_a_state_directory_that_cannot_be(self):
        with Agent(PROGRAM).prepared() as agent:
            agent.configuration["staging"]["directory"] = agent.password_file
            agent.write_configuration()
            result = self.run_agent("--config", agent.path("agent.conf"))
            self.assertEqual(result.returncode, 3)
            self.assertIn(agent.password_file, result.stderr)

    def test_mistakes_of_the_configuration(self):
        with Agent(PROGRAM).prepared() as agent:
            agent.configuration["lan"]["idle_timout"] = 5
            del agent.configuration["users"]
            agent.write_configuration()
            file = agent.path("agent.conf")
            for options in ([], ["--check-config"]):
                result = self.run_agent("--config", file, *options)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr.splitlines(), [
                    f'{file}: /lan/idle_timout: unknown key; did you mean "idle_timeout"?',
                    f"{file}: /users: missing; write at least one user: without one nobody can log in"])

    def test_a_good_configuration(self):
        with Agent(PROGRAM).prepared() as agent:
            result = self.run_agent("--config", agent.path("agent.conf"), "--check-config")
            self.assertEqual(result.returncode, 0)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)  # signatures are optional there
            self.assertIn("/verification/signature: ", result.stderr)
            self.assertTrue(result.stdout.startswith("ok\nlistens on 127.0.0.1:0\n"), result.stdout)
            self.assertNotIn(PASSWORD, result.stdout)

    def test_the_configuration_of_phosphor_ipmi_flash(self):
        entry = {"blob": "/flash/rom", "handler": {"type": "file", "path": "/tmp/rom"},
                 "actions": {"preparation": {"type": "skip"}, "update": {"type": "reboot"},
                             "verification": {"type": "systemd", "unit": "check.service"}}}
        line = ("blob /flash/rom: file /tmp/rom; preparation skipped; verification starts check.service; "
                "update restarts the BMC\n")
        with Agent(PROGRAM).prepared() as agent:
            directory = agent.path("flash")
            os.mkdir(directory, 0o755)
            agent.configuration["flash_config"] = {"directories": [directory]}
            agent.configuration["default_target"] = "bios"
            agent.write_configuration()
            check = ["--config", agent.path("agent.conf"), "--check-config"]
            self.write_json(directory, "a.json", [entry])
            good = self.run_agent(*check)
            self.assertEqual(good.returncode, 0, good.stderr)
            self.assertNotIn(directory, good.stderr)
            self.assertTrue(good.stdout.startswith("ok\n"), good.stdout)
            self.assertIn(' "rom", /tmp/rom (for its action), ', good.stdout)  # a target too
            self.assertTrue(good.stdout.endswith("firmware blobs of phosphor-ipmi-flash: 1\n" + line), good.stdout)
            self.write_json(directory, "b.json", [{**entry, "blob": "bios"}])
            bad = self.run_agent(*check)
            self.assertEqual(bad.returncode, 1)
            self.assertEqual(bad.stderr.splitlines()[-1],
                             f'{directory}/b.json: /0/blob: "bios" is not the id of a firmware blob; '
                             'write "/flash/" and a name, such as "/flash/bios"')
            self.assertFalse(bad.stdout.startswith("ok\n"), bad.stdout)
            self.assertTrue(bad.stdout.endswith(line), bad.stdout)
            with agent.start():  # such a mistake does not stop it
                self.assertEqual(agent.ipmitool("mc", "selftest").returncode, 0)

    def test_usage(self):
        self.assertEqual(self.run_agent("--bogus").returncode, 2)
        self.assertEqual(self.run_agent("--log-level", "loud").returncode, 2)
        self.assertRegex(self.run_agent("--version").stdout, r"^bmc-agent \d+\.\d+\.\d+\n$")
        self.assertIn("--check-config", self.run_agent("--help").stdout)
        missing = self.run_agent("--config", "/nonexistent.conf")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("/nonexistent.conf", missing.stderr)

    def test_a_service_manager_hears_of_it(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "notify")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(path)
                manager.settimeout(20)
                with Agent(PROGRAM, environment={**os.environ, "NOTIFY_SOCKET": path, "JOURNAL_STREAM": "8:1"}) as agent:
                    self.assertEqual(manager.recv(64), b"READY=1")
                    agent.stop()
                    self.assertEqual(manager.recv(64), b"STOPPING=1")
                    self.assertTrue(all(re.match("<[3-7]>", line) for line in agent.lines), agent.log())

    def test_cold_reset_runs_its_command(self):
        with Agent(PROGRAM).prepared() as agent:
            mark = agent.path("restarted")
            agent.configuration["device"] = {"cold_reset_command": ["/usr/bin/touch", mark]}
            agent.write_configuration()
            agent.start()
            self.assertEqual(agent.ipmitool("mc", "reset", "cold").returncode, 0)
            deadline = time.monotonic() + 20
            while not os.path.exists(mark) and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertTrue(os.path.exists(mark), agent.log())

    def test_the_shipped_example(self):
        with open(os.path.join(SOURCE, "packaging/examples/bmc-agent.conf"), encoding="utf-8") as file:
            text = file.read()
        example = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
        self.assertFalse(any("password" in user for user in example["users"]))
        with Agent(PROGRAM).prepared() as agent:
            path = agent.path("example.conf")
            text = text.replace("/srv/firmware", agent.directory)  # which need not be there
            roots = agent.path("roots.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-subj", "/CN=Root", "-addext", "keyUsage=critical,keyCertSign", "-keyout", agent.path("key"),
                            "-out", roots], check=True, capture_output=True)
            for secret, trusted, code in ((agent.path("none"), roots, 1), (agent.password_file, agent.path("none"), 1),
                                          (agent.password_file, agent.password_file, 1), (agent.password_file, roots, 0)):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text.replace("/etc/bmc-agent.password", secret).replace("/etc/bmc-agent/roots.pem", trusted))
                result = self.run_agent("--config", path, "--check-config")
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertEqual(len(result.stderr.splitlines()), code, result.stderr)

    @unittest.skipIf("asan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=False).stdout,
                     "a sanitizer has its own memory")
    def test_memory_when_idle(self):
        with Agent(PROGRAM) as agent:
            for _ in range(3):
                self.assertEqual(agent.ipmitool("mc", "info").returncode, 0)
            with open(f"/proc/{agent.process.pid}/smaps_rollup", encoding="ascii") as file:
                anonymous = int(re.search(r"^Anonymous: +(\d+) kB", file.read(), re.MULTILINE).group(1))
            self.assertLessEqual(anonymous, 3072, "KiB of anonymous memory")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
