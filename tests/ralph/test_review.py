"""Work that waits for a person: shown, approved, rejected, and never landed without a word."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import unittest

from ..case import running, wait_until
from .case import WorktreesCase


class ReviewCase(WorktreesCase):
    """A loop whose work waits for a person."""

    def ralph(self, *options: str, **more: object) -> str:
        return super().ralph("--review", *options, **{"code": 1, **more})

    def make(self, script: str = "echo new > file", title: str = "a task", *options: str, **more: object) -> str:
        """A task whose work waits for a review; its id."""
        task = self.add(script, title, **more)
        self.ralph(*options)
        self.assertEqual(self.status_of(task), "review", self.last(task))
        return task

    def refused(self, *words: str, code: int = 1) -> str:
        """The one line with which a command that says nothing else is refused."""
        self.assertEqual(self.txlite(*words, code=code), "", words)
        self.assertEqual(self.errors.count("\n"), 1, self.errors)
        return self.errors

    def place(self, task: str, *names: str) -> str:
        return os.path.join(self.home, "worktrees", task, *names)

    def git_at(self, task: str, *words: str) -> str:
        return self.run_git("-C", self.place(task), *words)


class Reviews(ReviewCase):
    def test_what_passed_waits_on_its_branch_and_lands_when_a_person_says_so(self) -> None:
        task = self.make("echo new > file", "a task", "--verify", "test -e file")
        other = self.add("echo other > other", "waits", after=task)
        self.assertEqual((self.log(), self.left()), (["first"], [task]))
        self.assertIn("Complete", self.log(f"txlite/{task}")[0])
        (found,) = self.json("review")
        self.assertEqual((found["id"], found["gate"], found["changes"]),
                         (task, "test -e file", {"files": 1, "added": 1, "deleted": 0}))  # fmt: skip
        self.assertIn("1 file +1 -0", self.txlite("review"))
        for verb in ("review", "diff"):
            self.assertIn("+new", self.txlite(verb, task))
        self.assertEqual(self.status_of(other), "backlog")
        self.assertIn("now ready: " + other, self.txlite("approve", task))
        self.assertEqual(self.log(), [f"Complete {task}: a task", "first"])
        self.assertEqual((self.status_of(task), self.left()), ("done", []))
        self.assertEqual(self.run_git("branch", "--format=%(refname:short)"), "main\n")
        self.assertEqual((self.read("file"), self.txlite("review")), ("new\n", "nothing waits for a review\n"))
        self.assertIn("+new", self.txlite("diff", task))
        self.assert_clean()

    def test_what_is_rejected_goes_on_with_its_work_and_the_reason(self) -> None:
        self.write(".txlite/templates/ralph-task.md", "echo '{{LAST_ATTEMPT}}' > told; {{TASK_DESCRIPTION}}\n")
        task = self.make("test -e file && echo seen > seen; echo new >> file")
        self.txlite("reject", task, "no; tests")
        self.assertEqual((self.status_of(task), self.json("show", task)["failures"]), ("backlog", 1))
        self.ralph()
        self.assertEqual(self.status_of(task), "review")
        shown = self.txlite("review", task)
        self.assertIn("+    no; tests", shown)
        self.assertIn("+That work is in this directory", shown)
        self.assertIn("+seen", shown)
        self.txlite("approve", task)
        self.assertEqual(self.log(), [f"Complete {task}: a task", "first"])
        self.assertEqual(self.read("file"), "new\nnew\n")

    def test_it_is_rebased_and_judged_again_where_the_base_has_moved(self) -> None:
        gate = f"echo x >> {self.path('.txlite/gates')}; test ! -e broken"
        first, second = self.add("echo 1 > one", "one"), self.add("echo 2 > two", "two")
        self.ralph("--verify", gate)
        self.txlite("approve", first, second)
        self.assertEqual(self.log(), [f"Complete {second}: two", f"Complete {first}: one", "first"])
        self.assertEqual(self.read(".txlite/gates"), "x\n" * 3)
        third = self.make("echo 3 > three", "three", "--verify", gate)
        self.write("broken", "")
        self.commit("breaks the gate")
        before = self.run_git("rev-parse", f"txlite/{third}")
        said = self.refused("approve", third)
        self.assertIn(f"{third} did not land: the gate failed: exit 1 (after the rebase onto main)", said)
        self.assertEqual((self.status_of(third), self.log()[0]), ("review", "breaks the gate"))
        self.assertEqual(self.run_git("rev-parse", f"txlite/{third}"), before)
        self.run_git("rm", "-q", "broken")
        self.commit("mended")
        self.txlite("approve", third)
        self.assertEqual(self.log()[0], f"Complete {third}: three")

    def test_conflicts_land_nothing(self) -> None:
        task = self.make("echo theirs > readme")
        self.write("readme", "mine\n")
        self.commit("mine")
        said = self.refused("approve", task)
        self.assertIn(f"{task} did not land: it conflicts with what main has now, in readme", said)
        self.assertEqual((self.status_of(task), self.log()[0]), ("review", "mine"))
        self.assertEqual(self.git_at(task, "status", "--porcelain"), "")
        self.assertEqual(self.last(task).outcome, "released")
        self.assertEqual(self.json("show", task)["failures"], 0)
        self.txlite(
            "update", task, "--description", "git merge -q main; echo both > readme; git add .; git commit -qm x"
        )
        self.txlite("reject", task, "it conflicts")
        self.ralph()
        self.txlite("approve", task)
        self.assertEqual((self.log(), self.read("readme")), ([f"Complete {task}: a task", "mine", "first"], "both\n"))
        self.assertIn("rejected by a person  it conflicts", self.txlite("show", task))

    def test_what_a_person_committed_there_lands_with_it(self) -> None:
        task = self.make()
        self.write(self.place(task, "file"), "mended\n")
        self.assertIn("has changes that are not committed (file)", self.refused("approve", task))
        self.git_at(task, "commit", "-qam", "mended")
        self.assertIn("+mended", self.txlite("review", task))
        self.txlite("approve", task)
        self.assertEqual((self.log()[1:], self.read("file")), (["first"], "mended\n"))

    def test_what_is_not_to_be_reviewed_is_refused(self) -> None:
        task = self.add("echo x > file")
        self.assertIn("the reason is empty", self.refused("reject", task, "", code=64))
        for words, reason in (
            (("approve", task), f"{task} is ready: nothing of it waits for a review"),
            (("reject", task, "why"), f"{task} is ready: nothing of it waits for a review"),
            (("review", task), f"{task} is ready: nothing of it waits for a review"),
        ):
            self.assertIn(reason, self.refused(*words))
        self.assertIn(f"nothing of {task} is in a git repository", self.refused("diff", task, code=2))
        self.ralph()
        self.environment["TXLITE_TASK"] = task
        self.assertIn("a review is a person's word", self.refused("approve", task))
        del self.environment["TXLITE_TASK"]
        self.txlite("approve", task)
        self.assertIn(f"{task} is done: nothing of it waits", self.refused("approve", task))

    def test_a_tree_with_changes_of_its_own_is_left_alone(self) -> None:
        task = self.make()
        self.write("readme", "a draft\n")
        self.assertIn("txlite-base/main holds the work", self.txlite("approve", task))
        self.assertEqual((self.log(), self.log("txlite-base/main")[0]), (["first"], f"Complete {task}: a task"))
        self.assertEqual(self.status_of(task), "done")

    def test_a_worktree_that_is_gone_is_made_again(self) -> None:
        task = self.make()
        self.run_git("worktree", "remove", self.place(task))
        self.write("more", "x\n")
        self.commit("more")
        self.txlite("approve", task)
        self.assertEqual((self.log()[0], self.left()), (f"Complete {task}: a task", []))

    def test_a_person_may_have_merged_it(self) -> None:
        task = self.make()
        self.txlite("done", task)
        self.assertIn(f"it stays on txlite/{task}", self.errors)
        self.assertEqual((self.status_of(task), self.log()), ("done", ["first"]))
        self.txlite("cleanup", "--force")
        self.assertEqual(self.left(), [])
        self.assertIn("new", self.run_git("show", f"txlite/{task}:file"))

    def test_what_changed_nothing_is_done(self) -> None:
        task = self.add("true")
        self.ralph(code=0)
        self.assertEqual((self.status_of(task), self.left()), ("done", []))

    def test_its_worktree_is_in_use(self) -> None:
        task = self.make()
        self.assertIn(f"{task} waits for a review there", self.txlite("cleanup", "--dry-run"))
        self.txlite("cleanup", "--force")
        self.assertEqual(self.left(), [task])

    def test_it_needs_a_repository_and_worktrees(self) -> None:
        for words, reason in (
            (("--no-worktrees",), "--review: what is to be reviewed waits in worktrees"),
            (("--no-commit",), "--review: with --no-commit"),
        ):
            self.assertIn(reason, self.refused("ralph", "--agent", "scripted", "--review", *words, code=64))


class Kills(ReviewCase):
    def kill(self, loop: subprocess.Popen[bytes]) -> None:
        """All of it, at once."""
        pids = [loop.pid, *self.worker_pids()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in {*pids, *running(self.nap)}:
            os.kill(pid, signal.SIGKILL)
        loop.wait()

    def test_an_approval_that_is_killed_after_it_landed_is_completed_by_the_next(self) -> None:
        task = self.make()
        self.hook("post-merge", f"exec sleep {self.nap}")
        approval = self.start("approve", task)
        wait_until(lambda: running(self.nap), "the hook")
        self.kill(approval)
        os.unlink(self.path(".git/hooks/post-merge"))
        self.txlite("review")  # who looks recovers
        self.assertEqual(self.status_of(task), "review")
        self.txlite("approve", task)
        self.assertEqual((self.log(), self.left()), ([f"Complete {task}: a task", "first"], []))
        self.assertEqual(self.status_of(task), "done")

    def start_at_a_gate(self) -> tuple[str, subprocess.Popen[bytes]]:
        """An approval at its gate, which sleeps; its task."""
        slow = self.path(".txlite/slow")
        task = self.make("echo x > file", "a task", "--verify", f"test ! -e {slow} || exec sleep {self.nap}")
        self.write("moved", "")
        self.commit("moved")
        self.write(".txlite/slow", "")
        approval = self.start("approve", task)
        wait_until(lambda: running(self.nap), "the gate")
        os.unlink(slow)
        return task, approval

    def test_one_that_is_killed_at_its_gate_has_landed_nothing(self) -> None:
        task, approval = self.start_at_a_gate()
        self.assertIn(f"{task} was approved, and worker-", self.refused("approve", task))
        self.kill(approval)
        self.assertEqual(self.log(), ["moved", "first"])
        self.txlite("approve", task)
        self.assertEqual(self.log(), [f"Complete {task}: a task", "moved", "first"])
        self.assert_clean()

    def test_a_signal_leaves_it_to_be_reviewed(self) -> None:
        task, approval = self.start_at_a_gate()
        approval.send_signal(signal.SIGINT)
        self.assertEqual(approval.wait(20), 130)
        self.assertEqual((self.status_of(task), running(self.nap), self.log()[0]), ("review", [], "moved"))
        self.assertEqual(self.git_at(task, "rev-parse", "HEAD^").strip(), self.run_git("rev-parse", "main^").strip())

    def test_work_that_had_passed_is_not_done_again(self) -> None:
        starts = self.path(".txlite/starts")
        task = self.make(f"echo x >> {starts}; echo x > file")
        with sqlite3.connect(os.path.join(self.home, "tasks.db")) as database:  # as after a kill before it had ended
            database.execute("UPDATE attempts SET outcome = 'lost'")
            database.execute("UPDATE tasks SET status = 'backlog'")
        database.close()
        self.ralph()
        self.assertEqual((self.status_of(task), self.read(".txlite/starts")), ("review", "x\n"))
        self.txlite("approve", task)
        self.assertEqual((self.log(), self.read("file")), ([f"Complete {task}: a task", "first"], "x\n"))


if __name__ == "__main__":
    unittest.main()
