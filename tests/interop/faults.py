#!/usr/bin/python3
"""Our client and our agent over a wire that loses, doubles, reorders and delays.

An update ends right, or it ends resumable and `resume` finishes. The target is the image or untouched, never anything else.
"""

import harness
from harness import MIB, Agent, Case, Relay, make_image

IMAGE = make_image(6 * MIB + 777)
DONE, TRANSFER_FAILED = 0, 14
RESUMES = 5


class Faults(Case):
    def update(self, image=IMAGE, **faults):
        """Installs through a relay with these faults; the relay's counters."""
        agent = Agent(self.workspace)
        relay = Relay(self.workspace, agent.port, **faults)
        image_file = self.workspace.write("image.bin", image)
        old = agent.target.read_bytes()
        run = self.install(relay.port, image_file, quiet=120)
        for _ in range(RESUMES):
            if run.status == DONE:
                break
            # Opening a session may fail on such a wire: ipmitool's own code then ends with 1 before ours is asked.
            self.assert_status(run, TRANSFER_FAILED, 1)
            self.assertIn(agent.target.read_bytes(), (old, image))
            run = self.install(relay.port, image_file, verb="resume", quiet=120)
        self.assert_status(run, DONE)
        self.assertTrue(agent.holds(image), "the target's bytes differ from the image")
        return relay.counters()

    def happened(self, counters, what):
        """The relay really did what the test is about."""
        self.assertGreater(counters["to_server"][what], 0)
        return counters

    def test_no_fault(self):
        counters = self.update()
        # 8 bytes of header in 1400, RMCP+ around it, acknowledgements apart: little more than the image travels.
        self.assertLess(counters["to_server"]["bytes"], 1.15 * len(IMAGE))

    def test_loss_1_percent(self):
        self.happened(self.update(loss=1), "lost")

    def test_loss_5_percent(self):
        self.happened(self.update(loss=5, seed=5), "lost")

    def test_loss_20_percent(self):
        self.happened(self.update(loss=20, seed=3), "lost")

    def test_duplication(self):
        self.happened(self.update(duplication=30), "duplicated")

    def test_reordering(self):
        self.happened(self.update(reordering=20, held_back=15), "reordered")

    def test_delay_200_ms(self):
        self.update(delay=100)  # each way: 200 ms round trip

    def test_jitter_loss_duplication_and_reordering_at_once(self):
        self.update(loss=3, duplication=3, reordering=5, delay=20, jitter=20, seed=9)

    def test_slow_line(self):
        self.update(image=make_image(MIB), rate=10, queue=64, delay=10)

    def test_base_profile_steps_on_a_lossy_wire(self):
        """The single steps write by 2Ch, whose repetition must never double a block."""
        agent = Agent(self.workspace)
        relay = Relay(self.workspace, agent.port, loss=3, seed=11)
        image = b"\xff" * 250_000  # equal writes: told apart by nothing but their requester sequence, which wraps
        image_file = self.workspace.write("image.bin", image)

        def step(*words):
            for _ in range(10):  # a session may fail to open
                run = self.lanplus(relay.port, "fwupdate", *words).finish()
                if run.status == 0:
                    return
            self.fail(run.text)

        for words in (("enter",), ("options", "sha256", harness.sha256(image)), ("write", image_file), ("complete",)):
            step(*words)
        harness.wait_until(lambda: agent.holds(image), "the target holds the image")


if __name__ == "__main__":
    harness.main()
