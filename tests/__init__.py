"""The suite, its classes side by side: most of its time is waiting for processes, and people run what is quick.

`python3 -m unittest` runs each class in a process of its own, those of few tests with the others of their module, four
more at a time than there are cores;
`python3 -m unittest tests.store.test_store` runs a module, as usual, in this one. Both print a seed, from which the ids
of tasks follow: with `TESTS_SEED=...` before it the command gives the same ids again.
"""

from __future__ import annotations

import os
import queue
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import unittest
from collections.abc import Iterator

from .starter import serve

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Few tests, and yet a long time: 10 s and more alone, on two cores.
LONG = {
    "tests.docs.test_examples.Examples",
    "tests.docs.test_recipes.OfThePage",
    "tests.commands.test_groups.Groups",
    "tests.execution.test_run.Batches",
    "tests.execution.test_trees.Trees",
    "tests.ralph.test_kills.Kills",
    "tests.ralph.test_loop.Ends",
    "tests.ralph.test_providers.Providers",
    "tests.ralph.test_review.Reviews",
    "tests.ralph.test_reviewer.Reviews",
}
SLURM = "tests.slurm."
FEW = 3  # tests of a class that is worth no process of its own
NO_TESTS_RAN = 5  # exit code of unittest in Python 3.12.0 and 3.12.1, also where all were skipped


def load_tests(loader: unittest.TestLoader, found: unittest.TestSuite, pattern: str) -> Parallel:
    """Called by unittest's discovery for this package."""
    modules = loader.discover(os.path.join(ROOT, "tests"), pattern or "test*.py", ROOT)
    return Parallel(flatten(modules))


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def is_failed(test: unittest.TestCase) -> bool:
    """Whether it stands for a module that could not be imported."""
    return type(test).__module__ == "unittest.loader"


def in_order(sizes: dict[str, int]) -> list[list[str]]:
    """What each process runs of these classes, of so many tests. The long ones are first, so that none is left alone:
    those that wait for Slurm, those that are known, then those of many tests."""
    together: dict[str, list[str]] = {}
    for name, size in sizes.items():
        module = name.rpartition(".")[0]
        is_short = size <= FEW and name not in LONG and not name.startswith(SLURM)
        together.setdefault(module if is_short else name, []).append(name)
    return sorted(
        together.values(),
        key=lambda names: (names[0].startswith(SLURM), names[0] in LONG, sum(sizes[name] for name in names)),
        reverse=True,
    )


class Parallel(unittest.TestSuite):
    """Runs its tests in processes side by side."""

    def run(self, result: unittest.TestResult, debug: bool = False) -> unittest.TestResult:
        sizes: dict[str, int] = {}
        for test in flatten(self):
            name = test.id() if is_failed(test) else test.id().rpartition(".")[0]
            sizes[name] = sizes.get(name, 0) + 1
        pending: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        for names in in_order(sizes):
            pending.put(names)
        lock = threading.Lock()
        workers = (os.cpu_count() or 1) + 4
        threads = [threading.Thread(target=self.work, args=(pending, result, lock)) for _ in range(workers)]
        seed = os.environ.get("TESTS_SEED") or secrets.token_hex(4)
        print(f"TESTS_SEED={seed}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="txlite-compiled-") as compiled:
            self.environment = {**os.environ, "TESTS_COMPILED": compiled, "PYTHONPYCACHEPREFIX": compiled}
            self.environment["TESTS_SEED"] = seed
            with serve(compiled) as self.environment["TESTS_STARTER"]:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        return result

    def work(self, pending: queue.SimpleQueue[list[str]], result: unittest.TestResult, lock: threading.Lock) -> None:
        while not result.shouldStop:
            try:
                names = pending.get_nowait()
            except queue.Empty:
                return
            done = subprocess.run([sys.executable, "-m", "unittest", *names], cwd=ROOT, env=self.environment,
                                  text=True, errors="replace",
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
            with lock:
                self.report(" ".join(names), done, result)

    def report(self, name: str, done: subprocess.CompletedProcess[str], result: unittest.TestResult) -> None:
        counted = re.search(r"^Ran (\d+) tests? in (.*)", done.stdout, re.M)
        result.testsRun += int(counted[1]) if counted else 0
        skipped = re.search(r"skipped=(\d+)", done.stdout)
        result.skipped += [(Named(name), "")] * (int(skipped[1]) if skipped else 0)
        took = counted[2] if counted else "?"
        print(f"{took:>8}  {name}: {done.stdout.rstrip().splitlines()[-1]}", file=sys.stderr, flush=True)
        if done.returncode and not (done.returncode == NO_TESTS_RAN and skipped):
            result.failures.append((Named(name), done.stdout))


class Named(unittest.TestCase):
    """Stands for a class of tests that ran elsewhere."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def runTest(self) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.name
