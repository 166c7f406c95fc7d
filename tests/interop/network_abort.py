#!/usr/bin/python3
"""A fetch that is ended or disturbed from the IPMI side: aborts at every point, other commands, other users.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import signal
import time

import harness
import network_case
import network_namespace
from network_case import IMAGE, OLD, PASSWORD, USER, digest_of
from network_hostile_servers import FullBacklog, Server, hold, trickle
from network_updater import ABORT, BUSY, COMPLETE, DOWNLOAD, IDLE, INIT, NOT_NOW, READY, SET_URI, START, Code

GOOD = network_case.OwnServers.good
HELD = "http://127.0.0.1:8080/image.bin"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(IMAGE)
OTHER_ADMINISTRATOR, OTHER_PASSWORD = "second", "second-secret-77"


class Case(network_case.OwnServers):
    def start_held(self):
        """A server that sends a MiB and then holds; an update that has come so far."""
        server = self.start_server(hold(HEAD + IMAGE[:1 << 20]))
        updater = self.start_agent()
        self.begin(updater, HELD)
        updater.wait_for_bytes(15 * 65536)
        return server, updater


class Aborts(Case):
    """29h-3 at every point of a fetch."""

    def aborts(self, updater, server=None):
        """The abort, the end of the connection, and an update that then works."""
        self.assertEqual(updater.session().state, DOWNLOAD)
        self.assert_aborts(updater, lambda: server.connections if server else 0)
        if server:
            harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        self.assert_fetches(updater, GOOD)
        return server

    def test_while_resolving(self):
        """abort while the name is looked up, at a name server that never answers -> idle at once"""
        mute = network_namespace.silent()
        self.addCleanup(mute.close)
        updater = self.start_agent({"connect_timeout": 15})
        self.begin(updater, "http://files.test/image.bin")
        mute.settimeout(10)
        mute.recvfrom(512)  # it asks
        self.aborts(updater)

    def test_while_connecting(self):
        """abort while the server does not take the connection -> idle at once"""
        full = FullBacklog()
        self.addCleanup(full.close)
        updater = self.start_agent({"connect_timeout": 15})
        self.begin(updater, HELD)
        time.sleep(0.3)
        self.aborts(updater)

    def test_in_the_tls_handshake(self):
        """abort in the TLS handshake -> idle at once"""
        server = Server(hold())
        self.addCleanup(server.close)
        updater = self.start_agent()
        self.begin(updater, "https://127.0.0.1:8080/image.bin")
        harness.wait_until(lambda: server.connections, "the connection")
        self.aborts(updater, server)

    def test_in_the_headers(self):
        """abort in mid-header -> idle at once"""
        server = self.start_server(hold(b"HTTP/1.1 200 OK\r\nX-Half: "))
        updater = self.start_agent()
        self.begin(updater, HELD)
        harness.wait_until(lambda: server.requests, "the request")
        self.aborts(updater, server)

    def test_in_the_body(self):
        """abort in mid-body -> idle at once; what was staged under the name counts next time"""
        server, updater = self.start_held()
        self.assert_aborts(updater, lambda: server.connections)
        harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        _, _, present = updater.name(len(IMAGE), digest_of(IMAGE))
        self.assertGreaterEqual(present, 15)
        updater.control(ABORT)
        self.assert_fetches(updater, GOOD)

    def test_while_bytes_pour_in(self):
        """abort while bytes pour in -> idle at once"""
        server = self.start_server(trickle([0] * 100000, 0.0005, HEAD))
        updater = self.start_agent()
        self.begin(updater, HELD)
        harness.wait_until(lambda: server.requests, "the request")
        time.sleep(0.2)
        self.aborts(updater, server)

    def test_in_the_back_off(self):
        """abort while it waits for the next try -> idle at once, no further try"""
        server = self.start_server(lambda peer: peer.answer(status="503 Busy"))
        updater = self.start_agent({"retries": 5})
        self.begin(updater, HELD)
        harness.wait_until(lambda: server.requests, "the first try")
        time.sleep(0.1)
        updater.control(ABORT)
        self.assertEqual(updater.session().state, IDLE)
        time.sleep(1.5)
        self.assertEqual(len(server.requests), 1)
        self.assert_fetches(updater, GOOD)

    def test_again_and_again(self):
        """30 fetches begun and aborted at once -> idle each time, no connection is left over"""
        server = self.start_server(hold(HEAD + IMAGE[:100_000]))
        updater = self.start_agent()
        for _ in range(30):
            self.begin(updater, HELD)
            updater.control(ABORT)
            self.assertEqual(updater.session().state, IDLE)
        harness.wait_until(lambda: server.open == 0, "the connections to be closed", 5)
        self.assert_fetches(updater, GOOD)

    def test_exit(self):
        """28h in mid-body -> init, the connection is closed, the next update works"""
        server, updater = self.start_held()
        updater.exit()
        self.assertEqual(updater.session().state, INIT)
        harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        self.assertEqual(updater.log_entry().code, Code.ABORTED)
        self.assert_fetches(updater.enter(), GOOD)

    def test_start(self):
        """29h-1, 44h in mid-body -> a new transfer, the fetch is over, its connection closed"""
        server, updater = self.start_held()
        updater.control(START)
        self.assertEqual(updater.session().received, 0)
        harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        self.begin(updater, HELD)
        updater.wait_for_bytes(15 * 65536)
        self.assertGreaterEqual(updater.name(len(IMAGE), digest_of(IMAGE))[2], 15)
        harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        updater.control(SET_URI, GOOD)
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY)

    def stops(self, updater, uri, begun):
        self.begin(updater, uri)
        begun()
        began = time.monotonic()
        self.assertEqual(self.agent.program.end(signal.SIGTERM), 0)
        self.assertLess(time.monotonic() - began, 3)

    def test_agent_stopped_in_the_body(self):
        """SIGTERM of the agent in mid-body -> it ends at once, well"""
        server = self.start_server(hold(HEAD + IMAGE[:1000]))
        self.stops(self.start_agent(), HELD, lambda: harness.wait_until(lambda: server.requests, "the request"))

    def test_agent_stopped_while_resolving(self):
        """SIGTERM of the agent while the name is looked up -> it ends at once, well"""
        mute = network_namespace.silent()
        self.addCleanup(mute.close)
        mute.settimeout(10)
        self.stops(self.start_agent(), "http://files.test/image.bin", lambda: mute.recvfrom(512))


class Meanwhile(Case):
    """Other commands, and other people, while a fetch runs."""

    def start_agent(self, network=None, **sections):
        password = self.workspace.write("second-password", OTHER_PASSWORD.encode())
        password.chmod(0o600)
        users = [{"name": name, "password_file": str(file), "privilege": "administrator"}
                 for name, file in ((harness.USER, self.workspace.directory / f"agent-{len(self.agents)}-password"),
                                    (OTHER_ADMINISTRATOR, password))]
        return super().start_agent(network, users=users, **sections)

    def open_other(self):
        return self.open_session(OTHER_ADMINISTRATOR, OTHER_PASSWORD)

    def test_same_session(self):
        """29h-2, 29h-4, 4Dh, 2Ch, 45h, 27h while a fetch runs -> D5h (27h C0h), and it goes on"""
        server, updater = self.start_held()
        named = (44).to_bytes(8, "little") + digest_of(IMAGE)
        for command, data in ((0x29, bytes([COMPLETE])), (0x29, updater.control_data(SET_URI, GOOD)),
                              (0x4D, b"\x00" + named), (0x2C, b"bytes"), (0x45, bytes(8) + b"bytes")):
            with self.subTest(f"{command:02x} {data[:1].hex()}"):
                self.assertEqual(updater.refusal(command, data), NOT_NOW)
        self.assertEqual(updater.refusal(0x27, updater.call(0x26)), BUSY)
        self.assertEqual((server.open, updater.session().state), (1, DOWNLOAD))

    def test_another_user(self):
        """another administrator while a fetch runs -> D5h, C0h; 41h shows whose it is and how far"""
        server, updater = self.start_held()
        other = self.open_other()
        for command, data in ((0x29, bytes([ABORT])), (0x29, bytes([START])), (0x28, b""), (0x2B, b"\x01\x01")):
            self.assertEqual(other.refusal(command, data), NOT_NOW)
        self.assertEqual(other.refusal(0x27, other.call(0x26)), BUSY)
        seen = other.session()
        self.assertEqual((seen.state, seen.holder, seen.size), (DOWNLOAD, harness.USER, len(IMAGE)))
        self.assertGreaterEqual(seen.received, 15 * 65536)
        self.assertEqual(seen.flags & 0x0F, 0x01 | 0x08, "held, not by the asking user, its holder alive")
        self.assertEqual((server.open, updater.session().state), (1, DOWNLOAD))

    def test_take_over(self):
        """takeover while a fetch runs -> it goes on under the new owner, who may abort it"""
        server, updater = self.start_held()
        other = self.open_other()
        other.call(0x42, other.call(0x26) + b"\x00")
        self.assertEqual((other.session().state, server.open), (DOWNLOAD, 1))
        self.assertEqual(updater.refusal(0x29, bytes([ABORT])), NOT_NOW)
        self.assert_aborts(other, lambda: server.connections)

    def test_take_over_and_discard(self):
        """takeover with discard while a fetch runs -> idle, the connection is closed, nothing is kept"""
        server, updater = self.start_held()
        other = self.open_other()
        other.call(0x42, other.call(0x26) + b"\x01")
        self.assertEqual(other.session().state, IDLE)
        harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        self.assertEqual(other.name(len(IMAGE), digest_of(IMAGE))[2], 0)
        self.assertEqual(updater.refusal(0x29, bytes([ABORT])), NOT_NOW)

    def test_progress_renews_the_lease(self):
        """the owner is silent, bytes come -> the lease does not end"""
        server = self.start_server(trickle(IMAGE[:200], 0.05, HEAD))
        updater = self.start_agent(lease={"base": 2, "extended": 2})
        self.begin(updater, HELD)
        time.sleep(4)
        other = self.open_other()
        self.assertEqual((other.session().state, server.open), (DOWNLOAD, 1))

    def test_silence_ends_the_lease(self):
        """the owner is silent, no byte comes -> the lease ends, the connection is closed"""
        server = self.start_server(hold(HEAD))
        updater = self.start_agent(lease={"base": 2, "extended": 2})
        self.begin(updater, HELD)
        time.sleep(0.5)
        other = self.open_other()
        other.wait_for_state(INIT, quiet=8)
        harness.wait_until(lambda: server.open == 0, "the connection to be closed", 5)
        self.assertEqual(self.agent.target.read_bytes(), OLD)

    def test_session_closed(self):
        """the owner's session is gone, the fetch runs -> the image arrives all the same"""
        updater = self.start_agent()
        self.begin(updater, GOOD, credentials=(USER, PASSWORD))
        updater.close()
        self.assertEqual(self.open_session().wait_for_end().state, READY)
        self.assertTrue(self.agent.holds(IMAGE))


if __name__ == "__main__":
    network_case.main()
