"""Tasks that come again: each occurrence once, whoever ends it and however; what is refused."""

from __future__ import annotations

import os
import signal
import time
import unittest
from typing import TYPE_CHECKING, Any
from unittest import mock

import txlite
from txlite.errors import InvalidValue, Refused
from txlite.execution.stopping import find_target, wait_for
from txlite.model import Lane, Task
from txlite.store import assignments
from txlite.system import clock

from ..case import Case, wait_until

if TYPE_CHECKING:
    from txlite.model import Outcome

LANES = [Lane("command")]
DAYS = 86400.0


class Occurrences(Case):
    def setUp(self) -> None:
        super().setUp()
        self.open = self.store()

    def add(self, every: str = "1d", **more: Any) -> Task:
        return self.open.add(command="true", every=every, **more)

    def take(self) -> Any:
        return self.open.assignments.claim_next("worker", LANES, "shell")

    def end(self, outcome: Outcome = "done", max_attempts: int = 3) -> Task:
        """Claim the task that is ready, and end its attempt so."""
        assignment = self.take()
        code = 0 if outcome == "done" else 1
        self.open.assignments.finish(assignment.claim.token, txlite.Result(outcome, code), max_attempts)
        return self.open.get(assignment.task)

    def moves(self, task: Task) -> list[str]:
        return [one.to_status for one in self.open.history.events(task.id)]

    def assert_rests(self, task: Task, days: float) -> None:
        self.assertEqual((task.state, task.failures, task.completed), ("later", 0, None))
        self.assertEqual(task.not_before, task.planned)
        # To the hour, and to another where a clock is set on that day.
        self.assertAlmostEqual(clock.to_seconds(task.planned) - time.time(), days * DAYS, delta=7300)

    def test_done_or_failed_it_comes_again(self) -> None:
        task = self.add()
        self.assertEqual((task.state, task.every, task.not_before), ("ready", "1d", None))
        self.assert_rests(self.end(), 1)
        self.assertEqual(self.moves(task), ["backlog", "active", "done", "backlog"])
        self.assertIsNone(self.take())
        self.assertTrue(self.open.assignments.is_idle(LANES))
        self.assertEqual(self.open.assignments.demand(LANES, "run", 4), 1)  # who waits for its time
        self.open.retry(task.id)  # now, and as planned besides
        with mock.patch.object(assignments, "backoff", return_value=60):
            self.assertEqual(self.end("failed").state, "later")  # for its second try
        self.assertEqual(self.open.get(task.id).failures, 1)
        self.open.retry(task.id)
        self.assert_rests(self.end("failed", max_attempts=1), 1)
        self.assertEqual(self.moves(task)[-2:], ["failed", "backlog"])

    def test_what_was_missed_comes_once(self) -> None:
        task = self.add("1h", not_before=clock.now(-3 * DAYS - 600))
        self.assertTrue(task.is_ready)
        ended = self.end()
        self.assertEqual(ended.state, "later")
        self.assertLess(clock.to_seconds(ended.planned) - time.time(), 3600)
        self.assertIsNone(self.take())

    def test_never_two_at_once(self) -> None:
        self.add("1h", not_before=clock.now(-60 * 3600))
        assignment = self.take()
        self.assertIsNone(self.take())
        self.open.assignments.finish(assignment.claim.token, txlite.Result("done", 0), 3)
        self.assertTrue(self.open.list()[0].is_resting)

    def test_an_attempt_that_is_lost_is_the_same_occurrence(self) -> None:
        task = self.add("1h")
        outcomes: tuple[Outcome, ...] = ("lost", "interrupted", "released")
        for outcome in outcomes:
            again = self.end(outcome)
            self.assertEqual((again.status, again.planned), ("backlog", task.planned), outcome)
        self.assertEqual(self.end("lost").planned, task.planned)

    def test_what_may_still_run_does_not_come_again(self) -> None:
        self.add()
        self.assertEqual(self.end("unkillable").status, "failed")

    def test_a_persons_word(self) -> None:
        task = self.add("1d", not_before=clock.now(3600))
        self.open.done(task.id)
        self.assertEqual(self.moves(task), ["backlog", "done", "backlog"])
        self.assert_rests(self.open.get(task.id), 1)  # that of today is done, though it had not come
        self.open.cancel(task.id)
        self.assertEqual(self.open.get(task.id).status, "cancelled")
        self.open.retry(task.id)
        claim = self.open.claim(task.id, "me")
        self.open.done(task.id, worker="me", token=claim.token)
        self.assertEqual(self.open.get(task.id).state, "later")
        self.open.update(task.id, status="failed")
        self.assertEqual(self.open.get(task.id).state, "later")

    def test_a_word_while_it_runs(self) -> None:
        task = self.add()
        token = self.take().claim.token
        self.open.done(task.id, force=True)
        self.open.assignments.finish(token, txlite.Result("cancelled", 143), 3)
        self.assert_rests(self.open.get(task.id), 1)

    def test_editing(self) -> None:
        task = self.open.add(command="true")
        self.assertEqual(self.open.update(task.id, every="2d").state, "ready")
        self.assert_rests(self.end(), 2)
        self.assert_rests(self.open.update(task.id, every="1d"), 1)
        self.assertEqual(clock.to_local(self.open.update(task.id, every="30 7 * * *").planned)[11:16], "07:30")
        ordinary = self.open.update(task.id, every="")
        self.assertEqual((ordinary.every, ordinary.planned, ordinary.state), (None, None, "later"))
        self.open.retry(task.id)
        self.assertEqual(self.end().status, "done")
        self.assert_rests(self.open.update(task.id, every="1d"), 1)
        self.open.cancel(task.id)
        self.assertEqual(self.open.update(task.id, every="1d").status, "cancelled")
        with self.assertRaises(InvalidValue):
            self.open.update(task.id, every="0 24 * * *")

    def test_nothing_waits_for_it(self) -> None:
        task, other = self.add(), self.open.add(command="true")
        for attempt in (
            lambda: self.open.add("x", after=[task.id]),
            lambda: self.open.add_dependency(other.id, task.id),
        ):
            self.assertRaisesRegex(Refused, f"{task.id} comes again", attempt)
        blocked = self.open.add("x", after=[other.id])
        with self.assertRaisesRegex(Refused, f"{blocked.id} waits for {other.id}"):
            self.open.update(other.id, every="1d")
        self.assertIsNone(self.open.get(other.id).every)

    def test_it_may_wait_for_others(self) -> None:
        other = self.open.add(command="false")
        task = self.add(after=[other.id])
        self.assertEqual(task.state, "waiting")
        self.open.done(other.id)
        self.assert_rests(self.end(), 1)

    def test_an_export_takes_it_along(self) -> None:
        task = self.add("0 2 * * *")
        self.txlite("export", "tasks.jsonl")
        self.txlite("--home", "other", "import", "tasks.jsonl")
        self.assertEqual(self.json("--home", "other", "show", task.id)["planned"], task.planned)
        with open(self.path("tasks.jsonl")) as file:
            text = file.read().replace('"0 2 * * *"', '"0 25 * * *"')
        self.txlite("--home", "third", "import", "-", stdin=text.encode(), code=64)
        self.assertIn("hour 25", self.errors)
        self.txlite("add", "--every", "", "--", "true", code=64)
        self.assertIn("nothing is given", self.errors)
        other = self.open.add("x").id
        self.txlite("--home", "other", "import", "-", stdin=self.txlite("export").encode())
        self.txlite("--home", "other", "update", other, "--every", "1d")
        self.open.add("y", after=[other])
        self.txlite("import", "-", stdin=self.txlite("--home", "other", "export").encode(), code=64)
        self.assertRegex(self.errors, f"line [0-9]+: tx-[a-z0-9]+ waits for {other}, which comes again")


class Runs(Case):
    def test_a_run_does_not_stay_for_it(self) -> None:
        task = self.txlite("add", "-q", "--every", "1d", "--", "echo x >> log; test ! -e stop").strip()
        self.assertIn("1 done, 1 later", self.txlite("run"))
        self.assertIn("nothing was run, 1 later", self.txlite("run"))
        self.assertEqual((self.read("log"), self.errors), ("x\n", ""))
        self.assertIn("every:       1d, next at ", self.txlite("show", task))
        self.assertRegex(self.txlite("list"), r"later +0 +echo x.*\(at ....-..-.. ..:.., every 1d\)")
        self.txlite("wait", "--all")
        self.txlite("wait", "--timeout", "0.1", task, code=124)
        self.txlite("retry", task)
        with open(self.path("stop"), "w"):
            pass
        self.assertIn("1 failed, 1 later", self.txlite("run", "--max-attempts", "1", code=1))

    def test_wait_ends_with_the_occurrence(self) -> None:
        task = self.txlite("add", "-q", "--every", "1d", "--", "until test -e go; do sleep 0.05; done; exit 3").strip()
        run = self.start("run", "--max-attempts", "1")
        wait_until(lambda: self.json("show", task)["status"] == "active", "the attempt")
        with txlite.open(self.home, read_only=True) as store:
            target = find_target(store, task)
            with open(self.path("go"), "w"):
                pass
            self.assertEqual(wait_for(store, [target], 60)[target].code, 3)
        self.assertEqual(run.wait(60), 1)

    def test_a_worker_that_is_killed_neither_loses_nor_doubles_one(self) -> None:
        command = "echo x >> log; test $(wc -l < log) -gt 1 || kill -9 $PPID"
        task = self.txlite("add", "-q", "--every", "1h", "--", command).strip()
        run = self.start("run", "--forever", "--workers", "1")
        wait_until(
            lambda: self.json("show", task)["isReady"] is False and self.read("log") == "x\nx\n", "both attempts"
        )
        wait_until(lambda: "done" in self.txlite("history", task), "the end")
        run.send_signal(signal.SIGTERM)
        run.wait(60)
        history = self.txlite("history", task)
        self.assertEqual(history.count("-> done"), 1, history)
        self.assertEqual(history.count("lost"), 1, history)
        self.assertTrue(os.path.exists(self.home))


if __name__ == "__main__":
    unittest.main()
