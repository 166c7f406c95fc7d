#!/usr/bin/python3
"""NETWORK.md has a row for each test of the network transport: the first lines of their docstrings, scenario -> outcome.

`network_table.py --write` brings it into step."""

import ast
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "NETWORK.md"
SCRIPTS = ("http", "https", "tftp", "ftp", "dbus", "policy", "hostile", "abort", "resume")
BEGIN = "<!-- rows: network_table.py -->\n"


def first_line(node):
    return (ast.get_docstring(node) or "").splitlines()[:1]


def rows(script):
    """(class, [(test, scenario, outcome)]) of a script."""
    module = ast.parse((HERE / f"network_{script}.py").read_text(encoding="utf-8"))
    for group in (node for node in module.body if isinstance(node, ast.ClassDef)):
        tests = [node for node in group.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
        found = []
        for test in tests:
            line = "".join(first_line(test))
            scenario, arrow, outcome = line.partition(" -> ")
            if not arrow:
                raise AssertionError(f"{script}, {group.name}.{test.name}: its docstring is not 'scenario -> outcome'")
            found.append((test.name, scenario, outcome))
        if found:
            yield group.name, found


def text():
    parts = []
    for script in SCRIPTS:
        parts.append(f"\n## network_{script}.py\n\n| Test | Scenario | Outcome |\n|---|---|---|\n")
        for group, found in rows(script):
            parts += [f"| {group}.{name.removeprefix('test_')} | {scenario} | {outcome} |\n"
                      for name, scenario, outcome in found]
    return "".join(parts)


class Table(unittest.TestCase):
    def test_every_test_has_its_row(self):
        written = TABLE.read_text(encoding="utf-8").partition(BEGIN)[2]
        self.assertEqual(written, text(), "bring it into step by network_table.py --write")

    def test_every_script_is_in_the_table(self):
        scripts = {path.stem for path in HERE.glob("network_*.py") if "#!" in path.read_text("utf-8")[:2]}
        self.assertEqual(scripts - {"network_table"}, {f"network_{script}" for script in SCRIPTS})


def main():
    if sys.argv[1:] == ["--write"]:
        prose = TABLE.read_text(encoding="utf-8").partition(BEGIN)[0]
        TABLE.write_text(prose + BEGIN + text(), encoding="utf-8")
    else:
        unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
