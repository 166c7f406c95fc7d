#!/usr/bin/python3
"""Where an agent may be led and where not: redirects, names and their addresses, URIs.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import time

import network_case
import network_namespace
from network_case import IMAGE, PASSWORD, TOKEN, USER
from network_certificates import Authority
from network_hostile_servers import Server, redirect, serve
from network_servers import Dnsmasq
from network_updater import DOWNLOAD, Code

GOOD = network_case.OwnServers.good
BAD = "http://127.0.0.1:8080/image.bin"
REFUSED = (
    "file:///etc/passwd", "FILE:///etc/passwd", "gopher://127.0.0.1/1", "ldap://127.0.0.1/", "scp://127.0.0.1/x",
    "image.bin", "http:///image.bin", "http://", "http:image.bin", "http://127.0.0.1:99999/x", "http://127.0.0.1:0/x",
    "http://127.0.0.1/a b", "http://127.0.0.1/a\r\nHost: x", "http://127.0.0.1/\x01", "http://127.0.0.2/x",
    "http://[::1]/x", "http://0/x", "http://169.254.169.254/latest", "http://[fe80::1]/x", "http://224.0.0.1/x",
    "http://127.0.0.2#@127.0.0.1/x", f"http://{USER}:{PASSWORD}@127.0.0.2/x?k={TOKEN}",
)


class Case(network_case.OwnServers):
    def start_names(self, **names):
        """dnsmasq, with underscores for dots: files_test="127.0.0.1"."""
        return Dnsmasq(self.workspace, names={name.replace("_", "."): address for name, address in names.items()})



class Redirects(Case):
    def redirects(self, location, *words, codes=Code.URI_REFUSED, **network):
        """The server redirects there, and the BMC does not follow."""
        self.start_server(redirect(location))
        updater = self.start_agent({"allow": ["127.0.0.1/32"], **network})
        self.assert_fails(updater, BAD, codes, *words)

    def test_to_a_file(self):
        """redirect to file:// -> error, uri_refused"""
        self.redirects("file:///etc/passwd", "redirects")

    def test_to_a_file_with_a_host(self):
        """redirect to file://localhost -> error, uri_refused"""
        self.redirects("file://localhost/etc/passwd", "redirects")

    def test_to_another_loopback_address(self):
        """redirect to an address that is not allowed -> error, uri_refused; nobody connects there"""
        denied = self.start_server(serve({"/image.bin": IMAGE}), address="127.0.0.2", port=8081)
        self.redirects(f"http://{USER}:p4ss%3Aw%2Frd-9e77@127.0.0.2:8081/image.bin?token={TOKEN}", "127.0.0.2")
        self.assertEqual(denied.connections, 0)

    def test_to_a_name_of_a_denied_address(self):
        """redirect to a name whose address is not allowed -> error, uri_refused; nobody connects there"""
        self.start_names(denied_test="127.0.0.2")
        denied = self.start_server(serve({"/image.bin": IMAGE}), address="127.0.0.2", port=8081)
        self.redirects("http://denied.test:8081/image.bin", "denied.test", "127.0.0.2")
        self.assertEqual(denied.connections, 0)

    def test_to_written_otherwise(self):
        """redirect to a denied address written otherwise (2130706434, 0177.0.0.2, [::ffff:127.0.0.2]) -> uri_refused"""
        denied = self.start_server(serve({"/image.bin": IMAGE}), address="127.0.0.2", port=8081)
        where = []
        self.start_server(lambda peer: redirect(where[-1])(peer))
        updater = self.start_agent({"allow": ["127.0.0.1/32"]})
        for host in ("2130706434", "0x7f.0.0.2", "0177.0.0.2", "127.2", "[::ffff:127.0.0.2]", "[::ffff:7f00:2]"):
            with self.subTest(host):
                where.append(f"http://{host}:8081/image.bin")
                self.assert_fails(updater, BAD, (Code.URI_REFUSED, Code.HOST_NOT_FOUND), named=False)
                updater.exit()
                updater.enter()
        self.assertEqual(denied.connections, 0)

    def test_to_ftp(self):
        """redirect from http to ftp -> error, uri_refused"""
        ftp = Server(lambda peer: peer.send(b"220 come in\r\n"), port=2121)
        self.addCleanup(ftp.close)
        self.redirects("ftp://127.0.0.1:2121/image.bin", "scheme")
        self.assertEqual(ftp.connections, 0)

    def test_down_from_https(self):
        """redirect from https to http -> error, uri_refused; nobody connects there"""
        authority = Authority(self.workspace.directory)
        self.start_server(redirect("http://127.0.0.1:8081/image.bin"), port=8443,
                          certificate=authority.issue("server", "127.0.0.1"))
        plain = self.start_server(serve({"/image.bin": IMAGE}), port=8081)
        updater = self.start_agent({"ca_file": str(authority.certificate.file)})
        self.assert_fails(updater, "https://127.0.0.1:8443/image.bin", Code.URI_REFUSED, "scheme")
        self.assertEqual(plain.connections, 0)

    def test_in_a_circle(self):
        """redirects in a circle -> error, after five"""
        server = self.start_server(redirect("/again"))
        self.assert_fails(self.start_agent(), BAD, (Code.URI_REFUSED, Code.SERVER_FAILED), "redirect")
        self.assertEqual(len(server.requests), 6)

    def test_five(self):
        """five redirects in a row -> ready"""
        def respond(peer):
            step = int(peer.path[1:]) if peer.path[1:].isdigit() else 0
            (redirect(f"/{step + 1}") if step < 5 else lambda peer: peer.answer(IMAGE))(peer)

        self.start_server(respond)
        self.assert_fetches(self.start_agent(), "http://127.0.0.1:8080/0")

    def test_without_a_place(self):
        """302 without a Location, with an unreadable one, with control characters in it -> error, no crash"""
        answers = [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
                   b"HTTP/1.1 302 Found\r\nLocation: http://[::1?%b\r\nContent-Length: 0\r\n\r\n" % TOKEN.encode(),
                   b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:80\x1b[2J80/\x01\r\nContent-Length: 0\r\n\r\n"]
        updater = self.start_agent()
        self.start_server(lambda peer: peer.send(answers[0]))
        while answers:
            reason = self.assert_fails(updater, BAD, (Code.URI_REFUSED, Code.SERVER_FAILED, Code.TRANSFER_FAILED),
                                       named=False)
            self.assertNotRegex(reason.text, r"[\x00-\x1f]")
            answers.pop(0)
            updater.exit()
            updater.enter()

    def credentials_seen(self, uri, **how):
        """What the second host hears of them, and that it serves the image."""
        second = self.start_server(serve({"/image.bin": IMAGE}), address="127.0.0.3", port=8080)
        first = self.start_server(redirect("http://127.0.0.3:8080/image.bin"), address="127.0.0.1", port=8080)
        self.assert_fetches(self.start_agent(), uri, **how)
        return first.requests[0].header("Authorization"), second.requests[0].header("Authorization")

    def test_credentials_of_4dh(self):
        """redirect to another host, credentials by 4Dh -> only the first host gets them, ready"""
        first, second = self.credentials_seen(BAD, credentials=(USER, PASSWORD))
        self.assertTrue(first.startswith("Basic "))
        self.assertIsNone(second)

    def test_credentials_in_the_uri(self):
        """redirect to another host, credentials in the URI -> only the first host gets them, ready"""
        first, second = self.credentials_seen(f"http://{USER}:p4ss%3Aw%2Frd-9e77@127.0.0.1:8080/image.bin?t={TOKEN}")
        self.assertTrue(first.startswith("Basic "))
        self.assertIsNone(second)

    def test_credentials_and_another_port(self):
        """redirect to another port of the same host -> credentials do not go there, ready"""
        second = self.start_server(serve({"/image.bin": IMAGE}), port=8081)
        self.start_server(redirect("http://127.0.0.1:8081/image.bin"))
        self.assert_fetches(self.start_agent(), BAD, credentials=(USER, PASSWORD))
        self.assertIsNone(second.requests[0].header("Authorization"))


class Names(Case):
    def test_of_an_allowed_address(self):
        """a name with an allowed address; a name that the list allows -> ready"""
        self.start_names(files_test="127.0.0.1", www_files_test="127.0.0.1")
        updater = self.start_agent()
        self.assert_fetches(updater, "http://files.test:8000/image.bin")
        updater = self.start_agent({"allow": ["127.0.0.1/32", "*.files.test"]})
        self.assert_fetches(updater, "http://www.files.test:8000/image.bin")

    def test_of_a_denied_address(self):
        """a name whose address is not allowed -> error, uri_refused; nobody connects there"""
        self.start_names(denied_test="127.0.0.2")
        denied = self.start_server(serve({"/image.bin": IMAGE}), address="127.0.0.2")
        updater = self.start_agent({"allow": ["127.0.0.1/32"]})
        self.assert_fails(updater, "http://denied.test:8080/image.bin", Code.URI_REFUSED, "denied.test", "127.0.0.2")
        self.assertEqual(denied.connections, 0)

    def test_of_two_addresses(self):
        """a name with a denied and an allowed address -> ready from the allowed one; nobody connects to the other"""
        Dnsmasq(self.workspace, names={}, options=[f"--host-record=two.test,127.0.0.{host}" for host in (2, 1)])
        denied = self.start_server(serve({"/image.bin": IMAGE}), address="127.0.0.2")
        self.start_server(serve({"/image.bin": IMAGE}))
        updater = self.start_agent({"allow": ["127.0.0.1/32"]})
        for _ in range(4):  # in whatever order the addresses come
            self.assert_fetches(updater, "http://two.test:8080/image.bin", named=False)
            updater.exit()
            updater.enter()
        self.assertEqual(denied.connections, 0)

    def test_allowed_name_of_a_loopback_address(self):
        """an allowed name that leads to loopback, which no network in the list allows -> error, uri_refused"""
        self.good = None
        self.start_names(trusted_test="127.0.0.1")
        denied = self.start_server(serve({"/image.bin": IMAGE}))
        updater = self.start_agent({"allow": ["trusted.test"]})
        self.assert_fails(updater, "http://trusted.test:8080/image.bin", Code.URI_REFUSED, "loopback")
        self.assertEqual(denied.connections, 0)

    def test_of_the_bmc_itself(self):
        """an address of the BMC's own, no list -> error, uri_refused; nobody connects there"""
        self.good = None
        own = network_namespace.OWN_ADDRESS
        server = self.start_server(serve({"/image.bin": IMAGE}), address=own)
        updater = self.start_agent({"allow": ["10.0.0.0/8"]})
        if not updater.refusal(0x29, updater.control_data(1)):
            self.assertIn(updater.refusal(0x29, updater.control_data(4, f"http://{own}:8080/image.bin")), (0, 0xCC))
            updater.control(3)
        self.start_names(self_test=own)
        self.assert_fails(updater, "http://self.test:8080/image.bin", Code.URI_REFUSED, own)
        self.assertEqual(server.connections, 0)

    def test_denied_though_allowed(self):
        """deny beats allow, for names and for addresses -> 29h-4 answers CCh, uri_refused"""
        updater = self.start_agent({"allow": ["127.0.0.0/8", "*.test"], "deny": ["127.0.0.4/30", "bad.test"]})
        self.assert_refused(updater, "http://127.0.0.5/image.bin", "127.0.0.5")
        self.assert_refused(updater, "http://bad.test/image.bin", "bad.test")
        self.assert_fetches(updater, GOOD)

    def test_that_do_not_exist(self):
        """a name that does not exist -> error, host_not_found, after one try"""
        self.start_names(files_test="127.0.0.1")
        self.assert_fails(self.start_agent(), "http://nowhere.test/image.bin", Code.HOST_NOT_FOUND, "nowhere.test")
        self.assertNotIn("next try", self.agent.log())

    def test_without_a_name_server(self):
        """no name server there -> error, host_not_found"""
        self.assert_fails(self.start_agent(), "http://files.test/image.bin", Code.HOST_NOT_FOUND, "files.test")

    def test_name_server_that_never_answers(self):
        """a name server that never answers -> error after the connect time-out; the BMC answers quickly meanwhile"""
        mute = network_namespace.silent()
        self.addCleanup(mute.close)
        updater = self.start_agent({"connect_timeout": 2, "retries": 0})
        self.begin(updater, "http://files.test/image.bin")
        slowest = 0.0
        while updater.session().state == DOWNLOAD:
            began = time.monotonic()
            updater.session()
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.02)
        self.assertLess(slowest, network_case.AT_ONCE)
        self.check_reason(updater.reason(), (Code.HOST_NOT_FOUND, Code.TIMEOUT), ["files.test"])
        self.assert_fetches(updater, GOOD)


class Uris(Case):
    def test_refused(self):
        """file, gopher, ldap, no host, no path, control characters, denied hosts -> 29h-4 answers CCh, uri_refused"""
        updater = self.start_agent({"allow": ["127.0.0.1/32"]})
        for uri in REFUSED:
            with self.subTest(uri):
                self.assert_refused(updater, uri)
        self.assert_fetches(updater, GOOD)

    def test_schemes_of_the_configuration(self):
        """a scheme that is not in "schemes" -> CCh, uri_refused, and not in 40h"""
        updater = self.start_agent({"schemes": ["http"]})
        features, schemes = updater.capabilities()
        self.assertEqual((features & 0x200, schemes & 0x1F), (0x200, 0x01))
        for scheme in ("https", "tftp", "ftp", "ftps"):
            self.assert_refused(updater, f"{scheme}://127.0.0.1/image.bin", scheme)
        self.assert_fetches(updater, GOOD)


if __name__ == "__main__":
    network_case.main()
