"""What a run's tasks wrote, on its stdout and stderr: whole, unmixed, once, whoever goes away or is killed."""

from __future__ import annotations

import os
import signal
import unittest
from functools import cached_property
from typing import TYPE_CHECKING

from txlite.view.output_piece import LineForm

from ..case import Case, running, wait_until
from .screen import Terminal

if TYPE_CHECKING:
    from txlite import Store

UNTIL = "until test -e go; do sleep 0.05; done"


class Outputs(Case):
    def kept(self) -> list[str]:
        directory = os.path.join(self.home, "outputs")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    @cached_property
    def queue(self) -> Store:
        wait_until(lambda: os.path.exists(os.path.join(self.home, "tasks.db")), "a database")
        return self.store()

    def counts(self) -> dict[str, int]:
        return self.queue.count()

    def test_each_comes_whole_with_its_stderr_on_stderr_and_all_that_is_said_there(self) -> None:
        lines = [f"echo begin {i}; echo wrong {i} >&2; sleep 0.05; echo end {i}" for i in range(8)]
        out = self.txlite(
            "run", "-j", "4", "--output", "--from", self.batch(*lines, "exit 3"), "--retries", "0", code=1
        )
        pairs = out.splitlines()
        self.assertEqual(len(pairs), 16)
        for begun, ended in zip(pairs[::2], pairs[1::2]):
            self.assertEqual(begun.replace("begin", "end"), ended)
        for words in ("9 tasks added", *(f"wrong {i}\n" for i in range(8)), "8 done, 1 failed"):
            self.assertIn(words, self.errors)
        self.assertEqual(self.kept(), [])
        self.assertEqual(os.stat(os.path.join(self.home, "outputs")).st_mode & 0o777, 0o700)
        self.assertIn("/outputs/\n", self.read(".txlite/.gitignore"))
        report = next(text for text in self.reports().values() if "begin 7" in text)
        self.assertRegex(report, r"(?s)begin 7\n.*wrong 7\n|wrong 7\n.*begin 7\n")

    def test_order_is_that_of_the_tasks_and_only_the_last_attempt_is_printed_with_its_tag(self) -> None:
        lines = [
            "sleep 0.3; echo slow",
            "test -e x || { echo no; >x; exit 1; }; printf 'one\\ntwo'",
            "true",
            "printf x",
        ]
        out = self.txlite("run", "--tag", "-k", "--from", self.batch(*lines))
        self.assertEqual(out, f"{lines[0]}\tslow\n{lines[1]}\tone\n{lines[1]}\ttwo\nprintf x\tx\n")
        self.assertEqual(self.kept(), [])
        self.queue.add("of words", command="echo said", arguments=["a b", "c"])
        self.assertEqual(self.txlite("run", "--tag"), "a b c\tsaid\n")

    def test_bytes_of_any_kind_beyond_the_cap_of_reports(self) -> None:
        self.txlite("init")
        self.write_config("[txlite]\noutput_cap = 2k\n")
        data = os.urandom(200_000) + b"\0no end of line"
        with open(self.path("data"), "wb") as file:
            file.write(data)
        run = self.start("run", "--output", "--", "cat", self.path("data"))
        out, _ = run.communicate()
        self.assertEqual((out, run.returncode), (data, 0))

    def test_a_reader_who_goes_away_stops_no_work(self) -> None:
        run = self.start("run", "-j", "2", "--output", "--from", self.batch(*["seq 20000"] * 4))
        assert run.stdout
        run.stdout.read(10)
        run.stdout.close()
        self.assertEqual((run.wait(60), self.counts(), self.kept()), (0, {"done": 4}, []))

    def test_what_a_killed_run_had_not_printed_the_next_one_prints(self) -> None:
        lines = [f"echo begin {i}; seq 20000; echo end {i}" for i in range(3)]
        batch = self.batch(*lines)
        run = self.start("run", "-k", "--from", batch)  # nobody reads: the pipe is soon full
        wait_until(lambda: self.counts() == {"done": 3}, "all to be done")
        self.assertIsNone(run.poll())
        run.kill()
        run.wait()  # until then it prints the output of this batch
        out = self.txlite("run", "-k", "--from", batch)
        numbers = "".join(f"{number}\n" for number in range(1, 20001))
        wanted = "".join(f"begin {i}\n{numbers}end {i}\n" for i in range(3))
        self.assertEqual(out, wanted, "the first was being printed, and comes again")
        self.assertEqual((self.txlite("run", "-k", "--from", batch), self.kept()), ("", []))

    def test_a_batch_that_is_done_goes_on_where_not_all_was_printed(self) -> None:
        line = ("run", "-k", "echo {}", ":::", "a", "b")
        self.assertEqual(self.txlite(*line), "a\nb\n")
        with open(os.path.join(self.home, "outputs", "2.out"), "w") as file:
            file.write("left by a run that was killed\n")
        self.assertEqual(self.txlite(*line), "left by a run that was killed\n")
        self.assertIn("2 tasks were added before: 2 done", self.errors)
        self.assertEqual((self.kept(), self.txlite(*line)), ([], "a\nb\n"))

    def test_each_occurrence_is_printed_though_it_waited_and_its_run_was_killed(self) -> None:
        self.txlite("add", "--", UNTIL)
        self.txlite("add", "--every", "1s", "--", "echo again $TXLITE_TOKEN")
        for kept in (1, 3):
            run = self.start("run", "-k", "--forever")
            wait_until(lambda: len(self.kept()) >= kept, "occurrences that wait for the first task")
            if kept == 1:
                run.kill()
                run.wait()
                # What those that were left end later, the next run prints at its end.
                wait_until(lambda: len(self.worker_pids()) <= 1, "its workers to leave, but for the first task's")
        wanted = {f"again {name.split('.')[0]}" for name in self.kept()}
        open(self.path("go"), "w").close()
        newest = max(wanted, key=lambda line: int(line.split()[1]))
        printed = set()
        while newest not in printed:
            line = run.stdout.readline().decode()
            self.assertTrue(line, "the run has ended")
            printed.add(line.rstrip())
        self.assertLessEqual(wanted, printed)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        self.assertEqual(self.kept(), [])

    def test_a_slow_reader_does_not_keep_a_run_from_being_stopped(self) -> None:
        run = self.start("run", "--output", "--from", self.batch("seq 50000", f"exec sleep {self.nap}"))
        wait_until(lambda: running(self.nap) and self.counts().get("done"), "both to have begun")
        run.send_signal(signal.SIGQUIT)
        wait_until(lambda: not running(self.nap), "what runs to be ended, though nobody reads")
        assert run.stdout
        self.assertEqual(len(run.stdout.read().splitlines()), 50000)
        self.assertEqual((run.wait(60), self.counts()), (130, {"done": 1, "backlog": 1}))

    def test_of_two_runs_each_prints_what_is_of_its_own_batch(self) -> None:
        for options in (["--output"], []):  # of the other one, which keeps nothing where it prints nothing
            with self.subTest(options=options):
                first = [UNTIL, "sleep 0.2; echo first"]
                with open(self.path("other"), "w") as file:
                    file.write("\n".join(first))
                other = self.start("run", "-j", "4", "--again", *options, "--from", "other")
                wait_until(self.queue.claims, "it to begin")
                batch = self.batch(*[f"sleep 0.1; echo mine {i}" for i in range(4)])
                mine = self.start("run", "-j", "1", "--again", "-k", "--from", batch)
                wait_until(lambda: self.counts().get("done", 0) % 6 == 5, "all others to end")
                open(self.path("go"), "w").close()
                self.assertEqual(mine.communicate()[0].decode(), "".join(f"mine {i}\n" for i in range(4)))
                said = other.communicate()[0].decode()
                self.assertEqual("first\n" if options else "", said if options else "")
                self.assertNotIn("mine", said.replace("echo mine", ""))
                self.assertEqual(self.kept(), [])
                os.unlink(self.path("go"))

    def test_what_cannot_be_kept_whole_did_not_succeed(self) -> None:
        self.txlite("init")
        open(os.path.join(self.home, "outputs"), "w").close()
        self.txlite("run", "--output", "--retries", "0", "--from", self.batch("echo x", "true"), code=1)
        self.assertIn("its output is not whole: ", self.errors)
        self.assertEqual(self.counts(), {"failed": 1, "done": 1})

    def test_a_terminal_gets_lines_it_cannot_act_on_above_the_bar(self) -> None:
        lines = ("printf 'a\\033[2Jb'", f"{UNTIL}; echo c")
        terminal = Terminal(self, "run", "-j", "2", "--output", "--from", self.batch(*lines))
        terminal.wait_for(r"^2 tasks added\na\\x1b\[2Jb\n(.*\n)*\[#+\.+\]  1/2")
        open(self.path("go"), "w").close()
        self.assertEqual(terminal.end(), "2 tasks added\na\\x1b[2Jb\nc\n2 done\n")

    def test_what_nobody_came_to_print_is_cleaned_up(self) -> None:
        self.txlite("run", "--output", "--", "echo", "x")
        with open(os.path.join(self.home, "outputs", "1.out"), "w") as file:
            file.write("left")
        with open(os.path.join(self.home, "outputs", "77.err"), "w") as file:
            file.write("of a task that was deleted")
        self.txlite("cleanup", "--force")
        self.assertEqual(self.kept(), ["1.out", "77.err"])
        self.assertRegex(self.txlite("cleanup", "--force", "--age", "0"), "removed 2")
        self.assertEqual(self.kept(), [])

    def test_the_two_that_want_stdout_are_not_given_together(self) -> None:
        self.txlite("run", "--output", "--json", code=64)
        self.assertIn("--json and --output: both want stdout", self.errors)

    def test_without_a_stdout_all_the_same(self) -> None:
        run = self.start("run", "--output", "--", "echo", "x", stdout=None, preexec_fn=lambda: os.close(1))
        self.assertEqual((run.wait(60), self.counts(), self.kept()), (0, {"done": 1}, []))


class Lines(unittest.TestCase):
    def changed(self, tag: bytes, is_safe: bool, *parts: bytes) -> bytes:
        form = LineForm(tag, is_safe)
        return b"".join([*map(form.change, parts), form.change(b"")])

    def test_a_tag_stands_before_each_line_wherever_it_was_cut(self) -> None:
        self.assertEqual(self.changed(b"t\t", False, b"a", b"b\n", b"\n", b"c\nd"), b"t\tab\nt\t\nt\tc\nt\td\n")
        self.assertEqual(self.changed(b"t\t", False), b"")

    def test_without_one_nothing_is_changed(self) -> None:
        self.assertEqual(self.changed(b"", False, b"\0\xff\r", b"x"), b"\0\xff\rx")

    def test_a_terminal_gets_whole_lines_and_characters(self) -> None:
        euro = "€".encode()
        form = LineForm(b"", True)
        self.assertEqual(form.change(b"one\ntwo" + euro[:1]), b"one\n")
        self.assertEqual(form.change(euro[1:] + b"\x1b"), b"")
        self.assertEqual(form.change(b""), b"two" + euro + b"\\x1b\n")


if __name__ == "__main__":
    unittest.main()
