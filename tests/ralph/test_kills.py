"""The loop that is signalled, and the one that is killed with everything in it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import unittest

from ..case import PATIENCE, running, wait_until
from .case import RepositoryCase


class Signals(RepositoryCase):
    def test_the_first_signal_lets_it_finish(self) -> None:
        self.add("touch started; while ! test -e go; do sleep 0.05; done; rm go started; echo x > file")
        other = self.add("echo y > other")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent")
        loop.send_signal(signal.SIGTERM)
        next(line for line in loop.stdout if b"stopping" in line)  # it has told its worker by then
        self.write("go", "")
        self.assertEqual(loop.wait(PATIENCE), 130)
        self.assertEqual((len(self.log()), self.status_of(other)), (2, "backlog"))
        self.assert_clean()

    def test_the_second_one_gives_it_back_and_parks_its_work(self) -> None:
        task = self.add(f"echo half > half; touch started; sleep {self.nap}")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent")
        loop.send_signal(signal.SIGTERM)
        next(line for line in loop.stdout if b"stopping" in line)
        time.sleep(1.1)  # signals closer together are one
        loop.send_signal(signal.SIGTERM)
        self.assertEqual(loop.wait(PATIENCE), 130)
        self.assertEqual(self.last(task).outcome, "interrupted", self.last(task))
        self.assertEqual(
            (self.status_of(task), self.json("show", task)["failures"], running(self.nap)), ("backlog", 0, [])
        )
        self.assert_clean()
        self.assertEqual(self.run_git("show", self.parked()[0] + ":half"), "half\n")


class Kills(RepositoryCase):
    def kill_all(self, loop: subprocess.Popen[bytes]) -> None:
        """The loop, its workers and their agents, all at once."""
        pids = [loop.pid, *self.worker_pids()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        agents = running(self.nap)
        for pid in pids + agents:
            os.kill(pid, signal.SIGKILL)
        loop.wait()

    def test_after_a_kill_of_everything_the_next_one_goes_on_in_place(self) -> None:
        task = self.add(
            f"test -e go || {{ echo half > half; touch started; exec sleep {self.nap}; }}; rm go; echo whole > whole"
        )
        other = self.add("echo x > other")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")) and running(self.nap), "the agent")
        self.kill_all(loop)
        self.txlite("update", task, "--description", "echo whole > whole")
        told = self.ralph()
        self.assertEqual((self.status_of(task), self.status_of(other)), ("done", "done"))
        self.assert_clean()
        self.assertEqual(self.run_git("show", self.parked()[0] + ":half"), "half\n")
        self.assertIn("2 attempts", told)  # the loop that was killed is the same night's

    def test_after_a_kill_of_everything_the_next_one_goes_on_in_its_worktree(self) -> None:
        task = self.add(f"test -e half && {{ echo whole > whole; exit; }}; echo half > half; exec sleep {self.nap}")
        loop = self.start("ralph", "--agent", "scripted", "--worktrees")
        half = os.path.join(self.home, "worktrees", task, "half")
        wait_until(lambda: os.path.exists(half) and running(self.nap), "the agent")
        self.kill_all(loop)
        self.ralph("--worktrees")
        self.assertEqual(sorted(self.run_git("ls-tree", "--name-only", "main").split()), ["half", "readme", "whole"])
        self.assertIn("it goes on with what earlier attempts have left", "".join(self.reports().values()))

    def test_work_that_had_landed_is_not_done_again(self) -> None:
        for place in ("--worktrees", "--no-worktrees"):
            with self.subTest(place):
                task = self.add("echo $TXLITE_TASK >> landed; git add -A; true")
                hook = "post-merge" if place == "--worktrees" else "post-commit"
                path = self.write(f".git/hooks/{hook}", f"#!/bin/sh\nexec sleep {self.nap}\n")
                os.chmod(path, 0o755)
                loop = self.start("ralph", "--agent", "scripted", place)
                wait_until(lambda: running(self.nap), "the hook")
                self.kill_all(loop)
                os.unlink(path)
                self.ralph(place)
                self.assertEqual(self.status_of(task), "done")
                self.assertEqual(self.read("landed").count(task), 1)
                self.assert_clean()


if __name__ == "__main__":
    unittest.main()
