"""The manual page: as groff and mandoc read it, with every command, option, exit code, file and variable."""

from __future__ import annotations

import re
import shutil
import subprocess

from txlite.commands import VERBS
from txlite.commands.grammar import read_grammar
from txlite.commands.roff import from_markdown, item, say

from ..case import Case


class Man(Case):
    def need(self, program: str) -> None:
        if not shutil.which(program):
            self.skipTest(f"no {program} here")

    def ask(self, *argv: str, page: str) -> tuple[str, str]:
        done = subprocess.run(argv, input=page, capture_output=True, text=True, timeout=120, env={
            **self.environment, "MANWIDTH": "100", "LC_ALL": "C.UTF-8",
        })  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def test_mandoc_finds_nothing_wrong(self) -> None:
        self.need("mandoc")
        self.assertEqual(self.ask("mandoc", "-T", "lint", "-W", "warning", page=self.txlite("man")), ("", ""))

    def test_groff_shows_all_of_it_without_a_warning(self) -> None:
        self.need("groff")
        page = self.txlite("man")
        shown, complaints = self.ask("groff", "-man", "-ww", "-Tutf8", "-P-bcou", page=page)
        self.assertEqual(complaints, "")
        self.assertLess(max(map(len, shown.splitlines())), 100)
        for verb in VERBS:
            self.assertTrue(f"txlite {verb}\n" in shown, verb)
            for option in read_grammar(verb).options:
                if option.names[0] not in ("--help", "--home", "--trust"):
                    self.assertTrue(re.search(rf"(?m)^ +{re.escape(option.names[0])}\b", shown), option)
        words = " ".join(shown.split())
        for known in ("64 wrong usage", "TXLITE_HOME home, unless", ".txlite/tasks.db the queue", "kill is stop",
                      "# read it txlite man | man -l -", "EXIT STATUS", "'0 2 * * *'"):  # fmt: skip
            self.assertTrue(known in words, known)

    def test_words_stand_for_themselves(self) -> None:
        self.assertEqual(say(".x 'a' `-b`\\n \u2026"), "\\&.x \\(aqa\\(aq \\fB\\-b\\fR\\en \\[u2026]")
        long = say("word " * 30 + ".dot " * 30)
        self.assertLess(max(map(len, long.splitlines())), 81)
        self.assertFalse([line for line in long.splitlines() if line.startswith(".")])
        self.assertEqual(list(item("--x", "")), [".TP", "\\fB\\-\\-x\\fR", "\\&"])
        self.assertEqual(list(from_markdown("- one\n  more\n- two\n\n| a | b |\n|---|---|\n| `x` | y |\n")), [
            ".IP \\(bu 2", "one more", ".IP \\(bu 2", "two", ".TP", "\\fBx\\fR", "y",
        ])  # fmt: skip


if __name__ == "__main__":
    import unittest

    unittest.main()
