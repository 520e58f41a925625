"""Allocations of Slurm, with a stand-in for its commands: when one counts as over, and how often that is asked."""

from __future__ import annotations

import os
import unittest
from unittest import mock

from txlite.execution.allocation import ALIVE, OVER, UNKNOWN, Allocation, Allocations, find_own
from txlite.execution.executors.slurm_command import LATE, Answer, SlurmCommand
from txlite.system import clock

from ..case import Case, wait_until

SQUEUE = """#!/bin/sh
echo "$*" >> "$CALLS"
cat "$JOBS"
"""
SCONTROL = """#!/bin/sh
echo "ClusterName             = here"
"""
INSIDE = {"SLURM_JOB_ID": "5", "SLURM_RESTART_COUNT": "1", "SLURMD_NODENAME": "n1", "SLURM_CLUSTER_NAME": "here"}


class Judged(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.path("path"))
        for name, text in (("squeue", SQUEUE), ("scontrol", SCONTROL)):
            with open(self.path(f"path/{name}"), "w") as file:
                file.write(text)
            os.chmod(self.path(f"path/{name}"), 0o755)
        path = self.path("path") + ":" + os.environ["PATH"]
        patch = mock.patch.dict(os.environ, PATH=path, CALLS=self.path("calls"), JOBS=self.path("jobs"))
        patch.start()
        self.addCleanup(patch.stop)
        self.known = Allocations()

    def list_jobs(self, *lines: str) -> None:
        with open(self.path("jobs"), "w") as file:
            file.write("".join(line + "\n" for line in lines))

    def judge(self, *texts: str) -> list[str]:
        """What is known of these once Slurm was asked."""
        self.known.begin()
        for text in texts:
            self.known.judge(text)
        wait_until(lambda: self.known.advance() or not self.known.is_asking, "an answer")
        self.known.begin()
        return [self.known.judge(text) for text in texts]

    def calls(self) -> int:
        return len(self.read("calls").splitlines())

    def test_what_is_not_listed_or_has_ended_is_over(self) -> None:
        self.list_jobs("1 RUNNING", "2 COMPLETING", "3 SUSPENDED", "4 PENDING", "6 TIMEOUT", "7 NODE_FAIL", "9 NEW")
        texts = ["1.0@here", "2.0@here", "3.0@here", "4.0@here", "6.0@here", "7.0@here", "8.0@here", "9.0@here", "8.1"]
        wanted = [ALIVE, ALIVE, ALIVE, OVER, OVER, UNKNOWN, OVER, ALIVE, OVER]
        self.assertEqual(self.judge(*texts), wanted)
        self.assertEqual(self.calls(), 1, "one question for all")

    def test_one_of_which_nobody_asked_is_not_over(self) -> None:
        self.list_jobs("1 RUNNING")
        self.assertEqual(self.judge("2.0@here"), [OVER])
        self.list_jobs("1 RUNNING", "3 RUNNING")
        self.assertEqual(self.known.judge("3.0@here"), ALIVE, "the answer was older than it")
        self.assertEqual(self.judge("3.0@here"), [ALIVE])

    def test_another_cluster_and_no_answer_say_nothing(self) -> None:
        self.list_jobs("1 RUNNING")
        self.assertEqual(self.judge("1.0@there", "2.0@there", "", "nonsense"), [UNKNOWN] * 4)
        os.unlink(self.path("jobs"))  # squeue fails
        self.assertEqual(self.judge("3.0@here"), [UNKNOWN])
        self.known = Allocations()
        with mock.patch.dict(os.environ, PATH=self.path("nothing")):
            self.assertEqual(self.judge("3.0@here"), [UNKNOWN])

    def test_a_command_that_somebody_else_collected(self) -> None:
        answers: list[Answer] = []
        command = SlurmCommand(["sh", "-c", "echo words"], dict(os.environb), answers.append)
        os.waitid(os.P_PID, command._child.pid, os.WEXITED)  # as a subreaper does with orphans
        command.advance(command.descriptors)
        command.kill()
        self.assertEqual([(answer.code, answer.output) for answer in answers], [(LATE, "words\n")])

    def test_it_is_asked_seldom(self) -> None:
        self.list_jobs("1 RUNNING")
        now, pauses = 1000.0, []
        with mock.patch.object(clock, "monotonic", lambda: now):
            self.judge("1.0@here")
            for _ in range(7):
                self.known.judge("1.0@here")
                pauses.append(self.known.patience)
                now += pauses[-1] - 0.1
                self.assertFalse(self.known.advance())
                self.assertEqual(self.calls(), len(pauses), "it was asked too early")
                now += 0.1
                wait_until(self.known.advance, "an answer")
        self.assertEqual((pauses, self.calls()), ([2, 4, 8, 16, 32, 60, 60], 8))
        self.known.begin()
        self.assertIsNone(self.known.patience)

    def test_the_own_one_is_known_without_a_question(self) -> None:
        with mock.patch.dict(os.environ, INSIDE):
            known = Allocations()
        states = [known.judge(text) for text in ("5.0@here", "5.1@here", "5.2@here", "4.0@here")]
        self.assertEqual(states, [OVER, ALIVE, ALIVE, ALIVE])
        self.assertTrue(known.is_asking, "of the last one")

    def test_which_is_the_own_one(self) -> None:
        self.assertEqual(find_own(INSIDE), Allocation("5", 1, "here"))
        self.assertEqual(str(find_own(INSIDE)), "5.1@here")
        self.assertEqual(Allocation.parse("5.1@here"), find_own(INSIDE))
        self.assertEqual(Allocation.parse("5.1"), Allocation("5", 1, ""))
        self.assertEqual(find_own({**INSIDE, "SLURM_RESTART_COUNT": ""}), Allocation("5", 0, "here"))
        self.assertIsNone(find_own({}))
        self.assertIsNone(find_own({"SLURM_JOB_ID": "5"}), "a shell that salloc started on the login host")


if __name__ == "__main__":
    unittest.main()
