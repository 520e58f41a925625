"""Of many branches is told what is told of each, by few processes; those that take a closer look are left to that."""

from __future__ import annotations

import subprocess
import unittest
from unittest import mock

from txlite.git.branch_stats import Branch, stat_branches
from txlite.git.changes import count
from txlite.git.rebase import find_start

from .case import TreeCase


class BranchStats(TreeCase):
    def work(self, name: str, **files: str) -> Branch:
        """A branch with one commit, for what is checked out."""
        return Branch(name, self.commit_elsewhere(name, name, **files), "main", self.start_commit)

    def test_each_is_as_one_alone_and_what_is_not_one_commit_is_left_out(self) -> None:
        plain, renamed = self.work("plain", new="a\nb\n"), self.work("renamed", file="", more="one\n")
        gone = self.work("gone", file="two\n")
        self.tree.act("branch", "-D", "gone")
        merged, longer = self.work("merged", file="one\nmore\n"), self.work("longer", other="x\n")
        self.tree.act("checkout", "-q", "longer")
        self.commit("a person's", other="y\n")
        self.tree.act("checkout", "-q", "main")
        self.tree.act("merge", "-q", "--ff-only", "merged")
        self.work("base", new="c\n")
        self.tree.act("checkout", "-q", "base")
        other = self.work("other", new="d\nd\n")._replace(base="base")
        nothing = self.work("nothing", new="f\n")
        lost = [plain._replace(base="nowhere"), plain._replace(name="away", work="1" * 40)]
        started = nothing._replace(began=nothing.work)
        branches = [plain, renamed, gone, merged, longer, other, nothing, started, *lost]
        with mock.patch("subprocess.run", wraps=subprocess.run) as processes:
            found = stat_branches(self.tree, branches)
        self.assertLessEqual(processes.call_count, 4, "two of them for each base branch")
        self.assertEqual(list(found), [plain, renamed, gone, nothing, other])
        for one, size in found.items():
            start = find_start(self.tree, one.work, self.tree.commit_of(one.base) or "", one.began)
            self.assertEqual(size, count(self.tree, start, one.work), one.name)
        self.assertEqual(stat_branches(self.tree.at(self.path("nowhere")), branches), {})


if __name__ == "__main__":
    unittest.main()
