#!/usr/bin/python3
"""http from nginx and from Python's own server, plainly and with everything that goes wrong on the way.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import time

import harness
import network_case
from harness import MIB
from network_case import IMAGE, PASSWORD, TOKEN, USER, digest_of
from network_hostile_servers import HttpServer, serve
from network_namespace import command, small_disk
from network_nginx import Case
from network_servers import HttpServer as PythonServer
from network_updater import COMPLETE, DOWNLOAD, ERROR, READY, REFUSED_BY_POLICY, SET_URI, START, URI_TRANSPORT, Code


class Http(Case):
    def test_by_name(self):
        """http, transfer named by 44h -> ready; one request, nothing compressed asked for"""
        updater = self.start_agent()
        end = self.assert_fetches(updater, "http://127.0.0.1/image.bin")
        self.assertEqual((end.transport, end.received), (URI_TRANSPORT, len(IMAGE)))
        request, = self.wait_for_requests(1)
        self.assertEqual((request["method"], request["accept_encoding"]), ("GET", ""))

    def test_base_profile(self):
        """http, SHA-256 by 2Bh alone -> ready"""
        self.assert_fetches(self.start_agent(), "http://127.0.0.1/image.bin", named=False)

    def test_expectation(self):
        """http, size and SHA-256 by 4Dh -> ready"""
        updater = self.start_agent()
        updater.control(START)
        updater.expect(len(IMAGE), digest_of(IMAGE))
        updater.control(SET_URI, self.good)
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())

    def test_expectation_of_another_size(self):
        """4Dh announces another size -> error, image_incomplete, before a byte is fetched"""
        updater = self.start_agent()
        updater.control(START)
        updater.expect(len(IMAGE) - 1, digest_of(IMAGE))
        updater.control(SET_URI, self.good)
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().received, 0)
        self.check_reason(updater.reason(), Code.IMAGE_INCOMPLETE, [str(len(IMAGE)), str(len(IMAGE) - 1)])
        self.assert_fetches(updater, self.good)

    def test_no_digest(self):
        """http, no SHA-256 -> 29h-2 answers 83h, policy_refused; with it by 2Bh the same transfer is ready"""
        updater = self.start_agent()
        updater.control(START)
        updater.control(SET_URI, self.good)
        self.assertEqual(updater.refusal(0x29, bytes([COMPLETE])), REFUSED_BY_POLICY)
        self.check_reason(updater.reason(), Code.POLICY_REFUSED, ["SHA-256"])
        self.assertEqual(updater.session().state, DOWNLOAD)
        self.assertEqual(self.seen(), [])
        updater.options(digest_of(IMAGE))
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())

    def test_no_digest_where_none_is_required(self):
        """http, no SHA-256, require_digest false -> ready"""
        updater = self.start_agent({"require_digest": False})
        updater.control(START)
        updater.control(SET_URI, self.good)
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())

    def test_other_bytes(self):
        """a file of the right size and other bytes -> error, digest_mismatch"""
        other = bytes([IMAGE[0] ^ 1]) + IMAGE[1:]
        self.folder.write("other.bin", other)
        updater = self.start_agent()
        self.begin(updater, "http://127.0.0.1/other.bin")
        self.assertNotEqual(updater.wait_for_end().state, READY)
        self.check_reason(updater.reason(), Code.DIGEST_MISMATCH, ["SHA-256"])
        self.assert_fetches(updater, self.good)

    def test_another_size(self):
        """a file of another size than 44h announced -> error, image_incomplete"""
        self.folder.write("short.bin", IMAGE[:-1])
        self.assert_fails(self.start_agent(), "http://127.0.0.1/short.bin", Code.IMAGE_INCOMPLETE, str(len(IMAGE)))

    def test_too_large(self):
        """a file larger than the BMC takes -> error, image_too_large, before a byte is fetched"""
        updater = self.start_agent(max_image_size=2 * MIB)
        self.begin(updater, self.good, named=False)
        self.assertEqual(updater.wait_for_end().received, 0)
        self.check_reason(updater.reason(), Code.IMAGE_TOO_LARGE, [str(len(IMAGE)), str(2 * MIB)])

    def test_no_space(self):
        """less room in staging than the file needs, its length told or not -> error, no_space"""
        for number, path in enumerate(("image.bin", "chunked/image.bin")):
            with self.subTest(path):
                disk = self.workspace.directory / f"disk-{number}"
                small_disk(disk, 2 * MIB)
                updater = self.start_agent(staging={"directory": str(disk), "max_image_size": 64 * MIB})
                self.begin(updater, f"http://127.0.0.1/{path}", named=False)
                self.assertEqual(updater.wait_for_end().state, ERROR)
                self.check_reason(updater.reason(), Code.NO_SPACE, [])
                self.agent.program.end()
                command("umount", str(disk))

    def test_chunked(self):
        """chunks, no length -> ready"""
        updater = self.start_agent()
        self.assert_fetches(updater, "http://127.0.0.1/chunked/image.bin")
        updater.exit()
        self.assert_fetches(updater.enter(), "http://127.0.0.1/chunked/image.bin", named=False)

    def test_slow(self):
        """a slow server -> ready; 41h shows size and progress meanwhile, answers stay quick"""
        updater = self.start_agent()
        self.begin(updater, "http://127.0.0.1/slow/image.bin")
        seen = set()
        while (session := updater.session()).state == DOWNLOAD:
            self.assertEqual((session.size, session.transport), (len(IMAGE), URI_TRANSPORT))
            self.assertEqual(session.percent, 100 * session.done // len(IMAGE))
            seen.add(session.received)
            time.sleep(0.02)
        self.assertGreater(len(seen), 8)
        self.assertEqual(updater.wait_for_end().state, READY)

    def test_ipv6(self):
        """http over IPv6 -> ready"""
        self.assert_fetches(self.start_agent(), "http://[::1]/image.bin")

    def test_python_server(self):
        """python3 -m http.server -> ready; a file that is not there -> error, file_not_found"""
        server = PythonServer(self.workspace, self.folder.path)
        updater = self.start_agent()
        self.assert_fails(updater, "http://127.0.0.1:8000/nothing", Code.FILE_NOT_FOUND, "404")
        updater.exit()
        self.assert_fetches(updater.enter(), "http://127.0.0.1:8000/image.bin", named=False)
        self.assertIn('"GET /image.bin', server.program.text())

    def test_python_server_broken_off(self):
        """python3 -m http.server, which knows no Range, broken off once -> fetched again from its beginning, ready"""
        PythonServer(self.workspace, self.folder.path)
        proxy = self.start_proxy(MIB, server_port=8000)
        self.assert_fetches(self.start_agent(), "http://127.0.0.1:8080/image.bin")
        self.assertGreater(proxy.handed[1], len(IMAGE))


class Answers(Case):
    """Answers that are not the file."""

    def test_redirects(self):
        """301, 302, 307, 308; relative, absolute; https -> ready"""
        updater = self.start_agent({"ca_file": str(self.authority.certificate.file)})
        for where in ("301", "302", "307", "308", "relative", "to-https"):
            with self.subTest(where):
                self.assert_fetches(updater, f"http://127.0.0.1/moved/{where}", named=False)
                updater.exit()
                updater.enter()
        self.assertEqual(len(self.seen(port=443)), 1)

    def test_not_found(self):
        """404 -> error, file_not_found, after one try"""
        self.assert_fails(self.start_agent(), f"http://127.0.0.1/nothing?token={TOKEN}", Code.FILE_NOT_FOUND, "404",
                          "http://127.0.0.1/nothing")
        self.assertEqual(len(self.seen(status=404)), 1)

    def test_forbidden(self):
        """403 -> error, access_denied, after one try"""
        self.assert_fails(self.start_agent(), "http://127.0.0.1/closed/image.bin", Code.ACCESS_DENIED, "403")
        self.assertEqual(len(self.seen(status=403)), 1)

    def test_unauthorized(self):
        """401, no credentials, wrong ones -> error, access_denied, after one try each"""
        updater = self.start_agent()
        members = "http://127.0.0.1/members/image.bin"
        self.assert_fails(updater, members, Code.ACCESS_DENIED, "401")
        self.assertEqual([request["authorization"] for request in self.seen(status=401)], [""])
        updater.exit()
        self.assert_fails(updater.enter(), members, Code.ACCESS_DENIED, "401", credentials=(USER, PASSWORD + "x"))
        self.assertEqual(len(self.seen(status=401)), 2)

    def test_authorized(self):
        """401 and the right credentials, by 4Dh, in the URI, in the configuration -> ready"""
        file = self.workspace.write("fetch-password", PASSWORD.encode())
        file.chmod(0o600)
        updater = self.start_agent()
        self.assert_fetches(updater, "http://127.0.0.1/members/image.bin", credentials=(USER, PASSWORD))
        updater.exit()
        within = f"http://{USER}:p4ss%3Aw%2Frd-9e77@127.0.0.1/members/image.bin"
        self.assert_fetches(updater.enter(), within, named=False)
        updater = self.start_agent({"credentials": [{"host": "127.0.0.1", "user": USER, "password_file": str(file)}]})
        self.assert_fetches(updater, "http://127.0.0.1/members/image.bin")

    def test_credentials_are_forgotten(self):
        """credentials of 4Dh, the mode left and entered again -> gone: error, access_denied"""
        updater = self.start_agent()
        self.assert_fetches(updater, "http://127.0.0.1/members/image.bin", credentials=(USER, PASSWORD))
        updater.exit()
        self.assert_fails(updater.enter(), "http://127.0.0.1/members/image.bin", Code.ACCESS_DENIED, "401", named=False)

    def test_server_error(self):
        """500 every time -> error, server_failed, after retries"""
        self.assert_fails(self.start_agent({"retries": 1}), "http://127.0.0.1/broken/image.bin", Code.SERVER_FAILED, "500")
        self.assertEqual(len(self.seen(status=500)), 2)

    def test_busy_then_served(self):
        """503, then 200 -> ready"""
        updater = self.start_agent()
        self.begin(updater, "http://127.0.0.1/busy/image.bin")
        self.wait_for_requests(1, status=503)
        idle = self.folder.workspace.write("idle", b"")
        self.addCleanup(idle.unlink)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())

    def test_nobody_listens(self):
        """no server -> error, connection_failed, after one try"""
        self.assert_fails(self.start_agent(), "http://127.0.0.1:9/image.bin", Code.CONNECTION_FAILED, "refused",
                          "127.0.0.1:9")
        self.assertNotIn("next try", self.agent.log())


class BrokenOff(Case):
    """Connections that end too early, through a proxy that ends them. The rest is asked for by Range."""

    def resumes(self, path="/image.bin", cut=MIB, times=1, quiet=30, **how):
        proxy = self.start_proxy(cut, times=times, **how)
        self.assert_fetches(self.start_agent(), f"http://127.0.0.1:{proxy.listener.getsockname()[1]}{path}", quiet=quiet)
        self.assertEqual(len(proxy.handed), times + 1)
        self.assertLess(sum(proxy.handed), len(IMAGE) + (times + 1) * 100_000, "more was fetched than was missing")
        return proxy

    def test_closed(self):
        """closed in mid-body -> the rest by Range, ready"""
        self.resumes()
        ranges = [request["range"] for request in self.wait_for_requests(2)]
        self.assertTrue(any(text.startswith("bytes=") for text in ranges), ranges)

    def test_reset(self):
        """reset in mid-body -> the rest by Range, ready"""
        self.resumes(reset=True)

    def test_again_and_again(self):
        """closed again and again, each time further on, more often than there are retries -> ready"""
        self.resumes(cut=700_000, times=4, quiet=10)

    def test_never_further(self):
        """closed behind the headers every time -> error, after the retries, image untouched"""
        proxy = self.start_proxy(400, times=99)
        self.assert_fails(self.start_agent({"retries": 1}), "http://127.0.0.1:8080/image.bin",
                          (Code.CONNECTION_FAILED, Code.TRANSFER_FAILED, Code.IMAGE_INCOMPLETE))
        self.assertLessEqual(len(proxy.handed), 3)

    def test_before_any_answer(self):
        """closed without an answer -> error, connection_failed"""
        self.start_proxy(0, times=99)
        self.assert_fails(self.start_agent({"retries": 1}), "http://127.0.0.1:8080/image.bin",
                          (Code.CONNECTION_FAILED, Code.SERVER_FAILED))

    def changed(self, named):
        """The file on the server is replaced between the two halves; the transfer has this digest."""
        first, second = harness.make_image(len(IMAGE), seed=7), IMAGE
        changing = self.folder.write("changing.bin", first)
        self.start_proxy(MIB)
        updater = self.start_agent()
        self.prepare(updater, "http://127.0.0.1:8080/changing.bin", named=named)
        updater.control(COMPLETE)
        harness.wait_until(lambda: self.seen(), "the first half")
        time.sleep(0.2)  # into the back-off of a second
        changing.write_bytes(second)
        return updater

    def test_file_changed_meanwhile(self):
        """the file is replaced between two halves (another ETag) -> never a mixture: ready with the new one, or error"""
        updater = self.changed(named=True)
        end = updater.wait_for_end()
        if end.state == READY:
            self.assertTrue(self.agent.holds(IMAGE))
        else:
            self.check_reason(updater.reason(), (Code.SERVER_FAILED, Code.DIGEST_MISMATCH), [])
            self.assertEqual(self.agent.target.read_bytes(), network_case.OLD)
        self.assert_fetches(updater, self.good)


class Proxy(Case):
    def start_http_proxy(self):
        def respond(peer):
            assert peer.path == "http://127.0.0.1:8081/image.bin", peer.path
            peer.answer(IMAGE)

        proxy = HttpServer(respond, port=3128)
        self.addCleanup(proxy.close)
        return proxy

    def test_configured(self):
        """a proxy in the configuration -> asked for the absolute URI, ready"""
        proxy = self.start_http_proxy()
        updater = self.start_agent({"proxy": "http://127.0.0.1:3128"})
        self.assert_fetches(updater, "http://127.0.0.1:8081/image.bin")
        self.assertEqual(len(proxy.requests), 1)

    def test_of_the_environment(self):
        """http_proxy in the agent's environment -> ignored, ready"""
        proxy = HttpServer(serve({}), port=3128)
        self.addCleanup(proxy.close)
        self.workspace.environment.update(http_proxy="http://127.0.0.1:3128", all_proxy="http://127.0.0.1:3128")
        self.assert_fetches(self.start_agent(), self.good)
        self.assertEqual(proxy.connections, 0)


if __name__ == "__main__":
    network_case.main("nginx")
