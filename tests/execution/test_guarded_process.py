"""A process of an attempt is marked, has its limits, and is over when nothing of its tree is left."""

from __future__ import annotations

import signal
import time
import unittest
from unittest import mock

from txlite.execution import guarded_process
from txlite.execution.stall import SELDOM, SILENT, StallDetector
from txlite.store.attempts import Result
from txlite.system import clock, process, process_tree

from ..case import running, wait_until
from .case import HOME, GuardedCase


class Guarded(GuardedCase):
    def test_it_leads_a_session_of_its_own_and_is_marked(self) -> None:
        guarded = self.begin(f"exec sleep {self.nap}")
        seen = wait_until(lambda: running(self.nap) and process.look(guarded.pid), "the process")
        self.assertEqual(seen.session, guarded.pid)
        self.assertTrue(process_tree.is_marked(guarded.pid, HOME, self.attempt))
        guarded.stop(Result("cancelled"))
        self.assertEqual((self.end(guarded).outcome, running(self.nap)), ("cancelled", []))

    def test_it_may_run_no_longer_than_was_said(self) -> None:
        guarded = self.begin(f"trap '' TERM; echo begun; sleep {self.nap}", timeout=6000, kill_after=0.1)
        wait_until(lambda: self.turn(guarded) or self.output.data, "its words")
        self.assertIsNone(self.turn(guarded))
        with mock.patch.object(clock, "monotonic", lambda now=clock.monotonic: now() + 6000):
            result = self.end(guarded)
        self.assertEqual((result.outcome, result.note), ("timeout", "it ran longer than 6000 s"))
        self.assertEqual((running(self.nap), self.output.data), ([], b"begun\n"))

    def test_one_that_does_nothing_is_ended(self) -> None:
        result = self.end(self.begin(f"exec sleep {self.nap}", stall=0.3, kill_after=0.1))
        self.assertEqual((result.outcome, result.note), ("timeout", "no output and no CPU time for 0.3 s"))

    def test_what_cannot_be_killed_is_an_outcome_of_its_own(self) -> None:
        guarded = self.begin(f"exec sleep {self.nap}", kill_after=0.1)
        refused = mock.patch.object(process, "send_signal", side_effect=PermissionError)
        with refused, mock.patch.object(process_tree, "KILL_PATIENCE", 0.1):
            guarded.stop(Result("cancelled"))
            result = self.end(guarded)
        self.kill(guarded)
        self.assertEqual((result.outcome, result.note), ("unkillable", f"process {guarded.pid} could not be killed"))

    def test_a_signal_to_all_is_heard_here_a_moment_later(self) -> None:
        with mock.patch.object(guarded_process, "time") as time:
            time.sleep.side_effect = lambda seconds: self.signals.append(signal.SIGTERM)
            result = self.end(self.begin("kill -TERM $$"))
        self.assertEqual((result.outcome, result.note), ("interrupted", "all of the run was sent SIGTERM"))
        self.assertEqual(self.end(self.begin("kill -TERM $$")).outcome, "failed", "what was sent before it began")


class Stalls(unittest.TestCase):
    def test_output_and_work_are_signs_of_life(self) -> None:
        now = time.monotonic()
        with mock.patch.object(clock, "monotonic", lambda: now):
            detector, one = StallDetector(8.0), process.Process(1, 0, 1, 1, "S", "0")
            self.assertFalse(detector.has_stopped([one]))
            now += 7.9
            self.assertFalse(detector.has_stopped([one]))
            detector.record_output()
            now += 7.9
            self.assertFalse(detector.has_stopped([one]))
            self.assertFalse(detector.has_stopped([one._replace(used="1")]))
            now += 7.9
            self.assertFalse(detector.has_stopped([one._replace(used="1")]))
            now += 0.1
            self.assertTrue(detector.has_stopped([one._replace(used="1")]))
            self.assertFalse(detector.has_stopped([]), "one that ends is a sign of life")

    def test_where_nobody_could_look_it_has_another_moment(self) -> None:
        now = time.monotonic()
        with mock.patch.object(clock, "monotonic", lambda: now):
            detector, one = StallDetector(8.0), process.Process(1, 0, 1, 1, "S", "0")
            now += 1.0
            self.assertFalse(detector.has_stopped([one]))
            now += 3600.0  # a machine that was halted, with all that is on it
            self.assertFalse(detector.has_stopped([one]))
            now += 1.5
            self.assertFalse(detector.has_stopped([one._replace(used="1")]), "it goes on")
            for _ in range(2):
                now += 10.0
                found = detector.has_stopped([one._replace(used="1")])
            self.assertTrue(found, "it is not waited for where all looks are late")

    def test_silence_is_told_from_its_last_sign_of_life(self) -> None:
        now = start = time.monotonic()
        with mock.patch.object(clock, "monotonic", lambda: now):
            detector, one = StallDetector(None), process.Process(1, 0, 1, 1, "S", "0")
            seen = []
            while now < start + 3 * SILENT:
                now = detector.due
                self.assertFalse(detector.has_stopped([one]))
                seen.append(detector.silent_since)
            self.assertEqual([place for place, since in enumerate(seen) if since], list(range(SELDOM, len(seen))))
            self.assertEqual(len(set(seen)), 2, "it does not change while the silence lasts")
            still = time.time() - clock.to_seconds(seen[-1])
            self.assertAlmostEqual(
                still, SILENT, delta=30, msg="since when it was found silent, it had been so for long"
            )
            self.assertLess(len(seen), 12, "it is looked at seldom")
            self.assertFalse(detector.has_stopped([one._replace(used="1")]))
            self.assertEqual(detector.silent_since, "")
            now += SILENT
            detector.has_stopped([one._replace(used="1")])
            self.assertTrue(detector.silent_since)
            detector.record_output()
            self.assertEqual(detector.silent_since, "")


if __name__ == "__main__":
    unittest.main()
