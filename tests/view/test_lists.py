"""Lists as they stand in a terminal of 80 columns."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import unittest

from txlite import text
from txlite.view.fitted_table import Column, choose_columns, share_width

from ..case import Case
from .screen import Terminal


class Lists(Case):
    def shown(self, *arguments: str, columns: int = 80) -> list[str]:
        """The lines of a command on a terminal; none is wider than that."""
        lines = Terminal(self, *arguments, columns=columns).end().splitlines()
        self.assertLessEqual(max(map(text.columns, lines)), columns)
        return lines

    def test_list_fits_a_terminal_and_names_its_columns(self) -> None:
        with self.store() as store:
            long, wide = store.add("on and on " * 30, score=500).id, store.add("日本語の題名" * 20).id
            failed = store.add("wrong").id
            store.fail(failed)
            later = store.add("later", not_before="2999-01-01T00:00:00.000Z").id
        shown = self.shown("list")
        self.assertRegex(shown[0], r"^STATE   ID           TASK  +WHEN  SCORE$")
        self.assertRegex(shown[1], rf"^failed  {failed}  wrong +\d+s ago$")
        self.assertRegex(shown[2], rf"^ready   {long}  on and on .*… +500$")
        self.assertRegex(shown[3], rf"^ready   {wide}  日本語の.*…$")
        self.assertRegex(shown[4], rf"^later   {later}  later +in \d+d\d\dh$")
        self.assertNotIn("SCORE", self.shown("list", "--status", "failed", columns=40)[0])
        piped = self.txlite("list").splitlines()
        self.assertEqual(piped[0], "ID           STATE   SCORE  TASK")
        self.assertIn(("on and on " * 30).strip(), piped[1], "a pipe gets all of it, in the order of arrival")
        self.assertEqual(self.txlite("list", "--status", "done"), "")
        self.assertEqual(self.shown("list", "--status", "done,active"), ["no task in the state done or active"])
        self.assertEqual(len(self.shown("list", "--all")), 5)

    def test_of_very_many_a_terminal_shows_a_screenful(self) -> None:
        with self.store() as store:
            ids = store.add_many({"title": f"task {number}", "command": "true"} for number in range(150))
            for id in ids[:3]:
                store.done(id)
            store.fail(ids[149])
        shown = self.shown("list")
        self.assertEqual(len(shown), 23, "and the next prompt: 24")
        self.assertIn(ids[149], shown[1], "what failed stands first")
        self.assertEqual(shown[-1], "and 129 more: `txlite list --all`, or `--status ready,later`")
        self.assertEqual(self.shown("list", "--status", "ready")[-1], "more: `--all` lists them, too")
        for all_of_them in (self.shown("list", "--all"), self.txlite("list").splitlines()):
            self.assertEqual([line[:11] for line in all_of_them[1:]], [id[:11] for id in ids])
        self.assertEqual(len(self.json("list")), 150)

    def test_what_failed_once_and_is_done_needs_no_retry_and_shows_both(self) -> None:
        task = self.txlite("add", "--quiet", "--", "test -e tried || { touch tried; exit 3; }").strip()
        self.txlite("run", "--max-attempts", "1", code=1)
        self.assertIn("retry --failed", self.shown("status")[-1])
        self.txlite("retry", "--failed")
        self.txlite("run")
        self.assertEqual(self.shown("status")[-1], f"`txlite logs {task}` says why")
        shown = "\n".join(self.shown("show", task))
        self.assertRegex(shown, r"\n  1  \S+Z  \d.\d\ds  failed, exit 3\n     workers/\S+\.md\n  2  \S+Z  .*  done\n")

    def test_status_says_first_what_matters_first(self) -> None:
        with self.store() as store:
            store.add("went wrong", command="exit 3")
            store.add("went well 日本語の題名 " * 9, command="true")
        self.txlite("run", "--max-attempts", "1", code=1)
        with self.store() as store:
            store.add("a prompt")
        for columns in (60, 80, 200):
            shown = "\n".join(self.shown("status", columns=columns))
            self.assertRegex(shown, r"\A1 ready   1 failed   1 done\n\nSTATE   ID  +TASK .*WHY")
            self.assertRegex(shown, r"\nfailed  tx-\w+  went wrong +exit 3.*\ndone    tx-\w+  went well 日本")
            self.assertRegex(shown, r"\n\nready:   1 prompt waits for an agent: (.*\n)+\n`txlite logs tx-\w+` says why")
        self.assertIn("REPORT", shown)
        with contextlib.closing(sqlite3.connect(os.path.join(self.home, "tasks.db"))) as connection:
            connection.execute("UPDATE attempts SET ended = 'tomorrow' WHERE outcome = 'failed'")
            connection.commit()
        self.assertIn("went wrong", "\n".join(self.shown("status")))

    def test_history_fits_a_terminal_and_leaves_out_what_says_least(self) -> None:
        with self.store() as store:
            task = store.add("日本語の題名 " * 9).id
            store.claim(task, "somebody")
            store.fail(task, "because of many things " * 9)
        for columns in (60, 80):
            shown = self.shown("history", columns=columns)
            self.assertRegex(shown[0], r"^AT +ID +CHANGE +OUTCOME")
            self.assertRegex(shown[1], rf"^[\d: -]+{task}  active -> failed +failed, bec.*…")
        shown = self.shown("history", columns=160)
        self.assertRegex(shown[0], r" ATTEMPT +WORKER +TASK$")
        self.assertRegex(shown[2], r" backlog -> active .* attempt \d+  somebody  日本語.*…$")
        self.assertRegex(self.txlite("history"), rf"\A\S+Z  {task}  active -> failed +attempt 1  somebody  failed\n")

    def test_what_was_said_of_a_task_stands_whole_on_a_terminal(self) -> None:
        words = "what a person said of it " * 12 + "to the end"
        with self.store() as store:
            task = store.add("a task").id
            store.messages.add(task, words)
        shown = " ".join(line.strip() for line in self.shown("show", task))
        self.assertRegex(shown, rf"Said to its agents: \S+Z  waits for the next attempt {words}( |$)")

    def test_columns_that_have_no_room_are_left_out(self) -> None:
        title = Column("TASK", ["t" * 50], least=20)
        why, size = Column("WHY", ["because"], 1, least=5), Column("SIZE", ["1 KB"], 2, is_number=True)
        nothing = Column("PLACE", [""], 1)
        for room, widths in ((80, [50, 7, 4]), (63, [50, 5, 4]), (33, [20, 5, 4]), (32, [25, 5]), (26, [26])):
            chosen = choose_columns([title, why, size, nothing], room)
            self.assertEqual(share_width(chosen, room)[: len(widths)], widths[: len(chosen)], room)
            self.assertLessEqual(sum(share_width(chosen, room)) + 2 * (len(chosen) - 1), room)

    def test_text_is_as_wide_as_a_terminal_shows_it(self) -> None:
        for words, columns in (("abc", 3), ("日本", 4), ("e\u0301", 1), ("…", 1)):
            self.assertEqual(text.columns(words), columns)
        self.assertEqual(text.shorten("日本語", 5), "日本…")
        self.assertEqual(text.shorten("日本語", 4), "日…")
        self.assertEqual(text.pad("日本", 5), "日本 ")


if __name__ == "__main__":
    unittest.main()
