#!/usr/bin/python3
"""Flash blobs over the LAN: whole updates by the raw commands of stock clients, refusals byte for byte, one client beside
another. What a host does with them is in tests/vm/blobs.py.
"""

import json
import re
import struct
import subprocess

import harness
from console import Console
from harness import PASSWORD, PYTHON, USER, Agent, Case, make_image, require, require_module, wait_until

NET_FN, COMMAND = 0x2E, 0x80
ENTERPRISE = b"\xcf\xc2\x00"
GET_COUNT, ENUMERATE, OPEN, READ, WRITE, COMMIT, CLOSE, DELETE, STAT, SESSION_STAT, WRITE_META = range(11)
FOR_WRITING, FOR_DATA = 0x0002, 0x0102
RUNNING, SUCCESS, FAILED, UNKNOWN = range(4)
PIECE = 200  # bytes of an image in one write: what every client's command line takes
IMAGE = make_image(1500)
LENGTH, INVALID, PRIVILEGE, UNSPECIFIED = 0xC7, 0xCC, 0xD4, 0xFF
BAD_SESSION = 0x0001  # never the first: the first one is drawn

PYGHMI = """
import json, sys
from pyghmi.ipmi import command
bmc = command.Command(sys.argv[1], sys.argv[2], sys.argv[3], port=int(sys.argv[4]))
for line in sys.stdin:
    answer = bmc.raw_command(netfn=0x2e, command=0x80, data=tuple(bytes.fromhex(line)))
    print(json.dumps([answer.get("code", 0), list(answer.get("data", []))]), flush=True)
"""


def crc16(data):
    """Polynomial 1021h; the register begins as FFFFh, and 16 zero bits follow the message."""
    remainder = 0xFFFF
    for byte in data + b"\0\0":
        for bit in range(7, -1, -1):
            carry = remainder & 0x8000
            remainder = (remainder << 1 & 0xFFFF | byte >> bit & 1) ^ (0x1021 if carry else 0)
    return remainder


def envelope(sub_command, body=b""):
    return ENTERPRISE + bytes([sub_command]) + (struct.pack("<H", crc16(body)) + body if body else b"")


def named(blob):
    return blob.encode() + b"\0"


class Host:
    """What a host tool does, over `raw(data)`, which gives (completion code, data)."""

    def __init__(self, test, raw):
        self.test, self.raw = test, raw

    def ask(self, sub_command, body=b""):
        """(completion code, body), the envelope of an answer checked."""
        code, data = self.raw(envelope(sub_command, body))
        if code:
            return code, b""
        self.test.assertEqual(data[:3], ENTERPRISE)
        self.test.assertTrue(len(data) == 3 or struct.unpack_from("<H", data, 3)[0] == crc16(data[5:]), data.hex())
        return code, data[5:]

    def ok(self, sub_command, body=b""):
        code, answer = self.ask(sub_command, body)
        self.test.assertEqual(code, 0, f"sub-command {sub_command} with {body.hex()}")
        return answer

    def ids(self):
        count, = struct.unpack("<I", self.ok(GET_COUNT))
        return [self.ok(ENUMERATE, struct.pack("<I", index))[:-1].decode() for index in range(count)]

    def open(self, blob, flags=FOR_DATA):
        return self.ok(OPEN, struct.pack("<H", flags) + named(blob))

    def write(self, session, offset, data):
        return self.ask(WRITE, session + struct.pack("<I", offset) + data)[0]

    def send(self, blob, data):
        session = self.open(blob)
        for at in range(0, len(data), PIECE):
            self.test.assertEqual(self.write(session, at, data[at:at + PIECE]), 0)
        self.test.assertEqual(self.ok(SESSION_STAT, session)[2:6], struct.pack("<I", len(data)))
        self.ok(CLOSE, session)

    def status(self, session):
        stat = self.ok(SESSION_STAT, session)
        self.test.assertEqual(stat[6], 1, stat.hex())
        return stat[7]

    def commit(self, blob):
        """The session, still open, and how it ended."""
        session = self.open(blob, FOR_WRITING)
        self.test.assertEqual(self.status(session), UNKNOWN)
        self.ok(COMMIT, session + b"\0")
        wait_until(lambda: self.status(session) != RUNNING, f"the end of {blob}")
        return session, self.status(session)

    def update(self, image, blob="/flash/bios"):
        """Whole, without a signature."""
        self.send(blob, image)
        for step in ("/flash/verify", "/flash/update"):
            session, status = self.commit(step)
            self.test.assertEqual(status, SUCCESS)
            self.ok(CLOSE, session)


class Blobs(Case):
    def setUp(self):
        super().setUp()
        self.agent = Agent(self.workspace)
        self.agent.kill()
        self.agent.config["targets"][0]["blob"] = "/flash/bios"
        file = self.workspace.write("second-password", PASSWORD.encode())
        file.chmod(0o600)
        self.agent.config["users"] += [
            {"name": "second", "password_file": str(file), "privilege": "administrator"},
            {"name": "reader", "password_file": str(file), "privilege": "operator"}]
        self.agent.config["staging"]["max_image_size"] = 1 << 20
        self.agent.start()

    def console(self, user=USER, **options):
        console = Console(self.agent.port, user, PASSWORD, **options)
        self.addCleanup(console.close)
        return console

    def host(self, user=USER):
        console = self.console(user)
        return Host(self, lambda data: console.call(NET_FN, COMMAND, data))

    def run_tool(self, *words):
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False,
                              env=self.workspace.environment)

    def ipmitool(self, data, user=USER, level="ADMINISTRATOR"):
        """(completion code, data) by stock ipmitool in a session of its own."""
        done = self.run_tool("/usr/bin/ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", self.agent.port, "-U", user,
                             "-P", PASSWORD, "-L", level, "raw", NET_FN, COMMAND, *data)
        refused = re.search(r"rsp=0x([0-9a-f]+)", done.stderr)
        if refused:
            return int(refused[1], 16), b""
        self.assertEqual(done.returncode, 0, done.stderr)
        return 0, bytes.fromhex(done.stdout)

    def freeipmi(self, data):
        """The same by FreeIPMI."""
        done = self.run_tool("ipmi-raw", "-D", "LAN_2_0", "-h", f"127.0.0.1:{self.agent.port}", "-u", USER, "-p",
                             PASSWORD, "-l", "ADMIN", *(f"{word:02x}" for word in (0, NET_FN, COMMAND, *data)))
        answer = re.search(r"rcvd: ((?:[0-9A-F]{2} ?)+)", done.stdout)
        self.assertTrue(answer, done.stdout + done.stderr)
        words = bytes.fromhex(answer[1])
        self.assertEqual(words[0], COMMAND)
        return words[1], words[2:]

    def assert_updated(self):
        self.assertTrue(self.agent.holds(IMAGE))
        self.assertFalse(self.status(self.agent.port)["update_mode_held"])
        entry = self.fwupdate(self.agent.port, "log", "json").events("log")[0]
        self.assertEqual((entry["result"], entry["transport"], entry["size"]), ("programmed", "blobs", len(IMAGE)))

    # ---- stock clients

    def test_ipmitool(self):
        """A session of IPMI for each command: the blob session belongs to the user."""
        Host(self, self.ipmitool).update(IMAGE)
        self.assert_updated()

    def test_freeipmi(self):
        Host(self, self.freeipmi).update(IMAGE)
        self.assert_updated()

    def test_pyghmi(self):
        client = subprocess.Popen([PYTHON, "-c", PYGHMI, "127.0.0.1", USER, PASSWORD, str(self.agent.port)], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def raw(data):
            print(data.hex(), file=client.stdin, flush=True)
            code, answer = json.loads(client.stdout.readline())
            return code, bytes(answer)

        try:
            Host(self, raw).update(IMAGE)
        finally:
            client.stdin.close()
            client.stdout.close()
            client.wait(30)
        self.assert_updated()

    # ---- who may

    def test_operators_and_strangers(self):
        self.assertEqual(self.ipmitool(envelope(GET_COUNT), "reader", "OPERATOR"), (PRIVILEGE, b""))
        self.assertEqual(self.ipmitool(envelope(GET_COUNT), USER, "OPERATOR"), (PRIVILEGE, b""))
        # Without a session, in a packet of IPMI 1.5: all it gets is the refusal.
        console = self.console(timeout=1)
        body = bytes([0x20, NET_FN << 2, 256 - 0x20 - (NET_FN << 2) & 0xFF])
        rest = bytes([0x81, 4, COMMAND]) + envelope(GET_COUNT)
        message = body + rest + bytes([-sum(rest) & 0xFF])
        console.socket.send(bytes.fromhex("0600ff07") + bytes(9) + bytes([len(message)]) + message)
        answer = console.socket.recv(2048)[14:]
        self.assertEqual((answer[5], answer[6:-1]), (COMMAND, bytes([PRIVILEGE])), answer.hex())

    def test_another_user(self):
        owner, second = self.host(), self.host("second")
        session = owner.open("/flash/bios")
        self.assertEqual(owner.write(session, 0, b"first"), 0)
        for sub_command, body in ((WRITE, session + bytes(4) + b"x"), (COMMIT, session + b"\0"), (CLOSE, session),
                                  (SESSION_STAT, session), (WRITE_META, session + bytes(4) + b"x"),
                                  (OPEN, struct.pack("<H", FOR_DATA) + named("/flash/bios")),
                                  (OPEN, struct.pack("<H", FOR_DATA) + named("/flash/hash")),
                                  (DELETE, named("/flash/active/image"))):
            self.assertEqual(second.ask(sub_command, body), (UNSPECIFIED, b""), sub_command)
        self.assertEqual(second.ok(READ, session + bytes(4) + struct.pack("<I", 9)), b"")
        self.assertEqual(owner.ok(SESSION_STAT, session), bytes.fromhex("0201 05000000 00"))
        self.assertIn("no blob session", self.agent.log())

    def test_one_update_at_a_time(self):
        held = self.fwupdate(self.agent.port, "enter")
        self.assert_status(held, 0)
        host = self.host("second")
        for blob in ("/flash/bios", "/flash/hash"):
            self.assertEqual(host.ask(OPEN, struct.pack("<H", FOR_DATA) + named(blob)), (UNSPECIFIED, b""))
        cleanup = host.open("/flash/cleanup", FOR_WRITING)
        host.ok(COMMIT, cleanup + b"\0")
        host.ok(CLOSE, cleanup)
        self.assertTrue(self.status(self.agent.port)["update_mode_held"])
        self.assert_status(self.fwupdate(self.agent.port, "exit"), 0)

        host.open("/flash/bios")
        refused = self.install(self.agent.port, self.workspace.write("image.bin", IMAGE))
        self.assert_status(refused, 12)
        self.assertIn("second", refused.text)
        status = self.status(self.agent.port)
        self.assertEqual((status["state"], status["transport"], status["holder"]), ("download", "blobs", "second"))
        self.assertRegex(self.fwupdate(self.agent.port, "status").text, r"(?i)transport\W+blobs")

    # ---- completion codes

    def test_ids_and_stats(self):
        host = self.host()
        self.assertEqual(host.ids(), ["/flash/hash", "/flash/bios", "/flash/cleanup"])
        self.assertEqual(host.ok(STAT, named("/flash/bios")), bytes.fromhex("00ff 00000000 00"))
        self.assertEqual(host.ask(STAT, named("/flash/Bios"))[0], UNSPECIFIED)
        session = host.open("/flash/bios")
        self.assertEqual(host.ids(), ["/flash/hash", "/flash/bios", "/flash/active/image", "/flash/cleanup"])
        self.assertEqual(host.ask(ENUMERATE, struct.pack("<I", 4))[0], INVALID)
        self.assertEqual(host.ask(ENUMERATE, struct.pack("<I", 0xFFFFFFFF))[0], INVALID)
        for blob in ("/flash/active/image", "/flash/update", "/flash/verify"):
            self.assertEqual(host.ask(STAT, named(blob))[0], UNSPECIFIED)
        host.ok(CLOSE, session)
        self.assertIn("/flash/verify", host.ids())
        host.ok(DELETE, named("/flash/active/image"))
        self.assertEqual(host.ids(), ["/flash/hash", "/flash/bios", "/flash/cleanup"])

    def test_messages_that_are_wrong(self):
        console = self.console()

        def code(data):
            return console.call(NET_FN, COMMAND, data)

        for length in range(3):
            self.assertEqual(code(ENTERPRISE[:length]), (LENGTH, b""))
        self.assertEqual(code(ENTERPRISE)[0], LENGTH)
        self.assertEqual(code(b"\x01\x02\x03\x00"), (0xC1, b"\x01\x02\x03"))
        least = {ENUMERATE: 6, OPEN: 6, READ: 12, WRITE: 9, COMMIT: 5, CLOSE: 4, DELETE: 4, STAT: 4, SESSION_STAT: 4,
                 WRITE_META: 9}
        for sub_command, size in least.items():
            body = bytes(size - 3)
            self.assertEqual(code(envelope(sub_command, body)), (LENGTH, ENTERPRISE), sub_command)
            whole = bytearray(envelope(sub_command, bytes(size - 2)))
            whole[4] ^= 1
            self.assertEqual(code(bytes(whole)), (UNSPECIFIED, ENTERPRISE), sub_command)
        for sub_command in (11, 0x7F, 0xFF):
            self.assertEqual(code(envelope(sub_command)), (INVALID, ENTERPRISE))
            self.assertEqual(code(envelope(sub_command, b"body")), (INVALID, ENTERPRISE))
            self.assertEqual(code(ENTERPRISE + bytes([sub_command]) + b"\0\0body"), (UNSPECIFIED, ENTERPRISE))
            self.assertEqual(code(ENTERPRISE + bytes([sub_command]) + b"\0\0"), (LENGTH, ENTERPRISE))
        flags = struct.pack("<H", FOR_DATA)
        for body in (flags + b"/flash/bios", flags + b"\0\0\0", flags + b"/flash/b\0ios\0"):
            self.assertEqual(code(envelope(OPEN, body)), (LENGTH, ENTERPRISE), body)
        self.assertEqual(code(envelope(COMMIT, struct.pack("<H", BAD_SESSION) + b"\x05data")), (LENGTH, ENTERPRISE))
        self.assertEqual(code(envelope(GET_COUNT, b"more"))[0], 0)

    def test_what_is_refused(self):
        host = self.host()
        bad = struct.pack("<H", BAD_SESSION)
        for sub_command, body in ((WRITE, bad + bytes(5)), (COMMIT, bad + b"\0"), (CLOSE, bad), (SESSION_STAT, bad),
                                  (WRITE_META, bad + bytes(5))):
            self.assertEqual(host.ask(sub_command, body), (UNSPECIFIED, b""), sub_command)
        self.assertEqual(host.ok(READ, bad + bytes(8)), b"")
        for flags, blob in ((0x0100, "/flash/bios"), (0x0001, "/flash/bios"), (0x0101, "/flash/bios"),
                            (0x0202, "/flash/bios"), (0x0402, "/flash/bios"), (0x0802, "/flash/bios"),
                            (0x0102, "/flash/other"), (0x0002, "/flash/verify"), (0x0002, "/flash/update"),
                            (0x0102, "/flash/active/image")):
            self.assertEqual(host.ask(OPEN, struct.pack("<H", flags) + named(blob))[0], UNSPECIFIED, (flags, blob))
        for blob in ("/flash/bios", "/flash/hash", "/flash/cleanup"):  # nothing has begun
            self.assertEqual(host.ask(DELETE, named(blob))[0], UNSPECIFIED, blob)
        self.assertFalse(self.status(self.agent.port)["update_mode_held"])

    def test_order_of_writes(self):
        host = self.host()
        session = host.open("/flash/bios")
        self.assertEqual(host.write(session, 0, b"0123456789"), 0)
        self.assertEqual(host.write(session, 0, b"0123456789"), 0, "once more: its answer may have been lost")
        for offset, data in ((0, b"012345678X"), (5, b"56789"), (11, b"x"), (0xFFFFFFFF, b"x")):
            self.assertEqual(host.write(session, offset, data), UNSPECIFIED, (offset, data))
        self.assertEqual(host.write(session, 10, b"end"), 0)
        self.assertEqual(host.ask(WRITE_META, session + bytes(4) + b"x")[0], UNSPECIFIED)
        self.assertEqual(host.ask(COMMIT, session + b"\0")[0], UNSPECIFIED)
        host.ok(CLOSE, session)
        session, status = host.commit("/flash/verify")
        self.assertEqual(status, SUCCESS)
        host.ok(CLOSE, session)
        session, status = host.commit("/flash/update")
        self.assertEqual(host.ask(COMMIT, session + b"\0")[0], UNSPECIFIED)
        host.ok(CLOSE, session)
        self.assertTrue(self.agent.holds(b"0123456789end"))


if __name__ == "__main__":
    require("ipmitool", "ipmi-raw")
    require_module("pyghmi")
    harness.main()
