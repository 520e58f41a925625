"""A base branch moves forward only, and nothing of the user's is in the way of work, or lost to it."""

from __future__ import annotations

import os
import unittest
from functools import partial

from txlite.git import half_landed
from txlite.git.command import GitError
from txlite.git.half_landed import TREE_LOCK
from txlite.git.landing import LOCK, Diverged, Tip, catch_up, find_tip, land, tell_held_back
from txlite.system.locks import PolledLock

from .case import TreeCase

HELD = "refs/heads/txlite-base/main"


class Landing(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.commit("second", other="other\n", more="more\n")
        self.work = self.commit_elsewhere("work", "work", file="two\n", new="new\n")

    def test_a_clean_tree_goes_forward_with_its_branch(self) -> None:
        self.assertIsNone(land(self.tree, "main", self.work, None))
        self.assertEqual((self.tree.head(), self.read("new")), (self.work, "new\n"))
        self.assertEqual(self.tree.state().changes, [])

    def test_a_branch_that_is_checked_out_nowhere_goes_forward(self) -> None:
        self.tree.act("checkout", "-q", "--detach")
        self.assertIsNone(land(self.tree, "main", self.work, None))
        self.assertEqual(self.tree.commit_of("main"), self.work)
        self.assertEqual(self.tree.ask("log", "-1", "--format=%s"), "second\n")

    def test_what_is_not_committed_elsewhere_neither_hinders_nor_changes(self) -> None:
        self.write("draft", "a draft\n")
        self.write("other", "changed\n")
        os.unlink(self.path("more"))
        self.tree.act("add", "other")
        self.tree.act("config", "branch.main.mergeOptions", "--squash")  # how a person merges does not count
        before = self.tree.ask("status", "--porcelain")
        self.assertIsNone(land(self.tree, "main", self.work, None))
        self.assertEqual((self.tree.head(), self.read("file"), self.read("new")), (self.work, "two\n", "new\n"))
        self.assertEqual((self.read("draft"), self.read("other")), ("a draft\n", "changed\n"))
        self.assertEqual(self.tree.ask("status", "--porcelain"), before)

    def test_what_is_in_the_way_is_named_and_stays(self) -> None:
        self.write("draft", "a draft\n")
        for name, change in (
            ("file", partial(self.write, "file", "a person's\n")),
            ("file", partial(os.unlink, self.path("file"))),
            ("file", partial(self.tree.act, "rm", "-q", "--cached", "file")),
            ("new", partial(self.write, "new", "a person's\n")),
        ):
            with self.subTest(name):
                change()
                before = self.tree.ask("status", "--porcelain")
                why_not = land(self.tree, "main", self.work, self.tree.commit_of(HELD))
                self.assertEqual(why_not, f"{self.directory} has changes that are not committed ({name})")
                self.assertEqual((self.tree.ask("status", "--porcelain"), self.read("draft")), (before, "a draft\n"))
                self.tree.act("reset", "-q", "--hard")
        self.assertEqual(self.read("new"), "a person's\n")

    def test_where_something_is_not_finished_nothing_lands(self) -> None:
        theirs = self.commit_elsewhere("theirs", "theirs", other="theirs\n")
        self.tree.act("cherry-pick", "--no-commit", theirs)
        self.write(".git/CHERRY_PICK_HEAD", theirs + "\n")
        told = f"a cherry-pick is not finished in {self.directory}"
        self.assertEqual(land(self.tree, "main", self.work, None), told)
        self.assertEqual((self.read("other"), self.tree.commits_of(HELD)), ("theirs\n", {HELD: self.work}))

    def test_a_branch_that_somebody_moved_meanwhile_loses_nothing(self) -> None:
        theirs = self.commit("a person's", other="x\n")  # after our look at the tip
        self.assertIn("fast-forward", str(land(self.tree, "main", self.work, None)))
        self.assertEqual((self.tree.commit_of("main"), self.tree.commits_of(HELD)), (theirs, {HELD: self.work}))
        self.tree.act("checkout", "-q", "--detach")
        self.assertIn("gone another way", str(land(self.tree, "main", self.work, self.work)))
        self.assertEqual(self.tree.commit_of("main"), theirs)

    def test_what_is_held_back_goes_only_if_it_is_what_landed(self) -> None:
        other = self.tree.act("commit-tree", f"{self.work}^{{tree}}", "-p", self.work, "-m", "other").strip()
        self.tree.act("update-ref", HELD, other)
        with self.assertRaises(GitError):
            land(self.tree, "main", self.work, self.work)
        self.assertEqual(self.tree.commits_of(HELD), {HELD: other})

    def test_what_a_dirty_tree_holds_back_comes_when_it_is_clean(self) -> None:
        self.write("file", "a person's\n")
        self.assertIn("changes that are not committed (file)", str(land(self.tree, "main", self.work, None)))
        self.assertEqual(find_tip(self.tree, "main"), Tip(self.work, self.work))
        told = str(tell_held_back(self.directory, "main"))
        self.assertIn("lacks 1 commit of txlite-base/main: `git merge txlite-base/main`", told)
        self.assertIn("changes that are not committed", str(catch_up(self.tree, "main")))
        self.assertEqual(self.read("file"), "a person's\n")
        self.tree.act("checkout", "-q", "--", "file")
        self.assertIsNone(catch_up(self.tree, "main"))
        self.assertEqual(find_tip(self.tree, "main"), Tip(self.work, None))
        self.assertIsNone(tell_held_back(self.directory, "main"))

    def test_a_tree_in_which_an_attempt_works_is_left_alone(self) -> None:
        with PolledLock(self.tree.path_of(TREE_LOCK)) as lock:
            self.assertTrue(lock.try_acquire())
            self.assertIn("an attempt works in", str(land(self.tree, "main", self.work, None)))
        self.assertEqual(self.tree.commits_of(HELD), {HELD: self.work})

    def test_two_do_not_land_at_once(self) -> None:
        with PolledLock(os.path.join(self.tree.shared_directory(), LOCK)) as lock:
            self.assertTrue(lock.try_acquire())
            self.assertEqual(catch_up(self.tree, "main"), "somebody's work lands there now")

    def test_what_somebody_else_holds_back_is_not_replaced(self) -> None:
        self.write("file", "a person's\n")
        other = self.tree.act("commit-tree", f"{self.work}^{{tree}}", "-p", self.work, "-m", "other").strip()
        self.tree.act("update-ref", HELD, other)  # after our look at what is held back
        with self.assertRaises(GitError):
            land(self.tree, "main", self.work, None)
        with self.assertRaises(GitError):
            land(self.tree, "main", self.work, self.start_commit)
        self.assertEqual(self.tree.commits_of(HELD), {HELD: other})

    def test_different_ways_are_for_a_person(self) -> None:
        self.tree.act("update-ref", HELD, self.work)
        self.commit("a person's", other="x\n")
        with self.assertRaisesRegex(Diverged, r"gone different ways: on main, `git merge txlite-base/main`"):
            find_tip(self.tree, "main")
        self.assertEqual(catch_up(self.tree, "main"), "they have gone different ways")


class HalfLanded(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.work = self.commit_elsewhere("work", "work", file="two\n", new="new\n")

    def test_what_a_kill_left_of_it_is_as_it_was(self) -> None:
        self.write("new", "new\n")  # and `file` is not put forward yet
        self.assertTrue(half_landed.undo(self.tree, "main", self.work))
        self.assertEqual((self.tree.state().changes, self.read("file")), ([], "one\n"))
        self.assertFalse(os.path.exists(self.path("new")))
        self.assertIsNone(land(self.tree, "main", self.work, None))

    def test_a_person_s_other_changes_stay_as_the_rest_is_undone(self) -> None:
        self.write("draft", "a draft\n")
        self.tree.act("add", "draft")
        self.write("new", "new\n")
        self.write("file", "two\n")
        self.tree.act("add", "file")
        self.assertTrue(half_landed.undo(self.tree, "main", self.work))
        self.assertEqual(self.tree.ask("status", "--porcelain", *self.tree.everything()), "A  draft\n")
        self.assertEqual((self.read("draft"), self.read("file")), ("a draft\n", "one\n"))
        self.assertFalse(half_landed.undo(self.tree, "main", self.work))
        self.assertIsNone(land(self.tree, "main", self.work, None))
        self.assertEqual((self.read("draft"), self.read("file"), self.read("new")), ("a draft\n", "two\n", "new\n"))

    def test_where_an_attempt_works_nothing_is_undone(self) -> None:
        self.write("new", "new\n")
        with PolledLock(self.tree.path_of(TREE_LOCK)) as lock:
            self.assertTrue(lock.try_acquire())
            self.assertFalse(half_landed.undo(self.tree, "main", self.work))
        self.assertEqual(self.read("new"), "new\n")

    def test_what_a_person_changed_is_not_touched(self) -> None:
        self.write("new", "new\n")
        self.write("file", "a person's\n")
        self.assertFalse(half_landed.undo(self.tree, "main", self.work))
        self.assertEqual((self.read("file"), self.read("new")), ("a person's\n", "new\n"))


if __name__ == "__main__":
    unittest.main()
