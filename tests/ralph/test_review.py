"""Work that waits for a person: shown, approved, rejected, and never landed without a word."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import unittest

from ..case import PATIENCE, running, wait_until
from ..view.screen import Terminal
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
    def assert_fits(self, task: str) -> None:
        """No line of what waits is wider than a terminal, and what is typed then stands whole."""
        lines = Terminal(self, "review", columns=80).end().splitlines()
        self.assertRegex(lines[0], r"^ID +CHANGES .*VERDICT +SINCE +TASK$")
        self.assertRegex(lines[1], rf"^{task}  \d files? \+.* not landed, appr.* \d\S* ago  a task$")
        self.assertEqual(lines[3], f'`txlite approve {task}`, or `txlite reject {task} "why"`')
        self.assertLessEqual(max(map(len, lines)), 80)

    def test_what_passed_waits_on_its_branch_and_lands_when_a_person_says_so(self) -> None:
        nothing = self.add("true", "changes nothing")
        gate = "test -e file || test $TXLITE_TASK = " + nothing
        task = self.make("echo new > file; echo what it said", "a task", "--verify", gate)
        other = self.add("echo other > other", "waits", after=task)
        self.assertEqual((self.status_of(nothing), self.log(), self.left()), ("done", ["first"], [task]))
        self.assertIn("Complete", self.log(f"txlite/{task}")[0])
        (found,) = self.json("review")
        self.assertEqual((found["id"], found["changes"]), (task, {"files": 1, "added": 1, "deleted": 0}))
        self.assertIn("test -e file", found["gate"])
        self.assertIn("1 file +1 -0", self.txlite("review"))
        for verb in ("review", "diff"):
            self.assertIn("+new", self.txlite(verb, task))
        self.assertIn(f"{task} waits for a review there", self.txlite("cleanup", "--dry-run"))
        self.txlite("cleanup", "--force")
        self.assertEqual((self.status_of(other), self.left()), ("backlog", [task]))
        self.assertIn("now ready: " + other, self.txlite("approve", task))
        self.assertEqual(self.log(), [f"Complete {task}: a task", "first"])
        self.assertEqual((self.status_of(task), self.left()), ("done", []))
        self.assertEqual(self.run_git("branch", "--format=%(refname:short)"), "main\n")
        self.assertEqual((self.read("file"), self.txlite("review")), ("new\n", "nothing waits for a review\n"))
        self.assertIn("+new", self.txlite("diff", task))
        self.assertIn("what it said\n", self.txlite("logs", task))
        self.assertRegex(self.txlite("history", task), r"-> review +attempt 2 (.*\n)+.* active -> done +approval 3 ")
        self.assertRegex(
            self.txlite("show", task), r"\nAttempts:\n  2  .*\n\n(.*\n)+Approvals:\n  3  \S+  \S+  landed as \w+  w"
        )
        self.assertEqual([one["attempt"] for one in self.json("status") if one["id"] == task], [3, 2])
        shown = Terminal(self, "status").end()
        self.assertRegex(shown, rf"\ndone   {task}  a task  +landed  ")
        self.assertEqual(shown.count(task), 1, "the approval is no line of its own")
        self.assertIn("attempts:  2 done\n", self.txlite("status", "--stats"))
        self.assert_clean()

    def test_what_was_rejected_and_given_up_is_shown_when_its_worktree_is_gone(self) -> None:
        task = self.make()
        self.assertEqual(self.txlite("review", "--quiet"), f"{task}\n")
        self.refused("review", "-q", task, code=64)
        self.assertEqual(self.txlite("reject", task, "never mind"), f"{task}  its next attempt is told why\n")
        self.assertEqual(self.txlite("review", "-q"), "")
        self.txlite("cancel", task)
        self.txlite("cleanup", "--force")
        self.assertEqual(self.left(), [])
        self.assertIn("+new", self.txlite("diff", task))

    def test_what_conflicts_lands_nothing_and_what_is_rejected_is_gone_on_with(self) -> None:
        self.write(".txlite/templates/ralph-task.md", "echo '{{LAST_ATTEMPT}}' > told; {{TASK_DESCRIPTION}}\n")
        task = self.make("echo theirs > readme; echo work > file")
        self.write("readme", "mine\n")
        self.commit("mine")
        said = self.refused("approve", task)
        self.assertIn(f"{task} did not land: it conflicts with what main has now, in readme", said)
        self.assertIn("has it mended", said)
        self.assertRegex(self.txlite("show", task), r"\nThe end of its output:\n(.*\n)*.*CONFLICT")
        self.assert_fits(task)
        self.assertEqual((self.status_of(task), self.log()[0], self.last(task).outcome), ("review", "mine", "released"))
        self.assertEqual(self.git_at(task, "status", "--porcelain"), "")
        self.assertEqual(self.json("show", task)["failures"], 0)
        self.assertIn("the reason is empty", self.refused("reject", task, "", code=64))
        self.assertIn("the reason has 10,001 characters", self.refused("reject", task, "x" * 10_001, code=64))
        self.txlite("reject", task, "no; tests")
        self.assertEqual((self.status_of(task), self.json("show", task)["failures"]), ("backlog", 1))
        script = "git stash -qu; git merge -q -X ours main; git stash pop -q; echo both > readme"
        self.txlite("update", task, "--description", script)
        self.ralph()
        self.assertEqual(self.status_of(task), "review", self.last(task))
        shown = self.txlite("review", task)
        for words in ("+    no; tests", "+That work is in this directory", "+both", "+work"):
            self.assertIn(words, shown)
        self.txlite("approve", task)
        self.assertEqual((self.log(), self.read("readme")), ([f"Complete {task}: a task", "mine", "first"], "both\n"))
        self.assertIn("no; tests", self.txlite("show", task))

    def test_it_is_rebased_and_judged_again_where_the_base_has_moved(self) -> None:
        gate = f"echo x >> {self.path('.txlite/gates')}; test ! -e broken"
        tasks = [self.add(f"echo {name} > {name}", name) for name in ("one", "two", "three")]
        self.ralph("--verify", gate)
        self.txlite("approve", *tasks[:2])
        self.assertEqual(self.log(), [f"Complete {tasks[1]}: two", f"Complete {tasks[0]}: one", "first"])
        self.assertEqual(self.read(".txlite/gates"), "x\n" * 4)
        self.write("broken", "")
        self.commit("breaks the gate")
        before = self.run_git("rev-parse", f"txlite/{tasks[2]}")
        said = self.refused("approve", tasks[2])
        self.assertIn(f"{tasks[2]} did not land: the gate failed: exit 1 (after the rebase onto main)", said)
        self.assertEqual((self.status_of(tasks[2]), self.log()[0]), ("review", "breaks the gate"))
        self.assertEqual(self.run_git("rev-parse", f"txlite/{tasks[2]}"), before)

    def test_a_branch_that_is_gone_is_brought_back_by_what_is_said(self) -> None:
        for loss in ("update-ref -d refs/heads/txlite/{}", "branch -m txlite/{} own"):
            task = self.make(f"echo '{loss}' > file")
            self.run_git(*loss.format(task).split())
            said = self.refused("approve", task)
            self.run_git(*said.partition("`git ")[2].partition("`")[0].split())
            self.txlite("approve", task)
            self.assertEqual(self.log()[0], f"Complete {task}: a task")

    def test_what_was_taken_out_of_the_base_does_not_come_back(self) -> None:
        self.write("secret", "x")
        self.commit("taken out later")
        task = self.make()
        self.run_git("reset", "-q", "--hard", "HEAD^")
        self.write("other", "x")
        self.commit("other")
        self.assertNotIn("secret", self.txlite("review", task))
        self.txlite("approve", task)
        self.assertEqual(self.log(), [f"Complete {task}: a task", "other", "first"])

    def test_what_a_person_committed_there_lands_with_it(self) -> None:
        task = self.make()
        self.write(self.place(task, "file"), "mended\n")
        self.assertIn("has changes that are not committed (file)", self.refused("approve", task))
        self.assertRegex(
            self.txlite("show", task), r"\nApprovals:\n  2  .*  did not land: .*are not committed \(file\)"
        )
        self.assertRegex(Terminal(self, "status").end(), rf"\ndone   {task}  a task  +review  (?s:(?!\nfailed).)*$")
        self.git_at(task, "commit", "-qam", "mended")
        self.assertIn("+mended", self.txlite("review", task))
        self.run_git("worktree", "remove", self.place(task))  # what is on its branch is enough
        self.write("more", "x\n")
        self.commit("more")
        self.txlite("approve", task)
        self.assertEqual((self.log()[1:], self.read("file"), self.left()), (["more", "first"], "mended\n", []))

    def test_a_rebase_that_a_person_has_begun_there_is_theirs(self) -> None:
        task = self.make("echo new > readme")
        self.write("readme", "moved\n")
        self.commit("moved")
        self.run_git("-C", self.place(task), "rebase", "main", code=1)
        self.assertIn(f"a rebase goes on in {self.place(task)}: end it there", self.refused("approve", task))
        self.write(self.place(task, "readme"), "both\n")
        self.git_at(task, "add", "readme")
        self.git_at(task, "-c", "core.editor=:", "rebase", "--continue")
        self.txlite("approve", task, cwd=self.place(task))  # which is gone then
        self.assertEqual((self.log()[1:], self.read("readme"), self.left()), (["moved", "first"], "both\n", []))

    def test_a_gate_that_it_got_meanwhile_judges_it(self) -> None:
        task = self.make()
        self.txlite("update", task, "--verify", "grep mended file")
        self.assertIn(f"{task} did not land", self.refused("approve", task))
        self.assertEqual((self.status_of(task), self.log()), ("review", ["first"]))
        self.txlite("update", task, "--verify", "grep new file")
        self.txlite("approve", task)
        self.assertEqual((self.status_of(task), self.log()[1:]), ("done", ["first"]))

    def test_what_is_not_to_be_reviewed_is_refused(self) -> None:
        task = self.add("echo x > file")
        for words in (("approve", task), ("reject", task, "why"), ("review", task)):
            self.assertIn(f"{task} is ready: nothing of it waits for a review", self.refused(*words))
        self.assertIn("no task is given: `txlite review` lists", self.refused("approve", code=64))
        self.assertIn(f"nothing of {task} is in a git repository", self.refused("diff", task, code=2))
        for option, reason in (
            ("--no-worktrees", "--review: what is to be reviewed waits in worktrees"),
            ("--no-commit", "--review: with --no-commit"),
        ):
            self.assertIn(reason, self.refused("ralph", "--agent", "scripted", "--review", option, code=64))

    def test_what_waits_may_be_held_back_or_be_done_without_it(self) -> None:
        task, other = self.add("echo new > file"), self.add("echo other > other")
        self.ralph()
        errors = self.refused("update", task, "--status", "blocked")
        self.assertIn(f"{task} is to be reviewed and cannot become blocked: approve or reject it first", errors)
        self.write("file", "a draft\n")
        self.environment["TXLITE_TASK"] = task
        self.assertIn("a review is a person's word", self.refused("approve", task))
        del self.environment["TXLITE_TASK"]
        told = self.txlite("approve", task)
        self.assertRegex(told, rf"^held back  {task}  ")
        self.assertIn("committed (file): txlite-base/main holds the work; `git merge txlite-base/main`", told)
        self.assertEqual((self.log(), self.log("txlite-base/main")[0]), (["first"], f"Complete {task}: a task"))
        self.txlite("done", other)
        self.assertIn(f"it stays on txlite/{other}", self.errors)
        self.assertEqual([self.status_of(one) for one in (task, other)], ["done", "done"])
        self.txlite("cleanup", "--force")
        self.assertEqual((self.left(), self.run_git("show", f"txlite/{other}:other")), ([], "other\n"))
        self.assertIn(f"{task} is done: nothing of it waits", self.refused("approve", task))


class Kills(ReviewCase):
    def kill(self, loop: subprocess.Popen[bytes]) -> None:
        """All of it, at once."""
        pids = [loop.pid, *self.worker_pids()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in {*pids, *running(self.nap)}:
            os.kill(pid, signal.SIGKILL)
        loop.wait()

    def lose_the_end(self) -> None:
        """As after a kill when the work of the last attempt had passed, and before that attempt had ended."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.home, "tasks.db"))) as database, database:
            database.execute("UPDATE attempts SET outcome = 'lost'")
            database.execute("UPDATE tasks SET status = 'backlog'")

    def test_neither_work_that_had_passed_nor_a_landing_is_done_again(self) -> None:
        starts = self.path(".txlite/starts")
        task = self.make(f"echo x >> {starts}; echo x > file")
        self.lose_the_end()
        self.ralph()
        self.assertEqual((self.status_of(task), self.read(".txlite/starts")), ("review", "x\n"))
        self.hook("post-merge", f"exec sleep {self.nap}")
        approval = self.start("approve", task)
        wait_until(lambda: running(self.nap), "the hook")
        self.kill(approval)
        os.unlink(self.path(".git/hooks/post-merge"))
        wait_until(lambda: self.txlite("review") and self.status_of(task) == "review", "recovery by who looks")
        self.assertIn(f"{task} was approved, and landed on main as", self.refused("reject", task, "why"))
        self.txlite("approve", task)
        self.assertEqual((self.status_of(task), self.left()), ("done", []))
        self.assertEqual((self.log(), self.read("file")), ([f"Complete {task}: a task", "first"], "x\n"))

    def test_an_approval_that_is_killed_at_its_commit_is_begun_again(self) -> None:
        task = self.make()
        self.write(self.place(task, "file"), "mended\n")
        self.git_at(task, "commit", "-qam", "mended")
        self.hook("pre-commit", f"exec sleep {self.nap}")
        approval = self.start("approve", task)
        wait_until(lambda: running(self.nap), "the hook")
        self.kill(approval)
        os.unlink(self.path(".git/hooks/pre-commit"))
        self.assertRegex(self.txlite("status"), rf"STATE .*\nlost .* {task} .*\ndone .* {task} ")
        self.txlite("approve", task)
        self.assertNotIn("lost", self.txlite("status"))
        self.assertRegex(self.txlite("show", task), r"Approvals:\n  2  .*  lost, .*\n  3  .*  landed as ")
        self.assertEqual((self.log()[1:], self.read("file"), self.left()), (["first"], "mended\n", []))

    def test_an_approval_that_is_ended_at_its_gate_has_landed_nothing(self) -> None:
        slow = self.path(".txlite/slow")
        task = self.make("echo x > file", "a task", "--verify", f"test ! -e {slow} || exec sleep {self.nap}")
        self.write("moved", "")
        self.commit("moved")
        self.write(".txlite/slow", "")
        before = self.git_at(task, "rev-parse", "HEAD")
        approval = self.start("approve", task)
        wait_until(lambda: running(self.nap), "the gate")
        self.assertIn(f"{task} was approved, and worker-", self.refused("approve", task))
        approval.send_signal(signal.SIGINT)
        self.assertEqual(approval.wait(PATIENCE), 130)
        self.assertEqual((self.status_of(task), running(self.nap), self.log()[0]), ("review", [], "moved"))
        self.assertEqual(self.git_at(task, "rev-parse", "HEAD"), before)
        approval = self.start("approve", task)
        wait_until(lambda: running(self.nap), "the gate")
        self.kill(approval)
        os.unlink(slow)
        self.assertEqual(self.log(), ["moved", "first"])
        self.txlite("approve", task)
        self.assertEqual(self.log(), [f"Complete {task}: a task", "moved", "first"])
        self.assert_clean()

    def start_approval(self) -> tuple[str, subprocess.Popen[bytes]]:
        """One that is at its gate; the task's id, and the process."""
        task = self.make("echo x > file", "a task", "--verify", f"test ! -e moved || exec sleep {self.nap}")
        self.write("moved", "")
        self.commit("moved")
        approval = self.start("approve", task)
        wait_until(lambda: running(self.nap), "the gate")
        return task, approval

    def test_an_approval_that_is_stopped_leaves_its_task_to_be_reviewed(self) -> None:
        task, approval = self.start_approval()
        self.assertIn(f"end it with `txlite stop {task}`", self.refused("reset", task))
        self.txlite("stop", task)
        errors = approval.communicate(timeout=PATIENCE)[1]
        self.assertIn(b"its approval was stopped: it stays to be reviewed", errors)
        self.assertEqual((approval.returncode, self.status_of(task), self.log()[0]), (1, "review", "moved"))
        self.txlite("reject", task, "not so")
        self.assertEqual(self.status_of(task), "backlog")

    def test_an_approval_whose_task_is_cancelled_meanwhile_says_so(self) -> None:
        task, approval = self.start_approval()
        self.txlite("cancel", task)
        self.assertIn(b"set to cancelled: its work stays on its branch", approval.communicate(timeout=PATIENCE)[1])
        self.assertEqual((self.status_of(task), self.log()[0]), ("cancelled", "moved"))


if __name__ == "__main__":
    unittest.main()
