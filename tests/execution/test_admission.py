"""Nothing is begun where the machine has not enough left, nor all at once where it soon might not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import unittest
from typing import Any
from unittest import mock

from txlite.execution import admission, bounds
from txlite.execution.admission import AdmittedSource, Turns, look
from txlite.execution.bounds import Reserve
from txlite.execution.run_hold import RunHold
from txlite.system import clock, memory

from ..case import Case, wait_until

ENOUGH = "1M"  # free, on any machine
TOO_MUCH = "900T"


class Looks(Case):
    """What is seen of a machine."""

    def file(self, name: str, text: str) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)

    def test_what_the_machine_and_each_control_group_have_left(self) -> None:
        self.assertIsNone(memory.measure_free(self.directory))
        self.file("proc/meminfo", "MemTotal: 8000 kB\nMemAvailable:    4000 kB\n")
        self.assertEqual(memory.measure_free(self.directory), 4000 << 10)
        self.file("proc/self/cgroup", "0::/a/b\n")
        self.file("sys/fs/cgroup/a/b/memory.max", "max\n")
        self.file("sys/fs/cgroup/a/memory.max", f"{3000 << 10}\n")
        self.file("sys/fs/cgroup/a/memory.current", f"{2500 << 10}\n")
        self.file("sys/fs/cgroup/a/memory.stat", f"anon 5\nactive_file {100 << 10}\ninactive_file {200 << 10}\n")
        self.assertEqual(memory.measure_free(self.directory), 800 << 10)  # files in memory can be freed
        self.file("proc/self/cgroup", "4:memory:/c\n0::/\n")
        self.file("sys/fs/cgroup/memory/c/memory.limit_in_bytes", f"{1000 << 10}\n")
        self.file("sys/fs/cgroup/memory/c/memory.usage_in_bytes", f"{2000 << 10}\n")
        self.file("sys/fs/cgroup/memory/c/memory.stat", f"inactive_file 1\ntotal_inactive_file {1100 << 10}\n")
        self.assertEqual(memory.measure_free(self.directory), 100 << 10)

    def test_too_little_and_nearly_too_little(self) -> None:
        for free, load, hold, is_near in (
            (40 << 30, 0.5, "", False),
            (5 << 29, 0.5, "", True),
            (5 << 28, 0.5, "memory: 1.2 GB free, --memfree 2G", True),
            (40 << 30, 2.9, "", True),
            (40 << 30, 4.5, "the load to fall: it is 4.5, --load 4", True),
        ):
            with (
                mock.patch.object(memory, "measure_free", return_value=free),
                mock.patch.object(admission, "measure_load", return_value=load),
            ):
                self.assertEqual(look(Reserve(2 << 30, 4.0)), (hold, is_near))
                self.assertEqual(look(Reserve()), ("", False))

    def test_sizes_and_loads_as_people_write_them(self) -> None:
        self.assertEqual(bounds.parse_memfree("1.5G"), 3 << 29)
        self.assertEqual(bounds.parse_load("50%"), (os.cpu_count() or 1) / 2)
        self.assertEqual(
            (bounds.parse_load("2.5"), bounds.parse_load("none"), bounds.parse_memfree("none")), (2.5, 0, 0)
        )

    def test_the_load_is_a_number_of_this_machine(self) -> None:
        before, measured, after = os.getloadavg()[0], admission.measure_load(), os.getloadavg()[0]
        self.assertGreaterEqual(measured, min(before, after))


class Turning(Case):
    def turns(self) -> Turns:
        return Turns(self.path("turns"))

    def test_one_begins_in_a_second(self) -> None:
        one, other, now = self.turns(), self.turns(), 1000.0
        with mock.patch.object(clock, "monotonic", lambda: now):
            self.assertEqual(one.take(), 0)
            self.assertEqual(other.take(), admission.AGAIN)  # while the one is about to
            one.give_back(has_begun=False)
            self.assertEqual(other.take(), 0)  # it found nothing
            other.give_back(has_begun=True)
            now += 0.25
            self.assertEqual(one.take(), admission.GAP - 0.25)
            with mock.patch.object(clock, "boot", return_value="another"):
                self.assertEqual(one.take(), 0)
            one.give_back(False)
            now += admission.GAP - 0.25
            self.assertEqual(one.take(), 0)
            one.give_back(False)


class Source(Case):
    """A source that is asked as a worker asks it."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(clock, "monotonic", lambda: 1000.0))  # no second passes meanwhile
        os.makedirs(self.path("locks"))
        self.said: list[str] = []
        self.is_anything = True
        self.inner = mock.Mock(lanes=[])
        store = mock.Mock(lock_path=lambda name: self.path(f"locks/{name}"))
        self.source = AdmittedSource(self.inner, store, Reserve(1), self.said.append)
        self.see("", is_near=False)
        self.enterContext(mock.patch.object(admission, "is_anything_there", lambda *_: self.is_anything))

    def enterContext(self, patch: Any) -> Any:  # Python 3.11 has it
        self.addCleanup(patch.stop)
        return patch.start()

    def see(self, hold: str, is_near: bool) -> None:
        self.source._seen, self.source._good_until = admission.Admission(hold, is_near), clock.monotonic() + 60

    def test_nothing_is_claimed_while_it_waits(self) -> None:
        self.see("memory: none", is_near=True)
        self.assertIsNone(self.source.take())
        self.source.record(mock.sentinel.one, mock.sentinel.result, False)
        self.inner.take.assert_not_called()
        self.inner.record.assert_called_once_with(mock.sentinel.one, mock.sentinel.result, True)
        self.assertGreater(self.source.due_in(), 0)
        self.see("", is_near=False)
        self.assertEqual(self.source.take(), self.inner.take.return_value)
        self.assertEqual(self.said, ["memory: none", ""])
        self.assertEqual(self.source.due_in(), self.inner.due_in.return_value)

    def test_where_nothing_is_ready_nothing_is_said(self) -> None:
        self.is_anything = False
        self.see("memory: none", is_near=True)
        self.assertIsNone(self.source.take())
        self.assertEqual(self.said, [])

    def test_what_runs_grows_by_one_a_second(self) -> None:
        self.assertIsNotNone(self.source.take())
        self.assertIsNone(self.source.take())
        self.assertTrue(0 < self.source.due_in() <= admission.GAP)
        self.source.record(mock.sentinel.one, mock.sentinel.result, False)  # in its place one may begin at once
        self.inner.record.assert_called_once_with(mock.sentinel.one, mock.sentinel.result, False)

    def test_near_a_bound_whatever_begins_waits_for_its_second(self) -> None:
        self.see("", is_near=True)
        self.source.take()
        self.source.record(mock.sentinel.one, mock.sentinel.result, False)
        self.inner.record.assert_called_once_with(mock.sentinel.one, mock.sentinel.result, True)

    def test_the_end_is_recorded_once_whatever_comes_of_it(self) -> None:
        self.see("", is_near=True)
        self.inner.record.return_value = None
        self.assertIsNone(self.source.record(mock.sentinel.one, mock.sentinel.result, False))
        self.inner.record.assert_called_once()

    def test_who_leaves_asks_nobody(self) -> None:
        self.source._good_until = 0.0
        with mock.patch.object(admission, "look", side_effect=AssertionError):
            self.source.record(mock.sentinel.one, mock.sentinel.result, True)


class Words(unittest.TestCase):
    def test_a_wait_is_said_and_written_down_once_and_gone_when_it_goes_on(self) -> None:
        said: list[str] = []
        store, now = mock.Mock(), 1000.0
        hold = RunHold(store, "run-1", said.append)
        for words, later in (("memory: 1", 0), ("memory: 2", 1), ("", 1), ("", 1), ("memory: 3", 1), ("memory: 4", 12)):
            now += later
            with mock.patch.object(clock, "monotonic", return_value=now):
                hold.show(words)
        self.assertEqual(said, ["waits for memory: 1"])
        noted = [call.args[1] for call in store.supervisors.hold.call_args_list]
        self.assertEqual(noted, ["memory: 1", None, "memory: 3", "memory: 4"])


class Runs(Case):
    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a run that has to wait; returns when it says so."""
        run = self.start("run", *arguments)
        assert run.stdout
        for line in run.stdout:
            if b"waits for" in line:
                self.said = line.decode()
                return run
        raise AssertionError("it did not wait")

    def test_a_run_that_waits_says_so_and_ends_when_it_is_told(self) -> None:
        self.txlite("add", "--", "true")
        run = self.begin("--memfree", TOO_MUCH)
        self.assertRegex(self.said, r"^waits for memory: [\d.]+ [MG]B free, --memfree 900T\n$")
        shown = wait_until(
            lambda: [line for line in self.txlite("status").split("\n") if "waits for mem" in line], "it"
        )
        self.assertRegex(shown[0], r"^run-\w+ waits for memory: .* --memfree 900T$")
        (told,) = self.json("status", "--stats")["runs"]
        self.assertIn("--memfree 900T", told["waitsFor"])
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(60), 130)
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual([task["status"] for task in self.json("list")], ["backlog"])

    def test_what_runs_when_it_begins_to_wait_goes_on_and_nothing_else_does(self) -> None:
        """And a worker of its own has its word, too; each heeds its own bound."""
        self.txlite("init")
        self.write_config("[txlite]\nmemfree = 900T\nload = 1000\n")
        self.txlite("run", "-j2", "--memfree", "none", "--from", self.batch("true", "true"))
        self.txlite("add", "--", "true")
        worker = self.start("worker", "start")
        assert worker.stderr
        self.assertIn("waits for memory", worker.stderr.readline().decode())
        self.txlite("run", "--memfree", ENOUGH)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(60), 0)

    def test_jobs_have_their_own_words(self) -> None:
        for option, value, words in (("--memfree", "2G", "--mem=4G"), ("--load", "80%", "--cpus-per-task=2")):
            self.txlite("run", "--executor", "slurm", option, value, code=64)
            self.assertIn(f"give --slurm '{words}'", self.errors)
        self.txlite("run", "--load", "4x", code=64)
        self.assertIn("'4x' is not a load: give 4, 2.5, or 80% of the cores", self.errors)
