"""A repository's hooks, whose word counts."""

from __future__ import annotations

import unittest

from .case import RepositoryCase


class Hooks(RepositoryCase):
    def test_the_gate_sees_what_a_hook_changed(self) -> None:
        self.hook("pre-commit", "grep -q broken file && exit 0; echo broken >> file; exit 1")
        task = self.add("echo x > file")
        self.ralph("--verify", "! grep -q broken file", code=1)
        self.assertIn("(with what a hook changed)", self.last(task).note)
        self.assertEqual(self.log(), ["first"])

    def test_a_hook_that_refuses_is_the_tasks_failure(self) -> None:
        self.hook("pre-commit", "echo no good; exit 1")
        task = self.add("echo x > file")
        self.ralph(code=1)
        self.assertIn("git commit: no good", self.last(task).note)
        self.assert_clean()
        self.assertEqual(len(self.parked()), 1)

    def test_a_hook_that_leaves_a_part_out_is_the_tasks_failure(self) -> None:
        self.hook("pre-commit", "git reset -q -- part")
        task = self.add("echo x > file; echo x > part")
        self.ralph(code=1)
        self.assertIn("not all of it could be committed: part", self.last(task).note)
        self.assertEqual((self.log(), len(self.parked())), (["first"], 1))
        self.assert_clean()

    def test_a_hook_that_mends_and_refuses_gets_a_second_chance(self) -> None:
        self.hook("pre-commit", "grep -q mended file && exit 0; echo mended >> file; exit 1")
        self.add("echo x > file")
        self.ralph()
        self.assertEqual(self.run_git("show", "main:file"), "x\nmended\n")


if __name__ == "__main__":
    unittest.main()
