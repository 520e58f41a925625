"""The end of an attempt whose worker died while it was a job of Slurm.

What its guard wrote counts, if it did: such an attempt is not lost. Else what would submit it here is ended, its ticket
is revoked, and its job cancelled, until Slurm lists none of its name any more. Made by `slurm` (`executor.TreeEnding`).
"""

from __future__ import annotations

from ...model import LOST
from ...store.attempts import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...system.process_tree import Ending
    from .slurm_job import SlurmJob

LOOK = 0.02  # seconds between looks at a command that was asked
WORKER_DIED = Result(LOST, note="its worker died")


class Discarded:
    """A sink for output that is read from its file later."""

    def write(self, data: bytes) -> None:
        """Drop it."""


class JobEnding:
    """The end of one job that was left. `result`: once it is over, how the attempt ended."""

    def __init__(self, job: SlurmJob, submitting: Ending) -> None:
        """submitting: the end of what submits it, here."""
        self.is_over = False
        self.survivors: tuple = ()
        self._job = job
        self._submitting = submitting

    @property
    def result(self) -> Result | None:
        """Return how the attempt ended, as far as it is known."""
        return self._job.result

    def step(self) -> float:
        """Do what is due, without blocking; return the seconds until the next step."""
        if self._job.course.ticket.read_exit() is None:
            self._job.stop(WORKER_DIED)  # before what submits it is ended: some of the attempt may be found with that
        if not self._submitting.is_over:
            pause = self._submitting.step()
            if not self._submitting.is_over:
                return pause
        self._job.advance(self._job.descriptors)
        self.is_over = self._job.result is not None
        return min(self._job.patience or 0.0, LOOK) if self._job.descriptors else self._job.patience or 0.0
