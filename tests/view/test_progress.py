"""A loop and a run as they go on, in a terminal: what each worker does, what has ended, and what is left at any end."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import unittest
import unittest.mock
from typing import Any

from txlite import text
from txlite.agents.agent import SHELL
from txlite.agents.roster import read_roster
from txlite.home import config
from txlite.store.history import Finished
from txlite.system import clock
from txlite.view import live_lines
from txlite.view.live_lines import LiveLine, LiveLines
from txlite.view.pace import EndPace
from txlite.view.progress import Progress
from txlite.view.run_progress import RunProgress, show_run

from ..case import Case, is_running, wait_until
from ..ralph.case import RepositoryCase
from .screen import Terminal, draw

LOOP = ("ralph", "--agent", "scripted", "--no-commit", "--no-worktrees", "-w", "1", "--max-attempts", "1")
UNTIL = "until test -e go; do sleep 0.05; done"


class Loop(RepositoryCase):
    git = False

    def test_it_shows_what_each_worker_does_and_keeps_what_has_ended(self) -> None:
        first = self.add("echo hello", title="the first")
        second = self.add(f"echo one; printf 'two\\033[2J of many %0100d\\n\\n' 2; {UNTIL}", title="日本語の題名" * 9)
        terminal = Terminal(self, *LOOP)
        shown = terminal.wait_for(
            rf"^ +\d+s  {second}  日本語.*…\n {{8}}two\\x1b\[2J of many 0+…\n\[#+\.+\]  1/2  1 running"
        )
        self.assertRegex(shown, rf"^done      {first}  +\d.*s  the first\n +\d+s  {second}")
        self.assertLessEqual(max(map(text.columns, shown.splitlines())), 80)
        self.assert_nothing_to_restore(terminal)
        open(self.path("go"), "w").close()
        shown = terminal.end()
        self.assertRegex(
            shown, rf"^done      {first} .*\ndone      {second} .*…\nscripted, from .*\n(.*\n)+2 done\npage: "
        )
        self.assertNotIn("running", shown)
        self.assertLessEqual(max(map(text.columns, re.sub("page: .*", "", shown).splitlines())), 80)

    def test_a_loop_that_is_killed_leaves_a_terminal_that_needs_nothing(self) -> None:
        self.add(f"echo hello; {UNTIL}")
        terminal = Terminal(self, *LOOP)
        shown = terminal.wait_for(r"\n {8}hello\n\[\.+\]  0/1  1 running")
        terminal.process.send_signal(signal.SIGINT)
        terminal.wait_for(r"^stopping: what runs may finish.*\n(.*\n)* {8}hello\n\[")
        self.assert_nothing_to_restore(terminal)
        left = self.worker_pids()
        terminal.process.kill()
        terminal.process.wait()
        self.assertTrue(terminal.read().endswith("\n"), shown)
        open(self.path("go"), "w").close()
        wait_until(lambda: not any(map(is_running, left)), "its worker, which finishes what it runs, to leave")

    def assert_nothing_to_restore(self, terminal: Terminal) -> None:
        """Whoever dies now leaves the cursor at the beginning of a line below all, and no mode changed."""
        wait_until(lambda: terminal.read() and re.search(r"\n\x1b\[J\Z", terminal.sent), "all of a drawing to be there")
        self.assertLessEqual({found[-1] for found in re.findall(r"\x1b(?:\[[\d;?]*)?.", terminal.sent)}, set("AJK"))


class Run(Case):
    def test_what_takes_long_is_shown_and_what_is_done_is_counted(self) -> None:
        run = Terminal(self, "run", "-j", "2", "--from", self.batch("true", f"echo waiting; {UNTIL}"))
        shown = run.wait_for(r"^ +\d+s  tx-\w+  echo waiting; until .*\n {8}waiting\n\[#+\.+\]  1/2  1 running")
        self.assertNotIn("done", shown.replace("; done", ""))
        open(self.path("go"), "w").close()
        self.assertTrue(run.end().endswith("\n2 done\n"))

    def test_the_bar_fits_any_terminal_and_follows_what_is_added_meanwhile(self) -> None:
        lines = ["sleep 0.2", "sleep 0.3; exit 3", *["until test -e go; do sleep 0.05; done"] * 2]
        run = ("run", "-j", "2", "--retries", "0", "--again", "--from", self.batch(*lines))
        bar = r"(?:\[#*\.*\]  )?2/4  2 running  1 failed(  \S+/\w+)?  \d+s left"
        for columns in (40, 200):
            terminal = Terminal(self, *run, columns=columns)
            shown = terminal.wait_for(rf"^{bar}$")
            self.assertEqual("/s" in shown or "/min" in shown, columns > 40)
            drawn = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", terminal.sent)  # all that ever was
            bars = [line for line in drawn.split("\n") if " running" in line]
            self.assertLess(max(map(len, bars)), columns)
            self.store().add("one more", command="true")
            terminal.wait_for(r"^(.*\]  )?2/5  2 running")
            open(self.path("go"), "w").close()
            self.assertRegex(terminal.end(), r"\n4 done, 1 failed\n$|3 done, 1 failed\n$")
            os.unlink(self.path("go"))

    def test_its_listeners_are_told_of_what_its_own_workers_ended_and_of_no_others(self) -> None:
        store = self.store()
        store.add("theirs", command="true")
        store.claim(store.ready()[0].id, "another")
        progress = show_run(store, read_roster(SHELL, config.read(self.home)), quiet=True)
        progress.workers.add("ours")
        heard: list[Finished] = []
        progress.listeners += [heard.extend, lambda events: heard.extend(reversed(events))]
        progress.look()
        store.done(store.claims()[0].task, "another")
        for title in ("first", "second"):
            task = store.add(title, command="true")
            store.claim(task, "ours")
            store.done(task, "ours")
        progress.look()
        progress.look()
        self.assertEqual([event.title for event in heard], ["first", "second", "second", "first"])
        event, task = heard[0], store.get(heard[0].task)
        attempt = store.attempts(task.id)[0]
        self.assertEqual((event.seq, event.attempt, event.to_status), (task.seq, task.token, "done"))
        self.assertEqual((event.started, event.ended, event.worker), (attempt.started, attempt.ended, "ours"))

    def test_what_ends_while_the_others_are_counted_is_counted_once(self) -> None:
        store, other = self.store(), self.store()
        tasks = [other.add(f"task {i}", command="true") for i in range(4)]
        progress = Progress(quiet=True)
        progress._live = unittest.mock.Mock()  # what draws
        run = RunProgress(store, progress, read_roster(SHELL, config.read(self.home)))
        run.workers.add("ours")
        count, patch = store.waiting.ahead, unittest.mock.patch.object

        def count_and_end(*to: Any) -> Any:
            other.done(tasks.pop(), "ours")
            found = count(*to)
            other.done(tasks.pop(), "ours")
            return found

        for moment, done in ((1000.0, 1), (2000.0, 3)):
            for task in tasks[-2:]:
                other.claim(task, "ours")
            with patch(clock, "monotonic", lambda moment=moment: moment), patch(store.waiting, "ahead", count_and_end):
                run.look()
            self.assertEqual((progress.done, progress.total), (done, 4))


class Ends(unittest.TestCase):
    def pace(self, *ends: tuple[float, float]) -> EndPace:
        """The pace of a run in which tasks ended at these times, each after so many seconds."""
        with unittest.mock.patch.object(clock, "monotonic", lambda: 100.0):
            pace = EndPace()
        for moment, duration in ends:
            with unittest.mock.patch.object(clock, "monotonic", lambda moment=moment: 100.0 + moment):
                pace.record(duration)
        return pace

    def test_what_is_left_takes_what_most_took_by_how_many_run(self) -> None:
        pace = self.pace((60, 60), (60, 60), (61, 1), (121, 60), (200, 200))
        self.assertEqual((pace.estimate(8, 4), pace.estimate(8, 8), pace.estimate(8, 0)), (120, 60, None))
        self.assertIsNone(self.pace().estimate(3, 1))

    def test_of_tasks_that_are_shorter_than_what_lies_between_them_the_rate_counts(self) -> None:
        pace = self.pace(*((i / 10, 0.001) for i in range(1, 101)))
        with unittest.mock.patch.object(clock, "monotonic", lambda: 110.0):
            self.assertAlmostEqual(pace.estimate(50, 4) or 0, 5.0)

    def test_the_rate_is_that_of_the_last_half_minute_where_enough_ended(self) -> None:
        pace = self.pace(*((moment, 1.0) for moment in range(1, 101)))
        with unittest.mock.patch.object(clock, "monotonic", lambda: 200.0):
            self.assertAlmostEqual(pace.rate, 31 / 30)
        with unittest.mock.patch.object(clock, "monotonic", lambda: 225.0):
            self.assertAlmostEqual(pace.rate, 100 / 125)

    def test_only_the_last_ones_count_for_how_long_one_takes(self) -> None:
        self.assertEqual(self.pace(*[(1.0, 9.0)] * 501, *[(2.0, 1.0)] * 251).median, 1.0)


class Lines(unittest.TestCase):
    def drawn(self, *steps: str) -> str:
        """What stands there after each step has said a line, in capitals, or drawn two."""
        out = io.StringIO()
        size = os.terminal_size((20, 9))
        with contextlib.redirect_stdout(out), unittest.mock.patch.object(live_lines, "size", lambda: size):
            lines = LiveLines()
            for step in steps:
                if step.isupper():
                    lines.say(step)
                else:
                    lines.draw([LiveLine(step), LiveLine(step * 9)] if step else [])
        return draw(out.getvalue().replace("\n", "\r\n"))

    def test_what_is_said_stands_above_what_is_drawn(self) -> None:
        self.assertEqual(self.drawn("ab", "SAID"), "SAID\nab\nababababababababab\n")
        self.assertEqual(self.drawn("ab", "SAID", "c", "MORE", ""), "SAID\nMORE\n")
        self.assertEqual(self.drawn("abcd"), "abcd\n" + "abcd" * 4 + "ab…\n", "no line wraps")

    def test_a_terminal_that_became_narrower_has_wrapped_its_lines(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), unittest.mock.patch.object(live_lines, "size") as size:
            size.return_value = os.terminal_size((40, 9))
            lines = LiveLines()
            lines.draw([LiveLine("x" * 39), LiveLine("y")])
            size.return_value = os.terminal_size((20, 9))
            lines.draw([])
        self.assertIn("\r\x1b[3A", out.getvalue())


if __name__ == "__main__":
    unittest.main()
