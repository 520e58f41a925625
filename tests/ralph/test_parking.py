"""What a failed attempt left is parked under a ref, and nothing else is touched."""

from __future__ import annotations

import os
import unittest

from .case import RepositoryCase


class Parking(RepositoryCase):
    def test_what_a_failed_attempt_left_is_parked(self) -> None:
        task = self.add(
            "echo new > new; echo changed > readme; mkdir d; echo x > d/deep; git commit -qam 'its own'; "
            "git switch -qc elsewhere; rm readme; exit 1"
        )
        self.ralph(code=1)
        ref = f"refs/txlite/parked/{task}/1"
        self.assertEqual(self.parked(), [ref])
        self.assertEqual(self.run_git("show", f"{ref}:new") + self.run_git("show", f"{ref}:d/deep"), "new\nx\n")
        self.run_git("show", f"{ref}:readme", code=128)
        self.assertEqual(self.run_git("show", f"{ref}~1:readme"), "changed\n")
        self.assertEqual((self.read("readme"), os.listdir(self.directory).count("new")), ("one\n", 0))
        self.assertEqual(self.run_git("symbolic-ref", "--short", "HEAD"), "main\n")
        self.assert_clean()
        self.assertIn(f"what it changed is parked as {ref}", "".join(self.reports().values()))
        self.assertTrue(os.path.exists(os.path.join(self.home, "config.ini")))

    def test_commits_that_an_agent_walked_away_from_are_parked(self) -> None:
        self.write("second", "x\n")
        self.commit("second")
        task = self.add("echo x > mine; git add mine; git commit -qm mine; git switch -qc other HEAD~2; exit 1")
        self.ralph(code=1)
        self.assertEqual(self.run_git("show", f"refs/txlite/parked/{task}/1^2:mine"), "x\n")
        self.assertEqual(self.log(), ["second", "first"])

    def test_ignored_files_are_not_touched_whatever_an_agent_ignores(self) -> None:
        self.write(".gitignore", "local/\nalso\n")
        self.commit("ignore")
        self.write("local/settings", "the user's\n")
        self.write("also", "the user's\n")
        self.add("echo nothing > .gitignore; echo x > file; exit 1")
        self.ralph(code=1)
        self.assertEqual((self.read("local/settings"), self.read("also")), ("the user's\n", "the user's\n"))
        self.assertFalse(os.path.exists(self.path("file")))
        self.assert_clean()

    def test_untracked_files_count_however_git_shows_them(self) -> None:
        self.run_git("config", "status.showUntrackedFiles", "no")
        self.write("draft", "the user's\n")
        self.add("true")
        self.ralph(code=1)
        self.assertIn("(draft)", self.errors)

    def test_what_is_parked_is_never_overwritten(self) -> None:
        task = self.add("echo x > file; exit 1")
        self.run_git("update-ref", f"refs/txlite/parked/{task}/1", "HEAD")
        self.ralph(code=1)
        names = [f"refs/txlite/parked/{task}/1", f"refs/txlite/parked/{task}/1-2"]
        self.assertEqual(self.parked(), names)
        self.assertEqual(self.run_git("show", f"{names[1]}:file"), "x\n")


if __name__ == "__main__":
    unittest.main()
