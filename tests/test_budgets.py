"""The table of budgets tells what is missed: by its lines, and by its exit code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench")
BENCHES = {
    "reading": "tell(Measurement('a ratio', [1, 9, 2], at_most=2))",
    "dispatch": "tell(Measurement('p99', [3] * 98 + [7, 7], ' ms', at_most=5, share=0.99)); sys.exit(1)",
    "claims": "tell(Measurement('a rate', [8], '/s', at_least=9, judged=False)); raise OSError",
    "memory": "tell(Measurement('of a peer', [], at_least=1)); tell(Measurement('unbounded', [5], ' MB'))",
}
HEAD = "import json, sys\nfrom pairs import Measurement\ntell = lambda it: print(json.dumps(it._asdict()))\n"


class Budgets(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        for name in ("budgets.py", "pairs.py"):
            shutil.copy(os.path.join(BENCH, name), self.directory)
        for name, body in BENCHES.items():
            with open(os.path.join(self.directory, f"{name}.py"), "w", encoding="ascii") as file:
                file.write(HEAD + body)

    def table(self, *benches: str) -> tuple[int, list[list[str]]]:
        """The exit code, and the lines of the table without its head and the Python."""
        options = [word for bench in benches for word in ("--only", bench)]
        argv = [sys.executable, os.path.join(self.directory, "budgets.py"), *options]
        ended = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
        lines = ended.stdout.partition("\nbudget ")[2].splitlines()[1:]
        return ended.returncode, [re.split("  +", line)[:-1] for line in lines]

    def test_what_is_missed_or_fails_is_told(self) -> None:
        code, lines = self.table(*BENCHES)
        self.assertEqual(code, 1)
        self.assertEqual(
            lines,
            [
                ["reading: a ratio", "at most 2", "2", "1..9", "met"],
                ["dispatch: p99", "at most 5 ms", "7 ms", "3..7", "MISSED"],
                ["claims: a rate", "at least 9/s", "8/s", "8..8", "not judged"],
                ["claims", "claims.py ended with 1", "FAILED"],
                ["memory: of a peer", "at least 1", "not measured"],
            ],
        )

    def test_one_miss_or_failure_is_enough_for_an_exit_code(self) -> None:
        codes = {bench: self.table(bench)[0] for bench in BENCHES}
        self.assertEqual(codes, {"reading": 0, "dispatch": 1, "claims": 1, "memory": 0})
