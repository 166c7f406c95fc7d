#!/usr/bin/python3
"""A host that means ill, on the flash blobs of a real agent: as an emulator's BMC device it asks over the agent's socket, as
fast as it can. Whatever it does, the agent lives, nothing is programmed that was not asked for, and others get their turn.
"""

import random
import socket
import struct
import time

import harness
import verification
from blobs import (CLOSE, COMMAND, COMMIT, DELETE, ENUMERATE, FAILED, FOR_DATA, FOR_WRITING, NET_FN, OPEN, READ, SESSION_STAT,
                   STAT, SUCCESS, UNSPECIFIED, WRITE, WRITE_META, Host, envelope, named)
from console import Console
from harness import PASSWORD, USER, Agent, Case, make_image, wait_until

OLD = b"old firmware"
FIRMWARE, APP = 0x08, 0x06
CHALLENGE, ENTER, EXIT, STATUS, ORDER, TAKE_OVER = 0x26, 0x27, 0x28, 0x2A, 0x29, 0x42
START, ABORT = b"\x01", b"\x03"
PROGRAMMED = {0x04, 0x05, 0x83}  # states: program, ready, host restart required
LARGEST = 1 << 20  # bytes of an image
PIECE = 240        # bytes of a write
LEASE = 3          # seconds
MESSAGE_END, ESCAPE = 0xA0, 0xAA


def escaped(data):
    return b"".join(bytes([ESCAPE, byte | 0x10]) if byte in (0xA0, 0xA1, 0xAA) else bytes([byte]) for byte in data)


class EmulatedHost:
    """A host behind QEMU's "VM" protocol, without QEMU."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")
        self.sequence = 0

    def close(self):
        self.stream.close()
        self.socket.close()

    def receive(self):
        """The next message, without its checksum; the BMC's own commands are left out."""
        message = bytearray()
        while True:
            byte = self.stream.read(1)[0]
            if byte == MESSAGE_END:
                return bytes(message[:-1])
            if byte == 0xA1:
                message.clear()
            else:
                message.append(self.stream.read(1)[0] & ~0x10 if byte == ESCAPE else byte)

    def call(self, net_fn, command, data=b""):
        """(completion code, data) of a request and its answer."""
        self.sequence = (self.sequence + 1) & 0xFF
        message = bytes([self.sequence, net_fn << 2, command]) + data
        self.socket.sendall(escaped(message + bytes([-sum(message) & 0xFF])) + bytes([MESSAGE_END]))
        answer = self.receive()
        assert answer[:3] == bytes([self.sequence, (net_fn | 1) << 2, command]), answer.hex()
        return answer[3], answer[4:]


class Hostile(Case):
    @classmethod
    def setUpClass(cls):
        cls.files = harness.Workspace()
        cls.addClassCleanup(cls.files.close)
        cls.vendor = verification.Authority(cls.files.directory / "vendor", "Vendor Root")

    def setUp(self):
        super().setUp()
        self.image = make_image(100_000)
        self.digest = bytes.fromhex(harness.sha256(self.image))

    def serve(self, rules=None):
        path = self.workspace.directory / "host.socket"
        target = self.workspace.directory / "agent-target.bin"
        self.agent = Agent(
            self.workspace, max_image_size=LARGEST, verification=rules or {"signature": "optional"}, lease={"base": LEASE},
            system_interfaces=[{"type": "vm", "listen": str(path)}],
            targets=[{"id": 1, "name": "bios", "type": "file", "path": str(target), "blob": "/flash/bios"}])
        self.machine = EmulatedHost(path)
        self.addCleanup(self.machine.close)
        self.host = Host(self, lambda data: self.machine.call(NET_FN, COMMAND, data))

    def admin(self):
        """Somebody at a remote console."""
        console = Console(self.agent.port, USER, PASSWORD)
        self.addCleanup(console.close)
        return console, Host(self, lambda data: console.call(NET_FN, COMMAND, data))

    def firmware(self, command, data=b""):
        """The completion code of a command of the update protocol, by the host."""
        return self.machine.call(FIRMWARE, command, data)[0]

    def write_all(self, session, data):
        for at in range(0, len(data), PIECE):
            self.assertEqual(self.host.write(session, at, data[at:at + PIECE]), 0)

    def send(self, blob, data):
        session = self.host.open(blob)
        self.write_all(session, data)
        self.host.ok(CLOSE, session)

    def assert_well(self, content=OLD):
        """It answers, holds what it held, and takes a whole update."""
        self.assertEqual(self.machine.call(APP, 0x01)[0], 0)
        self.assertTrue(self.agent.holds(content))
        self.send("/flash/bios", self.image)
        self.send("/flash/hash", self.digest)
        for step in ("/flash/verify", "/flash/update"):
            session, status = self.host.commit(step)
            self.assertEqual(status, SUCCESS)
            self.host.ok(CLOSE, session)
        self.assertTrue(self.agent.holds(self.image))
        self.assertEqual(self.machine.call(FIRMWARE, STATUS)[1][0], 0)

    def test_ten_thousand_sessions(self):
        self.serve()
        opened = sum(self.host.ask(OPEN, struct.pack("<H", FOR_WRITING) + named("/flash/cleanup"))[0] == 0
                     for _ in range(10_000))
        self.assertEqual(opened, 16)
        _, admin = self.admin()
        session = admin.open("/flash/cleanup", FOR_WRITING)
        admin.ok(CLOSE, session)
        self.assertEqual(self.host.ask(OPEN, struct.pack("<H", FOR_DATA) + named("/flash/bios"))[0], UNSPECIFIED)

    def test_opens_and_never_closes(self):
        self.serve()
        self.host.open("/flash/bios")
        _, admin = self.admin()
        order = struct.pack("<H", FOR_DATA) + named("/flash/bios")
        self.assertEqual(admin.ask(OPEN, order)[0], UNSPECIFIED)
        time.sleep(LEASE + 1)
        session = admin.open("/flash/bios")
        self.assertEqual(self.host.ask(OPEN, order)[0], UNSPECIFIED)
        admin.ok(CLOSE, session)
        admin.ok(DELETE, named("/flash/bios"))
        self.assert_well()

    def test_more_than_the_bmc_takes(self):
        self.serve()
        session = self.host.open("/flash/bios")
        piece = bytes(PIECE)
        written = 0
        while (code := self.host.write(session, written, piece)) == 0:
            written += PIECE
        self.assertEqual(code, UNSPECIFIED)
        self.assertLessEqual(LARGEST - PIECE, written)
        self.assertLessEqual(written, LARGEST)
        self.assertEqual(self.host.write(session, written, b"x"), UNSPECIFIED)
        self.host.ok(CLOSE, session)
        self.assertEqual(self.host.ask(COMMIT, self.host.open("/flash/verify", FOR_WRITING) + b"\0")[0], UNSPECIFIED)
        self.assertLess(sum(file.stat().st_size for file in self.agent.state.iterdir()), LARGEST + 65536)
        self.assertEqual(self.firmware(EXIT), 0)
        self.assert_well()

    def test_commits_and_deletes_without_end(self):
        self.serve()
        self.send("/flash/bios", make_image(LARGEST - 1, seed=3))
        verify = self.host.open("/flash/verify", FOR_WRITING)
        self.host.ok(COMMIT, verify + b"\0")
        for _ in range(500):
            self.assertIn(self.host.ask(COMMIT, verify + b"\0")[0], (0, UNSPECIFIED))
            for blob in ("/flash/bios", "/flash/verify", "/flash/active/image"):
                self.assertEqual(self.host.ask(DELETE, named(blob))[0], UNSPECIFIED)
        wait_until(lambda: self.host.status(verify) == SUCCESS, "the end of verification")
        self.assertTrue(self.agent.holds(OLD))
        self.host.ok(CLOSE, verify)
        update = self.host.open("/flash/update", FOR_WRITING)
        self.host.ok(COMMIT, update + b"\0")
        for _ in range(500):
            self.assertEqual(self.host.ask(DELETE, named("/flash/update"))[0], UNSPECIFIED)
            self.assertIn(self.host.ask(COMMIT, update + b"\0")[0], (0, UNSPECIFIED))
        wait_until(lambda: self.host.status(update) == SUCCESS, "the end of programming")
        self.host.ok(CLOSE, update)
        self.assert_well(make_image(LARGEST - 1, seed=3))

    def test_a_hash_as_long_as_it_may_be(self):
        self.serve()
        self.send("/flash/bios", self.image)
        session = self.host.open("/flash/hash")
        self.write_all(session, bytes(16_384))
        self.assertEqual(self.host.write(session, 16_384, b"x"), UNSPECIFIED)
        self.host.ok(CLOSE, session)
        verify, status = self.host.commit("/flash/verify")
        self.assertEqual(status, FAILED)
        self.host.ok(CLOSE, verify)
        self.assert_well()

    def test_leaves_and_aborts_in_the_middle(self):
        self.serve()
        session = self.host.open("/flash/bios")
        self.write_all(session, self.image[:1000])
        self.assertEqual(self.firmware(EXIT), 0)
        self.assertEqual(self.host.write(session, 1000, b"x"), UNSPECIFIED)

        self.send("/flash/bios", self.image)
        verify, status = self.host.commit("/flash/verify")
        self.assertEqual(status, SUCCESS)
        self.host.ok(CLOSE, verify)
        self.assertEqual(self.firmware(ORDER, ABORT), 0)
        self.assertEqual(self.host.ask(OPEN, struct.pack("<H", FOR_WRITING) + named("/flash/update"))[0], UNSPECIFIED)
        self.assertNotIn("/flash/active/image", self.host.ids())

        self.assertEqual(self.firmware(ORDER, START), 0)
        self.assertEqual(self.host.ask(OPEN, struct.pack("<H", FOR_DATA) + named("/flash/bios"))[0], UNSPECIFIED)
        self.assertEqual(self.firmware(EXIT), 0)
        self.assert_well()

    def test_taken_over_and_back(self):
        self.serve()
        console, _ = self.admin()
        self.send("/flash/bios", self.image)
        verify, status = self.host.commit("/flash/verify")
        self.assertEqual(status, SUCCESS)

        def take_over(call):
            number = call(FIRMWARE, CHALLENGE)[1]
            return call(FIRMWARE, TAKE_OVER, number + b"\0")[0]

        self.assertEqual(take_over(console.call), 0)
        self.assertEqual(self.host.ask(CLOSE, verify)[0], UNSPECIFIED)
        self.assertEqual(take_over(self.machine.call), 0)
        for blob, flags in (("/flash/update", FOR_WRITING), ("/flash/bios", FOR_DATA)):
            self.assertEqual(self.host.ask(OPEN, struct.pack("<H", flags) + named(blob))[0], UNSPECIFIED)
        self.assertEqual(self.firmware(EXIT), 0)
        self.assert_well()

    def test_any_requests_in_any_order(self):
        """Nothing is signed, and a signature is required: whatever comes, nothing may be programmed."""
        self.serve({"roots": str(self.vendor.folder / "root.pem")})
        dice = random.Random(7)
        sessions = [struct.pack("<H", 1)]
        blobs = ("/flash/bios", "/flash/hash", "/flash/verify", "/flash/update", "/flash/cleanup", "/flash/active/image")

        def body_of(sub_command):
            session, blob = dice.choice(sessions[-4:]), named(dice.choice(blobs))
            offset = struct.pack("<I", dice.choice((0, 0, 5, 10, 0xFFFFFFFF)))
            return {OPEN: struct.pack("<H", dice.choice((FOR_DATA, FOR_DATA, FOR_WRITING, dice.getrandbits(16)))) + blob,
                    READ: session + offset + struct.pack("<I", dice.getrandbits(32)), WRITE: session + offset + b"bytes",
                    WRITE_META: session + offset + b"x", COMMIT: session + bytes([dice.choice((0, 0, 0, 255))]),
                    CLOSE: session, SESSION_STAT: session, DELETE: blob, STAT: blob,
                    ENUMERATE: struct.pack("<I", dice.randrange(9))}.get(sub_command, b"")

        weights = (1, 1, 6, 1, 6, 6, 6, 1, 1, 3, 1, 1)
        for count in range(20_000):
            sub_command, = dice.choices(range(12), weights)
            code, answer = self.machine.call(NET_FN, COMMAND, envelope(sub_command, body_of(sub_command)))
            if sub_command == OPEN and code == 0:
                sessions.append(answer[5:7])
            if count % 97 == 0:
                self.firmware(dice.choice((EXIT, STATUS, CHALLENGE)))
            if count % 500 == 0:
                self.firmware(ORDER, bytes([dice.randrange(1, 4)]))
        self.assertEqual(self.machine.call(APP, 0x01)[0], 0)
        self.assertGreater(len(sessions), 100, "hardly anything was opened: the test shows little")
        self.assertTrue(self.agent.holds(OLD))
        self.assertEqual(set(self.agent.states()) & PROGRAMMED, set(), "it must never come as far as programming")


if __name__ == "__main__":
    harness.main()
