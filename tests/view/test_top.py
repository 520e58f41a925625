"""The screen that follows a home: what stands on it, what its keys do, and the terminal at any end of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import termios
import unittest
from unittest import mock

from txlite import text
from txlite.system import clock
from txlite.system.tree_usage import TreeUsage, UsageMeter
from txlite.view.top.gatherer import Pace
from txlite.view.top.head import count_states, share_out
from txlite.view.top.layout import Foot, draw_help, draw_screen
from txlite.view.top.log import wrap
from txlite.view.top.sight import FAILED, WAITING, Sight
from txlite.view.top.snapshot import FailedRow, GroupRow, RunningRow, RunRow, Snapshot, WaitingCause, WaitingRow
from txlite.view.top.spans import width_of
from txlite.view.top.terminal import simplify

from ..case import ROOT, Case, wait_until
from .screen import WholeTerminal, can_draw

UNTIL = "until test -e go; do sleep 0.05; done"
HARM = "\x1b[2J\x9b31m\u202e evil"
WIDE = "日本語の題名" * 20


def snapshot(tasks: int = 3, title: str = "a task") -> Snapshot:
    """A home in which all kinds of things are."""
    running = [
        RunningRow(n, f"tx-run{n:05d}", f"{title} {n}", "running", 65.0, "run-1", "", "its last line" + HARM,
                   TreeUsage(0.98, 120 << 20, 3))
        for n in range(1, tasks + 1)
    ]  # fmt: skip
    waiting = tuple(WaitingRow(f"tx-wait{n:04d}", title, n, None) for n in range(tasks))
    later = (WaitingRow("tx-later000", title, 0, 1300.0),)
    causes = (
        WaitingCause("812 wait for their turn", "ready", 812, False, waiting),
        WaitingCause("1 waits for its time", "later", 1, False, later),
        WaitingCause("7 wait for what will not be done by itself", "waiting", 7, True, ()),
    )
    failed = tuple(FailedRow(f"tx-fail{n:04d}", title, "failed, exit 1", 900.0) for n in range(tasks))
    counts = {"backlog": 820, "active": tasks, "done": 1204, "failed": tasks}
    runs = (RunRow("run-1", 4, tasks, 3600.0),)
    return Snapshot("~/project/.txlite", 1000.0, counts, 2.0, "", runs, tuple(running), causes, failed)


def draw(home: Snapshot, sight: Sight | None = None, columns: int = 80, lines: int = 24) -> list[str]:
    """The lines, as text; none is wider than the screen, and nothing in them acts on a terminal."""
    sight = sight or Sight()
    shown = draw_screen(sight.take(home), sight, Foot("an answer" + "!" * 300), "15:00:00", columns, lines)
    drawn = ["".join(span.words for span in line) for line in shown.lines]
    assert all(width_of(line) <= columns for line in shown.lines), drawn
    assert all(line.isprintable() for line in drawn), drawn
    return drawn


class Layout(unittest.TestCase):
    def test_all_that_goes_on_has_its_place_in_80_columns(self) -> None:
        shown = "\n".join(draw(snapshot()))
        self.assertRegex(shown, r"\Atxlite ~/project/\.txlite +15:00:00\n3 running   812 ready   1 later   7 waiting")
        self.assertRegex(shown, r"\n█+▓▒░+  59%  2/s  6m48s left\nrun-1  4 workers, 3 busy, for 1h00m\n")
        self.assertRegex(shown, r"\nRUNNING 3 ─+   TIME   CPU  MEMORY\n▸ tx-run00001  a task 1 +1m05s   98%  120 MB\n")
        self.assertRegex(shown, r"\n {15}its last line\\x1b\[2J\\x9b31m\\u202e evil")
        self.assertRegex(shown, r"\nWAITING 820 ─+\n 7 wait for what will not be done by itself\n 812 wait for their ")
        self.assertRegex(shown, r"\nFAILED 3 ─+\n  tx-fail0000  a task +failed, exit 1 +1m ago\n")
        self.assertRegex(shown, r"\nan answer!+…\nl log  s stop .* q quit\Z")

    def test_a_narrow_screen_names_the_keys_that_lead_on(self) -> None:
        self.assertEqual(draw(snapshot(), columns=40)[-1], "l log  s stop  c cancel  ? help  q quit")

    def test_what_a_run_waits_for_and_groups_stand_in_the_head(self) -> None:
        run = RunRow("run-1", 4, 0, 3.0, "memory: 1.2 GB free, --memfree 2G")
        home = snapshot()._replace(runs=(run,), groups=(GroupRow("gpu 2 of 2", True), GroupRow("net 1", False)))
        shown = "\n".join(draw(home))
        self.assertIn("\nrun-1  4 workers, 0 busy, for 3s  waits for memory: 1.2 GB free, --memfree 2G\n", shown)
        self.assertIn("\ngroups  gpu 2 of 2   net 1\n\nRUNNING", shown)

    def test_no_size_breaks_it(self) -> None:
        for columns, lines in ((40, 10), (60, 12), (80, 24), (119, 30), (200, 60)):
            for tasks in (0, 1, 40):
                self.assertEqual(len(draw(snapshot(tasks, WIDE + HARM), None, columns, lines)), lines)
        self.assertEqual(draw(snapshot(), None, 39, 24), ["too small: it takes 40x10"])
        self.assertEqual(draw(snapshot(), None, 80, 9), ["too small: it takes 40x10"])
        self.assertLessEqual(max(map(width_of, draw_help(40, 10).lines)), 40)
        self.assertTrue(draw(Snapshot("here", 1.0))[1].startswith("counting"))
        self.assertIn("no tasks yet", draw(Snapshot("here", 1.0, {}))[1])

    def test_the_chosen_line_is_seen_wherever_it_is(self) -> None:
        sight, home = Sight(), snapshot(40)
        for step in (1, 1, *[10] * 6, 1, 1, *[10] * 9, -1, -10, -1, 1, 1):
            draw(home, sight)
            sight.move(step)
            marked = [line for line in draw(home, sight) if line.startswith("▸")]
            self.assertEqual(len(marked), 1)
            self.assertIn(str(sight.chosen()), marked[0])
        self.assertEqual(sight.pane, FAILED)

    def test_a_choice_stays_with_its_task_and_its_place(self) -> None:
        sight, home = Sight(), snapshot(5)
        sight.take(home)
        sight.move(2)
        self.assertEqual(sight.chosen(), "tx-run00003")
        sight.take(home._replace(running=home.running[1:]))
        self.assertEqual(sight.chosen(), "tx-run00003")
        sight.take(home._replace(running=(*home.running[:2], *home.running[3:])))
        self.assertEqual(sight.chosen(), "tx-run00002", "what stood at its place")
        sight.take(home._replace(running=()))
        self.assertEqual((sight.pane, sight.chosen()), (WAITING, "tx-wait0000"))
        sight.turn(1)
        sight.turn(1)
        self.assertEqual(sight.pane, WAITING, "an empty pane is left out")

    def test_a_filter_leaves_what_has_its_words(self) -> None:
        sight = Sight()
        sight.filter = "FAIL0001"
        shown = draw(snapshot(3), sight)
        self.assertEqual([line[:13].strip() for line in shown if " tx-" in line], ["▸ tx-fail0001"])
        self.assertEqual(sight.pane, FAILED)
        self.assertTrue(any("filter: FAIL0001" in line for line in shown))

    def test_only_the_first_look_may_take_a_moment_and_be_followed_by_a_second_at_once(self) -> None:
        now = [0.0]
        pace = Pace()
        with mock.patch.object(clock, "monotonic", lambda: now[0]):
            for moment, is_due in ((1.0, True), (2.0, False), (8.0, True)):
                if moment < 8:
                    pace.measure(lambda: now.insert(0, now[0] + 0.02))
                now[0] = moment
                self.assertEqual(pace.is_due(True), is_due, moment)

    def test_figures(self) -> None:
        self.assertEqual(count_states(snapshot())["ready"], 812)
        self.assertEqual(share_out([1, 1, 0, 98], 10), [1, 1, 0, 8])
        self.assertEqual(share_out([0, 0, 0, 0], 10), [10, 0, 0, 0])
        self.assertEqual(wrap("日本語", 5), ["日本", "語"])
        self.assertEqual(wrap("abcdef", 4), ["abcd", "ef"])
        self.assertEqual(simplify("─█日本…"), "-#????~")
        self.assertEqual(text.columns("日本"), 4)

    def test_what_a_tree_uses(self) -> None:
        if not os.path.exists("/proc/self/task"):
            self.skipTest("no /proc")
        meter = UsageMeter()
        self.assertIsNone(meter.measure(1 << 22), "no such process")
        words = ["sh", "-c", "sleep 600 & echo x; wait"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as child:
            try:
                child.stdout.read(2)
                found = wait_until(lambda: meter.measure(os.getpid()), "the child to be seen")
                self.assertGreater(found.memory, 0)
                self.assertIsNone(found.share, "nothing to compare it with")
                self.assertEqual(wait_until(lambda: meter.measure(child.pid), "its child").processes, 1)
            finally:
                os.killpg(child.pid, signal.SIGKILL)


@unittest.skipUnless(can_draw(), "no curses, or no terminals that it knows")
class Top(Case):
    def follow(self, **options: object) -> WholeTerminal:
        return WholeTerminal(self, "top", **options)  # type: ignore[arg-type]

    def make_home(self) -> tuple[str, str, str]:
        """A home with a task that failed, one that waits for an agent, and one that runs; their ids."""
        with self.store() as store:
            failed = store.add("went wrong", command="echo oops; exit 3").id
        self.txlite("run", "--max-attempts", "1", code=1)
        with self.store() as store:
            prompt = store.add("Write it down").id
            running = store.add(WIDE, command=f"echo hello; printf 'bad\\033[2J\\n'; {UNTIL}").id
        self.start("run", "-j", "1")
        return failed, prompt, running

    def test_what_goes_on_and_what_keys_do(self) -> None:
        failed, prompt, running = self.make_home()
        screen = self.follow()
        screen.wait_for(rf"^▸ {running}  日本語の.*…")
        screen.wait_for(rf"^ {{15}}bad\\x1b\[2J\n(.*\n)*WAITING 1 (.*\n)*  {prompt}  Write it down\n")
        screen.wait_for(rf"\n  {failed}  went wrong +failed, exit 3 +\d+s ago\n")
        screen.wait_for(r"\n1 running   1 ready   1 failed\n")
        screen.press("s")
        screen.wait_for(rf"^stop {running}, with all that it started\? y/n$")
        screen.press("n")
        screen.press("p")
        screen.wait_for(r"^paused since")
        screen.press("p")
        screen.wait_for(r"^workers claim tasks again$")
        screen.press("+")
        screen.wait_for(r"has 2 workers from now on")
        screen.press("--")
        screen.wait_for(r"has 1 worker from now on")
        screen.press("\r")
        screen.wait_for(rf"\A{running}  日本語(.*\n)hello\nbad\\x1b\[2J\n(.*\n)*q back ")
        screen.press("q\t\t")
        screen.wait_for(rf"^▸ {failed}")
        screen.press("r")
        screen.wait_for(rf"^{failed} is queued again$")
        screen.wait_for(r"^FAILED ─")
        screen.press("/write")
        screen.wait_for(rf"RUNNING ─(.*\n)*▸ {prompt}  Write it down$")
        screen.press("\rc")
        screen.wait_for(rf"^cancel {prompt}\? y/n$")
        screen.press("y")
        screen.wait_for(rf"^{prompt} is cancelled$")
        screen.press("\x1b")
        screen.wait_for(rf"^▸ {running}|^  {running}")
        screen.press("ggk?")
        screen.wait_for(r"^Keys$(.*\n)*.*Any key leads back")
        screen.press("x")
        screen.wait_for(rf"^▸ {running}")
        screen.press("s")
        screen.wait_for(rf"^stop {running}, .*y/n$")
        screen.resize(90, 24)
        screen.process.send_signal(signal.SIGWINCH)
        screen.wait_for(r"^RUNNING 1 ─{50,}.*\n(.*\n)*stop .*y/n$")  # another size is no answer
        screen.press("y")
        screen.wait_for(rf"^{running} was stopped$")
        screen.press("q")
        self.assertEqual(screen.end(), 0)
        self.assert_as_before(screen)
        self.assertEqual(self.json("show", running)["status"], "cancelled")

    def assert_as_before(self, screen: WholeTerminal) -> None:
        self.assertEqual(termios.tcgetattr(screen.theirs), screen.before)

    def test_whatever_ends_it_leaves_the_terminal_as_it_was(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            screen = self.follow(TERM="xterm")
            wait_until(lambda screen=screen: screen.read() and b"RUNNING" in screen.sent, "the screen")
            self.assertNotEqual(termios.tcgetattr(screen.theirs), screen.before)
            screen.process.send_signal(number)
            self.assertEqual(screen.end(), 128 + number)
            self.assert_as_before(screen)
            self.assertRegex(screen.sent[screen.sent.rindex(b"\x1b[?1049h") :], rb"(?s)\x1b\[\?1049l")
            self.assertGreater(screen.sent.rindex(b"\x1b[?25h"), screen.sent.rindex(b"\x1b[?25l"))

    def test_it_stops_goes_on_and_takes_another_size(self) -> None:
        screen = self.follow()
        screen.wait_for(r"^no tasks yet(.*\n)*RUNNING ─+\n")
        stat = f"/proc/{screen.process.pid}/stat"

        def is_stopped() -> bool:
            screen.process.send_signal(signal.SIGTSTP)  # again and again: curses ignores it while it draws
            return self.read(stat).rpartition(")")[2].split()[0] == "T"

        if os.path.exists(stat):
            wait_until(is_stopped, "it to stop")
            self.assert_as_before(screen)
        screen.process.send_signal(signal.SIGCONT)
        for columns, lines, shown in ((30, 9, r"\Atoo small: it takes 40x10$"), (100, 30, r"^RUNNING ─{90}")):
            screen.read()
            screen.resize(columns, lines)
            screen.process.send_signal(signal.SIGWINCH)
            screen.wait_for(shown)
        with self.store() as store:
            store.add("later added")
        screen.wait_for("later added")
        os.rename(self.home, self.home + ".gone")
        self.assertEqual(screen.end(), 69)
        self.assert_as_before(screen)
        self.assertIn(b"tasks.db was deleted or replaced", screen.sent)

    def test_without_a_terminal_that_can_be_drawn_on(self) -> None:
        self.txlite("top", code=64)
        self.assertEqual(self.errors, "txlite: this needs a terminal to draw on: `txlite status` shows the same once\n")
        self.txlite("status", "--watch", "--json", code=64)
        stub = self.path("stub")
        os.mkdir(stub)
        with open(os.path.join(stub, "curses.py"), "w") as file:
            file.write("raise ImportError\n")
        for environment, words in (
            ({"TERM": "dumb"}, "TERM=dumb: no terminal that can be drawn on"),
            ({"TERM": "no-such-thing"}, "TERM=no-such-thing: no terminal that can be drawn on"),
            ({"PYTHONPATH": stub + os.pathsep + ROOT}, "this Python was built without curses"),
        ):
            screen = self.follow(columns=120, **environment)
            self.assertEqual(screen.end(), 64)
            self.assertIn(f"txlite: {words}: `txlite status` shows the same once".encode(), screen.sent)

    def test_it_is_left_when_its_terminal_has_gone(self) -> None:
        screen = self.follow()
        screen.wait_for("RUNNING")
        screen.press("\x1bOP\x04?")  # a key that does nothing, and no end of file: keys are read one by one
        screen.wait_for("Any key leads back")
        screen.hang_up()
        self.assertEqual(screen.process.wait(60), 128 + signal.SIGHUP)

    @unittest.skipUnless(shutil.which("tmux"), "no tmux")
    def test_in_tmux_a_shell_goes_on_after_it(self) -> None:
        self.make_home()
        tmux = ["tmux", "-S", self.path("tmux"), "-f", "/dev/null"]
        shell = ["env", *(f"{name}={self.environment[name]}" for name in ("PYTHONPATH", "PYTHONPYCACHEPREFIX")),
                 "PS1=$ ", "LC_ALL=C.UTF-8", "sh"]  # fmt: skip

        def call(*words: str) -> str:
            return subprocess.run([*tmux, *words], check=True, capture_output=True, encoding="utf-8").stdout

        def wait_for(words: str) -> None:
            wait_until(lambda: words in call("capture-pane", "-p"), words)

        call("new-session", "-d", "-x", "80", "-y", "24", "-c", self.directory, *shell)
        self.addCleanup(subprocess.run, [*tmux, "kill-server"], check=False)
        call("send-keys", "-l", f"stty -g > before; {sys.executable} -S -m txlite top; stty -g > after")
        call("send-keys", "Enter")
        wait_for("RUNNING 1")
        call("send-keys", "C-c")
        wait_until(lambda: self.read("after"), "it to be left")
        self.assertEqual(self.read("after"), self.read("before"))
        wait_until(lambda: "RUNNING" not in call("capture-pane", "-p"), "the other screen to be gone")


if __name__ == "__main__":
    unittest.main()
