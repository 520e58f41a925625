"""What a worker's process has of its supervisor, and what not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import unittest
from collections import Counter

from ..case import Case, wait_until

SPAWNING = """
import sys, txlite.cli, txlite.execution.worker_process as process, txlite.execution.supervisor as supervisor
process.FORKS = supervisor.FORKS = False
if __name__ == "__main__":
    sys.exit(txlite.cli.main(sys.argv[1:]))
"""


def open_files(pid: int) -> list[str]:
    """What the descriptors of a process are, but for its standard streams."""
    directory, found = f"/proc/{pid}/fd", []
    for name in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            found += [os.readlink(f"{directory}/{name}")] if int(name) > 2 else []
    return found


class Demand(Case):
    def test_no_more_workers_than_tasks_and_more_when_more_come(self) -> None:
        wait = "touch begun.$$; until test -e go; do sleep 0.05; done"
        blocker = self.txlite("add", "-q", "--", "until test -e first; do sleep 0.02; done").strip()
        for _ in range(3):
            self.txlite("add", "--after", blocker, "--", wait)
        run = self.start("run", "-j", "4")
        wait_until(lambda: self.json("list", "--status", "active"), "the first task to run")
        self.assertEqual(len(self.worker_pids()), 1)
        with open(self.path("first"), "w"):
            pass
        wait_until(lambda: self.count("begun.") == 3, "all that waited for it to run at once", 30)
        self.txlite("add", "--", wait)
        wait_until(lambda: self.count("begun.") == 4, "what was added meanwhile to run, too", 30)
        self.txlite("add", "--", wait)
        with open(self.path("go"), "w"):
            pass
        self.assertIn(b"\n6 done\n", run.communicate(timeout=60)[0])
        self.assertEqual(len({one["worker"] for one in self.json("history") if one["worker"]}), 4)

    def count(self, beginning: str) -> int:
        return sum(name.startswith(beginning) for name in os.listdir(self.directory))


class Forked(Case):
    @unittest.skipUnless(sys.platform == "linux", "workers are spawned there")
    def test_a_worker_has_nothing_open_that_is_another_ones(self) -> None:
        nap = f"touch begun.$$; exec sleep {self.nap}"
        with open(self.path("theirs"), "w") as theirs:
            run = self.start("run", "--from", self.batch(*[nap] * 3), "-j", "3", pass_fds=[theirs.fileno()])
            wait_until(lambda: sum(name.startswith("begun") for name in os.listdir(self.directory)) == 3, "the agents")
        workers = self.worker_pids()
        self.assertEqual(len(workers), 3)
        wrong: list[str] = []

        def look() -> bool:
            wrong[:] = self.find_wrong(run.pid, workers)
            return not wrong

        with contextlib.suppress(AssertionError):  # what is open for a moment is nobody's
            wait_until(look, "nothing to be wrong")
        self.assertEqual(wrong, [])
        self.stop(run)

    def find_wrong(self, run: int, workers: list[int]) -> list[str]:
        """What is open where it should not be."""
        found = {pid: open_files(pid) for pid in (run, *workers)}
        wrong = []
        for pid in workers:
            own = [name for name in found[pid] if name.startswith(os.path.join(self.home, "locks"))]
            own += [name for name in found[pid] if name.startswith(os.path.join(self.home, "wake"))]
            kinds = [os.path.basename(os.path.dirname(name)) for name in own]
            wrong += [] if kinds == ["locks", "wake"] else [f"{pid}: not its own, or its supervisor's: {own}"]
            wrong += [f"{pid}: {name}" for name in found[pid] if name == self.path("theirs")]
        shared = Counter(name for names in found.values() for name in set(names) if name.startswith("pipe:"))
        return wrong + [f"{name}: a pipe has two ends" for name, count in shared.items() if count > 2]

    def stop(self, run: subprocess.Popen[bytes]) -> None:
        run.send_signal(signal.SIGQUIT)
        self.assertEqual(run.wait(60), 130)

    def test_spawned_ones_work_as_well(self) -> None:
        with open(self.path("spawning.py"), "w") as file:
            file.write(SPAWNING)
        batch = self.batch(*["echo x >> log"] * 6)
        command = [sys.executable, self.path("spawning.py"), "run", "-j", "2", "--from", batch]
        done = subprocess.run(command, cwd=self.directory, env=self.environment, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(self.read("log"), "x\n" * 6)


if __name__ == "__main__":
    unittest.main()
