#!/usr/bin/python3
"""A BMC like the deployed base-profile ones, over RMCP+: what our client must get along with.

The commands are foreign_bmc_device.py; here are the sessions, the restart, and what a test may ask for: a swallowed
answer, a log, the image that was activated. Prints "port N" when it serves, and ends on SIGTERM.
"""

import argparse
import os
import select
import signal
import socket
import struct
import sys
import time

import rmcpplus as rmcp
from foreign_bmc_device import MAX_IMAGE, Device

APP, FIRMWARE = 0x06, 0x08


class Session:
    """One remote console, from Open Session on."""

    def __init__(self, handshake, tag):
        self.handshake = handshake
        self.tag = tag
        self.cryptor = None  # after RAKP 3


class Server:
    """Packets in, packets out."""

    def __init__(self, options, now):
        self.options = options
        self.guid = bytes(range(16))
        self.log = open(options.log, "a", buffering=1) if options.log else None
        self.counts = {}
        self.drops = {parse_drop(text) for text in options.drop_answer}
        self.version = options.version
        self.down_until = 0.0
        self.restart_at = None
        self.now = now
        self.boot()

    def boot(self):
        self.sessions = {}
        self.device = Device(os.urandom, self.activate, self.options.tick, self.options.max_image)

    def activate(self, image):
        if self.options.image_out:
            with open(self.options.image_out, "wb") as file:
                file.write(image)
        self.note(f"activate {len(image)} bytes")
        self.restart_at = self.now + self.options.restart_after

    def run(self, now):
        """The work behind the commands, and the restart."""
        self.now = now
        self.device.run(now)
        if self.restart_at is not None and now >= self.restart_at:
            self.restart_at = None
            self.down_until = now + self.options.down_time
            self.version = self.options.new_version or self.version
            self.note("restart")
            self.boot()

    def note(self, text):
        if self.log:
            print(text, file=self.log)

    def receive(self, packet):
        """The answers to one packet."""
        if self.now < self.down_until:
            return None
        if packet[:4] == rmcp.RMCP_ASF and len(packet) >= 12 and packet[8] == 0x80:
            return rmcp.RMCP_ASF + bytes.fromhex("000011be40") + packet[9:10] + bytes.fromhex("0010000011be") + \
                bytes.fromhex("000000008100") + bytes(6)
        if packet[:4] != rmcp.RMCP_IPMI or len(packet) < 14:
            return None
        if packet[4] == 0x00:
            return self.receive_v15(packet)
        parsed = rmcp.parse_plain(packet)
        if parsed is None:
            return None
        payload_type, session_id, payload = parsed
        if session_id:
            session = self.sessions.get(session_id)
            inner = session.cryptor.open(packet) if session and session.cryptor else None
            return self.answer_in_session(session, inner) if inner is not None else None
        handlers = {rmcp.OPEN_REQUEST: self.open_session, rmcp.RAKP1: self.rakp1, rmcp.RAKP3: self.rakp3,
                    rmcp.IPMI_MESSAGE: self.sessionless}
        handler = handlers.get(payload_type)
        return handler(payload) if handler else None

    def receive_v15(self, packet):
        """Only Get Channel Authentication Capabilities comes in the old format, outside of a session."""
        answer = self.answer_message(packet[14:14 + packet[13]], None)
        return rmcp.RMCP_IPMI + bytes(9) + bytes([len(answer)]) + answer if answer else None

    def sessionless(self, payload):
        answer = self.answer_message(payload, None)
        return rmcp.plain_packet(rmcp.IPMI_MESSAGE, answer) if answer else None

    def open_session(self, payload):
        if len(payload) != 32:
            return None
        tag, console_id = payload[0], struct.unpack_from("<I", payload, 4)[0]
        suite = rmcp.suite_of((payload[12], payload[20], payload[28]))
        if suite is None or suite.number not in self.options.suites:
            return rmcp.plain_packet(rmcp.OPEN_RESPONSE, bytes([tag, 0x11, 0, 0]) + struct.pack("<I", console_id))
        bmc_id = struct.unpack("<I", os.urandom(4))[0] | 1
        handshake = rmcp.Handshake(suite, console_id, bmc_id, 0, b"", self.options.password.encode())
        self.sessions[bmc_id] = Session(handshake, tag)
        return rmcp.plain_packet(rmcp.OPEN_RESPONSE, bytes([tag, 0, 4, 0]) + struct.pack("<II", console_id, bmc_id) +
                                 payload[8:32])

    def rakp1(self, payload):
        if len(payload) < 28 or len(payload) < 28 + payload[27]:
            return None
        session = self.sessions.get(struct.unpack_from("<I", payload, 4)[0])
        if session is None or session.cryptor:
            return None
        shake = session.handshake
        shake.console_random, shake.role, shake.user = payload[8:24], payload[24], payload[28:28 + payload[27]]
        known = shake.user == self.options.user.encode()
        head = bytes([payload[0], 0 if known else 0x0D, 0, 0]) + struct.pack("<I", shake.console_id)
        if not known:
            return rmcp.plain_packet(rmcp.RAKP2, head)
        shake.bmc_random, shake.guid = os.urandom(16), self.guid
        return rmcp.plain_packet(rmcp.RAKP2, head + shake.bmc_random + shake.guid + shake.rakp2_code())

    def rakp3(self, payload):
        session = self.sessions.get(struct.unpack_from("<I", payload, 4)[0]) if len(payload) >= 8 else None
        if session is None or not session.handshake.bmc_random:
            return None
        shake = session.handshake
        good = payload[8:] == shake.rakp3_code()
        head = bytes([payload[0], 0 if good else 0x0F, 0, 0]) + struct.pack("<I", shake.console_id)
        if not good:
            return rmcp.plain_packet(rmcp.RAKP4, head)
        session.cryptor = session.cryptor or rmcp.Cryptor(shake.suite, shake.sik(), shake.bmc_id, shake.console_id)
        return rmcp.plain_packet(rmcp.RAKP4, head + shake.rakp4_code())

    def answer_in_session(self, session, payload):
        answer = self.answer_message(payload, session)
        return session.cryptor.seal(answer) if answer else None

    def answer_message(self, payload, session):
        request = rmcp.parse_message(payload)
        if request is None:
            return None
        net_fn_lun, requester, sequence_lun, command, data = request
        net_fn = net_fn_lun >> 2
        key = (net_fn, command)
        self.counts[key] = self.counts.get(key, 0) + 1
        if key == (FIRMWARE, 0x2C) and self.counts[key] == self.options.damage_write:
            data = bytes([data[0] ^ 0x01]) + data[1:]
            self.note("write damaged")
        code, response = self.execute(net_fn, command, data, session)
        self.note(f"{net_fn:02x} {command:02x} {printed(data)} -> {code:02x} {response.hex()}")
        if net_fn == FIRMWARE and (command, self.counts[key]) in self.drops:
            self.note("answer dropped")
            return None
        return rmcp.message(requester, net_fn_lun | 0x04, payload[0], sequence_lun, command, bytes([code]) + response)

    def execute(self, net_fn, command, data, session):
        if session is None and (net_fn, command) not in ((APP, 0x38), (APP, 0x54)):
            return 0xD4, b""
        if net_fn == FIRMWARE:
            return self.device.handle(command, data, self.now)
        handlers = {0x01: self.device_id, 0x38: self.authentication_capabilities, 0x54: self.cipher_suites,
                    0x3B: self.set_privilege, 0x3C: self.close}
        handler = handlers.get(command) if net_fn == APP else None
        return handler(data) if handler else (0xC1, b"")

    def device_id(self, data):
        major, minor = self.version.split(".")
        return 0, bytes([0x20, 0x01, int(major), int(minor, 16), 0x02, 0x80]) + bytes.fromhex("570100" "7b00")

    def authentication_capabilities(self, data):
        return 0, bytes.fromhex("01" "80" "04" "02" "00000000")

    def cipher_suites(self, data):
        records = b"".join(rmcp.SUITES[number].record() for number in self.options.suites)
        at = 16 * (data[2] & 0x3F) if len(data) == 3 else 0
        return 0, b"\x01" + records[at:at + 16]

    def set_privilege(self, data):
        return 0, bytes([data[0] or 4]) if data else b"\x04"

    def close(self, data):
        if len(data) >= 4:
            self.sessions.pop(struct.unpack_from("<I", data)[0], None)
        return 0, b""


def printed(data):
    return data.hex() if len(data) <= 40 else f"{data[:8].hex()}...({len(data)} bytes)"


def parse_drop(text):
    command, count = text.split(":")
    return int(command, 16), int(count)


def serve(server, sock):
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    while not stopping:
        ready, _, _ = select.select([sock], [], [], 0.02)
        server.run(time.monotonic())
        if ready:
            packet, peer = sock.recvfrom(65536)
            answer = server.receive(packet)
            if answer is not None:
                sock.sendto(answer, peer)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--suites", type=lambda text: [int(number) for number in text.split(",")], default=[17, 3])
    parser.add_argument("--image-out", metavar="FILE", help="where an activated image goes")
    parser.add_argument("--drop-answer", action="append", default=[], metavar="2c:3",
                        help="swallow the answer to the third 2Ch; may be repeated")
    parser.add_argument("--damage-write", type=int, metavar="N", help="flip a bit of the Nth 2Ch, as bad memory would")
    parser.add_argument("--log", metavar="FILE", help="one line for each command")
    parser.add_argument("--tick", type=float, default=3.0, help="seconds for 5 percent of programming")
    parser.add_argument("--max-image", type=int, default=MAX_IMAGE, metavar="BYTES", help="the largest image it takes")
    parser.add_argument("--version", default="1.10", help="what Get Device ID says")
    parser.add_argument("--new-version", help="what it says after the restart (default: the same)")
    parser.add_argument("--restart-after", type=float, default=2.0, help="seconds from ready to the restart")
    parser.add_argument("--down-time", type=float, default=2.0, help="seconds without an answer")
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind((options.address, options.port))
        print(f"port {sock.getsockname()[1]}", flush=True)
        serve(Server(options, time.monotonic()), sock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
