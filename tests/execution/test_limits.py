"""The system's limits: where there is no room for a process, fewer workers go on, and no task pays for it."""

from __future__ import annotations

import ctypes
import os
import resource
import secrets
import signal
import unittest
from collections.abc import Callable

from ..case import Case, wait_until


class Files(Case):
    def test_too_many_open_files_are_called_so(self) -> None:
        self.txlite("init")
        for limit in 6, 7, 8:  # the database, a module, and what comes after them
            limits = (limit, limit)
            self.txlite("add", "x", code=None, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))
            if self.errors:
                self.assertRegex(self.errors, r"^txlite: .*ulimit -n`\n$")

    @unittest.skipUnless(os.path.exists("/dev/full"), "Linux has a disk that is always full")
    def test_output_that_cannot_be_written_is_told_and_stops_no_work(self) -> None:
        with open("/dev/full", "w") as full:
            run = self.start("run", "--from", self.batch("true", "true"), stdout=full)
            errors = run.communicate(timeout=60)[1].decode()
        self.assertEqual((run.returncode, errors.count("\n")), (69, 1), errors)
        self.assertIn("the output could not be written: No space left on device", errors)
        self.assertEqual([task["status"] for task in self.json("list")], ["done", "done"])


@unittest.skipUnless(
    os.geteuid() == 0 and hasattr(ctypes.CDLL(None), "prctl"), "becomes a user who has no other process"
)
class Processes(Case):
    """As a user who has no other process, with a limit of so many."""

    def setUp(self) -> None:
        super().setUp()
        self.user = 1_000_000_000 + secrets.randbelow(1 << 30)  # a PID may be another container's, too

    def limited(self, limit: int, *arguments: str, code: int = 0) -> str:
        return self.txlite(*arguments, code=code, preexec_fn=self.lower(limit))

    def lower(self, limit: int) -> Callable[[], None]:
        def lower() -> None:
            for capability in (21, 24):  # CAP_SYS_ADMIN, CAP_SYS_RESOURCE: who has them has no limit
                ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
            resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
            os.setresuid(self.user, 0, 0)  # the real user's processes count

        return lower

    def test_fewer_workers_do_the_work_and_no_task_pays(self) -> None:
        lines = [f"echo {number}; exec sleep 0.1" for number in range(6)]
        self.limited(6, "run", "--from", self.batch(*lines), "--workers", "8", "--max-attempts", "1")
        self.assertEqual(self.errors, "")
        attempts = [attempt for task in self.json("list") for attempt in self.json("show", task["id"])["attempts"]]
        outcomes = [attempt["outcome"] for attempt in attempts]
        self.assertEqual(outcomes.count("done"), 6)
        self.assertEqual(set(outcomes) - {"done", "interrupted"}, set())

    def test_where_few_files_may_be_open_fewer_workers_do_the_work(self) -> None:
        waiting = "touch begun.$$; until test -e go; do sleep 0.05; done"

        def lower() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

        run = self.start("run", "--from", self.batch(*[waiting] * 40), "--workers", "40", preexec_fn=lower)
        assert run.stdout
        said = iter(lambda: run.stdout.readline().decode(), "")
        self.assertTrue(any("no room for another process (`ulimit -u -n`)" in line for line in said))
        wait_until(lambda: len(self.worker_pids()) > 5, "those for which there is room")
        self.assertLess(len(self.worker_pids()), 40)
        with open(self.path("go"), "w"):
            pass
        self.assertIn("40 done\n", list(said))
        self.assertEqual(run.wait(60), 0)

    def test_a_start_that_waits_is_told_and_ends_with_the_run(self) -> None:
        task = self.txlite("add", "-q", "--", "true").strip()
        run = self.start("run", preexec_fn=self.lower(2))  # itself and a worker: and no agent
        assert run.stdout
        said = iter(lambda: run.stdout.readline().decode(), "")
        self.assertTrue(any("no room for another process" in line for line in said))
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)
        found = self.json("show", task)
        self.assertEqual((found["status"], found["failures"]), ("backlog", 0))

    def test_where_there_is_no_room_at_all_one_line_says_so(self) -> None:
        self.txlite("add", "--", "true")
        for command in (("run",), ("launch", "--agent", "shell", "true")):
            self.limited(1, *command, code=69)
            self.assertIn("no process could be started", self.errors)
        self.assertEqual([task["status"] for task in self.json("list")], ["backlog"])
