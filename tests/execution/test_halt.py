"""A run that ends before all is done: once so many tasks have failed, succeeded or ended."""

from __future__ import annotations

import os
import unittest

from txlite.errors import UsageError
from txlite.execution.halt import HaltRule, parse_halt

from ..case import Case, running, wait_until


class Halts(Case):
    def run_until(self, rule: str, *lines: str, code: int, workers: str = "1") -> str:
        return self.txlite(
            "run", "-j", workers, "--retries", "0", "--halt", rule, "--from", self.batch(*lines), code=code
        )  # fmt: skip

    def test_now_ends_what_runs_and_the_same_command_goes_on(self) -> None:
        lines = [f"test -e again || sleep {self.nap}", "test -e again", *["sleep 0.01"] * 30]
        said = self.run_until("now,fail=1", *lines, code=1, workers="2")
        self.assertIn(
            "halted, as 1 task failed (--halt now,fail=1): the same command goes on with what is left\n", said
        )
        self.assertEqual(running(self.nap), [])
        counts = self.store().count()
        self.assertEqual((counts["failed"], counts["backlog"] > 20), (1, True))
        open(self.path("again"), "w").close()
        self.assertRegex(self.run_until("now,fail=1", *lines, code=0, workers="2"), r"\n32 done\n$")

    def test_soon_lets_what_runs_finish_and_a_share_is_of_all_tasks(self) -> None:
        first = "until test -e go; do sleep 0.05; done"  # else it may be over before two have failed
        batch = self.batch(first, *["false"] * 3, *["sleep 0.05"] * 16)
        run = self.start("run", "-j", "2", "--retries", "0", "--halt", "soon,fail=10%", "--from", batch)
        wait_until(lambda: b"halted, as 2 tasks failed (--halt soon,fail=10%): " in run.stdout.readline(), "the word")
        open(self.path("go"), "w").close()
        self.assertEqual(run.wait(60), 1)
        counts = self.store().count()
        self.assertEqual((counts["done"] >= 1, counts["backlog"] > 10), (True, True))
        self.assertIn(first, [task["command"] for task in self.json("list", "--status", "done")])

    def test_one_that_succeeded_is_what_was_wanted(self) -> None:
        said = self.run_until("now,success=1", "false", "true", *["sleep 0.1"] * 20, code=0)
        self.assertIn(
            "halted, as 1 task succeeded (--halt now,success=1): the same command goes on with what is left", said
        )
        self.assertGreater(self.store().count()["backlog"], 10)

    def test_nothing_is_begun_after_the_end_that_decides(self) -> None:
        for rule in ("soon,fail=1", "now,fail=1"):
            self.run_until(rule, *(f"echo {rule} >> ran; {end}" for end in ("true", "false", "exit 0")), code=1)
            self.assertEqual(self.read("ran"), f"{rule}\n" * 2)
            self.txlite("cancel", *(task["id"] for task in self.json("list", "--status", "ready,failed")))
            os.unlink(self.path("ran"))

    def test_what_cannot_be_meant_is_refused(self) -> None:
        self.txlite("run", "--halt", "later,fail=5%", code=64)
        self.assertIn("--halt: 'later,fail=5%': give now,fail=1, soon,fail=3, soon,done=10%, or never", self.errors)


class Rules(unittest.TestCase):
    def test_as_gnu_parallel_has_them(self) -> None:
        self.assertEqual(parse_halt("soon,done=2.5%"), HaltRule("soon,done=2.5%", "soon", "done", 2.5, True))
        self.assertEqual(parse_halt("2"), HaltRule("2", "now", "fail", 1, False))
        self.assertEqual(parse_halt("20%"), HaltRule("20%", "soon", "fail", 20, True))
        self.assertEqual([parse_halt("never"), parse_halt("0")], [None, None])
        for wrong in ("", "now", "fail=1", "now,fail=0", "now,fail=101%", "now,fail=1.5", "soon,failed=1", "3"):
            with self.subTest(wrong), self.assertRaises(UsageError):
                parse_halt(wrong)


if __name__ == "__main__":
    unittest.main()
