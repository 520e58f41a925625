"""The course of a job, told what Slurm says: when it is over, and when nobody can know."""

from __future__ import annotations

import json
import os
import select
from unittest import mock

from txlite.agents.environment import Invocation
from txlite.execution.executor import Limits
from txlite.execution.executors import slurm_cluster
from txlite.execution.executors.job_course import FORGOTTEN, JobCourse
from txlite.execution.executors.job_parts import parse_ending
from txlite.execution.executors.slurm_cluster import SlurmCluster
from txlite.execution.executors.slurm_command import Answer
from txlite.execution.executors.slurm_ending import Discarded
from txlite.execution.executors.slurm_records import JobRecord, judge_untaken, parse_shown
from txlite.execution.executors.slurm_way import JobWay
from txlite.execution.executors.ticket import Ticket
from txlite.store.attempts import Result
from txlite.system import clock

from ..case import Case, wait_until

STOPPED = Result("interrupted", note="it was stopped")


class Course(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.home)
        self.ticket = Ticket(self.home, 7)
        self.ticket.write(Invocation(["true"], None, {}), None, {})
        self.now = clock.monotonic()  # no time goes by but what a test says
        clocks = mock.patch.object(clock, "monotonic", lambda: self.now)
        clocks.start()
        self.addCleanup(clocks.stop)
        self.job = JobCourse("tx-home-7", self.ticket, b"script", Discarded(), Limits())
        self.job.hear_sent()

    def take(self) -> None:
        """Its guard takes the ticket."""
        os.rename(self.ticket.path, f"{self.ticket.path}.taken")
        self.job.see({".taken"})

    def hear(self, *states: str) -> None:
        """Squeue lists so many of its name, in these states."""
        self.job.hear_records([JobRecord("9", one, "", "n1", self.job.name) for one in states], clock.monotonic())

    def outcome(self, seconds: float = 0.0) -> str | None:
        """Its outcome when so many more seconds have gone by."""
        with mock.patch.object(self, "now", self.now + seconds):
            self.job.turn()
        return self.job.result.outcome if self.job.result else None

    def test_one_that_is_stopped_before_it_starts_never_will(self) -> None:
        self.job.hear_submitted("9")
        self.job.stop(STOPPED)
        self.assertFalse(os.path.exists(self.ticket.path))
        self.assertEqual(self.job.end.signal, "CANCEL")
        self.hear("CANCELLED")
        self.assertEqual(self.outcome(), "interrupted")

    def test_a_command_that_fails_says_nothing_of_it(self) -> None:
        said: list[str] = []
        cluster = SlurmCluster(self.home, "uuid", JobWay(), said.append)
        cluster.add(self.job)
        self.job.hear_submitted("9")
        self.take()
        cluster._hear_jobs(Answer(1, "squeue: error: it is closed today\n", clock.monotonic()))
        self.assertFalse(self.job.is_pressing)
        self.assertEqual(said, ["Slurm does not answer, and is waited for: it is closed today"])
        cluster._hear_jobs(Answer(0, "", clock.monotonic()))
        self.assertTrue(self.job.is_pressing)

    def test_a_job_that_slurm_forgot_while_it_ran(self) -> None:
        self.job.hear_submitted("9")
        self.take()
        self.hear("RUNNING")
        self.hear()
        self.assertTrue(self.job.wants_history)
        self.assertIsNone(self.outcome(FORGOTTEN - 1))
        self.assertEqual(self.outcome(FORGOTTEN + 1), "node-failed")

    def test_one_that_is_to_be_ended(self) -> None:
        self.job.hear_submitted("9")
        self.take()
        self.job.stop(STOPPED)
        self.hear()
        self.assertEqual(self.outcome(FORGOTTEN + 1), "node-failed")

    def test_one_that_is_to_be_ended_on_a_node_that_failed(self) -> None:
        self.job.hear_submitted("9")
        self.take()
        self.job.stop(STOPPED)
        self.hear("NODE_FAIL")
        self.assertEqual(self.outcome(10), "node-failed")

    def test_one_that_is_ended(self) -> None:
        self.job.hear_submitted("9")
        self.take()
        self.job.stop(STOPPED)
        self.hear("CANCELLED")
        self.assertIsNone(self.outcome())
        self.assertEqual(self.outcome(10), "interrupted")

    def test_one_that_slurm_forgot_while_it_waited(self) -> None:
        self.job.hear_submitted("9")
        self.hear("PENDING")
        self.hear()
        self.assertEqual(self.outcome(), "lost")
        self.assertTrue(self.ticket.is_revoked)

    def test_one_that_ran_nothing(self) -> None:
        for reason, outcome in (("NonZeroExitCode", "unstartable"), ("JobLaunchFailure", "lost")):
            with self.subTest(reason):
                record = JobRecord("9", "FAILED", reason, "n1", self.job.name)
                self.assertEqual(judge_untaken(record, "9").outcome, outcome)

    def test_what_may_have_come_is_not_over_as_there_is_no_room_for_it_again(self) -> None:
        self.job.hear_silence()
        self.hear()
        self.assertTrue(self.job.wants_submission)
        self.job.hear_sent()
        self.take()
        self.job.stop(STOPPED)
        self.job.hear_no_room("too many")
        self.assertIsNone(self.outcome())

    def test_nor_as_it_is_refused_the_second_time(self) -> None:
        self.job.hear_silence()
        self.hear()
        self.job.hear_sent()
        self.take()
        self.job.hear_refused("no")
        self.assertIsNone(self.outcome())
        self.hear("RUNNING")
        self.assertIsNone(self.outcome(100))

    def test_an_answer_older_than_the_submission_says_nothing(self) -> None:
        self.job.hear_submitted("9")
        self.job.hear_records([], self.now - 0.001)
        self.assertIsNone(self.outcome(100))
        self.assertFalse(self.ticket.is_revoked)

    def test_what_a_worker_that_died_had_cancelled_was_cancelled_by_nobody_else(self) -> None:
        self.job.hear_submitted("9")
        self.ticket.revoke()
        self.hear("CANCELLED")
        self.assertEqual(self.outcome(), "interrupted")

    def test_what_it_was_about_to_end_ends_so(self) -> None:
        self.job.hear_submitted("9")
        self.take()
        self.job.stop(STOPPED)
        note = json.loads(json.dumps(self.job.note))
        self.job = JobCourse("tx-home-7", self.ticket, b"", Discarded(), Limits())
        self.job.hear_silence()
        self.job.stop(parse_ending(note))
        self.hear("RUNNING")
        self.assertEqual(self.job.signal, "TERM")
        self.hear("CANCELLED")
        self.assertEqual(self.outcome(10), "interrupted")
        self.assertEqual(self.job.result.note, STOPPED.note)

    def test_a_job_that_could_not_be_started_on_its_node_is_tried_again(self) -> None:
        self.job.hear_submitted("9")
        self.hear("CANCELLED")
        self.assertEqual(self.outcome(), "lost")

    def test_an_id_that_may_be_another_s_by_now_is_sent_nothing(self) -> None:
        self.job.hear_submitted("9")
        self.take()
        self.job.hear_silence()
        self.job.stop(STOPPED)
        self.assertEqual(self.job.signal, "")
        self.hear("RUNNING")
        self.assertEqual(self.job.signal, "TERM")
        self.hear()
        self.assertEqual(self.job.signal, "")

    def test_what_is_remembered_of_another_job_with_its_id_is_not_its(self) -> None:
        shown = "JobId=9 JobName={} UserId=root(0) JobState=TIMEOUT Reason=TimeLimit NodeList=n1 "
        self.assertEqual(parse_shown(shown.format("tx-home-7"), "9", "tx-home-7").state, "TIMEOUT")
        self.assertIsNone(parse_shown(shown.format("tx-home-77"), "9", "tx-home-7"))
        self.assertEqual(parse_shown("CANCELLED by 0|tx-home-7\n", "9", "tx-home-7").state, "CANCELLED")
        self.assertIsNone(parse_shown("COMPLETED|other\n", "9", "tx-home-7"))

    def test_a_time_limit_counts_from_its_start_whoever_waits_for_it(self) -> None:
        self.take()
        wait_until(lambda: self.ticket.age > 0.2, "some time")
        for timeout, signal in ((600.0, ""), (0.2, "TERM")):
            self.job = JobCourse("tx-home-7", self.ticket, b"", Discarded(), Limits(timeout=timeout))
            self.job.hear_silence()
            self.job.see({".taken"})
            self.job.turn()
            self.assertEqual(self.job.end.signal, signal)


class Forgotten(Case):
    """A Slurm of two scripts, that takes a job for running whose guard wrote that it is over."""

    def setUp(self) -> None:
        super().setUp()
        commands = {"squeue": "echo '9|RUNNING|None|n1|tx-home-7'", "scancel": f"echo $@ >> {self.path('log')}"}
        for name, line in commands.items():
            with open(self.path(name), "w", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
                file.write(f"#!/bin/sh\n{line}\n")
        path = mock.patch.dict(os.environ, PATH=f"{self.directory}:{os.environ['PATH']}")
        path.start()
        self.addCleanup(path.stop)

    def test_it_is_cancelled_after_a_while(self) -> None:
        os.mkdir(self.home)
        ticket = Ticket(self.home, 7)
        ticket.write(Invocation(["true"], None, {}), None, {})
        os.rename(ticket.path, f"{ticket.path}.taken")
        cluster = SlurmCluster(self.home, "home", JobWay(), print)
        job = JobCourse(cluster.name_of(7), ticket, b"", Discarded(), Limits())
        job.hear_silence()
        cluster.add(job)
        with open(f"{ticket.path}.exit", "w") as file:
            file.write("0 n1 -\n")
        other = JobCourse(cluster.name_of(8), Ticket(self.home, 8), b"", Discarded(), Limits())
        other.hear_submitted("8")
        cluster.add(other)
        with mock.patch.object(slurm_cluster, "LEFT", 0.0):

            def turn() -> str:
                cluster.advance(select.select(cluster.descriptors, [], [], 0.01)[0])
                return self.read("log")

            self.assertEqual(wait_until(turn, "a scancel"), "--quiet 9\n")
        self.assertEqual(job.result.outcome, "done")
