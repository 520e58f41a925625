"""What becomes a commit, and whose."""

from __future__ import annotations

import os
import signal
import subprocess
import unittest

from ..case import running, wait_until
from .case import RepositoryCase


class Commits(RepositoryCase):
    def test_a_repository_within_is_no_work_that_can_be_committed(self) -> None:
        task = self.add("git init -q inner; cd inner; git config user.name x; git config user.email x@y; "
                        "echo x > file; git add file; git commit -qm x")  # fmt: skip
        self.ralph(code=1)
        self.assertIn("inner is a git repository of its own", self.last(task).note)
        self.assertEqual(self.read(os.path.join(self.home, "aside", f"{task}.1", "inner", "file")), "x\n")
        self.assert_clean()

    def test_a_commit_that_an_agent_gives_our_name_is_not_ours(self) -> None:
        task = self.add(
            f'echo x > file; git add file; git commit -qm "Complete $TXLITE_TASK: x"; exec sleep {self.nap}'
        )
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: running(self.nap), "the agent")
        pids = [loop.pid, *self.worker_pids(), *running(self.nap)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        loop.wait()
        self.txlite("update", task, "--description", "true")
        self.ralph("--verify", "false", code=1)
        self.assertEqual(self.status_of(task), "failed")

    def test_what_an_agent_commits_becomes_one_commit_and_stays_under_a_ref(self) -> None:
        half = "echo 1 > one; git add -A; git commit -qm mine"
        task = self.add(f"{half}; echo KEY > .env; git add -A; git commit -qm key; git rm -q .env; git commit -qm gone")
        self.ralph()
        self.assertEqual(self.log(), [f"Complete {task}: a task", "first"])
        self.assertEqual(self.log(f"refs/txlite/squashed/{task}/1")[0], "gone")

    def test_a_merge_that_an_agent_began_is_no_work(self) -> None:
        self.run_git("switch", "-qc", "feature")
        self.write("feature", "x\n")
        self.commit("feature")
        self.run_git("switch", "-q", "main")
        task = self.add("git merge -q --no-commit --no-ff feature")
        self.ralph(code=1)
        self.assertIn("it left a merge unfinished", self.last(task).note)
        self.assertEqual(self.log(), ["first"])
        self.assert_clean()

    def test_work_on_another_branch_is_no_work(self) -> None:
        task = self.add("git switch -qc elsewhere; echo x > file")
        self.ralph(code=1)
        self.assertEqual(self.last(task).note, "it left the branch main for elsewhere")
        self.assertEqual((self.log(), self.log("elsewhere"), len(self.parked())), (["first"], ["first"], 1))
        self.assert_clean()

    def test_a_title_is_data(self) -> None:
        title = "quote ' \" $(touch pwned) `touch pwned` \\1 --amend \x1b[31m \u202e"
        task = self.add("echo x > file", title)
        self.ralph()
        self.assertEqual(self.log()[0], f"Complete {task}: {title[:-7]}\\x1b[31m \\u202e")
        self.assertFalse(os.path.exists(self.path("pwned")))

    def test_no_author_and_no_trailer_is_invented(self) -> None:
        self.add("echo x > file")
        self.ralph()
        self.assertEqual(
            self.run_git("log", "-1", "--format=%an|%ae|%cn|%b"), "A Person|person@example.org|A Person|\n"
        )

    def test_somebody_elses_lock_is_waited_for(self) -> None:
        # What it writes, it writes before it gives the lock back: what appears during the commit is left out of it.
        other = "while kill -0 $$; do sleep 0.02; done 2>&-; echo x > late; sleep 0.3; rm .git/index.lock"
        task = self.add(f": > .git/index.lock; ({other}) & echo x > file")
        self.configure("daemons = yes\n")
        self.ralph(code=None)
        self.assertEqual(self.last(task).outcome, "done", self.last(task).note)
        self.assertEqual(self.status_of(task), "done")

    def test_outside_of_the_repository_nothing_is_committed(self) -> None:
        elsewhere = os.path.join(os.path.dirname(self.directory), os.path.basename(self.directory) + "-elsewhere")
        os.mkdir(elsewhere)
        self.addCleanup(subprocess.run, ["rm", "-rf", elsewhere], check=True)
        task = self.add("echo x > file", "elsewhere", directory=elsewhere)
        self.ralph()
        self.assertEqual((self.status_of(task), self.log()), ("done", ["first"]))
        self.assertTrue(os.path.exists(os.path.join(elsewhere, "file")))

    def test_home_is_never_committed(self) -> None:
        self.configure("\n; a comment\n")
        self.add("echo x > .txlite/of-the-agent; echo y > file")
        self.ralph()
        self.assertEqual(self.run_git("ls-files").split(), ["file", "readme"])
        self.assertTrue(os.path.exists(os.path.join(self.home, "config.ini")))


if __name__ == "__main__":
    unittest.main()
