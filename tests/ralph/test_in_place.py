"""The loop in the user's own working tree, and in a directory without git."""

from __future__ import annotations

import os
import signal
import time
import unittest
from collections.abc import Callable

from txlite.git.half_landed import TREE_LOCK
from txlite.system.locks import PolledLock

from ..case import PATIENCE, running, wait_until, without_privileges
from .case import SCRIPTED, RepositoryCase


class InPlace(RepositoryCase):
    def test_a_worker_that_outlives_its_loop_has_the_tree_to_itself(self) -> None:
        first = self.add("touch started; while ! test -e go; do sleep 0.05; done; rm started go; echo 1 > one", "one")
        second = self.add("test -e one && echo 2 > two", "two")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent")
        loop.kill()
        loop.wait()
        other = self.start("ralph", "--agent", "scripted", "--max-attempts", "1")
        wait_until(lambda: len(self.worker_pids()) == 2, "the other worker")
        wait_until(lambda: self.status_of(second) == "active", "its claim")
        self.write("go", "")
        self.assertEqual(other.wait(PATIENCE), 0)
        self.assertEqual([self.status_of(task) for task in (first, second)], ["done", "done"])
        self.assertEqual(len(self.log()), 3)

    def test_home_in_a_directory_of_its_own_survives(self) -> None:
        home = self.path("work/.txlite")
        self.write(".git/info/exclude", "/.txlite\n")
        self.txlite("--home", home, "init")
        self.write("work/.txlite/config.ini", SCRIPTED)
        self.write("work/.txlite/templates/ralph-task.md", "{{TASK_DESCRIPTION}}\n")
        self.txlite("--home", home, "add", "bad", "-d", "echo x > file; exit 1")
        self.ralph("--home", home, code=1)
        self.assertTrue(os.path.exists(os.path.join(home, "tasks.db")))
        self.assertTrue(os.path.exists(os.path.join(home, "config.ini")))
        self.assertEqual(len(self.parked()), 1)

    def test_a_person_who_went_to_another_branch_stays_there(self) -> None:
        task = self.add(f"echo x > file; git add file; git commit -qm half; exec sleep {self.nap}")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: running(self.nap) and len(self.log()) == 2, "the agent")
        pids = [loop.pid, *self.worker_pids(), *running(self.nap)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        loop.wait()
        self.environment["GIT_COMMITTER_DATE"] = f"@{int(time.time()) + 3600} +0000"
        self.run_git("switch", "-qc", "mine", "HEAD~1")
        del self.environment["GIT_COMMITTER_DATE"]
        self.txlite("update", task, "--description", "echo y > other")
        self.ralph()
        self.assertEqual(self.run_git("symbolic-ref", "--short", "HEAD"), "mine\n")
        self.assertEqual(self.log("mine")[0], f"Complete {task}: a task")
        self.assertEqual(self.log("main")[0], "half")

    def test_a_git_environment_of_the_callers_reaches_nobody(self) -> None:
        task = self.add("git rev-parse --git-dir > ../seen-git-dir; echo x > file")
        self.addCleanup(lambda: os.unlink(self.path("../seen-git-dir")))
        self.ralph(env={**self.environment, "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"})
        self.assertEqual((self.status_of(task), self.read("../seen-git-dir")), ("done", ".git\n"))

    def test_what_cannot_be_written_or_started_is_that_tasks_failure(self) -> None:
        readonly = self.add("mkdir -p d/e; echo x > d/e/f; chmod 500 d/e d; exit 1")
        word = self.add("mkdir $TXLITE_DONE_FILE; exit 1")
        directory = self.add("true", "no directory", directory=self.path("missing"))
        last = self.add("echo x > last")
        self.ralph(code=1, preexec_fn=without_privileges)
        found = [self.status_of(task) for task in (readonly, word, directory, last)]
        self.assertEqual(found, ["failed", "done", "failed", "done"])
        self.assert_clean()

    def test_a_user_who_edits_meanwhile_loses_nothing(self) -> None:
        self.add("echo x > file", "first", score=2)
        task = self.add("echo y > other")
        self.ralph("--max-tasks", "1")
        self.write("readme", "the user's\n")
        self.ralph(code=1)
        self.assertEqual((self.read("readme"), self.status_of(task)), ("the user's\n", "backlog"))

    def test_a_tree_in_which_another_homes_attempt_works_is_waited_for(self) -> None:
        task = self.add("touch began; echo x > file")
        with PolledLock(self.path(f".git/{TREE_LOCK}")) as lock:
            self.assertTrue(lock.try_acquire())
            loop = self.start("ralph", "--agent", "scripted")
            wait_until(lambda: self.status_of(task) == "active", "its claim")
            wait_until(lambda: any("TEMP" in name for name in self.reports()), "its report")
            self.assertFalse(wait_briefly(lambda: os.path.exists(self.path("began"))))
        self.assertEqual((loop.wait(PATIENCE), self.status_of(task)), (0, "done"))

    def test_nothing_is_cleared_away_while_the_agent_of_a_dead_worker_may_run(self) -> None:
        first = self.add(
            f"trap '' TERM; echo x > file; touch .txlite/began; "
            f"while :; do echo y >> file; sleep 0.02; done #{self.nap}"
        )
        second = self.add("git status --porcelain -- file > .txlite/seen; echo z > other", "second")
        loop = self.start(
            "ralph", "--agent", "scripted", "--kill-after", "1", "--max-attempts", "1", "--max-tasks", "2"
        )
        wait_until(lambda: os.path.exists(self.path(".txlite/began")), "the agent")
        self.txlite("update", first, "--description", "echo again > file")
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        self.assertEqual(loop.wait(PATIENCE), 0)
        self.assertEqual([self.status_of(task) for task in (first, second)], ["done", "done"])
        self.assertEqual(self.read(".txlite/seen"), "")
        self.assertEqual([attempt.outcome for attempt in self.attempts(first)], ["lost", "done"])
        self.assertRegex(self.run_git("show", f"{self.parked()[0]}:file"), r"^x\n(y\n)*$")
        self.assert_clean()

    def test_what_a_user_changes_between_two_attempts_stops_the_loop_and_stays(self) -> None:
        first, second = self.add("echo x > file", "first"), self.add("rm -f readme; echo y > other", "second")
        self.txlite("claim", second, "me")  # the loop waits for it
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: self.status_of(first) == "done", "the first")
        self.write("readme", "the user's\n")
        self.txlite("reset", second)
        error = loop.communicate(timeout=PATIENCE)[1].decode()
        self.assertIn("has changes that are not committed (readme)", error)
        self.assertEqual((loop.returncode, self.status_of(second)), (1, "backlog"))
        self.assertEqual((self.read("readme"), self.parked()), ("the user's\n", []))


def wait_briefly(condition: Callable[[], object]) -> bool:
    """Whether a condition that must not come true does so at once."""
    try:
        wait_until(condition, "it", 0.3)
    except AssertionError:
        return False
    return True


class WithoutGit(RepositoryCase):
    git = False

    def test_nothing_is_kept_or_undone(self) -> None:
        good, bad = self.add("echo x > good"), self.add("echo x > bad; exit 1")
        self.ralph(code=1)
        self.assertEqual((self.status_of(good), self.status_of(bad)), ("done", "failed"))
        self.assertTrue(os.path.exists(self.path("bad")))
        self.add("echo x > more")
        self.ralph("--workers", "2")

    def test_worktrees_need_a_repository(self) -> None:
        self.ralph("--worktrees", code=64)


if __name__ == "__main__":
    unittest.main()
