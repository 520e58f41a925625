"""A working tree is told as it is, committed without what must not be, parked and put back whole."""

from __future__ import annotations

import os
import unittest

from txlite.git import index, parking
from txlite.git.command import GitError, find
from txlite.git.parking import Label
from txlite.git.rebase import find_unfinished, is_rebasing, rebase, who_rebases
from txlite.git.repository import Origin

from .case import TreeCase


class State(TreeCase):
    def test_it_is_told_without_home(self) -> None:
        self.write("a b\tc", "x\n")
        state = self.tree.state()
        self.assertEqual((state.commit, state.branch, state.changes), (self.start_commit, "main", ["a b\tc"]))
        self.tree.act("checkout", "-q", "--detach")
        self.assertIsNone(self.tree.state().branch)

    def test_a_rename_is_told_by_its_new_name(self) -> None:
        self.tree.act("mv", "file", "moved")
        self.assertEqual(self.tree.state().changes, ["moved"])

    def test_a_directory_outside_of_any_repository(self) -> None:
        self.assertEqual(find(self.directory), self.directory)
        self.assertIsNone(find("/"))

    def test_an_error_is_gits_own_line(self) -> None:
        with self.assertRaisesRegex(GitError, "^git checkout: error: pathspec 'nowhere' did not match"):
            self.tree.act("checkout", "nowhere")


class Index(TreeCase):
    def test_home_is_never_staged_though_the_repository_ignores_it(self) -> None:
        self.write(".gitignore", ".txlite\n")
        self.tree.act("add", "-f", ".txlite/tasks.db", ".gitignore")
        self.tree.act("commit", "-q", "-m", "tracked all the same")
        self.write(".txlite/tasks.db", "changed\n")
        self.write("file", "two\n")
        self.write("new", "one\n")
        index.stage(self.tree)
        self.assertEqual(self.tree.ask("diff", "--cached", "--name-only").split(), ["file", "new"])

    def test_new_files_that_look_like_secrets_are_found_by_name_and_by_what_is_in_them(self) -> None:
        self.write("deep/.env", "KEY=1\n")
        self.write("notes", "-----BEGIN RSA PRIVATE KEY-----\n")
        self.write("plain", "x\n")
        index.stage(self.tree)
        found = index.staged(self.tree, self.start_commit)
        self.assertEqual(found.new, ["deep/.env", "notes", "plain"])
        secrets = index.find_secrets(self.tree, self.start_commit, found.new, ())
        self.assertEqual(secrets, ["deep/.env", "notes"])
        self.assertEqual(index.find_secrets(self.tree, self.start_commit, found.new, (".env", "no*")), [])

    def test_what_was_committed_becomes_one_change_and_stays_under_a_ref(self) -> None:
        self.commit("mine", file="two\n")
        head = self.commit("mine, too", new="x\n")
        index.squash(self.tree, head, self.start_commit, "tx-00000001", 7)
        self.assertTrue(index.is_staged(self.tree, self.start_commit))
        index.commit(self.tree, "Complete tx-00000001: `touch x` # no comment\n")
        self.assertEqual(self.tree.ask("log", "-1", "--format=%s%n%b").strip(),
                         "Complete tx-00000001: `touch x` # no comment")  # fmt: skip
        self.assertEqual(self.tree.commit_of("HEAD~1"), self.start_commit)
        self.assertEqual(self.tree.commit_of(f"{index.SQUASHED}/tx-00000001/7"), head)
        self.assertFalse(index.has_unstaged(self.tree))

    def test_a_repository_within_is_told(self) -> None:
        inner = self.tree.at(self.path("inner"))
        os.mkdir(inner.top)
        inner.act("init", "-q")
        inner.act("commit", "-q", "--allow-empty", "-m", "x")
        self.assertEqual(self.tree.state("all").repositories, ["inner/"])
        index.stage(self.tree)
        self.assertEqual(index.staged(self.tree, self.start_commit).repositories, ["inner"])


class Rebase(TreeCase):
    def test_a_conflict_changes_nothing_and_is_named(self) -> None:
        work = self.commit_elsewhere("work", "work", file="theirs\n")
        mine = self.commit("mine", file="ours\n")
        self.assertEqual(rebase(self.tree, work, self.start_commit), ["file"])
        self.assertEqual((self.tree.head(), self.tree.state().changes), (mine, []))
        self.assertFalse(is_rebasing(self.tree))

    def test_who_rebases_a_branch_and_what_is_unfinished(self) -> None:
        work = self.commit_elsewhere("work", "work", file="theirs\n")
        self.commit("mine", file="ours\n")
        self.assertIsNone(who_rebases(self.tree, "main"))
        with self.assertRaises(GitError):
            self.tree.act("rebase", "-q", work)
        self.assertEqual(who_rebases(self.tree, "main"), self.directory)
        self.tree.act("rebase", "--abort")
        with self.assertRaises(GitError):
            self.tree.act("merge", "-q", work)
        self.assertEqual(find_unfinished(self.tree), "merge")


class Parking(TreeCase):
    def test_all_that_was_left_is_in_the_ref_and_the_tree_as_it_was(self) -> None:
        self.commit("half", half="x\n")
        self.write("file", "changed\n")
        self.write("new/deep", "y\n")
        os.chmod(self.path("new"), 0o500)
        origin, label = Origin(self.start_commit, "main"), Label("tx-00000001", 3, "exit 1")
        parked, moved = parking.clear_away(self.tree, origin, label, self.path(".txlite/aside"))
        self.assertEqual((parked, moved), ("refs/txlite/parked/tx-00000001/3", []))
        self.assertEqual((self.tree.head(), self.tree.state().changes), (self.start_commit, []))
        names = self.tree.ask("ls-tree", "-r", "--name-only", str(parked)).split()
        self.assertEqual(names, ["file", "half", "new/deep"])
        self.assertEqual(self.tree.ask("log", "-1", "--format=%s", str(parked)).strip(),
                         "Parked: tx-00000001, attempt 3: exit 1")  # fmt: skip
        self.assertEqual(self.read(".txlite/tasks.db"), "never committed\n")

    def test_nothing_is_parked_where_nothing_was_left(self) -> None:
        origin, label = Origin(self.start_commit, "main"), Label("tx-00000001", 3, "exit 1")
        self.assertEqual(parking.clear_away(self.tree, origin, label, self.path("aside")), (None, []))

    def test_what_is_parked_already_stays(self) -> None:
        ref = f"{parking.PARKED}/tx-00000001/3"
        self.assertEqual(parking.free_ref(self.tree, ref), ref)
        self.tree.act("update-ref", ref, "HEAD")
        self.assertEqual(parking.free_ref(self.tree, ref), f"{ref}-2")

    def test_what_a_link_leads_to_keeps_its_rights(self) -> None:
        for name in ("theirs", "ours", "ours/inner"):
            os.mkdir(os.path.join(self.directory, name))
        os.symlink("theirs", os.path.join(self.directory, "link"))
        os.symlink("../theirs", os.path.join(self.directory, "ours/link"))
        for name in ("theirs", "ours/inner", "ours"):
            os.chmod(os.path.join(self.directory, name), 0o500)
        for name in ("link", "ours"):
            parking.make_writable(os.path.join(self.directory, name))
        rights = [
            os.stat(os.path.join(self.directory, name)).st_mode & 0o777 for name in ("theirs", "ours", "ours/inner")
        ]
        self.assertEqual(rights, [0o500, 0o700, 0o700])


if __name__ == "__main__":
    unittest.main()
