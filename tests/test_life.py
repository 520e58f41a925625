"""The life of one task is as docs/architecture.md tells it: a real one is followed through all its processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest

from .case import ROOT, Case

PACKAGE = os.path.join(ROOT, "txlite")
# Workers run it, too: multiprocessing imports the main module in each process that it spawns.
TRACED = """
import os, sys, time
sys.path.insert(0, os.path.dirname(os.environ["TRACED"]))
seen = set()


def note(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(os.environ["TRACED"]) and code not in seen:
        seen.add(code)
        module = os.path.relpath(code.co_filename, os.environ["TRACED"])[:-3].replace(os.sep, ".")
        with open(os.environ["TRACE"], "a") as file:
            file.write(f"{time.monotonic_ns()} {module}.{code.co_name}\\n")


sys.setprofile(note)
if __name__ == "__main__":
    from txlite.cli import main
    from txlite.execution.executors import local

    local.SHORT = 0.0  # each attempt lasts longer, on any machine
    sys.exit(main())
"""


def told() -> list[tuple[str, str]]:
    """What the page tells: the room, and what is called there, in order."""
    with open(os.path.join(PACKAGE, "docs", "architecture.md"), encoding="utf-8") as file:
        return re.findall(r"^\d+\. `(\w+)` .*\(`([\w.]+)`\)$", file.read(), re.M)


class Life(Case):
    def test_the_rooms_come_in_the_order_that_is_told(self) -> None:
        life = told()
        self.assertEqual(len(life), 10)
        for room, called in life:
            self.assertEqual(called.split(".")[0], room)
        with open(self.path("traced.py"), "w") as file:
            file.write(TRACED)
        environment = {**self.environment, "TRACED": PACKAGE, "TRACE": self.path("trace")}
        subprocess.run(
            [sys.executable, "traced.py", "run", "--workers", "1", "--from", "-"], input=b"sleep 0.1\n", check=True,
            cwd=self.directory, env=environment, stdout=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
        first: dict[str, int] = {}
        for line in self.read("trace").splitlines():
            moment, called = line.split()
            first[called] = min(int(moment), first.get(called, int(moment)))
        wanted = [called for _, called in life]
        self.assertEqual([called for called in wanted if called not in first], [], "never called")
        self.assertEqual(sorted(wanted, key=first.__getitem__), wanted)


if __name__ == "__main__":
    unittest.main()
