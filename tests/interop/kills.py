#!/usr/bin/python3
"""kill -9 of the agent in every state and of the client in every phase: `resume` finishes, and only what is missing travels.

The states are read from the agent's log, and the agent runs from system call to system call, so that a kill hits the
state it is meant for.
"""

import re
import signal
import time

import harness
from harness import MIB, Agent, Case, Relay, make_image
from stepping import Stepper

IMAGE = make_image(16 * MIB + 4242)
BLOCK = 65536
BLOCKS = -(-len(IMAGE) // BLOCK)
DONE, ALREADY_CURRENT, TRANSFER_FAILED = 0, 11, 14
IDLE, DOWNLOAD, VERIFY, PROGRAM, READY, ERROR = 1, 2, 3, 4, 5, 15
SLOW = {"rate": 60}  # Mbit/s: the image takes more than 2 s


class Kills(Case):
    def setUp(self):
        super().setUp()
        self.image_file = self.workspace.write("image.bin", IMAGE)
        self.agents = 0

    def fresh(self, **faults):
        """A new agent behind a new relay."""
        self.agents += 1
        agent = Agent(self.workspace, name=f"agent-{self.agents}")
        return agent, Relay(self.workspace, agent.port, name=f"relay-{self.agents}", **faults)

    def start_install(self, relay):
        return self.lanplus(relay.port, "fwupdate", "install", self.image_file, "yes", "json")

    def resume(self, relay, *statuses, words=()):
        run = self.fwupdate(relay.port, "resume", *words, "yes", "json")
        self.assert_status(run, *(statuses or (DONE,)))
        return run

    def blocks_present(self, agent, start):
        """What the agent still had of the image when the transfer was begun again."""
        begun = re.search(r'Transfer begun.*blocks_present="(\d+)"', agent.log()[start:])
        self.assertTrue(begun, f"no transfer was begun again:\n{agent.log()[start:]}")
        return int(begun[1])

    def travelled(self, relay, before):
        """Bytes of whole datagrams towards the agent since then."""
        return relay.counters()["to_server"]["bytes"] - before["to_server"]["bytes"]

    def assert_only_missing(self, relay, before, missing_blocks):
        """Headers cost less than a tenth, a session and its questions less than 40 KB. On a busy machine some fragments
        count as lost that were only late: a third for them, still far from sending everything again."""
        self.assertLess(self.travelled(relay, before), missing_blocks * BLOCK * 1.4 + 40_000,
                        f"more travelled than the {missing_blocks} of {BLOCKS} blocks that were missing")

    def wait_for_blocks(self, relay):
        """Until so much has travelled that many a block is whole, however full the window."""
        before = relay.counters()
        harness.wait_until(lambda: self.travelled(relay, before) > 48 * BLOCK, "blocks have travelled", 60)

    def at_state(self, wanted, act, **faults):
        """Installs, and does `act(agent, client)` while the agent stands still in that state; (agent, relay, client)."""
        agent, relay = self.fresh(**faults)
        client = self.start_install(relay)
        if wanted == DOWNLOAD:
            agent.program.wait_for("Transfer begun", 60)
            self.wait_for_blocks(relay)
        with Stepper(agent.program.process.pid) as stepper:
            self.assertTrue(stepper.run_until(lambda: wanted in agent.states()), agent.log())
            self.assertEqual(agent.states()[-1], wanted, "the state was over before the kill")
            act(agent, client)
        return agent, relay, client

    # ---- the agent

    def agent_dies_under_the_client(self, state, **faults):
        """The agent is killed and started again; the client finds it and goes on by itself."""
        agent, relay, client = self.at_state(state, lambda agent, client: agent.kill(), **faults)
        self.assertIn(agent.target.read_bytes(), (b"old firmware", IMAGE), "the target is a mixture")
        before, start = relay.counters(), agent.log_length()
        agent.start()
        client.finish()
        if client.status == TRANSFER_FAILED:
            client = self.resume(relay, DONE, ALREADY_CURRENT)
        self.assert_status(client, DONE, ALREADY_CURRENT)
        self.assertTrue(agent.holds(IMAGE))
        return agent, relay, before, start

    def test_agent_killed_in_idle(self):
        agent, relay = self.fresh()
        self.assert_status(self.fwupdate(relay.port, "enter"), DONE)
        self.assertEqual(self.status(relay.port)["state"], "idle")
        agent.kill()
        agent.start()
        self.assertEqual(self.status(relay.port)["state"], "init")
        self.assert_status(self.install(relay.port, self.image_file), DONE)
        self.assertTrue(agent.holds(IMAGE))

    def test_agent_killed_in_download(self):
        agent, relay, before, start = self.agent_dies_under_the_client(DOWNLOAD, **SLOW)
        present = self.blocks_present(agent, start)
        self.assertGreater(present, 10, "what was staged before the kill must count")
        self.assert_only_missing(relay, before, BLOCKS - present)

    def test_agent_killed_in_verify(self):
        agent, relay, before, start = self.agent_dies_under_the_client(VERIFY)
        self.assertEqual(self.blocks_present(agent, start), BLOCKS)
        self.assert_only_missing(relay, before, 0)

    def test_agent_killed_in_program(self):
        agent, relay, before, start = self.agent_dies_under_the_client(PROGRAM)
        self.assertEqual(self.blocks_present(agent, start), BLOCKS)
        self.assert_only_missing(relay, before, 0)

    def test_agent_killed_in_ready(self):
        agent, relay = self.fresh()
        digest = harness.sha256(IMAGE)
        for words in (("enter",), ("options", "sha256", digest), ("write", self.image_file), ("complete",)):
            self.assert_status(self.fwupdate(relay.port, *words), DONE)
        harness.wait_until(lambda: self.status(relay.port)["state"] == "ready", "ready")
        agent.kill()
        agent.start()
        self.assertTrue(agent.holds(IMAGE))
        self.assert_status(self.install(relay.port, self.image_file), ALREADY_CURRENT)

    def test_agent_killed_in_error(self):
        agent, relay = self.fresh()
        for words in (("enter",), ("options", "sha256", "00" * 32), ("write", self.image_file)):
            self.assert_status(self.fwupdate(relay.port, *words), DONE)
        self.fwupdate(relay.port, "complete")
        harness.wait_until(lambda: self.status(relay.port)["state"] == "error", "error")
        agent.kill()
        agent.start()
        self.assertEqual(agent.target.read_bytes(), b"old firmware")
        self.assert_status(self.install(relay.port, self.image_file), DONE)
        self.assertTrue(agent.holds(IMAGE))

    def test_agent_killed_again_and_again_in_one_download(self):
        agent, relay = self.fresh(**SLOW)
        client = self.start_install(relay)
        start = 0
        for _ in range(3):
            begun = agent.program.wait_for("Transfer begun", 60, start)
            self.assertTrue(begun)
            time.sleep(0.5)
            start = agent.log_length()
            agent.kill()
            agent.start()
        client.finish()
        self.assert_status(client, DONE)
        self.assertTrue(agent.holds(IMAGE))
        # Each kill may cost the blocks that were being gathered, and datagrams sent while nobody listened.
        self.assertLess(relay.counters()["to_server"]["bytes"], 1.9 * len(IMAGE))

    # ---- the client

    def client_dies(self, state, **faults):
        agent, relay, client = self.at_state(state, lambda agent, client: client.end(signal.SIGKILL), **faults)
        self.assertIn(agent.target.read_bytes(), (b"old firmware", IMAGE), "the target is a mixture")
        before, start = relay.counters(), agent.log_length()
        self.resume(relay, DONE, ALREADY_CURRENT, words=(self.image_file,))
        self.assertTrue(agent.holds(IMAGE))
        return agent, relay, before, start

    def test_client_killed_in_idle(self):
        self.client_dies(IDLE)

    def test_client_killed_in_download(self):
        agent, relay, before, start = self.client_dies(DOWNLOAD, **SLOW)
        present = self.blocks_present(agent, start)
        self.assertGreater(present, 10, "what was staged before the kill must count")
        self.assert_only_missing(relay, before, BLOCKS - present)

    def test_client_killed_in_verify(self):
        _, relay, before, _ = self.client_dies(VERIFY)
        self.assert_only_missing(relay, before, 0)

    def test_client_killed_in_program(self):
        _, relay, before, _ = self.client_dies(PROGRAM)
        self.assert_only_missing(relay, before, 0)

    def test_client_killed_in_ready(self):
        _, relay, before, _ = self.client_dies(READY)
        self.assert_only_missing(relay, before, 0)

    def test_client_interrupted_says_how_to_go_on(self):
        """^C: a resumable end, and a resume that needs no arguments."""
        agent, relay = self.fresh(**SLOW)
        client = self.start_install(relay)
        agent.program.wait_for("Transfer begun", 60)
        self.wait_for_blocks(relay)
        client.process.send_signal(signal.SIGINT)
        client.finish()
        self.assert_status(client, TRANSFER_FAILED)
        self.assertIn("resume", client.events("result")[0]["text"])
        before, start = relay.counters(), agent.log_length()
        self.resume(relay)
        self.assertTrue(agent.holds(IMAGE))
        present = self.blocks_present(agent, start)
        self.assertGreater(present, 10)
        self.assert_only_missing(relay, before, BLOCKS - present)

    def test_agent_and_client_killed_together(self):
        def both(agent, client):
            client.end(signal.SIGKILL)
            agent.kill()

        agent, relay, _ = self.at_state(DOWNLOAD, both, **SLOW)
        before, start = relay.counters(), agent.log_length()
        agent.start()
        self.resume(relay)
        self.assertTrue(agent.holds(IMAGE))
        present = self.blocks_present(agent, start)
        self.assertGreater(present, 10)
        self.assert_only_missing(relay, before, BLOCKS - present)


if __name__ == "__main__":
    harness.main()
