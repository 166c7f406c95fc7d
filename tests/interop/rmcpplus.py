"""RMCP+ in Python, for the tests alone: packets, keys, a server's and a client's session (IPMI 2.0 chapter 13).

Independent of the C++ code on purpose. Cipher suites 3 and 17.
"""

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

RMCP_IPMI = bytes.fromhex("0600ff07")
RMCP_ASF = bytes.fromhex("0600ff06")

IPMI_MESSAGE = 0x00
OPEN_REQUEST, OPEN_RESPONSE = 0x10, 0x11
RAKP1, RAKP2, RAKP3, RAKP4 = 0x12, 0x13, 0x14, 0x15
ENCRYPTED_AND_AUTHENTICATED = 0xC0


class Suite:
    """Algorithms of one cipher suite: (authentication, integrity, confidentiality), hash, length of the MAC."""

    def __init__(self, number, triple, digest, mac_length):
        self.number = number
        self.triple = triple
        self.digest = digest
        self.mac_length = mac_length

    def mac(self, key, data):
        return hmac.new(key, data, self.digest).digest()

    def record(self):
        authentication, integrity, confidentiality = self.triple
        return bytes([0xC0, self.number, authentication, 0x40 | integrity, 0x80 | confidentiality])


SUITES = {
    17: Suite(17, (3, 4, 1), hashlib.sha256, 16),
    3: Suite(3, (1, 1, 1), hashlib.sha1, 12),
}


def suite_of(triple):
    return next((suite for suite in SUITES.values() if suite.triple == triple), None)


def checksum(data):
    return -sum(data) & 0xFF


def message(to_address, net_fn_lun, from_address, sequence_lun, command, data):
    """An IPMI message on LAN (IPMI 2.0 section 13.8), request or response."""
    head = bytes([to_address, net_fn_lun])
    body = bytes([from_address, sequence_lun, command]) + data
    return head + bytes([checksum(head)]) + body + bytes([checksum(body)])


def parse_message(payload):
    """(NetFn/LUN, requester or responder address, sequence/LUN, command, data); None if damaged."""
    if len(payload) < 7 or sum(payload[:3]) & 0xFF or sum(payload[3:]) & 0xFF:
        return None
    return payload[1], payload[3], payload[4], payload[5], payload[6:-1]


def session_keys(suite, sik):
    return suite.mac(sik, b"\x01" * 20), suite.mac(sik, b"\x02" * 20)


class Cryptor:
    """Seals and opens the packets of one session. `peer_id` goes out, `own_id` comes in."""

    def __init__(self, suite, sik, own_id, peer_id):
        self.suite = suite
        self.k1, k2 = session_keys(suite, sik)
        self.aes = k2[:16]
        self.own_id = own_id
        self.peer_id = peer_id
        self.next_sequence = 1

    def _cipher(self, initial):
        return Cipher(algorithms.AES(self.aes), modes.CBC(initial))

    def seal(self, payload):
        pad = -(len(payload) + 1) % 16
        initial = os.urandom(16)
        encryptor = self._cipher(initial).encryptor()
        trailer = bytes(range(1, pad + 1)) + bytes([pad])
        secret = initial + encryptor.update(payload + trailer) + encryptor.finalize()
        header = struct.pack("<BBIIH", 0x06, IPMI_MESSAGE | ENCRYPTED_AND_AUTHENTICATED, self.peer_id,
                             self.next_sequence, len(secret))
        self.next_sequence += 1
        fill = -(len(header) + len(secret) + 2) % 4
        covered = header + secret + b"\xff" * fill + bytes([fill, 0x07])
        return RMCP_IPMI + covered + self.suite.mac(self.k1, covered)[:self.suite.mac_length]

    def open(self, packet):
        """The payload; None if it is not a good packet of this session."""
        covered, mac = packet[4:-self.suite.mac_length], packet[-self.suite.mac_length:]
        if len(covered) < 14 + 32 or not hmac.compare_digest(
                mac, self.suite.mac(self.k1, covered)[:self.suite.mac_length]):
            return None
        length = struct.unpack_from("<H", covered, 10)[0]
        secret = covered[12:12 + length]
        if len(secret) != length or length % 16 or length < 32:
            return None
        decryptor = self._cipher(secret[:16]).decryptor()
        plain = decryptor.update(secret[16:]) + decryptor.finalize()
        pad = plain[-1]
        return plain[:-1 - pad] if pad < 16 else None


def plain_packet(payload_type, payload):
    """A packet outside of a session."""
    return RMCP_IPMI + struct.pack("<BBIIH", 0x06, payload_type, 0, 0, len(payload)) + payload


def parse_plain(packet):
    """(payload type with its flags, session id, payload); None if it is not RMCP+."""
    if len(packet) < 16 or packet[:4] != RMCP_IPMI or packet[4] != 0x06:
        return None
    payload_type, session_id, _, length = struct.unpack_from("<BIIH", packet, 5)
    return payload_type, session_id, packet[16:16 + length]


class Handshake:
    """What both ends put under the hashes of RAKP 2 to 4 and the session integrity key (section 13.31)."""

    def __init__(self, suite, console_id, bmc_id, role, user, password):
        self.suite = suite
        self.console_id = console_id
        self.bmc_id = bmc_id
        self.role = role
        self.user = user
        self.password = password.ljust(20, b"\0")
        self.console_random = b""
        self.bmc_random = b""
        self.guid = b""

    def _name(self):
        return bytes([self.role, len(self.user)]) + self.user

    def rakp2_code(self):
        return self.suite.mac(self.password, struct.pack("<II", self.console_id, self.bmc_id) + self.console_random +
                              self.bmc_random + self.guid + self._name())

    def rakp3_code(self):
        return self.suite.mac(self.password, self.bmc_random + struct.pack("<I", self.console_id) + self._name())

    def sik(self):
        return self.suite.mac(self.password, self.console_random + self.bmc_random + self._name())

    def rakp4_code(self):
        return self.suite.mac(self.sik(), self.console_random + struct.pack("<I", self.bmc_id) +
                              self.guid)[:self.suite.mac_length]
