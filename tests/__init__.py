"""The suite, its classes side by side: most of its time is waiting for processes, and people run what is quick.

`python3 -m unittest` runs each class in a process of its own, two more at a time than there are cores;
`python3 -m unittest tests.test_store` runs a module, as usual, in this one.
"""

import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load_tests(loader, found, pattern):
    """Called by unittest's discovery for this package."""
    modules = loader.discover(os.path.join(ROOT, "tests"), pattern or "test*.py", ROOT)
    return Parallel(flatten(modules))


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


class Parallel(unittest.TestSuite):
    """Runs each class of its tests in a process of its own."""

    def run(self, result, debug=False):
        sizes = {}
        for test in self:
            name = test.id() if isinstance(test, unittest.loader._FailedTest) else test.id().rpartition(".")[0]
            sizes[name] = sizes.get(name, 0) + 1
        pending = queue.SimpleQueue()
        for name in sorted(sizes, key=sizes.get, reverse=True):  # the long ones first, so that none is left alone
            pending.put(name)
        lock = threading.Lock()
        workers = (os.cpu_count() or 1) + 2
        threads = [threading.Thread(target=self.work, args=(pending, result, lock)) for _ in range(workers)]
        with tempfile.TemporaryDirectory(prefix="txlite-compiled-") as compiled:
            self.environment = {**os.environ, "TESTS_COMPILED": compiled, "PYTHONPYCACHEPREFIX": compiled}
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return result

    def work(self, pending, result, lock):
        while not result.shouldStop:
            try:
                name = pending.get_nowait()
            except queue.Empty:
                return
            done = subprocess.run([sys.executable, "-m", "unittest", name], cwd=ROOT, env=self.environment,
                                  text=True, errors="replace",
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
            with lock:
                self.report(name, done, result)

    def report(self, name, done, result):
        counted = re.search(r"^Ran (\d+) tests? in (.*)", done.stdout, re.M)
        result.testsRun += int(counted[1]) if counted else 0
        skipped = re.search(r"skipped=(\d+)", done.stdout)
        result.skipped += [(Named(name), "")] * (int(skipped[1]) if skipped else 0)
        took = counted[2] if counted else "?"
        print(f"{took:>8}  {name}: {done.stdout.rstrip().splitlines()[-1]}", file=sys.stderr, flush=True)
        if done.returncode:
            result.failures.append((Named(name), done.stdout))


class Named(unittest.TestCase):
    """Stands for a class of tests that ran elsewhere."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def runTest(self):
        raise NotImplementedError

    def __str__(self):
        return self.name
