"""How jobs come to Slurm: a few submissions at a time.

A limit on the number of jobs is waited for, and so is a Slurm that does not answer: neither costs an attempt. Where the
answer of a submission did not come, nobody knows whether the job is there: it is looked for by its name before it is
submitted again. What Slurm refuses for another reason, it would refuse again. Made by `slurm_cluster`.
"""

from __future__ import annotations

import re
from collections import deque
from functools import partial

from ...system import clock, process_tree
from .slurm_command import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .job_course import JobCourse
    from .slurm_command import Answer, SlurmCommands
    from .slurm_polling import Polling
    from .slurm_records import JobRecord

AT_ONCE = 4
AGAIN, LONGEST, GROWTH = 5.0, 60.0, 1.5  # seconds between tries, and by which factor they grow
_ID = re.compile(r"^(\d+)(;\S*)?$", re.M)
# The limit that was met, where it is named; and words for one on the number of jobs, where it is not.
_LIMIT = re.compile(r"\b(?:Assoc|QOS)\w+")
_CROWDED = re.compile(r"MaxJobCount|temporarily unable|job submit limit", re.I)
# It could not ask, or had no answer.
_SILENT = re.compile(
    r"Unable to contact|timed out|Connection re|Transport|Zero Bytes|connection failure|munge|authentication|standby"
    r"|Unexpected message|send/recv",
    re.I,
)


def is_silent(output: str) -> bool:
    """Return whether a command of Slurm's failed because it got no answer."""
    return bool(_SILENT.search(output))


def is_crowded(output: str, took_others: bool) -> bool:
    """Return whether a submission was refused because there are too many jobs; took_others: others of ours were taken,
    so that words which may mean that or something else mean that."""
    limits = _LIMIT.findall(output)
    if limits:
        return any("Submit" in limit for limit in limits)
    return bool(_CROWDED.search(output)) and (took_others or "job submit limit" not in output)


class Submissions:
    """The jobs of one process that are to be submitted. `repeated`: attempts that may have been submitted twice."""

    def __init__(self, uuid: str, commands: SlurmCommands, polling: Polling, say: Callable[[str], None]) -> None:
        """uuid: of the home, for the mark on what submits."""
        self.repeated: set[int] = set()
        self._uuid = uuid
        self._commands = commands
        self._polling = polling
        self._say = say
        self._waiting: deque[JobCourse] = deque()
        self._orders: dict[int, tuple[list[str], Mapping[bytes, bytes]]] = {}  # by attempt: argv, environment
        self._open = 0
        self._accepted = 0
        self._pause = 0.0
        self._next = 0.0
        self._has_said = False  # that there are too many: once, as at a limit this comes with each that ends

    @property
    def is_crowded(self) -> bool:
        """Whether there is no room for more jobs now."""
        return self._next > clock.monotonic()

    @property
    def due(self) -> float:
        """Return the monotonic time at which to `start`."""
        return self._next if self._waiting and self._open < AT_ONCE else clock.monotonic() + LONGEST

    def is_on_its_way(self, job: JobCourse) -> bool:
        """Return False: what becomes of an sbatch is known when it has ended."""
        return False

    def has_news(self) -> bool:
        """Return False: the end of an sbatch says nothing of its job's."""
        return False

    def find_ended(self, job: JobCourse) -> list[JobRecord]:
        """Return what follows of one that is not listed: nothing, as those that have ended are, for some minutes."""
        return []

    def submit(self, job: JobCourse, argv: list[str], environment: Mapping[bytes, bytes]) -> None:
        """Submit a job by this command, as soon as there is room."""
        self._orders[job.ticket.attempt] = (argv, plain(environment))
        self._waiting.append(job)
        self.start()

    def submit_again(self, job: JobCourse) -> None:
        """Submit a job once more that is not there, though it may come."""
        job.wants_submission = False
        self.repeated.add(job.ticket.attempt)
        self._waiting.append(job)

    def forget(self, job: JobCourse) -> None:
        """Take it that a job is over: there may be room now."""
        self._orders.pop(job.ticket.attempt, None)
        self._next = 0.0

    def start(self) -> None:
        """Submit what can be submitted now."""
        while self._waiting and self._open < AT_ONCE and clock.monotonic() >= self._next:
            job = self._waiting.popleft()
            if job.result:
                continue  # it was stopped
            job.hear_sent()
            argv, environment = self._orders[job.ticket.attempt]
            process_tree.mark_children(self._uuid, job.ticket.attempt)  # recovery ends what submits
            is_started = self._commands.run(argv, partial(self._hear, job), environment, job.script)
            process_tree.mark_children(self._uuid, 0)
            if is_started:
                self._open += 1
            else:
                self._wait(job, "no process could be started")

    def _hear(self, job: JobCourse, answer: Answer) -> None:
        self._open -= 1
        id = _ID.search(answer.output)
        if not answer.code and id:
            self._pause, self._accepted = 0.0, self._accepted + 1
            job.hear_submitted(id[1])
            self._polling.note_change()
        elif is_crowded(answer.output, self._accepted > 0):
            self._wait(job, answer.reason)
        elif answer.code < 0 or is_silent(answer.output):
            self._polling.fail(answer.reason)
            job.hear_silence()
        else:
            job.hear_refused(answer.reason)

    def _wait(self, job: JobCourse, words: str) -> None:
        """Submit it later: when one of ours has ended, or after a pause that grows."""
        if not self._has_said:
            self._say(f"Slurm takes no more jobs now, and is asked again: {words}")
            self._has_said = True
        if not self.is_crowded:  # several that were submitted together have one pause
            self._pause = min(self._pause * GROWTH or AGAIN, LONGEST)
            self._next = clock.monotonic() + self._pause
        self._waiting.appendleft(job)
        job.hear_no_room(words)
