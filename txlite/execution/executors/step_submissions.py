"""How steps come into the allocation in which this process runs: each by an srun(1), which stays as long as its step.

Its end says that the step is over, or never was, but for one that was killed: then squeue is asked. A step that has not
begun is ended by ending its srun. Where there is no room for one, srun waits by itself. What Slurm refuses for another
reason than that it does not answer, or that the allocation itself is ending, it would refuse again. Made by
`slurm_way`; used by `slurm_cluster`, as `slurm_submissions` is for jobs.
"""

from __future__ import annotations

import os
import re
from collections import deque
from functools import partial

from ...model import QUEUED
from ...system import clock, process_tree
from .guard import UNTAKEN
from .slurm_records import JobRecord
from .slurm_submissions import is_silent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .job_course import JobCourse
    from .slurm_command import Answer, SlurmCommand, SlurmCommands
    from .slurm_polling import Polling

AGAIN = 5.0  # seconds until a start is tried again for which there was no process
IDLE = 60.0  # seconds between turns while nothing waits
LONG = 1e9  # seconds that a step may take
# The allocation is ending, or a node of it is away.
_ENDING = re.compile(r"already complet|invalid job|job id|revoked|not available|are busy|credential|expired", re.I)
_NO_MEMORY = re.compile(r"oom[_-]kill|out of memory|exceeded \w* ?memory limit", re.I)
# What the environment would change in a step: srun(1), "input environment variables".
_CHANGING = re.compile(
    rb"SRUN_.*|SLURM_STEP.*|SLURM_(CPU_BIND|MEM_BIND|DISTRIBUTION|EXACT|EXCLUSIVE|OVERLAP|WHOLE|EXPORT_ENV|HINT|IMMEDIATE"
    rb"|KILL_BAD_EXIT|LABELIO|NNODES|NO_KILL|NPROCS|NTASKS|NTASKS_PER_\w+|OPEN_MODE|RELATIVE|RESTRAIN|SPREAD_JOB"
    rb"|STDERRMODE|STDINMODE|STDOUTMODE|TASKS_PER_NODE|TIMELIMIT|UNBUFFEREDIO|WAIT|DEBUG|MEM_PER_\w+|THREADS\w*)"
)


class StepSubmissions:
    """The steps of one process that are to be started, or run. `repeated`: none, as no step is started twice."""

    def __init__(self, uuid: str, commands: SlurmCommands, polling: Polling) -> None:
        """uuid: of the home, for the mark on what starts them."""
        self.repeated: set[int] = set()
        self._uuid = uuid
        self._commands = commands
        self._polling = polling
        self._waiting: deque[JobCourse] = deque()
        self._orders: dict[int, list[str]] = {}  # by attempt
        self._ended: dict[int, JobRecord] = {}  # by attempt: what its srun said of its end
        self._running: dict[int, tuple[JobCourse, SlurmCommand]] = {}  # by attempt
        self._has_news = False
        self._next = 0.0

    @property
    def is_crowded(self) -> bool:
        """Whether there is no room for more steps now."""
        return self._next > clock.monotonic()

    @property
    def due(self) -> float:
        """Return the monotonic time at which to `start`."""
        return self._next if self._waiting else clock.monotonic() + IDLE

    def is_on_its_way(self, job: JobCourse) -> bool:
        """Return whether a step may come yet though it is not listed."""
        return job.ticket.attempt in self._running

    def has_news(self) -> bool:
        """Return whether a step has ended since this was asked."""
        has_news, self._has_news = self._has_news, False
        return has_news

    def find_ended(self, job: JobCourse) -> list[JobRecord]:
        """Return what follows of one that is not listed: if it had begun, it has ended."""
        ended = self._ended.get(job.ticket.attempt)
        if not ended and job.ticket.is_taken:
            ended = _end_of(job, "COMPLETED")
        return [ended] if ended else []

    def submit(self, job: JobCourse, argv: list[str], environment: Mapping[bytes, bytes]) -> None:
        """Start a step by this command; what it needs of the environment stands in its ticket."""
        self._orders[job.ticket.attempt] = argv
        self._waiting.append(job)
        self.start()

    def submit_again(self, job: JobCourse) -> None:
        """Start a step that is not there."""
        job.wants_submission = False
        self._waiting.append(job)

    def forget(self, job: JobCourse) -> None:
        """Take it that a step is over."""
        self._orders.pop(job.ticket.attempt, None)
        self._ended.pop(job.ticket.attempt, None)

    def start(self) -> None:
        """Start what can be started now, and end what has not begun and is wanted no more."""
        while self._waiting and clock.monotonic() >= self._next:
            job = self._waiting.popleft()
            if not job.result:  # else it was stopped
                self._start(job)
        for job, command in list(self._running.values()):
            if job.end.result and job.state == QUEUED and not job.ticket.is_taken:
                command.kill()

    def _start(self, job: JobCourse) -> None:
        attempt = job.ticket.attempt
        job.hear_sent()
        job.around = os.environ.get("SLURM_JOB_ID", "")
        argv = [*self._orders[attempt], "sh", "-c", os.fsdecode(job.script)]
        process_tree.mark_children(self._uuid, attempt)  # recovery ends what starts it
        command = self._commands.start(argv, partial(self._hear, job), step_environment(os.environb), deadline=LONG)
        process_tree.mark_children(self._uuid, 0)
        if command:
            self._running[attempt] = (job, command)
            job.hear_submitted("")
        else:
            self._next = clock.monotonic() + AGAIN
            self._waiting.appendleft(job)
            job.hear_no_room("no process could be started")

    def _hear(self, job: JobCourse, answer: Answer) -> None:
        """Take the end of an srun."""
        del self._running[job.ticket.attempt]
        self._has_news = True
        self._polling.note_change()
        if job.result:
            return
        if _NO_MEMORY.search(answer.output):
            self._ended[job.ticket.attempt] = _end_of(job, "OUT_OF_MEMORY")
        if job.ticket.is_taken or job.end.result:
            job.hear_submitted(job.id)
        elif answer.code == UNTAKEN:
            self._ended[job.ticket.attempt] = _end_of(job, "COMPLETED")
            job.hear_submitted(job.id)
        elif answer.code < 0 or is_silent(answer.output) or _ENDING.search(answer.output):
            self._polling.fail(answer.reason)
            job.hear_silence()
        else:
            job.hear_refused(answer.reason)


def _end_of(job: JobCourse, state: str) -> JobRecord:
    return JobRecord(job.id or job.around, state, "", job.node, job.name)


def step_environment(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return an environment in which srun starts a step of this allocation as it is told, and which is no attempt's:
    what belongs to one would be ended with it."""
    mark = process_tree.MARK.encode()
    return {name: value for name, value in environment.items() if name != mark and not _CHANGING.fullmatch(name)}
