"""The morning after: what the loop reports, as text, as an object and as a page."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import unittest
from unittest import mock

import txlite
from txlite import text
from txlite.ralph.approval import Approved
from txlite.ralph.summary import Summary
from txlite.view import loop_summary
from txlite.view.reviews import say_landed

from .case import RepositoryCase, WorktreesCase
from .nights import make_showcase


class Morning(RepositoryCase):
    def test_the_report_as_text_object_and_page(self) -> None:
        good = self.add("echo x > file", "<b>good</b>")
        bad = self.add("exit 4", "bad")
        later = self.add("true", "waits", after=[bad])
        told = self.ralph(code=1)
        again = self.txlite("ralph", "--report")
        lines = (
            "1 done, 1 failed", f"{bad}  bad: put aside: exit 4", "page: " + self.home,
            f"  {later} (waits) waits for {bad} (bad)\n    txlite retry {bad}\n",
        )  # fmt: skip
        for line in lines:
            self.assertIn(line, told)
            self.assertIn(line, again)
        found = self.json("ralph", "--report")
        self.assertEqual([task["id"] for task in found["tasks"]], [good, bad])
        self.assertEqual(found["counts"], {"done": 1, "failed": 1})
        self.assertEqual(found["tasks"][0]["commit"], self.run_git("rev-parse", "main").strip())
        page = self.read(found["page"])
        self.assertIn("&lt;b&gt;good", page)
        self.assertNotIn("<b>good", page)
        for part in ("Landed: 1", "+1", "in 1 file", "This night and those before it"):
            self.assertIs(part in page, part != "This night and those before it", part)
        self.assertEqual(self.status_of(later), "backlog")
        self.assertIn(f'<a href="#t1">{bad}</a> (bad): <code>txlite retry {bad}</code>', page)
        shown = self.txlite("show", later)
        self.assertIn(f"  waits for:   {bad}  failed    bad\n", shown)
        self.assertIn(f"To go on:\n  txlite retry {bad}\n", shown)

    def test_it_says_why_and_what_to_type(self) -> None:
        said = json.dumps({"type": "result", "is_error": False, "result": "I renamed <it>.\nAll tests pass."})
        bad = self.add(f"echo change > file\ncat <<'END'\n{said}\nEND", "renaming")
        gate = "echo 'FAILED <tests>'; seq 100; echo 'assert 1 == 2'; exit 1"
        told = self.ralph("--verify", gate, code=1)
        look, again = f"git show refs/txlite/parked/{bad}/1", f"txlite retry {bad}"
        for line in (
            "the gate's last lines:",
            "assert 1 == 2",
            "the agent's last words:",
            "All tests pass.",
            look,
            again,
        ):
            self.assertRegex(told, rf"(?m)^ +{re.escape(line)}$")
        entry = self.json("ralph", "--report")["tasks"][0]
        self.assertTrue(entry["gate"].endswith("\n99\n100\nassert 1 == 2"), entry["gate"])
        self.assertEqual((entry["words"], entry["commands"]), ("I renamed <it>.\nAll tests pass.", [look, again]))
        page = self.read(self.json("ralph", "--report")["page"])
        for part in ("100\nassert 1 == 2</pre>", "<pre>I renamed &lt;it&gt;.\nAll tests pass.</pre>",
                     f"<code>{look}</code>", f"<code>{again}</code>"):  # fmt: skip
            self.assertIn(part, page)
        shown = self.txlite("show", bad)
        for part in ("The gate's last lines:\n", "\nassert 1 == 2\n", "The agent's last words:\nI renamed <it>.\n",
                     f"To go on:\n  {look}\n  {again}\n"):  # fmt: skip
            self.assertIn(part, shown)
        found = self.json("show", bad)
        self.assertEqual(
            [found[key] for key in ("gate", "words", "commands")], [entry["gate"], entry["words"], [look, again]]
        )
        os.unlink(self.path(f".txlite/{found['attempts'][-1]['report']}"))
        self.assertIn("\nassert 1 == 2\n", self.txlite("show", bad))

    def test_a_loop_that_began_nothing_does_not_take_the_place_of_the_night(self) -> None:
        self.ralph("--no-commit")
        self.assertIn("\nno tasks\n", self.txlite("ralph", "--report"), "where there is no other")
        task = self.add("true")
        self.ralph("--no-commit")
        self.assertIn("\nno tasks\n", self.ralph("--no-commit"), "it tells of itself")
        self.assertIn(task, self.txlite("ralph", "--report"))
        self.assertIn(task, self.read(self.txlite("page").strip()))

    def test_json_is_one_object(self) -> None:
        self.add("echo x > file")
        found = json.loads(self.ralph("--json"))
        self.assertEqual((found["counts"], found["reason"]), ({"done": 1}, "nothing was left to do"))
        loops = os.path.join(self.home, "loops")
        os.rename(loops, loops + ".old")
        with open(loops, "x"):
            self.assertIsNone(self.json("ralph", "--report")["page"])  # cannot be written: the rest is told
        self.assertIn("1 done", self.txlite("ralph", "--report"))
        self.assertEqual(self.errors.count("\n"), 1, self.errors)
        self.assertIn(loops, self.errors)


class ReviewedNight(WorktreesCase):
    def test_what_waits_for_a_word_is_measured_and_what_was_said_is_told(self) -> None:
        landed, rejected, waiting = (self.add(f"seq {lines} > file{lines}", f"lines {lines}") for lines in (1, 2, 3))
        self.ralph("--review", "--verify", "test -d .", code=1)
        self.txlite("approve", landed)
        self.txlite("reject", rejected, "not <b>two</b>")
        found = self.json("ralph", "--report")
        first, second, third = found["tasks"]
        self.assertEqual((first["changes"], first["passed"]), ({"files": 1, "added": 1, "deleted": 0}, "test -d ."))
        self.assertEqual([(one["verdict"], one["by"]) for one in first["verdicts"]], [("approved", None)])
        self.assertEqual(second["verdicts"][0]["reason"], "not <b>two</b>")
        self.assertEqual((third["changes"]["added"], third["passed"]), (3, "test -d ."))
        self.assertEqual(found["remarks"], [], "a worktree in which a task goes on needs nobody")
        page = self.read(self.txlite("page").strip())
        for part in ("To be reviewed: 1", f"<code>txlite review {waiting}</code>", "<b>Rejected</b> by a person",
                     "not &lt;b&gt;two", "Each passed its gate: <code>test -d .</code>"):  # fmt: skip
            self.assertIn(part, page)
        with txlite.open(self.home, read_only=True) as store:
            (loop,) = store.loops.newest()
            figures = store.nights.count([loop.id])
            self.assertEqual(tuple(figures)[:4], (3, 3, 1, 1), figures)
            self.txlite("done", rejected)
            self.assertEqual(store.nights.count([loop.id]).done, 2, "by a person's hand, too")
        self.assertEqual(sum(one["status"] == "done" for one in self.json("ralph", "--report")["tasks"]), 2)
        self.add("true", "another night")
        self.ralph("--no-commit", "--no-worktrees")
        told = self.txlite("ralph", "--report")
        self.assertRegex(told, rf"{waiting} \(lines 3\) waits for a review, too\n    txlite review {waiting}\n")


class ShownTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Shown(unittest.TestCase):
    """A night as it stands on a terminal of so many columns."""

    def show(self, night: Summary, columns: int, out: io.StringIO) -> list[str]:
        width = mock.patch.dict(os.environ, COLUMNS=str(columns))
        page = mock.patch.object(loop_summary, "write_page", return_value="/a/page")
        with width, page, contextlib.redirect_stdout(out):
            loop_summary.show_summary(night, as_json=False)
        return out.getvalue().splitlines()

    def test_lines_fit_and_commands_are_whole(self) -> None:
        night = make_showcase()
        commands = [one for entry in night.entries for one in entry.commands if entry.status == "failed"]
        for columns in (60, 80, 200):
            shown = self.show(night, columns, ShownTerminal())
            for command in (*commands, "txlite retry tx-00000040", "git merge refs/txlite/held-back/main"):
                self.assertIn(f"    {command}", shown)
            long = [line for line in shown if text.columns(line) > columns and "/" not in line]
            self.assertEqual(long, [])
            self.assertIn(f"and {len(night.entries) - loop_summary.ROWS} more: the page has them", shown)
            words = " ".join(line.strip() for line in shown)
            self.assertIn(": put aside after 3 attempts: it conflicts with what main has now, in <img ", words)

    def test_of_very_many_reviews_the_first_are_listed(self) -> None:
        night = make_showcase()
        one = next(entry for entry in night.entries if entry.status == "review")
        many = [one._replace(task=f"tx-{number:08d}", commands=(f"txlite approve tx-{number:08d}",))
                for number in range(300)]  # fmt: skip
        for out in (ShownTerminal(), io.StringIO()):
            shown = self.show(night._replace(entries=many), 80, out)
            place = shown.index("  300 to be reviewed:")
            self.assertRegex(shown[place + 1], r"^    tx-00000000  7 files \+212 -64 .* Change how the store is l")
            self.assertEqual(shown[place + 13 : place + 15],
                             ["    and 288 more: txlite review", "    txlite approve tx-00000000"])  # fmt: skip
            self.assertLess(len(shown), 60 if out.isatty() else 340)
        self.assertIn("tx-00000299", out.getvalue(), "a pipe gets a line for each")

    def test_what_landed_is_told_in_a_line(self) -> None:
        one = Approved("tx-00000001", "日本語の索引を作る" * 9, "1234567890abcdef", "main", "done", "")
        with mock.patch.dict(os.environ, COLUMNS="60"), contextlib.redirect_stdout(ShownTerminal()) as out:
            say_landed(one)
        self.assertRegex(re.sub(r"\x1b\[\d*m", "", out.getvalue()), r"^landed  tx-00000001  1234567890  日本語.*…\n$")
        self.assertLessEqual(text.columns(re.sub(r"\x1b\[\d*m", "", out.getvalue().strip())), 60)

    def test_a_verdict_on_work_that_was_done_anew_is_not_told_of_it(self) -> None:
        one = next(entry for entry in make_showcase().entries if entry.status == "review")
        (said,) = one.verdicts
        again = one.tries[-1]._replace(attempt=99, note="the reviewer codex gave no verdict: it waits for you")
        self.assertEqual((one.last_verdict, one.unjudged), (said, ""))
        for outcome, last in (("failed", None), ("lost", said)):
            both = one._replace(tries=[one.tries[-1]._replace(outcome=outcome), again])
            self.assertEqual(both.last_verdict, last)
            self.assertIn("gave no verdict", both.unjudged)


if __name__ == "__main__":
    unittest.main()
