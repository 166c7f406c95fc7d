#!/usr/bin/python3
"""https from nginx: whom an agent trusts, what it shows of itself."""

import network_case
from harness import MIB
from network_case import IMAGE
from network_certificates import Authority, self_signed
from network_nginx import Case
from network_updater import COMPLETE, READY, SET_URI, START, Code

MORE_SERVERS = """
    root {folder};
    server {{ listen 127.0.0.1:8444 ssl; ssl_certificate {old.file}; ssl_certificate_key {old.key_file}; }}
    server {{ listen 127.0.0.1:8445 ssl; ssl_certificate {other.file}; ssl_certificate_key {other.key_file}; }}
    server {{ listen 127.0.0.1:8446 ssl; ssl_certificate {own.file}; ssl_certificate_key {own.key_file}; }}
    server {{ listen 127.0.0.1:8447 ssl; ssl_client_certificate {authority.file}; ssl_verify_client on;
              location /moved {{ return 302 https://127.0.0.3:8448/image.bin; }} }}
    server {{ listen 127.0.0.3:8448 ssl; ssl_client_certificate {authority.file}; ssl_verify_client optional; }}
    server {{ listen 127.0.0.1:8449 ssl; ssl_certificate {foreign.file}; ssl_certificate_key {foreign.key_file}; }}
"""


class Https(Case):
    @classmethod
    def more_servers(cls):
        here = cls.folder.workspace.directory
        cls.certificates = {
            "old": cls.authority.issue("old", "127.0.0.1", days=-2),
            "other": cls.authority.issue("other", "files.elsewhere.test"),
            "own": self_signed(here, "self", "127.0.0.1"),
            "foreign": Authority(here, "Foreign authority").issue("foreign", "127.0.0.1"),
            "client": cls.authority.issue("the-bmc"),
        }
        return MORE_SERVERS.format(folder=cls.folder.path, authority=cls.authority.certificate, **cls.certificates)

    def start_trusting(self, **network):
        return self.start_agent({"ca_file": str(self.authority.certificate.file), **network})

    def test_trusted(self):
        """https, certificate of the configured authority -> ready, also over IPv6; no SHA-256 needed"""
        updater = self.start_trusting()
        self.assert_fetches(updater, "https://127.0.0.1/image.bin")
        updater.exit()
        self.assert_fetches(updater.enter(), "https://[::1]/image.bin", named=False)
        updater.exit()
        updater.enter().control(START)
        updater.control(SET_URI, "https://127.0.0.1/image.bin")
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())

    def refuses_certificate(self, port, *words, **how):
        self.assert_fails(self.start_trusting(), f"https://127.0.0.1:{port}/image.bin", Code.TLS_FAILED, *words, **how)

    def test_expired(self):
        """expired certificate -> error, tls_failed"""
        self.refuses_certificate(8444, "expired")

    def test_another_host(self):
        """certificate for another host -> error, tls_failed"""
        self.refuses_certificate(8445, "127.0.0.1")

    def test_self_signed(self):
        """self-signed certificate -> error, tls_failed"""
        self.refuses_certificate(8446, "self")

    def test_unknown_authority(self):
        """certificate of an authority that is not configured -> error, tls_failed"""
        self.refuses_certificate(8449, "certificate")

    def test_pinned(self):
        """pinned by 4Dh: self-signed, expired, for another host -> ready"""
        updater = self.start_agent()
        for port, name in ((8446, "own"), (8444, "old"), (8445, "other")):
            with self.subTest(name):
                self.assert_fetches(updater, f"https://127.0.0.1:{port}/image.bin", named=False,
                                    pin=self.certificates[name].sha256)
                updater.exit()
                updater.enter()

    def test_pin_of_another(self):
        """another certificate than the pinned one, its authority trusted -> error, tls_failed, before a request"""
        updater = self.start_trusting()
        pin = self.certificates["own"].sha256
        self.assert_fails(updater, "https://127.0.0.1/image.bin", Code.TLS_FAILED, "pin", pin=pin)
        self.assertEqual(self.seen(port=443), [])

    def test_client_certificate(self):
        """server asks for the client's certificate -> ready with it, error without; another host does not see it"""
        client = self.certificates["client"]
        updater = self.start_trusting(client_certificate=str(client.file), client_key=str(client.key_file))
        self.assert_fetches(updater, "https://127.0.0.1:8447/image.bin")
        updater.exit()
        self.assert_fetches(updater.enter(), "https://127.0.0.1:8447/moved", named=False)
        seen = self.wait_for_requests(3)
        self.assertEqual([request["certificate"] for request in seen], ["CN=the-bmc", "CN=the-bmc", ""])
        self.assert_fails(self.start_trusting(), "https://127.0.0.1:8447/image.bin",
                          (Code.TLS_FAILED, Code.SERVER_FAILED, Code.ACCESS_DENIED))

    def test_broken_off(self):
        """https broken off in mid-body -> the rest by Range, ready"""
        proxy = self.start_proxy(MIB, server_port=443)
        self.assert_fetches(self.start_trusting(), "https://127.0.0.1:8080/image.bin")
        self.assertLess(sum(proxy.handed), len(IMAGE) + 300_000)


if __name__ == "__main__":
    network_case.main("nginx")
