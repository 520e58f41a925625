"""What a submission's answer means, in the words of Slurm 22.05; and when the next one is tried."""

from __future__ import annotations

import os
from collections.abc import Callable
from unittest import mock

from txlite.agents.environment import Invocation
from txlite.execution.executor import Limits
from txlite.execution.executors.job_course import JobCourse
from txlite.execution.executors.slurm_command import Answer
from txlite.execution.executors.slurm_ending import Discarded
from txlite.execution.executors.slurm_polling import Polling
from txlite.execution.executors.slurm_submissions import AGAIN, AT_ONCE, Submissions, is_crowded, is_silent
from txlite.execution.executors.ticket import Ticket
from txlite.system import clock

from ..case import Case

FAILED = "sbatch: error: Batch job submission failed: "
POLICY = f"{FAILED}Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n"
LIMIT = f"sbatch: error: AssocMaxSubmitJobLimit\n{POLICY}"
RETRYING = "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n"
REFUSED = (
    f"sbatch: error: invalid partition specified: nix\n{FAILED}Invalid partition name specified\n",
    f"{FAILED}Requested node configuration is not available\n",
    f"{FAILED}Invalid account or account/partition combination specified\n",
    f"{FAILED}Invalid qos specification\n",
    f"{FAILED}Requested time limit is invalid (missing or exceeds some limit)\n",
    f"sbatch: error: QOSMaxWallDurationPerJobLimit\n{POLICY}",
    "sbatch: error: Invalid generic resource (gres) specification\n",
    "sbatch: unrecognized option '--foo'\nTry \"sbatch --help\" for more information\n",
)
SILENT = (
    f"{FAILED}Socket timed out on send/recv operation\n",
    f"{FAILED}Unable to contact slurm controller (connect failure)\n",
    "sbatch: error: Munge encode failed: Failed to connect to \"/run/munge.sock\": Connection refused\n"
    f"{FAILED}Protocol authentication error\n",
)  # fmt: skip


class Words(Case):
    def test_too_many_jobs(self) -> None:
        for words in (LIMIT, LIMIT.replace("AssocMaxSubmitJobLimit", "QOSGrpSubmitJobsLimit"), RETRYING):
            with self.subTest(words):
                self.assertTrue(is_crowded(words, took_others=False))
        self.assertFalse(is_crowded(POLICY, took_others=False), "it may be another limit")
        self.assertTrue(is_crowded(POLICY, took_others=True))

    def test_refused(self) -> None:
        for words in REFUSED:
            with self.subTest(words):
                self.assertFalse(is_crowded(words, took_others=True) or is_silent(words))

    def test_no_answer(self) -> None:
        for words in SILENT:
            with self.subTest(words):
                self.assertTrue(is_silent(words) and not is_crowded(words, took_others=True))


class Commands:
    """Stands for the commands of a process: notes who waits for each answer."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[Answer], object]] = []

    def run(self, argv: list[str], then: Callable[[Answer], object], environment: object, stdin: object) -> bool:
        self.waiting.append(then)
        return True


class Pauses(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.home)
        self.said: list[str] = []
        self.commands = Commands()
        self.submissions = Submissions("0" * 32, self.commands, Polling(self.said.append), self.said.append)  # type: ignore[arg-type]
        self.jobs = [self.submit(number) for number in range(1, AT_ONCE + 1)]

    def submit(self, number: int) -> JobCourse:
        ticket = Ticket(self.home, number)
        ticket.write(Invocation(["true"], None, {}), None, {})
        job = JobCourse(f"tx-home-{number}", ticket, b"script", Discarded(), Limits())
        self.submissions.submit(job, ["sbatch"], {})
        return job

    def answer(self, code: int, words: str) -> None:
        self.commands.waiting.pop(0)(Answer(code, words, clock.monotonic()))

    def test_what_was_submitted_together_has_one_pause(self) -> None:
        for _ in self.jobs:
            self.answer(1, LIMIT)
        self.assertLessEqual(self.submissions.due, clock.monotonic() + AGAIN)
        self.assertEqual(len(self.said), 1)

    def test_it_is_tried_again_when_one_of_ours_has_ended_however_the_answers_came(self) -> None:
        for answers in ((LIMIT, "7\n"), ("7\n", LIMIT)):
            for words in answers:
                self.answer(1 if words == LIMIT else 0, words)
        self.assertEqual((self.submissions.is_crowded, self.commands.waiting), (True, []))
        self.submissions.forget(self.jobs[1])
        self.submissions.start()
        self.assertEqual(len(self.commands.waiting), 2)

    def test_the_limit_is_told_of_once(self) -> None:
        for minutes in range(4):
            now = clock.monotonic() + 60 * minutes
            with mock.patch.object(clock, "monotonic", lambda now=now: now):
                self.submissions.start()
                self.answer(1, LIMIT)
        self.assertEqual(len(self.said), 1)
