#!/usr/bin/python3
"""Servers that mean harm: floods, bombs, slowness, lies about lengths, old TLS.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import gzip
import pathlib
import re
import socket
import ssl

import harness
import network_case
from harness import MIB
from network_case import IMAGE
from network_certificates import Authority
from network_hostile_servers import Server, cut_off, endless, hold, serve, trickle
from network_updater import COMPLETE, ERROR, READY, SET_URI, START, Code

GOOD = network_case.OwnServers.good
BAD = "http://127.0.0.1:8080/image.bin"
ANSWER = b"HTTP/1.1 200 OK\r\n"
BROKEN_OFF = (Code.CONNECTION_FAILED, Code.TRANSFER_FAILED)



class Answers(network_case.OwnServers):
    """Answers that would fill, block or crash a careless client."""

    def answered(self, respond, codes, *words, named=True, quiet=30, max_image_size=4 * MIB, **network):
        server = self.start_server(respond)
        updater = self.start_agent({"retries": 0, "stall_timeout": 3, **network}, max_image_size=max_image_size)
        self.assert_fails(updater, BAD, codes, *words, named=named, quiet=quiet)
        harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        self.assertLess(self.agent_memory(), 40 * MIB, "the agent's memory grows with what it is sent")

    def agent_memory(self):
        """The most it has had, in bytes."""
        status = pathlib.Path(f"/proc/{self.agent.program.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def test_10_gb_announced(self):
        """10 GB announced -> error, image_too_large, nothing taken"""
        self.answered(endless(ANSWER + b"Content-Length: 10000000000\r\n\r\n", bytes(MIB)), Code.IMAGE_TOO_LARGE,
                      "10000000000", named=False)

    def test_10_gb_not_announced(self):
        """10 GB without a length -> error, image_too_large, when the BMC's limit is reached"""
        self.answered(endless(ANSWER + b"Connection: close\r\n\r\n", bytes(MIB)), Code.IMAGE_TOO_LARGE, named=False)

    def test_10_gb_for_a_name(self):
        """bytes without end for a transfer whose size is known -> error, when its size is exceeded"""
        self.answered(endless(ANSWER + b"Connection: close\r\n\r\n", bytes(MIB)),
                      (Code.IMAGE_TOO_LARGE, Code.IMAGE_INCOMPLETE))

    def test_length_beyond_numbers(self):
        """Content-Length of 20 digits, negative, twice -> error, no crash"""
        for length in (b"99999999999999999999", b"-5", b"12\r\nContent-Length: 13"):
            with self.subTest(length):
                respond = endless(ANSWER + b"Content-Length: " + length + b"\r\n\r\n", bytes(MIB))
                server = self.start_server(respond)
                updater = self.start_agent({"retries": 0}, max_image_size=4 * MIB)
                self.begin(updater, BAD, named=False)
                self.assertEqual(updater.wait_for_end().state, ERROR)
                self.check_reason(updater.reason(), (Code.SERVER_FAILED, Code.TRANSFER_FAILED, Code.IMAGE_TOO_LARGE,
                                                     Code.IMAGE_INCOMPLETE, Code.DIGEST_MISMATCH), [])
                self.assert_fetches(updater, GOOD)
                server.close()

    def test_more_than_announced(self):
        """more bytes than Content-Length says -> the rest is not taken, ready"""
        self.start_server(lambda peer: peer.answer(IMAGE + b"and more", length=len(IMAGE)))
        self.assert_fetches(self.start_agent(), BAD)

    def test_gzip_bomb(self):
        """Content-Encoding: gzip, 256 MB in 260 KB -> error, server_failed; nothing unpacked"""
        bomb = gzip.compress(bytes(64 * MIB)) * 4
        self.answered(lambda peer: peer.answer(bomb, headers=["Content-Encoding: gzip"]), Code.SERVER_FAILED,
                      "gzip", named=False)

    def test_chunks(self):
        """chunk sizes that are none -> error"""
        head = ANSWER + b"Transfer-Encoding: chunked\r\n\r\n"
        for chunk in (b"zz\r\n", b"ffffffffffffffffff\r\n", b"-1\r\n"):
            with self.subTest(chunk):
                server = self.start_server(hold(head + chunk + bytes(1000)))
                updater = self.start_agent({"retries": 0, "stall_timeout": 2})
                self.assert_fails(updater, BAD, (Code.SERVER_FAILED, Code.TRANSFER_FAILED, Code.CONNECTION_FAILED))
                server.close()

    def test_header_flood(self):
        """headers without end -> error, server_failed"""
        self.answered(endless(ANSWER, b"X-More: and more\r\n" * 100), Code.SERVER_FAILED, "header")

    def test_header_line_without_end(self):
        """one header line without end -> error, server_failed"""
        self.answered(endless(ANSWER + b"X-Long: ", b"x" * 65536), Code.SERVER_FAILED, "header")

    def test_interim_answers_without_end(self):
        """100 Continue again and again -> error, server_failed"""
        self.answered(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (Code.SERVER_FAILED, Code.TIMEOUT))

    def test_no_http(self):
        """an answer that is no HTTP -> error, server_failed"""
        self.answered(cut_off(b"SSH-2.0-OpenSSH_9.2p1\r\n"), (Code.SERVER_FAILED, Code.TRANSFER_FAILED))

    def test_slow_headers(self):
        """a byte of header a second -> error, transfer_timeout"""
        self.answered(trickle(b"X-Slow: " + b"x" * 30, 1, ANSWER), Code.TIMEOUT)

    def test_silent_body(self):
        """half of the body, then silence -> error, transfer_timeout"""
        self.answered(hold(ANSWER + b"Content-Length: %d\r\n\r\n" % len(IMAGE) + IMAGE[:MIB]), Code.TIMEOUT, "127.0.0.1")

    def test_slow_body(self):
        """bytes one by one, slower than min_speed -> error, transfer_timeout"""
        self.answered(trickle(IMAGE[:100], 0.25, ANSWER + b"Content-Length: %d\r\n\r\n" % len(IMAGE)), Code.TIMEOUT,
                      min_speed=100, min_speed_time=3)

    def test_cut_in_tls(self):
        """https, no SHA-256, cut without TLS's goodbye: no length; in chunks; with a length -> error, never half an image"""
        authority = Authority(self.workspace.directory)
        certificate = authority.issue("server", "127.0.0.1")
        half = IMAGE[:MIB]
        for head, codes in ((b"Connection: close\r\n\r\n", Code.SERVER_FAILED),
                            (b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % MIB, BROKEN_OFF),
                            (b"Content-Length: %d\r\n\r\n" % len(IMAGE), BROKEN_OFF)):
            with self.subTest(head):
                server = self.start_server(cut_off(ANSWER + head + half), port=8443, certificate=certificate)
                updater = self.start_agent({"ca_file": str(authority.certificate.file), "retries": 0})
                updater.control(START)
                updater.control(SET_URI, "https://127.0.0.1:8443/image.bin")
                updater.control(COMPLETE)
                self.assertEqual(updater.wait_for_end().state, ERROR)
                self.check_reason(updater.reason(), codes, [])
                self.assertEqual(self.agent.target.read_bytes(), network_case.OLD)
                self.assert_fetches(updater, GOOD)
                server.close()

    def test_another_range(self):
        """broken off, then another range than asked for -> never a mixture: ready, or error"""
        def respond(peer):
            if not peer.header("Range"):
                peer.answer(IMAGE[:MIB], length=len(IMAGE))
                peer.connection.close()
            else:
                peer.answer(IMAGE[5:], "206 Partial Content",
                            [f"Content-Range: bytes 5-{len(IMAGE) - 1}/{len(IMAGE)}"])

        self.start_server(respond)
        updater = self.start_agent({"retries": 1})
        self.begin(updater, BAD)
        if updater.wait_for_end().state == READY:
            self.assertTrue(self.agent.holds(IMAGE))
        else:
            self.check_reason(updater.reason(), (Code.SERVER_FAILED, Code.CONNECTION_FAILED, Code.DIGEST_MISMATCH), [])
        self.assert_fetches(updater, GOOD)

    def test_old_tls(self):
        """a server that has TLS 1.1 only -> error, tls_failed"""
        def only_old(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

        authority = Authority(self.workspace.directory)
        self.start_server(serve({"/image.bin": IMAGE}), port=8443, prepare_tls=only_old,
                          certificate=authority.issue("server", "127.0.0.1"))
        if not self.old_client_connects(8443):
            self.skipTest("this OpenSSL has no TLS 1.1 any more")
        updater = self.start_agent({"ca_file": str(authority.certificate.file)})
        self.assert_fails(updater, "https://127.0.0.1:8443/image.bin", Code.TLS_FAILED)

    @staticmethod
    def old_client_connects(port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as secured:
                return secured.version() == "TLSv1.1"
        except OSError:
            return False

    def test_no_tls(self):
        """https to a server that speaks none -> error, tls_failed"""
        server = Server(lambda peer: peer.connection.recv(100) and peer.answer(status="400 Bad Request"))
        self.addCleanup(server.close)
        self.assert_fails(self.start_agent(), "https://127.0.0.1:8080/image.bin", Code.TLS_FAILED)


if __name__ == "__main__":
    network_case.main()
