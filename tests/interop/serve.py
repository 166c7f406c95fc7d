#!/usr/bin/python3
"""The network transport for real: `uri` with a server that no one here wrote, `serve` and `install transport serve` with the
client's own; refusals, killed clients and agents, resume.
"""

import base64
import http.server
import signal
import ssl
import subprocess
import threading
import time

import harness
from harness import MIB, Agent, Case, make_image

IMAGE = make_image(8 * MIB + 4242)
LARGE = make_image(160 * MIB + 99, seed=2)
DONE, USAGE, ALREADY_CURRENT, REFUSED, TRANSFER_FAILED = 0, 2, 11, 12, 14
LOOPBACK = {"allow": ["127.0.0.0/8"]}
SECRET = "s3cret-password"
SLOW = 600 * 1024  # bytes/s: longer than it takes to see that a client is gone


class Server:
    """Python's HTTP server with single ranges, a strong entity tag, a speed limit and, if wanted, a user."""

    def __init__(self, image, rate=None, user=None, tls=None):
        self.image, self.rate, self.user = image, rate, user
        self.requests = []  # (status, first byte asked for)
        self.sent = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def uri(self, path="/image.bin", credentials=""):
        return f"{self.scheme}://{credentials}127.0.0.1:{self.port}{path}"

    def refuse(self, handler, status, *header):
        self.requests.append((status, 0))
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        for name, value in header:
            handler.send_header(name, value)
        handler.end_headers()

    def answer(self, handler):
        wanted = self.user and "Basic " + base64.b64encode(self.user.encode()).decode()
        if wanted and handler.headers.get("Authorization") != wanted:
            self.refuse(handler, 401, ("WWW-Authenticate", 'Basic realm="files"'))
        elif handler.path.split("?")[0] != "/image.bin":
            self.refuse(handler, 404)
        else:
            self.send(handler)

    def send(self, handler):
        tag = f'"{harness.sha256(self.image)}"'
        asked = handler.headers.get("Range", "")
        ranged = asked.startswith("bytes=") and handler.headers.get("If-Range", tag) == tag
        first = int(asked[6:].split("-")[0]) if ranged else 0
        self.requests.append((206 if ranged else 200, first))
        handler.send_response(206 if ranged else 200)
        handler.send_header("ETag", tag)
        handler.send_header("Accept-Ranges", "bytes")
        handler.send_header("Content-Length", str(len(self.image) - first))
        if ranged:
            handler.send_header("Content-Range", f"bytes {first}-{len(self.image) - 1}/{len(self.image)}")
        handler.end_headers()
        try:
            for at in range(first, len(self.image), 65536):
                handler.wfile.write(self.image[at:at + 65536])
                self.sent += len(self.image[at:at + 65536])
                if self.rate:
                    time.sleep(65536 / self.rate)
        except OSError:
            handler.close_connection = True  # the BMC was killed, or stopped

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Slowed:
    """In the `with` block the agent works a tenth of the time: what would be through before anybody has looked takes
    seconds."""

    def __init__(self, agent):
        self.process = agent.program.process
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._slow, daemon=True)

    def _slow(self):
        while not self.over.is_set():
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(0.03)
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.003)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Serve(Case):
    def setUp(self):
        super().setUp()
        self.image_file = self.workspace.write("image.bin", IMAGE)
        self.named = ("sha256", harness.sha256(IMAGE), "size", len(IMAGE))

    def agent(self, network=LOOPBACK, **sections):
        return Agent(self.workspace, network=network, max_image_size=256 * MIB, **sections)

    def server(self, *arguments, **options):
        server = Server(*arguments, **options)
        self.addCleanup(server.close)
        return server

    def command(self, agent, *words):
        return self.lanplus(agent.port, "fwupdate", *words, "yes", "json")

    def run_command(self, agent, *words):
        return self.command(agent, *words).finish()

    def text_of(self, run):
        return run.events("result")[-1]["text"]

    def read_until_fetching(self, client, least=1):
        """Reads on until the BMC has fetched something, and not everything."""
        while client.read_line() is not None:
            fetched = [event for event in client.events("progress") if event["phase"] == "fetch"]
            if fetched and least <= fetched[-1]["done"] and (fetched[-1]["done"] < fetched[-1]["total"]):
                return fetched[-1]["done"]
        self.fail(f"never in the midst of fetching:\n{client.text}")

    def certificate(self):
        """A self-signed one, and its SHA-256."""
        pem, der = self.workspace.directory / "server.pem", self.workspace.directory / "server.der"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", pem, "-out", str(pem) + ".crt", "-subj", "/CN=files", "-days", "2"],
                       check=True, capture_output=True)
        pem.write_bytes(pem.read_bytes() + (pem.parent / (pem.name + ".crt")).read_bytes())
        subprocess.run(["openssl", "x509", "-in", pem, "-outform", "DER", "-out", der], check=True)
        return pem, harness.sha256(der.read_bytes())

    # ---- the client's own server

    def test_serve(self):
        agent = self.agent()
        run = self.run_command(agent, "serve", self.image_file)
        self.assert_status(run, DONE)
        self.assertTrue(agent.holds(IMAGE))
        server = run.events("server")[0]
        self.assertEqual((server["scheme"], server["address"], server["from"]), ("https", "127.0.0.1", "127.0.0.1"))
        self.assertTrue(any(event["phase"] == "fetch" for event in run.events("progress")), run.text)
        self.assert_status(self.run_command(agent, "serve", self.image_file), ALREADY_CURRENT)

    def test_install_transport_serve_without_tls(self):
        agent = self.agent()
        self.assert_status(self.run_command(agent, "install", self.image_file, "transport", "serve", "http"), DONE)
        self.assertTrue(agent.holds(IMAGE))

    def test_bmc_that_may_not_fetch_from_here(self):
        agent = self.agent(network={})  # loopback is denied
        run = self.run_command(agent, "serve", self.image_file)
        self.assert_status(run, REFUSED, TRANSFER_FAILED)
        self.assertIn("127.0.0.1", self.text_of(run))
        none = Agent(self.workspace, name="none")
        self.assert_status(self.run_command(none, "serve", self.image_file), REFUSED)
        self.assertEqual(none.target.read_bytes(), b"old firmware")

    def test_bmc_from_another_address(self):
        agent = self.agent()
        run = self.run_command(agent, "serve", self.image_file, "from", "192.0.2.1")
        self.assert_status(run, TRANSFER_FAILED)
        self.assertIn("'from 127.0.0.1' serves it", self.text_of(run))
        self.assert_status(self.run_command(agent, "resume", "from", "any"), DONE)
        self.assertTrue(agent.holds(IMAGE))

    def test_client_killed_while_it_serves(self):
        agent = self.agent()
        large = self.workspace.write("large.bin", LARGE)
        with Slowed(agent):
            client = self.command(agent, "serve", large)
            self.read_until_fetching(client, 4 * MIB)
            client.end(signal.SIGKILL)
        resumed = self.run_command(agent, "resume")
        self.assert_status(resumed, DONE)
        self.assertIn("resuming: ", resumed.text)
        self.assertTrue(agent.holds(LARGE))

    def test_agent_killed_while_the_client_serves(self):
        agent = self.agent()
        large = self.workspace.write("large.bin", LARGE)
        with Slowed(agent):
            client = self.command(agent, "serve", large)
            self.read_until_fetching(client, 4 * MIB)
        agent.kill()
        agent.start()
        client.finish()
        self.assert_status(client, DONE)
        self.assertIn("resuming: ", client.text)
        self.assertTrue(agent.holds(LARGE))

    def test_interrupted_while_it_serves(self):
        agent = self.agent()
        large = self.workspace.write("large.bin", LARGE)
        with Slowed(agent):
            client = self.command(agent, "serve", large)
            self.read_until_fetching(client, 4 * MIB)
            client.process.send_signal(signal.SIGINT)
            client.finish()
        self.assert_status(client, TRANSFER_FAILED)
        self.assertIn("resume", self.text_of(client))
        self.assertEqual(self.status(agent.port)["state"], "init")
        self.assert_status(self.run_command(agent, "resume"), DONE)
        self.assertTrue(agent.holds(LARGE))

    # ---- a URI

    def test_uri_of_http_with_a_copy(self):
        agent, server = self.agent(), self.server(IMAGE)
        self.assert_status(self.run_command(agent, "uri", server.uri(), "image", self.image_file), DONE)
        self.assertTrue(agent.holds(IMAGE))
        self.assertEqual(server.requests, [(200, 0)])
        again = self.run_command(agent, "uri", server.uri(), *self.named)
        self.assert_status(again, ALREADY_CURRENT)

    def test_uri_with_a_digest_alone(self):
        agent, server = self.agent(), self.server(IMAGE)
        wrong = self.run_command(agent, "uri", server.uri(), "sha256", "0" * 64)
        self.assert_status(wrong, 13)
        self.assert_status(self.run_command(agent, "uri", server.uri(), "sha256", harness.sha256(IMAGE)), DONE)
        self.assertTrue(agent.holds(IMAGE))

    def test_uri_of_https_with_a_pin_and_nothing_else(self):
        pem, pin = self.certificate()
        agent, server = self.agent(), self.server(IMAGE, tls=pem)
        untrusted = self.run_command(agent, "uri", server.uri())
        self.assert_status(untrusted, TRANSFER_FAILED)
        self.assert_status(self.run_command(agent, "uri", server.uri(), "pin", "0" * 64), TRANSFER_FAILED)
        self.assertEqual(server.sent, 0)
        self.assert_status(self.run_command(agent, "uri", server.uri(), "pin", pin), DONE)
        self.assertTrue(agent.holds(IMAGE))

    def test_uri_without_a_digest_is_refused_where_nothing_vouches_for_it(self):
        agent, server = self.agent(), self.server(IMAGE)
        run = self.run_command(agent, "uri", server.uri())
        self.assert_status(run, REFUSED)
        self.assertIn("SHA-256", self.text_of(run))
        self.assertEqual(server.requests, [])
        self.assertEqual(self.status(agent.port)["state"], "init")

    def test_credentials_reach_the_server_and_nobody_else(self):
        agent, server = self.agent(), self.server(IMAGE, user=f"bob:{SECRET}")
        password = self.workspace.write("server-password", SECRET.encode() + b"\n")
        denied = self.run_command(agent, "uri", server.uri(), *self.named)
        self.assert_status(denied, TRANSFER_FAILED)
        runs = [self.run_command(agent, "uri", server.uri("/image.bin?token=hidden"), *self.named, "user", "bob",
                                 "password-file", password),
                self.run_command(agent, "uri", server.uri(credentials=f"bob:{SECRET}@"), *self.named, "force")]
        for run in runs:
            self.assert_status(run, DONE)
            self.assertNotIn(SECRET, run.text)
            self.assertNotIn("hidden", run.text)
        self.assertNotIn(SECRET, agent.log())
        self.assertNotIn("hidden", agent.log())
        self.assertTrue(agent.holds(IMAGE))

    def test_what_the_server_has_not_is_told_with_its_place(self):
        agent, server = self.agent(), self.server(IMAGE)
        missing = self.run_command(agent, "uri", server.uri("/other.bin"), *self.named)
        self.assert_status(missing, TRANSFER_FAILED)
        self.assertIn("/other.bin", self.text_of(missing))
        other = self.run_command(agent, "uri", server.uri(), "sha256", "1" * 64, "size", len(IMAGE) + 1)
        self.assert_status(other, TRANSFER_FAILED)
        self.assertIn(str(len(IMAGE)), self.text_of(other))
        self.assertEqual(agent.target.read_bytes(), b"old firmware")

    def test_client_killed_while_the_bmc_fetches(self):
        for named in (self.named, ()):
            pem, pin = self.certificate()
            agent = self.agent(name=f"agent-{len(named)}")
            server = self.server(IMAGE, rate=SLOW, tls=pem)
            client = self.command(agent, "uri", server.uri(), "pin", pin, *named)
            self.read_until_fetching(client)
            client.end(signal.SIGKILL)
            resumed = self.run_command(agent, "resume")
            self.assert_status(resumed, DONE)
            self.assertIn("the BMC is fetching this image already", resumed.text)
            self.assertTrue(agent.holds(IMAGE))
            self.assertEqual([status for status, _ in server.requests], [200], "it was fetched again")

    def test_agent_killed_while_it_fetches(self):
        agent, server = self.agent(), self.server(IMAGE, rate=3 * MIB)
        client = self.command(agent, "uri", server.uri(), *self.named)
        self.read_until_fetching(client, MIB)
        agent.kill()
        agent.start()
        client.finish()
        self.assert_status(client, DONE)
        self.assertTrue(agent.holds(IMAGE))
        self.assertEqual(len(server.requests), 2)
        self.assertGreater(server.requests[1][1], 0, "what was staged did not count")

    def test_interrupted_by_uri_finished_by_stream(self):
        agent, server = self.agent(), self.server(IMAGE, rate=3 * MIB)
        client = self.command(agent, "uri", server.uri(), *self.named)
        self.read_until_fetching(client, MIB)
        client.process.send_signal(signal.SIGINT)
        client.finish()
        self.assert_status(client, TRANSFER_FAILED)
        run = self.install(agent.port, self.image_file)
        self.assert_status(run, DONE)
        self.assertIn("resuming: ", run.text)
        self.assertTrue(agent.holds(IMAGE))

    def test_a_second_one_learns_who_and_how_far(self):
        agent, server = self.agent(), self.server(IMAGE, rate=SLOW)
        client = self.command(agent, "uri", server.uri(), *self.named)
        self.read_until_fetching(client)
        second = self.run_command(agent, "uri", server.uri("/other.bin"), *self.named)
        self.assert_status(second, REFUSED)
        self.assertRegex(self.text_of(second), r"held by user 'admin'.*the update is at 'download', \d+ %")
        client.finish()
        self.assert_status(client, DONE)

    def test_refused_by_the_bmc_s_rules(self):
        agent = self.agent(network={"allow": ["127.0.0.0/8"], "deny": ["127.0.0.1"], "schemes": ["https"]})
        denied = self.run_command(agent, "uri", "https://127.0.0.1:9/image.bin", *self.named)
        self.assert_status(denied, REFUSED)
        scheme = self.run_command(agent, "uri", "ftp://127.0.0.2/image.bin", *self.named)
        self.assert_status(scheme, REFUSED)
        self.assertIn("does not fetch by ftp; it does by https", self.text_of(scheme))


if __name__ == "__main__":
    harness.require("openssl")
    harness.main()
