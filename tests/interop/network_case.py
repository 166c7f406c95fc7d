"""What the scripts about the network transport have in common: agents that may fetch from loopback, fetches and their
outcomes, secrets that must not be seen, a table of all scenarios (NETWORK.md)."""

import base64
import hashlib
import pathlib
import tempfile
import time

import archive
import harness
import network_namespace
from harness import MIB, Agent, make_image
from network_hostile_servers import HttpServer, serve
from network_updater import ABORT, COMPLETE, DOWNLOAD, ERROR, IDLE, READY, SET_URI, START, Code, Updater

IMAGE = make_image(3 * MIB + 123)
OLD = b"old firmware"
LOOPBACK = {"allow": ["127.0.0.0/8", "::1"], "retries": 2, "connect_timeout": 3}
USER, PASSWORD, TOKEN = "bmc-fetcher-c51", "p4ss:w/rd-9e77", "sesame-41af"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = (USER, PASSWORD, "p4ss%3Aw%2Frd-9e77", BASIC, TOKEN)  # none of these is to be seen anywhere
AT_ONCE = 1.5  # seconds that an answer may take on a busy machine; what would be slow takes five and more


def digest_of(image):
    return hashlib.sha256(image).digest()


class Case(harness.Case):
    """A test with agents. `good` is a URI where the image is to be had, for the try after a failure."""

    good = None

    def setUp(self):
        super().setUp()
        self.agent = None
        self.agents = []
        self.updaters = []
        self.addCleanup(self._no_secrets)

    def _no_secrets(self):
        for agent in self.agents:
            self.assert_no_secret(agent.log())
        for updater in self.updaters:
            updater.close()

    def assert_no_secret(self, text):
        for secret in SECRETS:
            self.assertNotIn(secret, text, "a secret is told")

    def start_agent(self, network=None, **sections):
        """An agent with this object "network", and a session that is in update mode."""
        self.agent = Agent(self.workspace, name=f"agent-{len(self.agents)}", network={**LOOPBACK, **(network or {})},
                           **sections)
        self.agents.append(self.agent)
        return self.open_session().enter()

    def open_session(self, *user):
        updater = Updater(self.agent.port, *user)
        self.updaters.append(updater)
        return updater

    # ---- fetches

    def prepare(self, updater, uri, image=IMAGE, named=True, credentials=None, pin=None):
        """Everything before 29h-2. A transfer with a name, or of the base profile with nothing but the digest."""
        if named:
            updater.name(len(image), digest_of(image))
        else:
            updater.options(digest_of(image))
            updater.control(START)
        if pin:
            updater.pin(pin)
        if credentials:
            updater.credentials(*credentials)
        updater.control(SET_URI, uri)

    def begin(self, updater, uri, **how):
        self.prepare(updater, uri, **how)
        began = time.monotonic()
        updater.control(COMPLETE)
        self.assertLess(time.monotonic() - began, AT_ONCE, "29h-2 has to answer at once")

    def assert_fetches(self, updater, uri, image=IMAGE, quiet=30, **how):
        """The image arrives, and is what the target then holds."""
        self.begin(updater, uri, image=image, **how)
        end = updater.wait_for_end(quiet)
        self.assertEqual(end.state, READY, f"{updater.reason()}\n{self.agent.program.tail(8)}")
        self.assertEqual((end.size, end.percent), (len(image), 100))
        self.assertTrue(self.agent.holds(image), "the target's bytes differ from the image")
        return end

    def assert_fails(self, updater, uri, codes, *words, image=IMAGE, quiet=30, **how):
        """The fetch ends in error with one of these reasons, whose text has these words; the target is as it was. Then the
        image is fetched from where it is, without any trace of the failure."""
        before = self.agent.target.read_bytes()
        self.begin(updater, uri, image=image, **how)
        end = updater.wait_for_end(quiet)
        reason = updater.reason()
        self.assertEqual(end.state, ERROR, reason)
        self.check_reason(reason, codes, words)
        self.assertEqual(reason.phase, DOWNLOAD)
        self.assertEqual(self.agent.target.read_bytes(), before)
        self.check_log(updater, codes)
        if self.good:
            self.assert_fetches(updater, self.good)
        return reason

    def check_reason(self, reason, codes, words):
        self.assertIn(reason.code, codes if isinstance(codes, tuple) else (codes,), reason)
        for word in words:
            self.assertIn(word.lower(), reason.text.lower(), reason)
        self.assertGreater(len(reason.text), 20, "a reason is a sentence")
        self.assert_no_secret(reason.text)

    def check_log(self, updater, codes):
        entry = updater.log_entry()
        self.assertIn(entry.code, codes if isinstance(codes, tuple) else (codes,), entry)
        self.assert_no_secret(entry.text)

    def assert_refused(self, updater, uri, *words):
        """29h-4 refuses it: CCh, and the reason."""
        updater.control(START)
        self.assertEqual(updater.refusal(0x29, updater.control_data(SET_URI, uri)), 0xCC, uri)
        self.check_reason(updater.reason(), Code.URI_REFUSED, words)
        updater.control(ABORT)

    def assert_aborts(self, updater, still=lambda: 0):
        """29h-3 is answered at once, the state is idle from then on, and nothing goes on: `still()` counts it."""
        began = time.monotonic()
        updater.control(ABORT)
        self.assertEqual(updater.session().state, IDLE)
        self.assertLess(time.monotonic() - began, AT_ONCE, "an abort has to answer at once")
        time.sleep(0.2)  # what was on its way
        before = still()
        time.sleep(0.5)
        self.assertEqual(still(), before, "something goes on after the abort")
        self.assertEqual(updater.session().state, IDLE)
        self.assertEqual(self.agent.target.read_bytes(), OLD)


class OwnServers(Case):
    """With servers of the test's own, of which one is honest."""

    good = "http://127.0.0.1:8000/image.bin"

    def setUp(self):
        super().setUp()
        self.start_server(serve({"/image.bin": IMAGE}), port=8000)

    def start_server(self, respond, **how):
        server = HttpServer(respond, **how)
        self.addCleanup(server.close)
        return server


class Folder:
    """What the servers of a script serve, and the script's own network, which outlive a single test."""

    def __init__(self):
        self.workspace = harness.Workspace()
        self.path = self.workspace.directory / "served"
        self.path.mkdir()
        self.workspace.directory.chmod(0o755)  # servers give root up
        (self.path / "image.bin").write_bytes(IMAGE)

    def write(self, name, data):
        (self.path / name).write_bytes(data)
        return self.path / name


def main(*packages, prepare=None):
    """Fetches what the script needs while there is a network, makes one of its own, and runs the tests. `prepare` gets a
    folder for files that are to stand in the place of the machine's."""
    network_namespace.become_root()
    arguments = harness.read_settings()
    harness.require_module("cryptography")
    harness.require("ip", "ss", "openssl", "dnsmasq")
    try:
        for package in packages:
            archive.unpacked(package, harness.Settings.build / "servers")
    except archive.Unavailable as reason:
        network_namespace.skip(f"a server cannot be fetched: {reason}")
    with tempfile.TemporaryDirectory(prefix="fwupdate-network-") as directory:
        network_namespace.enter(directory)
        if prepare:
            prepare(pathlib.Path(directory))
        harness.run_tests(arguments)
