"""An order to stop reaches what is about to start, too."""

from __future__ import annotations

import os
import signal
import unittest
from unittest import mock

from txlite.agents.agent import Agent
from txlite.agents.roster import Roster
from txlite.execution.attempt_runner import GIVING_UP, AttemptRunner, AttemptStopped
from txlite.execution.executor import Limits, NoRoomToStart
from txlite.execution.guarded_process import GuardedProcess
from txlite.execution.sources import QueueSource
from txlite.execution.starting import PATIENCE, StartWait
from txlite.execution.stop_policy import KILL, LEAVE, STOP, StopPolicy
from txlite.execution.worker import Worker
from txlite.execution.worker_context import WorkerContext, WorkerSettings
from txlite.system import clock
from txlite.system.event_loop import EventLoop

from ..case import Case, running, wait_until


class Ordered(Case):
    def setUp(self) -> None:
        super().setUp()
        self.store().add(command=f"touch {self.path('started')}", directory=self.directory)
        events = EventLoop()
        events.open()
        self.addCleanup(events.close)
        database = os.path.join(self.home, "tasks.db")
        roster = Roster((Agent("shell"),))
        settings = WorkerSettings(database, "worker-1", "worker-1", None, roster, 3, Limits(), 1 << 20)
        self.policy = StopPolicy()
        self.context = WorkerContext(settings, events, self.policy)
        self.runner = AttemptRunner(self.context)
        source = QueueSource(self.context.store, settings, settings.roster.lanes)
        self.worker = Worker(self.context, source, self.runner)
        self.worker.register()
        self.assignment = source.take()

    def test_an_agent_is_not_started_when_the_order_came_between_claim_and_start(self) -> None:
        assert self.assignment
        self.policy.order(STOP)
        result = self.runner.run(self.assignment)
        self.worker.record(self.assignment, result)
        self.worker.close()
        self.assertEqual((result.outcome, result.note), ("interrupted", "it was stopped"))
        self.assertFalse(os.path.exists(self.path("started")))
        self.assertEqual([task["status"] for task in self.json("list")], ["backlog"])

    def test_a_command_of_the_attempt_is_not_started_either(self) -> None:
        assert self.assignment
        self.policy.order(STOP)
        with self.assertRaises(AttemptStopped):
            self.runner.check()
        self.worker.record(self.assignment, self.policy.result)
        self.worker.close()

    def test_no_end_is_recorded_while_what_was_started_cannot_be_ended(self) -> None:
        assert self.assignment
        task = self.assignment.task._replace(command=f"exec sleep {self.nap}")
        broken = mock.patch.object(GuardedProcess, "advance", side_effect=OSError(24, "Too many open files"))
        with broken:
            with self.assertRaises(OSError):
                self.runner.run(self.assignment._replace(task=task))
            with self.assertRaises(OSError):
                self.runner.end(GIVING_UP)
        wait_until(lambda: running(self.nap), "the agent")
        result = self.runner.end(GIVING_UP)  # the fault is over
        self.assertEqual(running(self.nap), [])
        self.worker.record(self.assignment, result)
        self.worker.close()


class Starts(unittest.TestCase):
    """A start for which the system has no room."""

    def setUp(self) -> None:
        self.policy = StopPolicy()
        self.context = mock.Mock(policy=self.policy)
        self.error = NoRoomToStart("no process could be started")

    def test_it_is_waited_for_until_the_worker_has_to_leave(self) -> None:
        wait = StartWait(self.context)
        self.assertEqual([wait.bear(self.error) for _ in range(3)], [None] * 3)
        self.policy.order(LEAVE)
        result = wait.bear(self.error)
        assert result
        self.assertEqual((result.outcome, wait.trouble), ("interrupted", None))

    def test_the_wait_is_bounded(self) -> None:
        waits = StartWait(self.context), StartWait(self.context, interruptible=False)
        with mock.patch.object(clock, "monotonic", return_value=clock.monotonic() + PATIENCE):
            result = waits[0].bear(self.error)
            assert result
            self.assertEqual(result.outcome, "interrupted")
            self.assertIn("see `ulimit -u`", str(waits[0].trouble))
            with self.assertRaises(NoRoomToStart):
                waits[1].bear(self.error)


class Policy(unittest.TestCase):
    def test_signals_closer_than_a_second_are_one(self) -> None:
        signals: list[int] = []
        policy = StopPolicy(signals)
        now = 1000.0
        with mock.patch.object(clock, "monotonic", lambda: now):
            for moment, stage in ((1000.0, LEAVE), (1000.0, LEAVE), (1000.9, LEAVE), (1001.0, STOP)):
                now = moment
                signals.append(signal.SIGTERM)
                policy.judge()
                self.assertEqual(policy.stage, stage, moment)

    def test_it_never_goes_back(self) -> None:
        policy = StopPolicy([signal.SIGQUIT])
        policy.judge()
        self.assertEqual(policy.stage, KILL)
        policy.order(LEAVE)
        self.assertTrue(policy.must_kill)

    def test_running_attempts_get_as_long_as_was_said(self) -> None:
        policy, now = StopPolicy([signal.SIGTERM], drain=5.0), 1000.0
        with mock.patch.object(clock, "monotonic", lambda: now):
            for moment, stage in ((1000.0, LEAVE), (1004.9, LEAVE), (1005.0, STOP)):
                now = moment
                policy.judge()
                self.assertEqual(policy.stage, stage, moment)

    def test_time_alone_is_no_second_signal(self) -> None:
        policy, now = StopPolicy([signal.SIGTERM, signal.SIGTERM]), 1000.0
        with mock.patch.object(clock, "monotonic", lambda: now):
            policy.judge()
            now += 3600
            policy.judge()
        self.assertEqual(policy.stage, LEAVE)


if __name__ == "__main__":
    unittest.main()
