"""What there is to show of a home at one moment."""

from __future__ import annotations

from ...system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...system.tree_usage import TreeUsage


class RunRow(NamedTuple):
    """A run that goes on."""

    id: str
    wanted: int  # workers
    busy: int  # of them
    seconds: float  # since it began
    hold: str = ""  # what it waits for, if it begins nothing now


class GroupRow(NamedTuple):
    """A group of tasks."""

    words: str  # its name, and how many of its tasks are in work, of how many
    is_held: bool  # none of its tasks is begun now


class RunningRow(NamedTuple):
    """An attempt that has not ended."""

    attempt: int
    task: str  # id
    title: str
    state: str  # as it is shown: running, queued, waiting for its turn, or lost
    seconds: float  # since it began
    run: str | None  # whose worker has it
    place: str  # where it runs, if not here, and why it is queued
    line: str = ""  # the last one that it wrote
    usage: TreeUsage | None = None


class WaitingRow(NamedTuple):
    """A task that waits."""

    task: str  # id
    title: str
    score: float
    until: float | None  # the time for which it waits, in seconds since the epoch


class WaitingCause(NamedTuple):
    """Tasks that wait for the same."""

    words: str  # how many, for what, and what a person can do
    state: str  # as it is shown
    size: int
    is_left: bool  # nobody who is here will run them
    first: tuple[WaitingRow, ...]


class FailedRow(NamedTuple):
    """A task that failed."""

    task: str  # id
    title: str
    why: str
    at: float  # seconds since the epoch


class Snapshot(NamedTuple):
    """A home at one moment."""

    home: str  # as it is shown
    time: float  # seconds since the epoch
    counts: dict[str, int] | None = None  # tasks by their status; None while they have not been counted
    rate: float = 0.0  # tasks that end in a second, over the last minute
    paused: str = ""  # that nothing is begun, and why
    runs: tuple[RunRow, ...] = ()
    running: tuple[RunningRow, ...] = ()
    waiting: tuple[WaitingCause, ...] = ()
    failed: tuple[FailedRow, ...] = ()
    groups: tuple[GroupRow, ...] = ()

    @property
    def is_counted(self) -> bool:
        """Whether what waits has been looked at, too."""
        return self.counts is not None
