#!/usr/bin/python3
"""A whole base-profile update by raw commands of stock clients alone.

ipmitool and FreeIPMI open a session for each command, so the mode changes hands within the user all the time.
"""

import hashlib
import json
import re
import subprocess

import harness
from harness import PASSWORD, PYTHON, USER, Agent, Case, make_image, require, require_module, wait_until

FIRMWARE = 0x08
WRITE = 200  # bytes of a 2Ch: what every client's command line takes
IMAGE = make_image(1500)

PYGHMI = """
import json, sys
from pyghmi.ipmi import command
bmc = command.Command(sys.argv[1], sys.argv[2], sys.argv[3], port=int(sys.argv[4]))
for line in sys.stdin:
    words = bytes.fromhex(line)
    answer = bmc.raw_command(netfn=8, command=words[0], data=tuple(words[1:]))
    print(json.dumps([answer.get("code", 0), list(answer.get("data", []))]), flush=True)
"""


class RawUpdate(Case):
    """Updates `self.agent`."""

    write = WRITE

    def update(self, raw):
        """The order of a base-profile client, with every answer checked."""
        self.assertEqual(raw(0x2A, b""), (0, b"\x00\x00\x00"))
        code, number = raw(0x26, b"")
        self.assertEqual((code, len(number)), (0, 8))
        self.assertEqual(raw(0x27, number), (0, b""))
        self.assertEqual(raw(0x27, number), (0xC0, b""), "a second enter must find the mode held")
        self.assertEqual(raw(0x2A, b""), (0, b"\x01\x00\x00"))
        self.assertEqual(raw(0x2C, b"early"), (0xD5, b""), "a write before start must be refused")
        self.assertEqual(raw(0x2B, b"\x07\x04" + hashlib.sha256(IMAGE).digest()), (0, b"\x04"))
        self.assertEqual(raw(0x29, b"\x01"), (0, b"\x01"))
        for at in range(0, len(IMAGE), self.write):
            piece = IMAGE[at:at + self.write]
            self.assertEqual(raw(0x2C, piece), (0, len(piece).to_bytes(4, "little")))
        self.assertEqual(raw(0x2A, b""), (0, b"\x02\x00\x01"))
        self.assertEqual(raw(0x29, b"\x02"), (0, b"\x03"))
        wait_until(lambda: raw(0x2A, b"") == (0, b"\x05\x64\x02"), "ready, 100 percent, digest good")
        self.assertTrue(self.agent.holds(IMAGE), "the target's bytes differ from the image at ready")
        self.assertEqual(raw(0x28, b""), (0, b""))
        self.assertEqual(raw(0x2A, b"")[1][0], 0x00)
        self.assertTrue(self.agent.holds(IMAGE))


class BaseRaw(RawUpdate):
    def setUp(self):
        super().setUp()
        self.agent = Agent(self.workspace)

    def run_tool(self, *words):
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False,
                              env=self.workspace.environment)

    def ipmitool(self, command, data):
        """(completion code, data) by stock ipmitool in a session of its own."""
        done = self.run_tool("/usr/bin/ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", self.agent.port, "-U",
                             USER, "-P", PASSWORD, "raw", FIRMWARE, command, *data)
        refused = re.search(r"rsp=0x([0-9a-f]+)", done.stderr)
        if refused:
            return int(refused[1], 16), b""
        self.assertEqual(done.returncode, 0, done.stderr)
        return 0, bytes.fromhex(done.stdout)

    def freeipmi(self, command, data):
        """The same by FreeIPMI."""
        done = self.run_tool("ipmi-raw", "-D", "LAN_2_0", "-h", f"127.0.0.1:{self.agent.port}", "-u", USER, "-p",
                             PASSWORD, "-l", "ADMIN", *(f"{word:02x}" for word in (0, FIRMWARE, command, *data)))
        answer = re.search(r"rcvd: ((?:[0-9A-F]{2} ?)+)", done.stdout)
        self.assertTrue(answer, done.stdout + done.stderr)
        words = bytes.fromhex(answer[1])
        self.assertEqual(words[0], command)
        return words[1], words[2:]

    def test_ipmitool(self):
        self.update(self.ipmitool)

    def test_freeipmi(self):
        self.update(self.freeipmi)

    def test_mixed_tools_of_one_user(self):
        tools = [self.ipmitool, self.freeipmi]

        def raw(command, data):
            tools.reverse()
            return tools[0](command, data)

        self.update(raw)

    def test_pyghmi(self):
        client = subprocess.Popen([PYTHON, "-c", PYGHMI, "127.0.0.1", USER, PASSWORD, str(self.agent.port)], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def raw(command, data):
            print(f"{command:02x}{data.hex()}", file=client.stdin, flush=True)
            code, answer = json.loads(client.stdout.readline())
            return code, bytes(answer)

        try:
            self.update(raw)
        finally:
            client.stdin.close()
            client.stdout.close()
            client.wait(30)


if __name__ == "__main__":
    require("ipmitool", "ipmi-raw")
    require_module("pyghmi")
    harness.main()
