#!/usr/bin/env python3
"""Runs the clients that client-guide.md prints against the transcripts: they must send exactly these requests. And
every link between the pages leads somewhere."""

import pathlib
import re
import unittest

SPEC = pathlib.Path(__file__).resolve().parents[2] / "protocol-spec"
IMAGE = b"0123456789"
SAMPLES = {"XX": "a7", "TT": "34", "??": "00", "pp": "64"}


def printed_clients():
    """The functions of the guide's Python blocks."""
    names = {}
    page = (SPEC / "client-guide.md").read_text()
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        exec(compile(block, "client-guide.md", "exec"), names)
    return names


def data(text):
    pairs = re.findall("..", text.replace("...", "").replace(" ", ""))
    return bytes.fromhex("".join(SAMPLES.get(pair, pair) for pair in pairs))


class Script:
    """A BMC that knows one transcript and nothing else."""

    def __init__(self, name=None, lines=None):
        if name:
            lines = (SPEC / "vectors" / "transcripts" / name).read_text().splitlines()
        lines = [line.partition("#")[0].strip() for line in lines]
        self.lines = [line for line in lines if line and not line.startswith("@")]

    def ask(self, net_fn, command, request):
        line = self.lines.pop(0)
        before, _, after = line.partition("->")
        expected = data(before)
        sent = bytes([net_fn, command]) + bytes(request)
        assert sent == expected, f"the client sent {sent.hex()}, the transcript has {line}"
        answer = data(after)
        return answer[0], answer[1:]


def anchors(page):
    """What the page's headings are called in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


class LinkTest(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        count = 0
        for page in sorted(SPEC.rglob("*.md")):
            for name, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
                target = page.parent / name if name else page
                self.assertTrue(target.exists(), f"{page.name}: {name}")
                if anchor:
                    self.assertIn(anchor, anchors(target), page.name)
                count += 1
        self.assertGreater(count, 40)


class GuideTest(unittest.TestCase):
    def setUp(self):
        self.clients = printed_clients()

    def test_base(self):
        script = Script("base-update.txt")
        self.clients["update_base"](script.ask, IMAGE, chunk=5, pause=0)
        self.assertEqual(script.lines, [])

    def test_base_leaves_after_a_refusal(self):
        script = Script(lines=["08 26 -> 00 XXXXXXXXXXXXXXXX", "08 27 XXXXXXXXXXXXXXXX -> cc"])
        with self.assertRaisesRegex(RuntimeError, "27h.*cch"):
            self.clients["update_base"](script.ask, IMAGE, pause=0)

    def test_extended(self):
        script = Script("extended-one-at-a-time.txt")
        self.assertTrue(self.clients["update_extended"](script.ask, IMAGE, fragment=4, pause=0))
        self.assertEqual(script.lines, [])

    def test_extended_falls_back(self):
        for answer in ("c1", "00 0102030405", "00"):
            script = Script(lines=[f"08 40 -> {answer}"])
            self.assertFalse(self.clients["update_extended"](script.ask, IMAGE, pause=0))

    def test_extended_sends_a_damaged_block_again_and_resumes(self):
        lines = Script("extended-one-at-a-time.txt").lines
        at = next(i for i, line in enumerate(lines) if line.startswith("08 45 TTTT 03"))
        damaged = lines[at].replace("-> 00 TTTT 00 02000000 03000000", "-> 00 TTTT 01 02000000 00000000")
        fragments = lines[at - 2 : at + 1]
        missing = ["08 29 02 -> 82", "08 46 TTTT 00000000 -> 00 TTTT 00000000 01000000 01000000 01"]
        script = Script(lines=lines[:at] + [damaged] + fragments + missing + lines[at + 1 :])
        self.assertTrue(self.clients["update_extended"](script.ask, IMAGE, fragment=4, pause=0))
        self.assertEqual(script.lines, [])

    def test_extended_tells_the_reason(self):
        lines = Script("extended-one-at-a-time.txt").lines
        at = next(i for i, line in enumerate(lines) if line.startswith("08 2a"))
        script = Script(lines=lines[:at] + ["08 2a -> 00 0f 00 e2", "08 47 0000 -> 00 0a00 03 0000"])
        with self.assertRaisesRegex(RuntimeError, "reason 10"):
            self.clients["update_extended"](script.ask, IMAGE, fragment=4, pause=0)


if __name__ == "__main__":
    unittest.main()
