#!/usr/bin/python3
"""Requests that come twice, late, or with a wrapped sequence: a base-profile write is never doubled and never swallowed."""

import harness
from console import Console
from harness import PASSWORD, USER, Agent, Case, sha256

FIRMWARE = 0x08


class Repetitions(Case):
    def setUp(self):
        super().setUp()
        self.agent = Agent(self.workspace)
        self.console = Console(self.agent.port, USER, PASSWORD)
        self.addCleanup(self.console.close)
        self.image = b""

    def firmware(self, command, data=b""):
        code, answer = self.console.call(FIRMWARE, command, data)
        self.assertEqual(code, 0, f"{command:02x}")
        return answer

    def begin(self):
        self.firmware(0x27, self.firmware(0x26))
        self.firmware(0x29, b"\x01")

    def write(self, data):
        self.assertEqual(self.firmware(0x2C, data), len(data).to_bytes(4, "little"))
        self.image += data

    def programmed(self):
        """The target after complete; no digest was announced, so nothing but the writes decides what it holds."""
        self.firmware(0x29, b"\x02")
        harness.wait_until(lambda: self.firmware(0x2A)[0] == 0x05, "ready")
        return self.agent.target.read_bytes()

    def check(self):
        self.assertEqual(sha256(self.programmed()), sha256(self.image), "a write was doubled or left out")

    def repeat(self, sequence, data):
        """A retransmission, which has the requester sequence of before and a new session sequence."""
        return self.console.packet(FIRMWARE, 0x2C, data, sequence)

    def test_answer_lost_and_request_repeated(self):
        self.begin()
        for number in range(5):
            piece = bytes([number]) * 100
            self.write(piece)
            self.console.send(self.repeat(self.console.sequence, piece))
            self.assertEqual(self.console.receive(), (self.console.sequence, 0x2C, 0, b"\x64\0\0\0"))
        self.check()

    def test_equal_writes_with_a_wrapped_sequence_are_all_written(self):
        self.begin()
        for _ in range(200):
            self.write(b"\xff" * 100)
        self.check()

    def test_replayed_packet_is_dropped(self):
        self.begin()
        packet = self.console.packet(FIRMWARE, 0x2C, b"once")
        self.console.send(packet)
        self.assertEqual(self.console.receive()[2], 0)
        self.image += b"once"
        self.console.send(packet)
        self.console.socket.settimeout(0.3)
        self.assertIsNone(self.console.receive())
        self.console.socket.settimeout(5)
        self.check()

    def late(self, others):
        """A retransmission that the network holds back while `others` further writes pass."""
        self.begin()
        self.write(b"first" * 20)
        held_back = self.repeat(self.console.sequence, b"first" * 20)
        for number in range(others):
            self.write(number.to_bytes(2, "big") * 30)
        self.console.send(held_back)
        self.console.socket.settimeout(0.3)
        self.console.receive()  # silence, or the old answer again
        self.console.socket.settimeout(5)
        self.check()

    def test_retransmission_that_one_write_overtook(self):
        self.late(1)

    def test_retransmission_that_many_writes_overtook(self):
        self.late(60)

    def test_retransmission_that_a_whole_turn_of_the_sequence_overtook(self):
        self.late(130)


if __name__ == "__main__":
    harness.require_module("cryptography")
    harness.main()
