#!/usr/bin/python3
"""tftp from tftpd-hpa, atftpd and dnsmasq, over a good and over a lossy line, and from servers that go away.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import os
import signal
import socket
import struct
import threading
import time

import harness
import network_case
from harness import MIB, make_image
from network_case import IMAGE
from network_namespace import Link
from network_servers import Atftpd, Dnsmasq, TftpdHpa, descendants
from network_updater import DOWNLOAD, READY, Code
from network_updater import ERROR as FAILED

URI = "tftp://127.0.0.1/image.bin"
BLOCK_SIZES = (512, 1428, 8192, 65464)
DATA, ERROR = 3, 5


class Case(network_case.Case):
    good = URI

    @classmethod
    def setUpClass(cls):
        cls.folder = network_case.Folder()
        cls.addClassCleanup(cls.folder.workspace.close)
        cls.folder.write("closed.bin", IMAGE).chmod(0o600)

    def assert_every_block_size(self, image=IMAGE):
        for size in BLOCK_SIZES:
            with self.subTest(size):
                self.assert_fetches(self.start_agent({"tftp_block_size": size}), URI, image=image)


class TftpHpa(Case):
    def test_block_sizes(self):
        """tftpd-hpa, blocks of 512, 1428, 8192, 65464 bytes -> ready"""
        TftpdHpa(self.workspace, self.folder.path)
        self.assert_every_block_size()

    def test_without_options(self):
        """tftpd-hpa that refuses every option -> ready, in blocks of 512 bytes"""
        TftpdHpa(self.workspace, self.folder.path, refuse=("blksize", "tsize", "timeout"))
        updater = self.start_agent({"tftp_block_size": 8192})
        self.assert_fetches(updater, URI)
        updater.exit()
        self.assert_fetches(updater.enter(), URI, named=False)

    def test_not_found(self):
        """tftpd-hpa, no such file -> error, file_not_found"""
        TftpdHpa(self.workspace, self.folder.path)
        self.assert_fails(self.start_agent(), "tftp://127.0.0.1/nothing", Code.FILE_NOT_FOUND, "tftp://127.0.0.1",
                          "/nothing")

    def test_denied(self):
        """tftpd-hpa, a file that not everybody may read -> error, access_denied"""
        TftpdHpa(self.workspace, self.folder.path)
        self.assert_fails(self.start_agent(), "tftp://127.0.0.1/closed.bin", Code.ACCESS_DENIED)

    def test_more_than_65535_blocks(self):
        """more than 65,535 blocks: their numbers begin anew -> ready"""
        image = make_image(32 * MIB + 700, seed=3)
        file = self.folder.write("large.bin", image)
        self.addCleanup(file.unlink)
        TftpdHpa(self.workspace, self.folder.path)
        self.assert_fetches(self.start_agent({"tftp_block_size": 512}), "tftp://127.0.0.1/large.bin", image=image)

    def test_other_bytes(self):
        """other bytes than the SHA-256 says -> error, digest_mismatch"""
        self.folder.write("other.bin", IMAGE[:-1] + b"?")
        TftpdHpa(self.workspace, self.folder.path)
        updater = self.start_agent()
        self.begin(updater, "tftp://127.0.0.1/other.bin")
        updater.wait_for_end()
        self.check_reason(updater.reason(), Code.DIGEST_MISMATCH, [])
        self.assert_fetches(updater, URI)


class OtherServers(Case):
    def test_atftpd(self):
        """atftpd, blocks of 512, 1428, 8192, 65464 bytes -> ready; no such file -> error, file_not_found"""
        Atftpd(self.workspace, self.folder.path)
        self.assert_every_block_size()
        self.assert_fails(self.start_agent(), "tftp://127.0.0.1/nothing", Code.FILE_NOT_FOUND)

    def test_atftpd_without_options(self):
        """atftpd without any option, which answers an empty list of them -> asked again without, ready"""
        Atftpd(self.workspace, self.folder.path, "--no-blksize", "--no-tsize", "--no-timeout")
        self.assert_fetches(self.start_agent({"tftp_block_size": 8192}), URI)

    def test_dnsmasq(self):
        """dnsmasq, blocks of 512, 1428, 8192, 65464 bytes -> ready; no such file, a closed one -> error"""
        Dnsmasq(self.workspace, self.folder.path)
        self.assert_every_block_size()
        self.assert_fails(self.start_agent(), "tftp://127.0.0.1/nothing", Code.FILE_NOT_FOUND)
        self.assert_fails(self.start_agent(), "tftp://127.0.0.1/closed.bin", Code.ACCESS_DENIED)

    def test_dnsmasq_without_block_size(self):
        """dnsmasq --tftp-no-blocksize -> ready"""
        Dnsmasq(self.workspace, self.folder.path, options=["--tftp-no-blocksize"])
        self.assert_fetches(self.start_agent({"tftp_block_size": 8192}), URI)


class Lines(Case):
    """Behind a link between two namespaces."""

    FAR = {"allow": [Link.THERE + "/32"], "connect_timeout": 15}
    URI = f"tftp://{Link.THERE}/image.bin"

    def start_far_server(self, **faults):
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("no TUN devices here")
        link = Link(self.workspace, **faults)
        self.addCleanup(link.close)
        return TftpdHpa(self.workspace, self.folder.path, address=Link.THERE, within=link.far())

    def test_loss(self):
        """one packet in a hundred is lost, both ways -> ready"""
        image = make_image(200_000, seed=5)
        self.folder.write("image-2.bin", image)
        self.start_far_server(loss=1, delay=1)
        self.assert_fetches(self.start_agent(self.FAR), self.URI.replace("image", "image-2"), image=image, quiet=15)

    def test_line_dies(self):
        """the line goes silent in mid-transfer -> error, transfer_timeout"""
        self.start_far_server(delay=4)
        updater = self.start_agent({**self.FAR, "stall_timeout": 2, "retries": 0})
        self.begin(updater, self.URI)
        updater.wait_for_bytes(1)
        link = next(program for program in self.workspace.programs if program.name == "link")
        link.process.send_signal(signal.SIGSTOP)
        self.assertNotEqual(updater.wait_for_end().state, READY)
        self.check_reason(updater.reason(), Code.TIMEOUT, [Link.THERE])


class Silence(Case):
    def test_nobody(self):
        """no server -> error, connection_failed or transfer_timeout, in bounded time"""
        self.good = None
        began = time.monotonic()
        self.assert_fails(self.start_agent({"retries": 1, "connect_timeout": 2}), URI,
                          (Code.CONNECTION_FAILED, Code.TIMEOUT), "tftp://127.0.0.1")
        self.assertLess(time.monotonic() - began, 20)

    def test_server_dies(self):
        """the server's process is killed in mid-transfer -> fetched anew from the beginning, ready"""
        image = make_image(8 * MIB, seed=6)
        file = self.folder.write("long.bin", image)
        self.addCleanup(file.unlink)
        server = TftpdHpa(self.workspace, self.folder.path)
        updater = self.start_agent({"tftp_block_size": 512, "stall_timeout": 2})
        self.begin(updater, "tftp://127.0.0.1/long.bin", image=image)
        updater.wait_for_bytes(1)
        for child in descendants(server.program.process.pid):
            os.kill(child, signal.SIGKILL)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())
        self.assertTrue(self.agent.holds(image))


class RawServer:
    """A TFTP server of the test's own: `behave(socket, client, request)` for each request, from a port of its own."""

    def __init__(self, behave):
        self.requests = 0
        self.behave = behave
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 69))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                request, client = self.socket.recvfrom(2048)
            except OSError:
                return
            self.requests += 1
            threading.Thread(target=self._answer, args=(request, client), daemon=True).start()

    def _answer(self, request, client):
        with socket.socket(type=socket.SOCK_DGRAM) as own:
            own.bind(("127.0.0.1", 0))
            own.settimeout(10)
            try:
                self.behave(own, client, request)
            except (OSError, TypeError):  # closed: Python then tells of no sender
                pass

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes up who reads
        except OSError:
            pass
        self.socket.close()


def data(number, bytes_):
    return struct.pack(">HH", DATA, number) + bytes_


def blocks_of(image):
    """The last one is shorter than 512 bytes, or empty."""
    return [image[at:at + 512] for at in range(0, len(image) + 1, 512)]


def send_honestly(own, client, image):
    """A server without options."""
    for number, block in enumerate(blocks_of(image), 1):
        own.sendto(data(number % 65536, block), client)
        own.recvfrom(100)


class Hostile(Case):
    good = None

    def start_raw(self, behave):
        server = RawServer(behave)
        self.addCleanup(server.close)
        return server

    def test_error_packet(self):
        """an error packet with terminal escapes in its text -> error, server_failed, the text made harmless"""
        self.start_raw(lambda own, client, _: own.sendto(b"\0\5\0\0disk \x1b[2J on fire\n\0", client))
        reason = self.assert_fails(self.start_agent({"retries": 0}), URI, (Code.SERVER_FAILED, Code.TRANSFER_FAILED))
        self.assertNotIn("\x1b", reason.text)

    def test_garbage(self):
        """packets that are no TFTP -> error, in bounded time"""
        def behave(own, client, _):
            for size in (0, 1, 2, 3, 600):
                own.sendto(os.urandom(size), client)

        self.start_raw(behave)
        self.assert_fails(self.start_agent({"retries": 0, "stall_timeout": 2, "connect_timeout": 2}), URI,
                          (Code.SERVER_FAILED, Code.TIMEOUT, Code.TRANSFER_FAILED, Code.CONNECTION_FAILED,
                           Code.IMAGE_INCOMPLETE, Code.ACCESS_DENIED, Code.FILE_NOT_FOUND))

    def test_endless(self):
        """blocks without end -> error, image_too_large"""
        def behave(own, client, _):
            number = 1
            while True:
                own.sendto(data(number % 65536, bytes(512)), client)
                if own.recvfrom(100)[0][:2] != b"\0\4":
                    return
                number += 1

        self.start_raw(behave)
        updater = self.start_agent(max_image_size=MIB)
        self.begin(updater, URI, image=IMAGE[:MIB], named=False)
        updater.wait_for_end()
        self.check_reason(updater.reason(), Code.IMAGE_TOO_LARGE, [])

    def test_another_port(self):
        """data from another port than the one that began -> never a wrong image: ready, or error, digest_mismatch"""
        image = IMAGE[:100_000]

        def behave(own, client, _):
            with socket.socket(type=socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.1", 0))
                for number, block in enumerate(blocks_of(image), 1):
                    if number > 1:
                        stranger.sendto(data(number, bytes(len(block))), client)
                    own.sendto(data(number, block), client)
                    own.recvfrom(100)

        self.start_raw(behave)
        updater = self.start_agent({"stall_timeout": 2, "retries": 0})
        self.begin(updater, URI, image=image)
        if updater.wait_for_end().state == READY:
            self.assertTrue(self.agent.holds(image))
        else:
            self.check_reason(updater.reason(), (Code.DIGEST_MISMATCH, Code.TIMEOUT), [])
            self.assertEqual(self.agent.target.read_bytes(), network_case.OLD)

    def test_another_address(self):
        """the answer comes from an address that is not allowed -> error; nothing is sent there"""
        heard = []

        def behave(_, client, __):
            with socket.socket(type=socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.2", 0))
                stranger.settimeout(2)
                stranger.sendto(data(1, bytes(512)), client)
                heard.append(stranger.recvfrom(100))

        self.start_raw(behave)
        self.assert_fails(self.start_agent({"allow": ["127.0.0.1/32"], "retries": 0, "connect_timeout": 2}), URI,
                          (Code.TIMEOUT, Code.CONNECTION_FAILED))
        self.assertEqual(heard, [], "a denied address was sent to")

    def test_options_refused(self):
        """error 8 for a request with options -> asked again without, ready"""
        def behave(own, client, request):
            if b"octet\0" != request[-6:]:
                own.sendto(struct.pack(">HH", ERROR, 8) + b"no options\0", client)
            else:
                send_honestly(own, client, IMAGE)

        self.start_raw(behave)
        self.assert_fetches(self.start_agent(), URI)

    def test_lies_about_options(self):
        """larger blocks granted than asked for, a file of 10 GB announced, options that nobody knows -> error"""
        lies = [b"blksize\x0065464\0", b"tsize\x0010000000000\0", b"tsize\0-1\0", b"x\0" * 700, b"blksize\0"]

        def behave(own, client, _):
            own.sendto(b"\0\6" + lies[0], client)
            own.recvfrom(100)
            send_honestly(own, client, bytes(5000))

        self.start_raw(behave)
        updater = self.start_agent({"retries": 0, "stall_timeout": 2})
        while lies:
            with self.subTest(lies[0][:10]):
                self.begin(updater, URI, named=False)
                self.assertEqual(updater.wait_for_end().state, FAILED)
            lies.pop(0)
            updater.exit()
            updater.enter()

    def test_request_lost(self):
        """the request is lost -> sent again in seconds, ready"""
        def behave(own, client, _):
            if server.requests > 1:
                send_honestly(own, client, IMAGE)

        server = self.start_raw(behave)
        began = time.monotonic()
        self.assert_fetches(self.start_agent(), URI)
        self.assertLess(time.monotonic() - began, 15)  # the stall time-out is 30

    def test_abort(self):
        """29h-3 in mid-transfer -> idle at once, nobody is asked again"""
        def behave(own, client, _):
            for number in range(1, 65536):
                own.sendto(data(number, bytes(512)), client)
                own.recvfrom(100)
                time.sleep(0.01)

        server = self.start_raw(behave)
        updater = self.start_agent()
        self.begin(updater, URI)
        harness.wait_until(lambda: updater.session().received or server.requests, "the transfer")
        time.sleep(0.1)
        self.assertEqual(updater.session().state, DOWNLOAD)
        self.assert_aborts(updater, lambda: server.requests)


if __name__ == "__main__":
    network_case.main("tftpd-hpa", "atftpd")
