"""What the loop refuses before it begins."""

from __future__ import annotations

import os
import subprocess
import unittest

from .case import RepositoryCase


class Refusals(RepositoryCase):
    def test_a_dirty_tree_is_refused(self) -> None:
        task = self.add("true")
        self.write("readme", "changed\n")
        self.ralph(code=1)
        self.assertEqual(self.attempts(task), [], "nothing is claimed")
        self.assertIn("has changes that are not committed (readme)", self.errors)
        self.assertEqual(self.read("readme"), "changed\n")
        self.ralph("--no-commit")
        self.assertEqual(self.read("readme"), "changed\n")

    def test_a_repository_without_a_commit_or_a_name_is_refused(self) -> None:
        self.run_git("config", "--unset", "user.email")
        self.run_git("config", "user.useConfigOnly", "true")
        self.ralph(code=1)
        self.assertIn("git does not know who commits here", self.errors)
        os.rename(self.path(".git"), self.path("../" + os.path.basename(self.directory) + ".git"))
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory + ".git"], check=True)
        self.run_git("init", "-q")
        self.ralph(code=1)
        self.assertIn("has no commit yet", self.errors)

    def test_a_branch_in_the_way_of_those_of_tasks_is_named(self) -> None:
        self.add("echo new > file")
        for name in ("txlite", "txlite-base"):
            self.run_git("branch", name)
            self.ralph("--worktrees", code=1)
            self.assertIn(f"has a branch {name}, and git makes none below it", self.errors)
            self.run_git(*self.errors.partition("`git ")[2].partition("`")[0].replace("OTHER", f"my-{name}").split())
        self.ralph("--worktrees")

    def test_what_went_another_way_than_what_is_held_back_is_for_a_person(self) -> None:
        self.run_git("switch", "-qc", "txlite-base/main")
        self.write("held", "x\n")
        self.commit("held back")
        self.run_git("switch", "-q", "main")
        self.write("other", "x\n")
        self.commit("a person's")
        task = self.add("true")
        self.ralph("--worktrees", code=1)
        self.assertIn("on main, `git merge txlite-base/main`", self.errors)
        self.assertEqual(self.attempts(task), [], "nothing is claimed")
        self.run_git("merge", "-q", "txlite-base/main")
        self.ralph("--worktrees")
        self.assertEqual(self.run_git("branch", "--format=%(refname:short)"), "main\n")

    def test_a_repository_that_git_refuses_is_not_taken_for_none(self) -> None:
        self.add("true")
        self.write(".git/config", "[core\n")
        self.ralph(code=1)
        self.assertIn("git rev-parse", self.errors)


if __name__ == "__main__":
    unittest.main()
