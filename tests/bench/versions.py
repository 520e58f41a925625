"""This version of the package beside another one, in one interleaved run: reading, starting, dispatch, claims, memory.

    python3 tests/bench/versions.py DIR      a checkout of the other one, such as `git worktree add DIR COMMIT` makes

Each figure is the ratio of ours to theirs, pair by pair: time (or memory) of the same work done by both. What is
compared is what a user sees, through the command line and the public names, which are the same in both.
"""

from __future__ import annotations

import argparse
import atexit
import compileall
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import pairs
import processes
from pairs import MISSED, Measurement

SLOWER = 1.03  # at most: what may be noise
BATCH = 500
WORKERS = 4
PATIENCE = 60.0  # seconds
CLAIMS = """
import sys, txlite
with txlite.open() as store:
    for number in range(int(sys.argv[1])):
        claim = store.claim_best("me").claim
        store.done(claim.task, token=claim.token)
"""


class Version:
    """One copy of the package, compiled, and the homes that it works in."""

    def __init__(self, checkout: str, scratch: str) -> None:
        self._scratch = scratch
        self._place = tempfile.mkdtemp(dir=scratch)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(os.path.join(checkout, "txlite"), os.path.join(self._place, "txlite"), ignore=ignored)
        compileall.compile_dir(self._place, quiet=1)
        self._queue = self._home(10)
        self._batch = os.path.join(self._place, "batch")
        with open(self._batch, "w", encoding="ascii") as file:
            file.write("true\n" * BATCH)

    def _home(self, tasks: int = 0) -> dict[str, str]:
        """The environment for a new home with so many tasks."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TXLITE"))}
        environment = {**kept, "TXLITE_HOME": tempfile.mkdtemp(dir=self._scratch)}
        program = f"import txlite\nwith txlite.open() as store: store.add_many(['a task'] * {tasks})"
        self._run(environment, "-c", program)
        return environment

    def _run(self, environment: dict[str, str], *arguments: str) -> float:
        argv = [sys.executable, *arguments]
        return pairs.seconds(lambda: pairs.run(argv, self._place, environment))

    def read(self) -> float:
        """Seconds of a command that reads."""
        return self._run(self._queue, "-m", "txlite", "ready", "--limit", "1", "--json")

    def start(self) -> float:
        """Seconds of a run of one command."""
        environment = self._home()
        one = os.path.join(self._place, "one")
        with open(one, "w", encoding="ascii") as file:
            file.write("true\n")
        return self._run(environment, "-m", "txlite", "run", "--workers", "1", "--from", one)

    def dispatch(self) -> float:
        """Seconds of a batch of `true`."""
        environment = self._home()
        return self._run(environment, "-m", "txlite", "run", "--workers", str(WORKERS), "--from", self._batch)

    def claim(self) -> float:
        """Seconds of claiming and completing tasks from a program."""
        environment = self._home(BATCH)
        return self._run(environment, "-c", CLAIMS, str(BATCH))

    def memory(self) -> float:
        """Megabytes (PSS) of four idle workers and their supervisor."""
        environment = self._home()
        argv = [sys.executable, "-m", "txlite", "run", "--forever", "--json", "--workers", str(WORKERS)]
        run = subprocess.Popen(
            argv, cwd=self._place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _await_idle(os.path.join(environment["TXLITE_HOME"], "wake"))
            return sum(processes.megabytes(pid)["Pss"] for pid in [run.pid, *processes.children(run.pid)])
        finally:
            run.send_signal(signal.SIGTERM)
            run.wait(PATIENCE)


def _await_idle(wake: str) -> None:
    """Wait until all workers show the FIFO by which they can be woken."""
    deadline = time.monotonic() + PATIENCE
    while not os.path.isdir(wake) or sum(name.startswith("worker-") for name in os.listdir(wake)) < WORKERS:
        if time.monotonic() > deadline:
            raise RuntimeError("the run did not get idle")
        time.sleep(0.05)
    time.sleep(1)  # what its start put off


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", metavar="DIR")
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="txlite-versions-", dir="/var/tmp")
    atexit.register(shutil.rmtree, scratch, True)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ours, theirs = Version(root, scratch), Version(args.other, scratch)
    share = 4 if args.short else 1
    met = True
    for what, rounds in (("read", 60), ("start", 20), ("dispatch", 12), ("claim", 12), ("memory", 4)):
        measures: list[Callable[[], float]] = [getattr(ours, what), getattr(theirs, what)]
        this, other = pairs.alternate(max(rounds // share, 1), *measures)
        unit = " MB" if what == "memory" else " s"
        ratio = Measurement(f"{what}, this : other", pairs.ratios(this, other), at_most=SLOWER)
        print(Measurement(f"{what}, this", this, unit), Measurement(f"{what}, other", other, unit), ratio, sep="\n")
        met &= ratio.verdict != MISSED
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
