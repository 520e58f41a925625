#!/usr/bin/env python3
"""Small changes in the code that holds the promises: each is to be seen by the tests that are there for it.

    python3 tests/campaigns/mutants.py                  all of them
    python3 tests/campaigns/mutants.py --count 10       ten, drawn by a seed that is printed (--seed N draws them again)
    python3 tests/campaigns/mutants.py --only NAME      those with NAME in their names

The mutants are listed in `mutations/`. Each is applied in a copy of the checkout, one copy for each job, in a temporary
directory; nothing here is changed. Its tests run in a session of their own with a time limit (a hang counts as caught),
and what they leave running is killed. First the same tests run without any change, because a test that fails anyway
sees nothing. Exit code 1 where a mutant survives that is not marked as equivalent, where the text that it changes does
not stand in its module exactly once, or where it fails for another reason than a test. Linux only (/proc).
"""

from __future__ import annotations

import argparse
import ast
import itertools
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from harness import REPOSITORY, Scene, make_parser, read, strike
from mutations import ALL
from mutations.mutant import Mutant

PATIENCE = 15  # seconds for a condition in a test
LIMIT = 90.0  # seconds for the tests of one mutant
MOMENTS = itertools.count(1_000_000_000)  # a file's time for each change: compiled code is known by seconds and size
CAUGHT, HANG, SKIPPED, EQUIVALENT, SURVIVED, BROKEN = "caught", "hang", "skipped", "equivalent", "SURVIVED", "BROKEN"


class Verdict(NamedTuple):
    """What became of one mutant."""

    mutant: Mutant
    kind: str
    words: str
    seconds: float


class Clone:
    """A copy of the checkout in which one job changes one file after the other."""

    def __init__(self, scene: Scene, number: int) -> None:
        self._directory = scene.path(str(number))
        self._checkout = os.path.join(self._directory, "checkout")
        self._mark = f"{scene.marker}.{number}."
        compiled = os.path.join(self._directory, "compiled")
        shutil.copytree(REPOSITORY, self._checkout, symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
        self._environment = scene.environment(
            CAMPAIGN=self._mark, PYTHONPATH=self._checkout, TMPDIR=self._directory, TESTS_COMPILED=compiled,
            PYTHONPYCACHEPREFIX=compiled, TESTS_PATIENCE=str(PATIENCE),
        )  # fmt: skip
        self._output = os.path.join(self._directory, "output")

    def judge(self, mutant: Mutant) -> Verdict:
        """Apply a mutant, run its tests, and take it back."""
        started = time.monotonic()
        path = os.path.join(self._checkout, "txlite", mutant.path)
        source = read(path).decode()
        try:
            _write(path, source.replace(mutant.old, mutant.new))
            code = self.run(mutant.tests)
        finally:
            _write(path, source)
        kind, words = _judge(mutant, code, self.output)
        return Verdict(mutant, kind, words, time.monotonic() - started)

    def run(self, tests: Iterable[str]) -> int | None:
        """Run these tests until one fails; the exit code, None where they took too long."""
        command = [sys.executable, "-m", "unittest", "-f", *(f"tests.{test}" for test in tests)]
        with open(self._output, "wb") as output:
            child = subprocess.Popen(
                command, cwd=self._checkout, env=self._environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip
        try:
            return child.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self._clear()
            child.wait()

    @property
    def output(self) -> str:
        """What the tests said."""
        return read(self._output).decode(errors="replace")

    def _clear(self) -> None:
        """Kill what is left of a run, until nobody is."""
        while True:
            ours = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)]
            if not sum(map(strike, ours)):
                return
            time.sleep(0.002)

    def _is_ours(self, pid: int) -> bool:
        """By its environment, or by where it works: an agent may have been given neither the one nor the other."""
        if f"CAMPAIGN={self._mark}\0".encode() in read(f"/proc/{pid}/environ"):
            return True
        try:
            return os.readlink(f"/proc/{pid}/cwd").startswith(self._directory + os.sep)
        except OSError:
            return False


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    moment = next(MOMENTS)
    os.utime(path, (moment, moment))


def _judge(mutant: Mutant, code: int | None, output: str) -> tuple[str, str]:
    """What it means that its tests ended so."""
    if code is None:
        return HANG, f"its tests took more than {LIMIT:g} s"
    if code == 0 and re.search(r"^OK \(skipped=", output, re.M):
        return SKIPPED, "its tests need rights that are not to be had here"
    if code == 0:
        return (EQUIVALENT, mutant.equivalent) if mutant.equivalent else (SURVIVED, mutant.breaks)
    failed = re.search(r"^(?:FAIL|ERROR): (\w+) \((\S+)\)", output, re.M)
    if failed is None or "_FailedTest" in output:
        return BROKEN, output.strip().splitlines()[-1] if output.strip() else f"exit {code}"
    reason = re.search(r"^Traceback.*\n(?: .*\n|\n)*([\w.]+)", output, re.M)
    place = failed[2].replace("tests.", "", 1)
    if not place.endswith(failed[1]):  # as it does since Python 3.11
        place += f".{failed[1]}"
    return CAUGHT, f"{place} ({reason[1] if reason else 'no reason'})"


def stale(mutants: Iterable[Mutant]) -> list[str]:
    """What is wrong with the list, as the code is now."""
    found = []
    seen: set[object] = set()
    for mutant in mutants:
        for what in (mutant.name, (mutant.path, mutant.old, mutant.new)):
            if what in seen:
                found.append(f"{mutant.name}: another one has the same name, or changes the same")
            seen.add(what)
        source = read(os.path.join(REPOSITORY, "txlite", mutant.path)).decode()
        count = source.count(mutant.old)
        if count != 1 or mutant.old == mutant.new:
            found.append(f"{mutant.name}: what it changes stands {count} times in {mutant.path}")
            continue
        try:
            ast.parse(source.replace(mutant.old, mutant.new))
        except SyntaxError as error:
            found.append(f"{mutant.name}: it would not run: {error}")
    return found


def choose(scene: Scene, options: argparse.Namespace) -> list[Mutant]:
    """Those that were asked for, in the order of the list."""
    found = [mutant for mutant in ALL if options.only in mutant.name]
    drawn = scene.random.sample(found, min(options.count or len(found), len(found)))
    return [mutant for mutant in found if mutant in drawn]


def run(scene: Scene, mutants: list[Mutant], jobs: int) -> list[Verdict]:
    """Judge all of them, several at a time."""
    pending: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        pending.put(mutant)
    verdicts: list[Verdict] = []
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    useless: set[str] = set()  # those that fail without any change: they would see nothing
    are_known = threading.Barrier(jobs)

    def work(job: int) -> None:
        clone = Clone(scene, job)
        for test in tests[job::jobs]:
            if clone.run([test]) != 0:
                useless.add(test)
                print(f"{test} fails without any change:\n{clone.output}", flush=True)
        are_known.wait()
        while True:
            try:
                mutant = pending.get_nowait()
            except queue.Empty:
                return
            fails = useless.intersection(mutant.tests)
            if fails:
                verdict = Verdict(mutant, BROKEN, f"{min(fails)} fails without it", 0.0)
            else:
                verdict = clone.judge(mutant)
            verdicts.append(verdict)
            print(f"{verdict.kind:<10} {verdict.seconds:5.1f} s  {mutant.name:<34} {verdict.words}", flush=True)

    threads = [threading.Thread(target=work, args=(job,)) for job in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return verdicts


def main() -> int:
    parser = make_parser("Small changes in the code, each of which a test is to see.")
    parser.add_argument("--count", type=int, help="so many, drawn by the seed (all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies at a time")
    parser.add_argument("--only", default="", metavar="NAME", help="those with this in their names")
    options = parser.parse_args()
    scene = Scene("mutants", options)
    chosen = choose(scene, options)
    violations = stale(ALL)
    if not chosen:
        violations.append(f"no mutant has {options.only} in its name")
    verdicts: list[Verdict] = []
    if not violations:
        verdicts = run(scene, chosen, max(min(options.jobs, len(chosen)), 1))
    violations += [f"{one.mutant.name}: {one.kind}: {one.words}" for one in verdicts if one.kind in (SURVIVED, BROKEN)]
    counts = [
        sum(one.kind == kind for one in verdicts) for kind in (CAUGHT, HANG, SKIPPED, EQUIVALENT, SURVIVED, BROKEN)
    ]
    figures = "{} caught, {} by a hang, {} skipped, {} equivalent, {} survived, {} did not run".format(*counts)
    return scene.conclude(violations, f"{len(verdicts)} of {len(ALL)} mutants: {figures}")


if __name__ == "__main__":
    sys.exit(main())
