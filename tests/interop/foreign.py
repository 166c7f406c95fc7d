#!/usr/bin/python3
"""Our client against a BMC like the deployed ones: base profile only, with all its quirks (foreign_bmc.py)."""

import harness
from harness import MIB, Case, ForeignBmc, make_image, require_module

IMAGE = make_image(MIB + 12345)
QUICK = {"tick": 0.05, "restart_after": 2, "down_time": 4}  # seconds; who asks once a second sees "ready"
DONE, ACCEPTED, REFUSED, VERIFICATION_FAILED = 0, 10, 12, 13


class Foreign(Case):
    def setUp(self):
        super().setUp()
        self.image_file = self.workspace.write("image.bin", IMAGE)

    def sent(self, bmc, prefix):
        """How many commands began like this."""
        return sum(line.startswith(prefix) for line in bmc.commands())

    def test_update_is_confirmed_by_a_new_version(self):
        bmc = ForeignBmc(self.workspace, new_version="1.11", **QUICK)
        run = self.install(bmc.port, self.image_file)
        self.assert_status(run, DONE)
        self.assertEqual(bmc.activated(), IMAGE)
        self.assertIn("1.11", run.events("result")[0]["text"])
        self.assertEqual(self.sent(bmc, "08 2b 0704"), 1, "all options must be set, whatever they were")

    def test_update_without_a_new_version_is_only_accepted(self):
        bmc = ForeignBmc(self.workspace, **QUICK)
        self.assert_status(self.install(bmc.port, self.image_file), ACCEPTED)
        self.assertEqual(bmc.activated(), IMAGE)

    def test_restart_that_comes_before_anybody_sees_ready(self):
        bmc = ForeignBmc(self.workspace, new_version="1.11", **{**QUICK, "restart_after": 0, "down_time": 1})
        run = self.install(bmc.port, self.image_file)
        self.assert_status(run, DONE)
        self.assertEqual(bmc.activated(), IMAGE)
        self.assertIn("1.11", run.events("result")[0]["text"])
        self.assertNotIn("08 2a  -> 00 0564", "\n".join(bmc.commands()), "it was seen: the test shows nothing")

    def test_cipher_suite_3(self):
        bmc = ForeignBmc(self.workspace, suites="3", **QUICK)
        run = self.lanplus(bmc.port, "fwupdate", "install", self.image_file, "yes", "no-wait", cipher=3).finish()
        self.assert_status(run, ACCEPTED)
        harness.wait_until(lambda: bmc.activated() == IMAGE, "activation")

    def test_lost_answer_to_a_write_means_a_new_start(self):
        bmc = ForeignBmc(self.workspace, drop_answer="2c:3", **QUICK)
        self.assert_status(self.install(bmc.port, self.image_file, "no-wait"), ACCEPTED)
        self.assertEqual(self.sent(bmc, "answer dropped"), 1)
        self.assertEqual(self.sent(bmc, "08 29 01"), 2, "the transfer must be started again, once")
        self.assertEqual(bmc.activated(), IMAGE, "a block was doubled or left out")
        log = bmc.commands()
        behind = next(line for line in log[log.index("answer dropped") + 1:] if line.startswith("08 2"))
        self.assertFalse(behind.startswith("08 2c"), "a write whose answer was lost must never be repeated")

    def test_lost_answer_to_start(self):
        bmc = ForeignBmc(self.workspace, drop_answer="29:1", **QUICK)
        self.assert_status(self.install(bmc.port, self.image_file, "no-wait"), ACCEPTED)
        self.assertEqual(bmc.activated(), IMAGE)

    def test_lost_answer_to_complete(self):
        bmc = ForeignBmc(self.workspace, drop_answer="29:2", **QUICK)
        self.assert_status(self.install(bmc.port, self.image_file, "no-wait"), ACCEPTED)
        self.assertEqual(bmc.activated(), IMAGE)

    def test_digest_mismatch(self):
        bmc = ForeignBmc(self.workspace, damage_write=2, **QUICK)
        run = self.install(bmc.port, self.image_file)
        self.assert_status(run, VERIFICATION_FAILED)
        self.assertIn("SHA-256", run.events("result")[0]["text"])
        self.assertIsNone(bmc.activated())
        self.assertEqual(self.sent(bmc, "08 28"), 1, "update mode has no lease there: the client must leave it")
        self.assert_status(self.install(bmc.port, self.image_file, "no-wait"), ACCEPTED)
        self.assertEqual(bmc.activated(), IMAGE)

    def test_sticky_flags_options_and_error_of_an_earlier_update(self):
        bmc = ForeignBmc(self.workspace, tick=0.05, restart_after=3600)
        self.assert_status(self.install(bmc.port, self.image_file, "no-wait"), ACCEPTED)
        status = self.status(bmc.port)
        self.assertEqual((status["state"], status["completed"]), ("error", True), "the stage is not what it should be")
        other = make_image(300_000, seed=2)
        self.assert_status(self.install(bmc.port, self.workspace.write("other.bin", other), "no-wait"), ACCEPTED)
        self.assertEqual(bmc.activated(), other)

    def test_image_that_is_too_large_is_refused_with_a_reason(self):
        """The deployed one takes 45 MB (foreign_bmc_test.py); how the client learns it doesn't depend on how much."""
        bmc = ForeignBmc(self.workspace, max_image=2 * MIB, **QUICK)
        run = self.install(bmc.port, self.workspace.write("big.bin", make_image(2 * MIB + 1)))
        self.assert_status(run, REFUSED)
        self.assertRegex(run.events("result")[0]["text"], r"is too large for this BMC: it took no more than 2\.0 MiB")
        self.assertIsNone(bmc.activated())
        self.assertEqual(self.sent(bmc, "08 29 01"), 1, "to begin again would not help")
        self.assert_status(self.install(bmc.port, self.image_file, "no-wait"), ACCEPTED)
        self.assertEqual(bmc.activated(), IMAGE)

    def test_what_it_does_wrong_silently_is_refused(self):
        bmc = ForeignBmc(self.workspace, **QUICK)
        for word in ("defer-reboot", "no-downgrade"):
            run = self.install(bmc.port, self.image_file, word)
            self.assert_status(run, REFUSED)
            self.assertIn(word, run.events("result")[0]["text"])
        self.assertEqual(self.sent(bmc, "08 27"), 0, "nothing may be changed before the refusal")

    def test_mode_that_somebody_left_open(self):
        bmc = ForeignBmc(self.workspace, **QUICK)
        self.assert_status(self.fwupdate(bmc.port, "enter"), DONE)
        self.assert_status(self.install(bmc.port, self.image_file), REFUSED)
        self.assert_status(self.install(bmc.port, self.image_file, "force", "no-wait"), ACCEPTED)
        self.assertEqual(bmc.activated(), IMAGE)


if __name__ == "__main__":
    require_module("cryptography")
    harness.main()
