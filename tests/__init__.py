"""The suite, its classes side by side: most of its time is waiting for processes, and people run what is quick.

`python3 -m unittest` runs each class in a process of its own, a fork of one that has imported them all, those of few
tests with the others of their module, four more at a time than there are cores;
`python3 -m unittest tests.store.test_store` runs a module, as usual, in this one. Both print a seed, from which the ids
of tasks follow: with `TESTS_SEED=...` before it the command gives the same ids again.
"""

from __future__ import annotations

import gc
import os
import re
import secrets
import sys
import tempfile
import traceback
import unittest
from collections.abc import Iterator, Sequence
from typing import IO

from .endings import ENDINGS, make_directory
from .starter import IS_POSSIBLE, serve

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Few tests, and yet a long time: 10 s and more alone, on two cores.
LONG = {
    "tests.commands.test_groups.Groups",
    "tests.commands.test_queue.Loop",
    "tests.commands.test_scripts.Others",
    "tests.docs.test_examples.Examples",
    "tests.docs.test_recipes.OfReadme",
    "tests.docs.test_recipes.OfThePage",
    "tests.execution.test_run.Batches",
    "tests.execution.test_trees.Trees",
    "tests.home.test_installation.Copies",
    "tests.ralph.test_kills.Kills",
    "tests.ralph.test_loop.Ends",
    "tests.ralph.test_providers.Providers",
    "tests.ralph.test_review.Reviews",
    "tests.ralph.test_reviewer.Reviews",
    "tests.slurm.test_batch_script.BatchScripts",
    "tests.slurm.test_jobs.Silence",
    "tests.slurm.test_left.Left",
    "tests.slurm.test_outcomes.Outcomes",
    "tests.slurm.test_steps.Steps",
    "tests.store.test_durability.PowerCuts",
}
SLURM = "tests.slurm."
WORKERS = (os.cpu_count() or 1) + 4  # processes side by side
OF_SLURM = 3  # of them may be those of tests that wait for Slurm, while there are others
FEW = 3  # tests of a class that is worth no process of its own
NO_TESTS_RAN = 5  # exit code of unittest in Python 3.12.0 and 3.12.1, also where all were skipped


def load_tests(loader: unittest.TestLoader, found: unittest.TestSuite, pattern: str) -> Parallel:
    """Called by unittest's discovery for this package."""
    os.environ.setdefault("TESTS_SEED", secrets.token_hex(4))  # before the modules of tests are imported
    print(f"TESTS_SEED={os.environ['TESTS_SEED']}", file=sys.stderr, flush=True)
    os.environ["TESTS_COMPILED"] = os.environ["PYTHONPYCACHEPREFIX"] = make_directory("txlite-compiled-")
    return Parallel(flatten(loader.discover(os.path.join(ROOT, "tests"), pattern or "test*.py", ROOT)))


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
    those that are known, then those of many tests."""
    together: dict[str, list[str]] = {}
    for name, size in sizes.items():
        module = name.rpartition(".")[0]
        is_short = size <= FEW and name not in LONG and not name.startswith(SLURM)
        together.setdefault(module if is_short else name, []).append(name)
    return sorted(
        together.values(),
        key=lambda names: (names[0] in LONG, sum(sizes[name] for name in names)),
        reverse=True,
    )


def next_of(pending: Sequence[list[str]], running: Sequence[list[str]]) -> int:
    """Which of those that are left begins beside those that run: what waits for Slurm leaves the cores to others, so it
    runs beside them, a few at a time and from the beginning."""
    wants_slurm = sum(names[0].startswith(SLURM) for names in running) < OF_SLURM
    fitting = (place for place, names in enumerate(pending) if names[0].startswith(SLURM) == wants_slurm)
    return next(fitting, 0)


class Parallel(unittest.TestSuite):
    """Runs its tests in processes side by side: each a fork of this one, which has imported all of them once."""

    def run(self, result: unittest.TestResult, debug: bool = False) -> unittest.TestResult:
        tests: dict[str, list[unittest.TestCase]] = {}
        for test in flatten(self):
            tests.setdefault(test.id() if is_failed(test) else test.id().rpartition(".")[0], []).append(test)
        pending = in_order({name: len(found) for name, found in tests.items()})
        gc.collect()
        gc.freeze()  # so that collections in forks copy nothing
        running: dict[int, tuple[list[str], IO[bytes]]] = {}
        with serve(os.environ["TESTS_COMPILED"]) as os.environ["TESTS_STARTER"]:
            while running or (pending and not result.shouldStop):
                while pending and not result.shouldStop and len(running) < WORKERS:
                    names = pending.pop(next_of(pending, [names for names, _ in running.values()]))
                    output: IO[bytes] = tempfile.TemporaryFile()
                    running[fork([test for name in names for test in tests[name]], names, output)] = names, output
                pid, status = os.wait()
                if pid in running:
                    names, output = running.pop(pid)
                    with output:
                        output.seek(0)
                        self.report(" ".join(names), output.read().decode(errors="replace"), status, result)
        return result

    def report(self, name: str, said: str, status: int, result: unittest.TestResult) -> None:
        counted = re.search(r"^Ran (\d+) tests? in (.*)", said, re.M)
        result.testsRun += int(counted[1]) if counted else 0
        skipped = re.search(r"skipped=(\d+)", said)
        result.skipped += [(Named(name), "")] * (int(skipped[1]) if skipped else 0)
        took, *last = counted[2] if counted else "?", *said.rstrip().splitlines()[-1:]
        print(f"{took:>8}  {name}: {''.join(last)}", file=sys.stderr, flush=True)
        if status and not (counted and os.WIFEXITED(status) and os.WEXITSTATUS(status) == NO_TESTS_RAN and skipped):
            result.failures.append((Named(name), said or f"ended with {status}"))


def fork(tests: list[unittest.TestCase], names: list[str], output: IO[bytes]) -> int:
    """Run tests in a fork of this process, what it says in a file; its PID."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for standard in (1, 2):
            os.dup2(output.fileno(), standard)
        if not IS_POSSIBLE:  # the systems of others have libraries that do not survive it
            os.execv(sys.executable, [sys.executable, "-m", "unittest", *names])
        ENDINGS.pop_all()  # they are for that process to do
        with ENDINGS:
            code = not unittest.TextTestRunner(warnings="default").run(unittest.TestSuite(tests)).wasSuccessful()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Named(unittest.TestCase):
    """Stands for a class of tests that ran elsewhere."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def runTest(self) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.name
