"""The seam at which an attempt's processes are started, found and ended.

An executor starts a process and hands back what guards it: step-wise, so that one loop can wait for it and do its other
work. It also ends what an attempt left behind whose worker died, from the note that the worker had written. Guarantee
of each: when `result` is there, or `is_over` is true, nothing of the attempt's processes is left, or they are named as
ones that could not be killed. Satisfied by `executors.local`, `executors.slurm`; made by `places`, called by
`attempt_runner`, `dispatcher` and `recovery`, which know no other.
"""

from __future__ import annotations

from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Protocol

    from ..agents.environment import Invocation
    from ..agents.results import Sink
    from ..model import Task
    from ..store.attempts import Result

    class RunningProcess(Protocol):
        """A process that was started for an attempt, with all that it starts itself."""

        @property
        def result(self) -> Result | None:
            """Return how it ended; None until nothing of it is left."""

        @property
        def pid(self) -> int | None:
            """Return the PID that people are told, if it has one here."""

        @property
        def note(self) -> dict[str, object]:
            """Return what `Executor.ending` must know to find it again: JSON, at most some hundred bytes."""

        @property
        def descriptors(self) -> list[int]:
            """Return what to wait for."""

        @property
        def patience(self) -> float | None:
            """Return the seconds until `advance` must be called though nothing came; None: as long as it takes."""

        def advance(self, readable: Collection[int]) -> None:
            """Do what is due, without blocking; `readable`: descriptors that have something."""

        def stop(self, result: Result) -> None:
            """End it, with this result: TERM, and KILL when that takes too long."""

        def hasten(self) -> None:
            """Do not wait any longer before KILL, if it is being ended."""

        def bound(self, seconds: float, result: Result) -> None:
            """Let it run no longer than so many seconds from now, and end with this result if it does."""

        def unbind(self) -> None:
            """Let it run on, after all."""

    class Survivor(Protocol):
        """A process that could not be killed."""

        @property
        def pid(self) -> int:
            """Return what it is named by."""

    class TreeEnding(Protocol):
        """The end of what an attempt left, in steps."""

        @property
        def is_over(self) -> bool:
            """Return whether nothing is left, or cannot be killed."""

        @property
        def result(self) -> Result | None:
            """Return how the attempt had ended by itself, where that was found out."""

        @property
        def survivors(self) -> Collection[Survivor]:
            """Return those that could not be killed, once it is over."""

        def step(self) -> float:
            """Do what is due, without blocking; return the seconds until the next step."""

    class Executor(Protocol):
        """A place where attempts run."""

        note_after: float  # seconds after which a running process must have its note written down

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
        ) -> RunningProcess:
            """Start a process of this attempt; what it writes goes to `sink`. options: the task's own, for its place;
            errors: where what it writes to stderr goes instead, if it runs here. Raises CannotStart, NoRoomToStart."""

        def ending(self, attempt: int, note: Mapping[str, object], kill_after: float) -> TreeEnding:
            """End what this attempt left; note: what its worker noted of it, if it did."""

        def read_note(self, attempt: int) -> dict[str, object]:
            """Return what was noted of an attempt beside its worker's own note."""

        def read_output(self, attempt: int) -> bytes | None:
            """Return all that an attempt wrote, where that is not in its report."""

        def clear(self, attempt: int) -> None:
            """Remove what is left of an attempt whose end is recorded."""

        def noted_pid(self, note: Mapping[str, object]) -> int | None:
            """Return the PID that people were told, or would have been."""

    class RemoteProcess(RunningProcess, Protocol):
        """An attempt that runs elsewhere, or waits for its turn there."""

        @property
        def is_queued(self) -> bool:
            """Return whether it has not started."""

        @property
        def has_said_done(self) -> bool:
            """Return whether its agent has made the file that says so."""

        def withdraw(self, result: Result) -> None:
            """End it with this result, if it has not started, and never will."""

    class RemoteExecutor(Executor, Protocol):
        """A place elsewhere, where one worker process has many attempts: waited for all together."""

        @property
        def is_crowded(self) -> bool:
            """Return whether it takes no more now."""

        @property
        def is_silent(self) -> bool:
            """Return whether it does not answer now: what runs there cannot be ended."""

        @property
        def descriptors(self) -> list[int]:
            """Return what to wait for, for all that was started here."""

        @property
        def patience(self) -> float:
            """Return the seconds until `advance` must be called though nothing came."""

        def advance(self, readable: Collection[int]) -> None:
            """Do what is due for all that was started here, without blocking."""

        def make_room(self, count: int) -> None:
            """Let this process wait for so many."""

        def write_note(self, attempt: int, note: Mapping[str, object]) -> None:
            """Keep what is known of an attempt where recovery finds it. Raises OSError."""

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
        ) -> RemoteProcess:
            """Have a process of this attempt started there, as soon as there is room. Raises CannotStart."""

        def resume(self, attempt: int, sink: Sink, limits: Limits) -> RemoteProcess:
            """Go on with an attempt whose worker died; what it wrote comes from the beginning."""


class Limits(NamedTuple):
    """What bounds a process."""

    timeout: float | None = None  # seconds it may run
    kill_after: float = 10.0  # seconds between TERM and KILL
    stall: float | None = None  # seconds without output and without CPU time of the whole tree
    max_memory: int | None = None  # bytes that its whole tree may have
    nice: int | None = None  # by how much it stands behind others: 0 to 19

    def of(self, task: Task) -> Limits:
        """Return those of an attempt of this task: its own come first."""
        timeout = self.timeout if task.timeout is None else task.timeout
        return self._replace(timeout=timeout, max_memory=task.max_memory or self.max_memory)


class PlaceSettings(NamedTuple):
    """Where attempts run."""

    executor: str = "local"  # one of executors.NAMES
    options: tuple[str, ...] = ()  # of Slurm's, for each job
    retries_node_failures: bool = False  # what ran on a node that failed is tried again, though it may run on there


class CannotStart(Exception):
    """It could not be started; the message says why, and names what."""


class NoRoomToStart(CannotStart):
    """The system has no process or no memory for it now; it may have later."""
