#!/usr/bin/python3
"""The foreign BMC answers as the transcript of the deployed one does, byte for byte (deployed.txt)."""

import hashlib
import pathlib
import re
import unittest

from foreign_bmc_device import Device

NUMBER = bytes.fromhex("0102030405060708")
IMAGE = b"0123456789"


def transcript():
    """{title: [(request words, hint, response words)]}"""
    sections = {}
    for line in pathlib.Path(__file__).with_name("deployed.txt").read_text().splitlines():
        if line.startswith("## "):
            sections[line[3:]] = []
        elif line and not line.startswith("#"):
            left, right = line.split(" -> ")
            hint = re.search(r"\((.*)\)", left)
            request = re.sub(r"\(.*\)", "", left).split()
            response = re.split(r"\s{2,}", right)[0].split()  # then blanks and a remark
            sections[next(reversed(sections))].append((request, hint.group(1) if hint else "", response))
    return sections


class DeviceTest(unittest.TestCase):
    def setUp(self):
        self.activated = []
        self.device = Device(lambda count: NUMBER[:count], self.activated.append)
        self.now = 0.0

    def send(self, command, data=b""):
        return self.device.handle(command, data, self.now)

    def enter(self):
        self.send(0x26)
        self.assertEqual(self.send(0x27, NUMBER), (0, b""))


class Transcript(DeviceTest):
    def check(self, request, response):
        """One line of the transcript. XX stands for the random number, pp for a percentage."""
        data = "".join(request[2:]).replace("X" * 16, NUMBER.hex())
        code, answer = self.send(int(request[1], 16), bytes.fromhex(data))
        seen = f"{code:02x}" + answer.hex()
        wanted = "".join(response).replace("X" * 16, NUMBER.hex()).replace("pp", "..")
        self.assertRegex(seen, f"^{wanted}$", f"{request} -> {response}")

    def replay(self, title):
        for request, _, response in transcript()[title]:
            self.check(request, response)

    def test_normal_and_sticky(self):
        self.replay("normal, with SHA-2 check")
        self.replay("the next update on the same BMC: flags and options are sticky")

    def test_digest_mismatch(self):
        self.enter()
        self.replay("digest mismatch")

    def test_retransmission_doubles_a_block(self):
        self.enter()
        self.replay("retransmission after a lost answer: the bytes are appended twice")
        self.assertEqual(bytes(self.device.staged), b"0123401234")

    def test_refusals(self):
        before = {"": self.enter, "not in download": lambda: None, "not in the mode": lambda: None,
                  "before start": self.enter, "not attached": self.enter, "already in the mode": self.enter}
        lines = transcript()["refusals"]
        self.assertEqual(len(lines), 10)
        for request, hint, response in lines:
            with self.subTest(request=request):
                self.setUp()
                before[hint]()
                self.check(request, response)


class Quirks(DeviceTest):
    """What the description says beyond the transcript."""

    def start(self, digest=None):
        self.enter()
        if digest:
            self.send(0x2B, b"\x07\x04" + digest)
        self.send(0x29, b"\x01")

    def complete(self):
        self.start()
        self.send(0x2C, IMAGE)
        self.assertEqual(self.send(0x29, b"\x02"), (0, b"\x03"))

    def test_no_extended_profile(self):
        for command in (0x20, 0x21, 0x25, 0x40, 0x44, 0x4F):
            self.assertEqual(self.send(command), (0xC1, b""))

    def test_challenge_lives_30_s(self):
        self.send(0x26)
        self.now = 30.1
        self.assertEqual(self.send(0x27, NUMBER), (0xCC, b""))

    def test_45_mb_at_most(self):
        self.start()
        for _ in range(45):
            self.assertEqual(self.send(0x2C, bytes(1 << 20))[0], 0)
        self.assertEqual(self.send(0x2C, b"1"), (0xCC, b""))

    def test_percent_follows_a_timer_and_ready_means_activation_was_asked_for(self):
        self.complete()
        seen = []
        for self.now in range(0, 70, 3):
            seen.append(self.send(0x2A)[1])
        self.assertEqual(seen[0], b"\x03\x00\x00")
        self.assertIn(b"\x04\x05\x00", seen)
        self.assertEqual(seen[-1], b"\x05\x64\x00")
        self.assertEqual(self.activated, [IMAGE])

    def test_exit_in_programming_is_accepted_and_stops_nothing(self):
        self.complete()
        self.now = 12.0
        self.assertEqual(self.send(0x2A)[1][0], 0x04)
        self.assertEqual(self.send(0x28), (0, b""))
        self.now = 100.0
        self.assertEqual(self.send(0x2A)[1][0], 0x0F)
        self.assertEqual(self.activated, [IMAGE])

    def test_deferred_is_never_activated(self):
        self.start()
        self.assertEqual(self.send(0x2B, b"\x02\x02"), (0, b"\x02"))
        self.send(0x2C, IMAGE)
        self.send(0x29, b"\x02")
        self.now = 1000.0
        self.assertEqual(self.send(0x2A)[1][0], 0x03)
        self.assertEqual(self.activated, [])

    def test_sha2_that_is_taken_back_is_still_echoed(self):
        self.start(hashlib.sha256(IMAGE).digest())
        self.assertEqual(self.send(0x2B, b"\x04\x00"), (0, b"\x04"))
        self.assertEqual(self.send(0x2B, b"\x00\x00"), (0, b"\x00"))


if __name__ == "__main__":
    unittest.main()
