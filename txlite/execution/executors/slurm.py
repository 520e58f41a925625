"""Attempts as jobs of Slurm: one sbatch(1) for each, with a guard that runs nothing without its ticket.

Guarantees: an attempt runs at most once, however often its job is submitted or started; what is left of it is found and
ended by its name, wherever this process died; nothing here waits for Slurm otherwise than in its owner's loop. Nothing
of Python is needed on the nodes, but they must see home. Made by `places`, for workers and for recovery.
"""

from __future__ import annotations

import os
import resource

from ...errors import UsageError
from ...system import process_tree
from ..executor import CannotStart, Limits
from . import ticket
from .job_course import JobCourse
from .job_parts import parse_ending
from .slurm_cluster import SlurmCluster
from .slurm_ending import Discarded, JobEnding
from .slurm_job import SlurmJob
from .slurm_options import parse_options
from .ticket import Ticket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ...agents.environment import Invocation
    from ...agents.results import Sink
    from ..executor import PlaceSettings
    from .slurm_way import Way


BESIDE = 100  # descriptors beside those of reports


class SlurmExecutor:
    """Slurm (a `RemoteExecutor`). `cluster`: what is asked of it."""

    def __init__(
        self,
        home: str,
        uuid: str,
        settings: PlaceSettings,
        way: Way,
        say: Callable[[str], None],
        spared: Callable[[], Collection[int]],
    ) -> None:
        """home: its directory; way: as what attempts come to Slurm; say: tells a person."""
        self.note_after = 0.0
        self.cluster = SlurmCluster(home, uuid, way, say)
        self._way = way
        self._home = home
        self._uuid = uuid
        self._settings = settings
        self._spared = spared
        self._limit: list[str] = []  # what sets a limit for what is started, where ours is another

    def start(
        self,
        invocation: Invocation,
        directory: str | None,
        sink: Sink,
        attempt: int,
        limits: Limits,
        leaves_daemons: bool = False,
        options: str | None = None,
        errors: Sink | None = None,
    ) -> SlurmJob:
        """Submit a job of this attempt; its stdout and stderr are one file. Raises CannotStart."""
        paper = Ticket(self._home, attempt)
        mark = f"{self._uuid}:{attempt}"
        environment = {**invocation.environment, b"TXLITE_DONE_FILE": os.fsencode(paper.done_file)}
        if b"TXLITE_DONE_FILE" in invocation.environment:
            environment = dict(invocation.environment)
        try:
            paper.write(invocation._replace(environment=environment), directory, os.environb)
        except OSError as error:
            raise CannotStart(f"its ticket could not be written: {error.strerror}") from error
        job = self._make(paper, paper.script(mark, limits.kill_after, leaves_daemons), sink, limits)
        environment.pop(process_tree.MARK.encode(), None)  # what the guard has of it would be found as the attempt's
        self.cluster.submissions.submit(job, self._command(job.name, options), environment)
        return SlurmJob(job, self.cluster)

    def _make(self, paper: Ticket, script: bytes, sink: Sink, limits: Limits) -> JobCourse:
        job = JobCourse(self.cluster.name_of(paper.attempt), paper, script, sink, limits)
        job.retries_node_failure = self._settings.retries_node_failures
        self.cluster.add(job)
        return job

    def make_room(self, count: int) -> None:
        """Let this process have the reports of so many attempts open; what it starts keeps the limit that it had, which
        Slurm would give to jobs, too."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and count + BESIDE > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            self._limit = ["sh", "-c", 'ulimit -Sn "$0"; exec "$@"', str(soft)]

    def _command(self, name: str, options: str | None) -> list[str]:
        try:
            given = [*self._settings.options, *parse_options(options or "")]
        except UsageError as error:  # it was imported, or came through Python
            raise CannotStart(str(error)) from error
        return [*self._limit, *self._way.command(name, given)]

    def resume(self, attempt: int, sink: Sink, limits: Limits) -> SlurmJob:
        """Take over an attempt whose worker died; what it wrote comes from the beginning."""
        job = self._make(Ticket(self._home, attempt), b"", sink, limits)
        note = ticket.read_note(self._home, attempt)
        job.id = str(note.get("job") or "")
        job.hear_silence()
        ending = parse_ending(note)
        if ending:
            job.stop(ending)
        return SlurmJob(job, self.cluster)

    @property
    def descriptors(self) -> list[int]:
        """Return what to wait for, for all that was started here."""
        return self.cluster.descriptors

    @property
    def patience(self) -> float:
        """Return the seconds until `advance` must be called though nothing came."""
        return self.cluster.patience

    @property
    def is_crowded(self) -> bool:
        """Whether Slurm takes no more jobs now."""
        return self.cluster.is_crowded

    @property
    def is_silent(self) -> bool:
        """Return whether Slurm does not answer now."""
        return self.cluster.polling.is_silent

    def advance(self, readable: Collection[int]) -> None:
        """Do what is due for all that was started here."""
        self.cluster.advance(readable)

    def ending(self, attempt: int, note: Mapping[str, object], kill_after: float) -> JobEnding:
        """End what this attempt left: what submits it here, and its job."""
        submitting = process_tree.Tree(self._uuid, attempt, None, spared=self._spared)
        job = self.resume(attempt, Discarded(), Limits(kill_after=kill_after))
        return JobEnding(job, process_tree.Ending(submitting, 0.0))

    def write_note(self, attempt: int, note: Mapping[str, object]) -> None:
        """Keep what is known of an attempt with its ticket. Raises OSError."""
        Ticket(self._home, attempt).write_note({**note, **self._way.note})

    def read_note(self, attempt: int) -> dict[str, object]:
        """Return what its worker noted with its ticket."""
        return ticket.read_note(self._home, attempt)

    def read_output(self, attempt: int) -> bytes | None:
        """Return all that it wrote."""
        return Ticket(self._home, attempt).read_all()

    def clear(self, attempt: int) -> None:
        """Remove its ticket, and what lies beside it."""
        Ticket(self._home, attempt).remove()

    def noted_pid(self, note: Mapping[str, object]) -> int | None:
        """Return None: there is no process here."""
        return None
