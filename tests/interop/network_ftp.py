#!/usr/bin/python3
"""ftp and ftps from vsftpd, broken off and taken up again, and from a server that lies.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import socket
import threading
import time

import network_case
import network_vsftpd
from harness import MIB
from network_case import IMAGE
from network_certificates import Authority, self_signed
from network_updater import READY, Code
from network_vsftpd import FtpRelay, Vsftpd

URI = "ftp://127.0.0.1/image.bin"
LOGIN = (network_vsftpd.USER, network_vsftpd.PASSWORD)
SECRET = network_vsftpd.PASSWORD


class Case(network_case.Case):
    good = URI

    @classmethod
    def setUpClass(cls):
        cls.folder = network_case.Folder()
        cls.addClassCleanup(cls.folder.workspace.close)

    def start_relay(self, cut, **how):
        relay = FtpRelay(21, cut, **how)
        self.addCleanup(relay.close)
        return relay

    def assert_no_secret(self, text):
        super().assert_no_secret(text)
        self.assertNotIn(SECRET, text)


class Ftp(Case):
    def setUp(self):
        super().setUp()
        self.server = Vsftpd(self.workspace, self.folder.path)

    def test_anonymous(self):
        """anonymous, passive -> ready"""
        updater = self.start_agent()
        end = self.assert_fetches(updater, URI)
        self.assertEqual(end.received, len(IMAGE))
        updater.exit()
        self.assert_fetches(updater.enter(), URI, named=False)

    def test_user(self):
        """user name and password, by 4Dh and in the URI -> ready"""
        updater = self.start_agent()
        self.assert_fetches(updater, URI, credentials=LOGIN)
        updater.exit()
        self.assert_fetches(updater.enter(), f"ftp://{LOGIN[0]}:{LOGIN[1]}@127.0.0.1/image.bin", named=False)
        self.assertEqual(self.server.commands("USER"), [f"USER {LOGIN[0]}"] * 2)

    def test_wrong_password(self):
        """wrong password -> error, access_denied, after one try"""
        self.good = None  # the credentials are for every URI until the mode is left
        updater = self.start_agent()
        self.assert_fails(updater, URI, Code.ACCESS_DENIED, "127.0.0.1", credentials=(LOGIN[0], "x" + SECRET))
        self.assertEqual(self.server.commands("USER"), [f"USER {LOGIN[0]}"])
        updater.exit()
        self.assert_fetches(updater.enter(), URI)

    def test_not_found(self):
        """no such file -> error, file_not_found"""
        self.assert_fails(self.start_agent(), "ftp://127.0.0.1/nothing", Code.FILE_NOT_FOUND, "/nothing")

    def test_nobody_listens(self):
        """no server -> error, connection_failed"""
        self.assert_fails(self.start_agent(), "ftp://127.0.0.1:9/image.bin", Code.CONNECTION_FAILED, "127.0.0.1:9")

    def test_another_size(self):
        """a file of another size than 44h announced -> error, image_incomplete"""
        self.folder.write("short.bin", IMAGE[:-1])
        self.assert_fails(self.start_agent(), "ftp://127.0.0.1/short.bin", Code.IMAGE_INCOMPLETE, str(len(IMAGE)))

    def test_data_connection_broken_off(self):
        """the data connection breaks off -> REST, the rest is fetched, ready"""
        relay = self.start_relay(MIB)
        self.assert_fetches(self.start_agent(), f"ftp://127.0.0.1:{relay.port}/image.bin")
        self.assertEqual(len(relay.data_bytes), 2)
        self.assertLess(sum(relay.data_bytes), len(IMAGE) + 200_000)
        self.assertRegex(self.server.commands("REST")[-1], r"REST \d{6}")

    def test_broken_off_again_and_again(self):
        """the data connection breaks off every time before a byte -> error, after the retries"""
        relay = self.start_relay(0, times=99)
        self.assert_fails(self.start_agent({"retries": 1}), f"ftp://127.0.0.1:{relay.port}/image.bin",
                          (Code.CONNECTION_FAILED, Code.TRANSFER_FAILED, Code.IMAGE_INCOMPLETE, Code.SERVER_FAILED))
        self.assertLessEqual(len(relay.data_bytes), 4)

    def test_server_killed(self):
        """the whole server dies in mid-transfer and comes back -> the rest is fetched, ready"""
        self.server.program.end()
        slow = Vsftpd(self.workspace, self.folder.path, rate=2_000_000)
        updater = self.start_agent()
        self.begin(updater, URI)
        updater.wait_for_bytes(MIB)
        slow.kill()
        Vsftpd(self.workspace, self.folder.path)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())
        self.assertTrue(self.agent.holds(IMAGE))

    def test_abort(self):
        """29h-3 in mid-transfer -> idle at once, the connections are closed"""
        self.server.program.end()
        slow = Vsftpd(self.workspace, self.folder.path, rate=500_000)
        updater = self.start_agent()
        self.begin(updater, URI)
        updater.wait_for_bytes(1)
        self.assert_aborts(updater, lambda: len(slow.commands("USER", "RETR")))


class Ftps(Case):
    good = None

    def test_trusted(self):
        """ftps, certificate of the configured authority -> ready"""
        authority = Authority(self.workspace.directory)
        Vsftpd(self.workspace, self.folder.path, port=990, certificate=authority.issue("server", "127.0.0.1"))
        updater = self.start_agent({"ca_file": str(authority.certificate.file)})
        self.assert_fetches(updater, "ftps://127.0.0.1/image.bin", credentials=LOGIN)

    def test_self_signed(self):
        """ftps, self-signed certificate -> error, tls_failed; pinned -> ready"""
        certificate = self_signed(self.workspace.directory, "self", "127.0.0.1")
        server = Vsftpd(self.workspace, self.folder.path, port=990, certificate=certificate)
        updater = self.start_agent()
        self.assert_fails(updater, "ftps://127.0.0.1/image.bin", Code.TLS_FAILED, "127.0.0.1", credentials=LOGIN)
        self.assertEqual(server.commands("USER", "PASS"), [])
        self.assert_fetches(updater, "ftps://127.0.0.1/image.bin", pin=certificate.sha256)


class LyingServer:
    """Speaks FTP on 127.0.0.1. PASV names another address; the data port there is watched. `answers` replaces answers,
    `cut` ends the first data connection early."""

    def __init__(self, address="127.0.0.2", cut=None, **answers):
        self.answers = answers
        self.cut = cut
        self.commands = []
        self.named_address = address
        self.data = socket.create_server(("127.0.0.1", 0))
        self.port = self.data.getsockname()[1]
        self.elsewhere = socket.create_server((address, self.port))
        self.elsewhere.setblocking(False)
        self.control = socket.create_server(("127.0.0.1", 21))
        threading.Thread(target=self._accept, daemon=True).start()

    def connected_elsewhere(self):
        try:
            self.elsewhere.accept()
        except BlockingIOError:
            return False
        return True

    def close(self):
        self.control.shutdown(socket.SHUT_RDWR)
        for listener in (self.control, self.data, self.elsewhere):
            listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.control.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(client,), daemon=True).start()

    def _converse(self, client):
        with client, client.makefile("rwb") as stream:
            try:
                stream.write(b"220 ready\r\n")
                stream.flush()
                for line in stream:
                    verb = line.split()[0].decode().upper()
                    self.commands.append(line.decode().strip())
                    stream.write(self._answer(verb))
                    stream.flush()
                    if verb == "RETR":
                        self._send_image(stream)
            except OSError:
                pass

    def _answer(self, verb):
        if verb in self.answers:
            return self.answers[verb]
        if verb == "PASV":
            self._forget_connections()
        numbers = self.named_address.replace(".", ",") + f",{self.port >> 8},{self.port & 255}"
        return {
            "USER": b"331 password\r\n", "PASS": b"230 in\r\n", "PWD": b'257 "/"\r\n', "TYPE": b"200 ok\r\n",
            "EPSV": b"500 no\r\n", "PASV": f"227 Entering Passive Mode ({numbers})\r\n".encode(),
            "SIZE": b"213 %d\r\n" % len(IMAGE), "RETR": b"150 it comes\r\n", "QUIT": b"221 bye\r\n",
        }.get(verb, b"502 no\r\n")

    def _forget_connections(self):
        """Those that were made for a transfer which then did not come."""
        self.data.setblocking(False)
        try:
            while True:
                self.data.accept()[0].close()
        except BlockingIOError:
            pass

    def _send_image(self, stream):
        self.data.settimeout(3)
        try:
            connection, _ = self.data.accept()
        except socket.timeout:
            return
        with connection:
            connection.sendall(IMAGE[:self.cut])
        stream.write(b"426 broken off\r\n" if self.cut else b"226 done\r\n")
        self.cut = None
        stream.flush()


class Hostile(Case):
    good = None

    def start_liar(self, **how):
        server = LyingServer(**how)
        self.addCleanup(server.close)
        return server

    def test_passive_address_elsewhere(self):
        """PASV names another address -> not followed: the data come from the server itself, ready"""
        server = self.start_liar()
        self.assert_fetches(self.start_agent({"allow": ["127.0.0.0/8"]}), URI)
        self.assertFalse(server.connected_elsewhere(), "the data connection went where the server said")

    def test_no_passive(self):
        """neither EPSV nor PASV is understood -> error, server_failed; never active"""
        server = self.start_liar(PASV=b"500 no\r\n")
        self.assert_fails(self.start_agent({"retries": 0}), URI, (Code.SERVER_FAILED, Code.TRANSFER_FAILED))
        self.assertFalse([line for line in server.commands if line.startswith(("PORT", "EPRT"))])

    def test_no_rest(self):
        """broken off by a server that knows no REST -> fetched again from its beginning, ready"""
        server = self.start_liar(cut=MIB, REST=b"502 no\r\n")
        self.assert_fetches(self.start_agent(), URI)
        self.assertEqual(len([line for line in server.commands if line.startswith("RETR")]), 2)

    def test_line_without_end(self):
        """an answer line without end -> error, bounded"""
        self.start_liar(USER=b"331 " + b"x" * (8 * MIB))
        self.assert_fails(self.start_agent({"retries": 0, "stall_timeout": 3}), URI,
                          (Code.SERVER_FAILED, Code.TRANSFER_FAILED, Code.TIMEOUT, Code.CONNECTION_FAILED))

    def test_lines_in_the_path(self):
        """%0D%0A in the path -> refused, or error; no second command reaches the server"""
        server = self.start_liar()
        updater = self.start_agent({"retries": 0})
        updater.name(len(IMAGE), network_case.digest_of(IMAGE))
        uri = "ftp://127.0.0.1/image.bin%0D%0ADELE%20image.bin"
        if not updater.refusal(0x29, updater.control_data(4, uri)):
            updater.control(2)
            updater.wait_for_end()
        self.assertIn(updater.reason().code, (Code.URI_REFUSED, Code.TRANSFER_FAILED))
        self.assertFalse([line for line in server.commands if line.startswith("DELE")])

    def test_silent(self):
        """a server that says nothing -> error, transfer_timeout"""
        control = socket.create_server(("127.0.0.1", 21))
        self.addCleanup(control.close)
        began = time.monotonic()
        self.assert_fails(self.start_agent({"retries": 0, "stall_timeout": 2, "connect_timeout": 2}), URI, Code.TIMEOUT)
        self.assertLess(time.monotonic() - began, 8)


if __name__ == "__main__":
    network_case.main("vsftpd", prepare=network_vsftpd.make_users)
