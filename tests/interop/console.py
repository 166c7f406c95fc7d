"""A remote console in Python that a test drives packet by packet: sends what it likes, as often and as late as it likes."""

import os
import socket
import struct

import rmcpplus as rmcp

BMC, CONSOLE = 0x20, 0x81
ADMINISTRATOR = 4


class Console:
    """An open session with cipher suite 17."""

    def __init__(self, port, user, password, timeout=5):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.sequence = 0  # requester sequence, 6 bits
        self.cryptor = self._open(user.encode(), password.encode())
        self.call(0x06, 0x3B, bytes([ADMINISTRATOR]))

    def close(self):
        self.socket.close()

    def _exchange(self, kind, payload, answer_kind):
        self.socket.send(rmcp.plain_packet(kind, payload))
        got_kind, _, answer = rmcp.parse_plain(self.socket.recv(2048))
        assert got_kind == answer_kind and answer[1] == 0, (got_kind, answer.hex())
        return answer

    def _open(self, user, password):
        suite = rmcp.SUITES[17]
        console_id = struct.unpack("<I", os.urandom(4))[0] | 1
        algorithms = b"".join(bytes([number, 0, 0, 8, algorithm, 0, 0, 0])
                              for number, algorithm in enumerate(suite.triple))
        answer = self._exchange(rmcp.OPEN_REQUEST, bytes([1, ADMINISTRATOR, 0, 0]) + struct.pack("<I", console_id) +
                                algorithms, rmcp.OPEN_RESPONSE)
        bmc_id = struct.unpack_from("<I", answer, 8)[0]
        shake = rmcp.Handshake(suite, console_id, bmc_id, ADMINISTRATOR, user, password)
        shake.console_random = os.urandom(16)
        answer = self._exchange(rmcp.RAKP1, bytes([2, 0, 0, 0]) + struct.pack("<I", bmc_id) + shake.console_random +
                                bytes([ADMINISTRATOR, 0, 0, len(user)]) + user, rmcp.RAKP2)
        shake.bmc_random, shake.guid = answer[8:24], answer[24:40]
        assert answer[40:] == shake.rakp2_code(), "the BMC does not know the password"
        answer = self._exchange(rmcp.RAKP3, bytes([3, 0, 0, 0]) + struct.pack("<I", bmc_id) + shake.rakp3_code(),
                                rmcp.RAKP4)
        assert answer[8:] == shake.rakp4_code(), "RAKP 4"
        return rmcp.Cryptor(suite, shake.sik(), console_id, bmc_id)

    def packet(self, net_fn, command, data=b"", sequence=None):
        """The next request, sealed; with a given requester sequence: a repetition of an earlier one."""
        if sequence is None:
            self.sequence = (self.sequence + 1) % 64
            sequence = self.sequence
        return self.cryptor.seal(rmcp.message(BMC, net_fn << 2, CONSOLE, sequence << 2, command, data))

    def send(self, packet):
        self.socket.send(packet)

    def receive(self):
        """(requester sequence, command, completion code, data); None: silence."""
        try:
            answer = rmcp.parse_message(self.cryptor.open(self.socket.recv(2048)))
        except socket.timeout:
            return None
        _, _, sequence_lun, command, data = answer
        return sequence_lun >> 2, command, data[0], data[1:]

    def call(self, net_fn, command, data=b""):
        """(completion code, data) of a request and its answer."""
        self.send(self.packet(net_fn, command, data))
        answer = self.receive()
        assert answer is not None and answer[:2] == (self.sequence, command), answer
        return answer[2:]
