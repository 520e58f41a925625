"""How much commits change is told in figures, for those that are there."""

from __future__ import annotations

import unittest

from txlite.git.diff_stat import DiffStat, stat_commits

from .case import TreeCase


class DiffStats(TreeCase):
    def test_each_commit_is_counted(self) -> None:
        two = self.commit(
            "12 files changed, 9 insertions(+)\n\n 7 files changed, 1 deletion(-)", file="two\nthree\n", new="x\n"
        )
        self.tree.act("rm", "-q", "new")
        gone = self.commit("gone")
        self.tree.act("commit", "-q", "--allow-empty", "-m", "nothing")
        empty = self.tree.head()
        wanted = {self.start_commit: DiffStat(1, 1, 0), two: DiffStat(2, 3, 1), gone: DiffStat(1, 0, 1),
                  empty: DiffStat(0, 0, 0)}  # fmt: skip
        self.assertEqual(stat_commits(self.directory, [*wanted, two]), wanted)

    def test_what_is_gone_is_left_out(self) -> None:
        self.assertEqual(stat_commits(self.directory, []), {})
        self.assertEqual(stat_commits(self.directory, ["0" * 39 + "1", self.start_commit]),
                         {self.start_commit: DiffStat(1, 1, 0)})  # fmt: skip
        self.assertEqual(stat_commits(self.path("nowhere"), [self.start_commit]), {})
        self.assertEqual(stat_commits("/", [self.start_commit]), {})


if __name__ == "__main__":
    unittest.main()
