"""An update by URI, packet by packet: what a client sends for it, without a client."""

import collections
import struct
import time
import zlib

import harness
from console import Console

FIRMWARE = 0x08
BLOCK = 65536
INIT, IDLE, DOWNLOAD, VERIFY, PROGRAM, READY, ERROR = 0, 1, 2, 3, 4, 5, 15
START, COMPLETE, ABORT, SET_URI = 1, 2, 3, 4
URI_TRANSPORT = 4
NOT_NOW, REFUSED_BY_POLICY, INVALID, BUSY = 0xD5, 0x83, 0xCC, 0xC0

Reason = collections.namedtuple("Reason", "code phase text")
Session = collections.namedtuple("Session", "state percent integrity flags transport target transfer size received done "
                                            "lease_remaining idle holder_channel holder")
LogEntry = collections.namedtuple("LogEntry", "result code transport size text")


class Code:
    """Reasons, as values.md has them."""

    NONE, ABORTED = 0, 1
    DIGEST_MISMATCH, IMAGE_INCOMPLETE, IMAGE_TOO_LARGE, NO_SPACE = 10, 11, 12, 13
    POLICY_REFUSED = 35
    URI_REFUSED, TRANSFER_FAILED, HOST_NOT_FOUND, CONNECTION_FAILED, TIMEOUT = 40, 41, 42, 43, 44
    FILE_NOT_FOUND, ACCESS_DENIED, TLS_FAILED, SERVER_FAILED = 45, 46, 47, 48


class Refused(harness.Failure):
    """The BMC answered with this completion code."""

    def __init__(self, command, code):
        super().__init__(f"{command:02x}h was answered {code:02x}h")
        self.code = code


class Updater:
    """An administrator's session."""

    def __init__(self, port, user=harness.USER, password=harness.PASSWORD):
        self.console = Console(port, user, password)

    def close(self):
        self.console.close()

    def call(self, command, data=b""):
        code, answer = self.console.call(FIRMWARE, command, data)
        if code:
            raise Refused(command, code)
        return answer

    def refusal(self, command, data=b""):
        """The completion code of a request that may be refused."""
        return self.console.call(FIRMWARE, command, data)[0]

    def enter(self):
        self.call(0x27, self.call(0x26))
        return self

    def exit(self):
        self.call(0x28)

    def control(self, number, uri=""):
        return self.call(0x29, self.control_data(number, uri))

    @staticmethod
    def control_data(number, uri=""):
        text = uri.encode()
        return bytes([number]) + (bytes([len(text)]) + text if text else b"")

    def options(self, digest):
        self.call(0x2B, b"\x07\x04" + digest)

    def name(self, size, digest):
        """44h: (transfer, fragment size, blocks that are here already)."""
        answer = self.call(0x44, struct.pack("<BBHQ", 0xFF, 0, 1388, size) + digest)
        transfer, _, fragment_size, _, present = struct.unpack("<HBHII", answer)
        return transfer, fragment_size, present

    def write_block(self, transfer, fragment_size, number, data):
        """45h for each fragment of a block, one at a time."""
        for offset in range(0, len(data), fragment_size):
            piece = data[offset:offset + fragment_size]
            last = offset + len(piece) == len(data)
            check = struct.pack("<I", zlib.crc32(data)) if last else b""
            answer = self.call(0x45, struct.pack("<HBBHH", transfer, 3 if last else 1, 0, number, offset) + piece + check)
            assert answer[2] == 0, f"fragment {number}:{offset} has status {answer[2]}"

    def blocks_present(self, transfer):
        return struct.unpack_from("<I", self.call(0x46, struct.pack("<HI", transfer, 0)), 10)[0]

    def expect(self, size, digest=bytes(32)):
        self.call(0x4D, b"\x00" + struct.pack("<Q", size) + digest)

    def pin(self, sha256):
        self.call(0x4D, b"\x01" + sha256)

    def credentials(self, user, password):
        self.call(0x4D, b"\x02" + b"".join(bytes([len(text)]) + text.encode() for text in (user, password)))

    def session(self):
        answer = self.call(0x41)
        fixed = struct.unpack_from("<BBBBBBHQQQHHB", answer)
        return Session(*fixed, answer[38:38 + answer[37]].decode())

    def _whole_text(self, command, request, header):
        """The fixed part and all of the text of a response that carries as much as fits."""
        text = b""
        while True:
            answer = self.call(command, request + struct.pack("<H", len(text)))
            text += answer[header:]
            total = struct.unpack_from("<H", answer, header - 2)[0]
            if len(text) >= total or len(answer) == header:
                return answer[:header], text.decode()

    def reason(self):
        fixed, text = self._whole_text(0x47, b"", 5)
        return Reason(*struct.unpack_from("<HB", fixed), text)

    def log_entry(self, index=0):
        fixed, text = self._whole_text(0x48, bytes([index]), 62)
        return LogEntry(fixed[2], struct.unpack_from("<H", fixed, 5)[0], fixed[4],
                        struct.unpack_from("<Q", fixed, 20)[0], text)

    def capabilities(self):
        """(features, schemes)"""
        answer = self.call(0x40)
        return struct.unpack_from("<I", answer, 6)[0], struct.unpack_from("<H", answer, 34)[0]

    def wait_for_state(self, *states, quiet=30):
        """Until it is in one of these states; fails when nothing moves any more."""
        last, since = None, time.monotonic()
        while True:
            session = self.session()
            if session.state in states:
                return session
            moved = (session.state, session.received, session.done)
            if moved != last:
                last, since = moved, time.monotonic()
            if time.monotonic() - since > quiet:
                raise harness.Failure(f"nothing has moved for {quiet} s: {session}")
            time.sleep(0.01)

    def wait_for_bytes(self, count, quiet=30):
        """Until so many bytes of the image are staged, in the state download."""
        def there():
            session = self.session()
            if session.state != DOWNLOAD:
                raise harness.Failure(f"the download ended before: {session}, {self.reason()}")
            return session.received >= count and session

        return harness.wait_until(there, f"{count} bytes", quiet)

    def wait_for_end(self, quiet=30):
        return self.wait_for_state(INIT, IDLE, READY, ERROR, quiet=quiet)
