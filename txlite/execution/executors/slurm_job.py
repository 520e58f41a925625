"""A job of Slurm as a process that somebody waits for (`executor.RemoteProcess`).

Its course is `job_course`'s; what is asked of Slurm for all jobs of this process, `slurm_cluster`'s. Made by `slurm`.
"""

from __future__ import annotations

from ...model import QUEUED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ...store.attempts import Result
    from .job_course import JobCourse
    from .slurm_cluster import SlurmCluster


class SlurmJob:
    """A job that was submitted for an attempt, or is to be."""

    def __init__(self, course: JobCourse, cluster: SlurmCluster) -> None:
        self.course = course
        self._cluster = cluster

    @property
    def result(self) -> Result | None:
        """Return how it ended; None until nothing of it is left."""
        return self.course.result

    @property
    def pid(self) -> int | None:
        """Return None: there is no process here."""
        return None

    @property
    def note(self) -> dict[str, object]:
        """Return what is told of it, and what finds it again."""
        return self.course.note

    @property
    def descriptors(self) -> list[int]:
        """Return what to wait for."""
        return self._cluster.descriptors

    @property
    def patience(self) -> float | None:
        """Return the seconds until `advance` must be called though nothing came."""
        return self._cluster.patience

    def advance(self, readable: Collection[int]) -> None:
        """Do what is due for all jobs of this process, without blocking."""
        self._cluster.advance(readable)

    def stop(self, result: Result) -> None:
        """End it, with this result: TERM, and KILL when that takes too long."""
        self.course.stop(result)

    @property
    def is_queued(self) -> bool:
        """Return whether it has not started."""
        return self.course.state == QUEUED

    @property
    def has_said_done(self) -> bool:
        """Return whether its agent has made the file that says so."""
        return self.course.ticket.is_done_said

    def withdraw(self, result: Result) -> None:
        """End it with this result, if it has not started, and never will."""
        self.course.stop(result, only_queued=True)

    def hasten(self) -> None:
        """Do not wait any longer before KILL, if it is being ended."""
        self.course.end.hasten()

    def bound(self, seconds: float, result: Result) -> None:
        """Let it run no longer than so many seconds from now, and end with this result if it does."""
        self.course.deadlines.bound(seconds, result)

    def unbind(self) -> None:
        """Let it run on, after all."""
        self.course.deadlines.unbind()
