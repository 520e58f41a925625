"""What one process asks of Slurm for all its jobs: how they stand, what becomes of them, and their end.

    squeue    one for all jobs of this home (`slurm_polling`)
    scancel   for many jobs together
    tickets   looked at a few times a second, where their directory has changed: an end is seen without asking

Nothing blocks: commands are children whose answers are waited for in the caller's loop. How jobs come there,
`slurm_submissions` says. Made by `slurm`.
"""

from __future__ import annotations

from ...system import clock
from . import ticket
from .job_parts import CANCEL, TERM
from .shared_answer import SharedAnswer
from .slurm_command import SlurmCommands
from .slurm_polling import Polling
from .slurm_records import parse_shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .job_course import JobCourse
    from .slurm_command import Answer
    from .slurm_records import JobRecord
    from .slurm_way import Way

LOOK, LOOK_EACH = 0.25, 0.001  # seconds between looks at the tickets: at the least, and for each job
TOGETHER = 200  # jobs that one scancel names
LEFT = 20.0  # seconds after its end for which a job may be listed as alive
IDLE = 60.0  # seconds between turns where there is no job


class SlurmCluster:
    """Slurm, as one process of a home uses it. `jobs`: those that are not over, by attempt."""

    def __init__(self, home: str, uuid: str, way: Way, say: Callable[[str], None]) -> None:
        """home: its directory; way: as what attempts come to Slurm; say: tells a person."""
        self.jobs: dict[int, JobCourse] = {}
        self.polling = Polling(say)
        self.commands = SlurmCommands(self.polling.fail)
        self.submissions = way.make_submissions(uuid, self.commands, self.polling, say)
        self._way = way
        self._home = home
        self._shared = SharedAnswer(home, way.name)
        self._prefix = f"tx-{uuid.replace('-', '')[:12]}-"
        self._ended: dict[str, float] = {}  # names of jobs that are over, and since when
        self._is_asking = False
        self._pressing: set[int] = set()  # of the jobs, those for which an answer is waited for
        self._look_at, self._changed = 0.0, -1

    def name_of(self, attempt: int) -> str:
        """Return the name of an attempt's job."""
        return f"{self._prefix}{attempt}"

    @property
    def is_crowded(self) -> bool:
        """Whether no more jobs can be submitted now."""
        return self.submissions.is_crowded or self.polling.is_silent

    @property
    def descriptors(self) -> list[int]:
        """Return what to wait for."""
        return self.commands.descriptors

    @property
    def patience(self) -> float:
        """Return the seconds until `advance` must be called though nothing came."""
        now = clock.monotonic()
        due = [self._look_at if self.jobs else now + IDLE, self.submissions.due]
        if self.jobs and not self._is_asking:
            due.append(self.polling.due(self._is_pressing()))
        return max(min(min(due) - now, self.commands.patience), 0.0)

    def add(self, job: JobCourse) -> None:
        """Care for a job from now on."""
        self.jobs[job.ticket.attempt] = job

    def _ask_about(self, job: JobCourse) -> None:
        """Ask what became of a job that is listed no more: Slurm remembers it for some minutes, its accounting longer,
        where there is one."""
        job.wants_history = False
        sacct = ["sacct", "-n", "-X", "-P", "-j", job.id, "-o", "State,JobName%80"]

        def hear(answer: Answer) -> None:
            record = None if answer.code else parse_shown(answer.output, job.id, job.name)
            if record:
                job.hear_final(record)
            else:
                self.commands.run(sacct, hear_accounting)

        def hear_accounting(answer: Answer) -> None:
            job.hear_final(None if answer.code else parse_shown(answer.output, job.id, job.name))

        self.commands.run(["scontrol", "-o", "show", "job", job.id], hear)

    def advance(self, readable: Collection[int]) -> None:
        """Do what is due."""
        self.commands.advance(readable)
        now = clock.monotonic()
        if self.jobs and (now >= self._look_at or self.submissions.has_news()):
            self._look(now)
        self.submissions.start()
        self._send_signals()
        if self.jobs and not self._is_asking and now >= self.polling.due(self._is_pressing()):
            self._ask()

    def _is_pressing(self) -> bool:
        pressing = {attempt for attempt, job in self.jobs.items() if job.is_pressing}
        if pressing - self._pressing:
            self.polling.hurry()
        self._pressing = pressing
        return bool(pressing)

    def _look(self, now: float) -> None:
        self._look_at = now + max(LOOK, LOOK_EACH * len(self.jobs))
        changed = ticket.changed(self._home)
        found = ticket.scan(self._home) if changed != self._changed or not changed else {}
        self._changed = changed
        for attempt, job in list(self.jobs.items()):
            state = job.state
            job.see(found.get(attempt, ()))
            job.turn()
            if job.state != state:
                self.polling.note_change()
            if job.result:
                del self.jobs[attempt]
                self._ended[job.name] = now
                self.submissions.forget(job)

    def _send_signals(self) -> None:
        if self.polling.is_silent:
            return  # it may have been killed
        for signal in (CANCEL, TERM):
            wanted = [job for job in self.jobs.values() if job.signal == signal]
            for first in range(0, len(wanted), TOGETHER):
                part = wanted[first : first + TOGETHER]
                self._signal(signal, [job.id for job in part])
                for job in part:
                    job.end.note_sent()

    def _signal(self, signal: str, ids: list[str]) -> None:
        """Send it; whether it came there, squeue will show."""
        how = self._way.gently if signal == TERM else ()
        self.commands.run(["scancel", "--quiet", *how, *ids], self._hear_signalled)

    def _hear_signalled(self, answer: Answer) -> None:
        self.polling.hurry()

    def _ask(self) -> None:
        self.polling.ask()
        known = self._shared.read()
        if known:
            self._hear_jobs(known)
        else:
            self._is_asking = self.commands.run(list(self._way.listing), self._hear_own)

    def _hear_own(self, answer: Answer) -> None:
        if not answer.code:
            self._shared.write(answer)
        self._hear_jobs(answer)

    def _hear_jobs(self, answer: Answer) -> None:
        self._is_asking = False
        if answer.code:
            self.polling.fail(answer.reason)
            return
        self.polling.succeed()
        try:
            ticket.refresh(self._home)
        except OSError:
            pass  # a full disk: then an end is seen later
        self._look_at, self._changed = 0.0, -1
        records = self._way.parse(answer.output, self._prefix)
        for job in list(self.jobs.values()):
            if job.name in records or not self.submissions.is_on_its_way(job):
                job.hear_records(records.get(job.name) or self.submissions.find_ended(job), answer.asked)
            if job.wants_submission:
                self.submissions.submit_again(job)
            if job.wants_history and self._way.remembers:
                self._ask_about(job)
        self._cancel_left(records)

    def _cancel_left(self, records: Mapping[str, list[JobRecord]]) -> None:
        """End what is listed of attempts that are over: what was submitted twice, which would run nothing, and what a
        controller takes for running that was killed and has forgotten its end."""
        long_ago = clock.monotonic() - LEFT
        names = {self.name_of(attempt) for attempt in self.submissions.repeated - set(self.jobs)}
        names.update(name for name, ended in self._ended.items() if ended < long_ago)
        left = [record.id for name in names for record in records.get(name, ()) if not record.is_over]
        self._ended = {name: ended for name, ended in self._ended.items() if ended >= long_ago or name in records}
        if left:
            self._signal(CANCEL, left[:TOGETHER])
