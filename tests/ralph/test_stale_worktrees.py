"""What becomes of worktrees whose attempt is over: nothing that is only there is removed."""

from __future__ import annotations

import os
import subprocess
import unittest

from ..case import PATIENCE, wait_until
from .case import WorktreesCase


class Stale(WorktreesCase):
    def test_nothing_that_is_not_committed_is_removed(self) -> None:
        task = self.add("mkdir inner; cd inner; git init -q; echo precious > file; exit 1")
        self.ralph(code=1)
        kept = os.path.join(self.home, "aside", f"{task}.1", "inner", "file")
        self.assertEqual((self.read(kept), self.left()), ("precious\n", []))

    def test_a_worktree_that_somebody_removed_is_made_again(self) -> None:
        task = self.add("test -e again || { touch again; kill -9 $PPID; sleep 60; }; echo x > file")
        loop = self.start("ralph", "--agent", "scripted", "--worktrees", "--max-tasks", "1")
        wait_until(lambda: len(self.attempts(task)) == 2, "its worker's death")
        self.assertEqual(loop.wait(PATIENCE), 0)
        other = self.add("echo x > other")
        path = os.path.join(self.home, "worktrees", other)
        self.run_git("worktree", "add", "-q", "-b", f"txlite/{other}", path)
        subprocess.run(["rm", "-rf", path], check=True)
        self.ralph()
        self.assertEqual(self.status_of(other), "done")

    def test_a_worktree_of_the_users_is_not_ours_whatever_its_name(self) -> None:
        theirs = self.path("../" + os.path.basename(self.directory) + "-theirs/tx-12345678")
        self.addCleanup(subprocess.run, ["rm", "-rf", os.path.dirname(theirs)], check=True)
        self.run_git("worktree", "add", "-q", "--detach", theirs)
        self.run_git("worktree", "lock", theirs)
        self.write(os.path.join(theirs, "draft"), "x\n")
        self.add("echo x > file")
        self.ralph()
        self.assertIn("draft", self.run_git("-C", theirs, "status", "--porcelain"))

    def test_a_lock_that_an_agent_left_in_its_own_worktree_is_no_hindrance(self) -> None:
        good = self.add("echo x > file; touch $(git rev-parse --git-path index.lock)")
        bad = self.add("echo x > other; touch $(git rev-parse --git-path index.lock); exit 1")
        self.ralph(code=1)
        self.assertEqual((self.status_of(good), self.status_of(bad), self.left()), ("done", "failed", []))

    def test_a_setup_that_failed_leaves_what_a_person_does_there(self) -> None:
        self.configure("[ralph]\nsetup = exit 3\n")
        task = self.add("true")
        self.ralph(code=1)
        self.write(os.path.join(self.home, "worktrees", task, "notes"), "a person's\n")
        self.configure("")
        self.txlite("retry", task)
        self.ralph()
        self.assertEqual(self.read(os.path.join(self.home, "worktrees", self.left()[0], "notes")), "a person's\n")

    def add_submodule(self) -> None:
        """A submodule in `module`, committed."""
        inner = self.path("../" + os.path.basename(self.directory) + "-module")
        self.addCleanup(subprocess.run, ["rm", "-rf", inner], check=True)
        self.run_git("init", "-q", "-b", "main", inner)
        self.run_git(
            "-C", inner, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"
        )
        self.run_git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner, "module")
        self.commit("module")

    def test_a_submodules_commit_that_is_only_there_stays(self) -> None:
        self.add_submodule()
        task = self.add("git -c protocol.file.allow=always submodule --quiet update --init; cd module; "
                        "git -c user.name=x -c user.email=x@y commit -q --allow-empty -m new")  # fmt: skip
        self.ralph()
        self.assertEqual((self.status_of(task), self.left()[-1]), ("done", task))

    def test_submodules_are_no_reason_to_keep_a_worktree(self) -> None:
        self.add_submodule()
        task = self.add("git -c protocol.file.allow=always submodule --quiet update --init; echo x > file")
        other = self.add("git -c protocol.file.allow=always submodule --quiet update --init; echo x > module/file")
        self.ralph(code=1)
        self.assertEqual((self.status_of(task), self.status_of(other)), ("done", "failed"))
        self.assertIn("not all of it could be committed: module", self.last(other).note)

    def test_cleanup_removes_finished_ones_that_hold_nothing(self) -> None:
        self.run_git("branch", "txlite/other")
        kept = os.path.join(self.home, "worktrees", "tx-finished1")
        self.run_git("worktree", "add", "-q", kept, "txlite/other")
        self.assertIn(f"would remove   {kept}", self.txlite("cleanup", "--dry-run"))
        self.write(os.path.join(kept, "untracked"), "x\n")
        self.assertIn(f"stays          {kept}: not committed: untracked", self.txlite("cleanup", "--dry-run"))
        self.txlite("cleanup")
        self.assertTrue(os.path.exists(os.path.join(kept, "untracked")))
        os.unlink(os.path.join(kept, "untracked"))
        self.assertEqual(self.json("cleanup")["worktrees"], 1)
        self.assertEqual(self.left(), [])
        self.assertEqual(self.run_git("branch", "--format=%(refname:short)"), "main\n")

    def test_cleanup_keeps_commits_that_are_nowhere_else(self) -> None:
        places = [os.path.join(self.home, "worktrees", name) for name in ("tx-branched", "tx-detached")]
        self.run_git("worktree", "add", "-q", "-b", "txlite/tx-branched", places[0])
        self.run_git("worktree", "add", "-q", "--detach", places[1])
        for place in places:
            self.run_git("-C", place, "commit", "-q", "--allow-empty", "-m", f"only in {os.path.basename(place)}")
        self.assertEqual((self.json("cleanup")["worktrees"], self.left()), (2, []))
        self.assertEqual(self.log("txlite/tx-branched")[0], "only in tx-branched")
        (parked,) = self.parked()
        self.assertEqual(self.log(parked)[0], "only in tx-detached")


if __name__ == "__main__":
    unittest.main()
