"""Attempts on this machine: each in a session of its own, found by its mark, session and parenthood, ended by signals.

Guarantees: what is started inherits no descriptor, no ignored and no blocked signal of ours; its stdin is what it is
given, then end-of-file; its output comes through one pipe, or through two. Made by workers, by what tells hooks, by
the supervisor and by commands that recover.
"""

from __future__ import annotations

import errno
import os

from ...system import child, clock, process, process_tree
from ..executor import CannotStart, NoRoomToStart
from ..guarded_process import GuardedProcess, Kinship
from ..output_pipes import OutputPipes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ...agents.environment import Invocation
    from ...agents.results import Sink
    from ...system.memory_group import MemoryGroup
    from ..executor import Limits

GROUP = "txlite"  # how the names of control groups begin
SHORT = 0.02  # seconds: for an attempt that takes no longer the marks on its processes do, should its worker die


class LocalEnding:
    """The end of a tree here (a `TreeEnding`): how its attempt had ended stands in the worker's note, if anywhere."""

    result = None

    def __init__(self, ending: process_tree.Ending, group: str) -> None:
        """group: the directory of its control group, "" for none."""
        self._ending = ending
        self._group = group

    @property
    def is_over(self) -> bool:
        """Whether nothing is left, or cannot be killed."""
        return self._ending.is_over

    @property
    def survivors(self) -> Collection[process.Process]:
        """Return those that could not be killed, once it is over."""
        return self._ending.survivors

    def step(self) -> float:
        """Do what is due, without blocking; return the seconds until the next step."""
        seconds = self._ending.step()
        if self._ending.is_over and self._group:
            from ...system.memory_group import remove_group

            remove_group(self._group)
        return seconds


class LocalExecutor:
    """This machine (an `Executor`).

    home: its uuid. spared: gives the PIDs of workers that live, which no sweep may touch. is_subreaper: orphans of what
    is started here come to this process. signals: those that this process was sent so far, a list that grows.
    """

    def __init__(
        self,
        home: str,
        spared: Callable[[], Collection[int]],
        is_subreaper: bool = False,
        signals: Sequence[int] = (),
    ) -> None:
        self.note_after = SHORT if process.HAS_PROC else 0.0  # without /proc there are no marks to find it by
        self._home = home
        self._spared = spared
        self._is_subreaper = is_subreaper
        self._signals = signals
        self._groups: list[str | None] = []  # where control groups are ours to make, once that was found out

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
    ) -> GuardedProcess:
        """Start a process of this attempt in a session of its own; here no options have a meaning. Raises CannotStart,
        NoRoomToStart."""
        started = clock.monotonic()
        sinks = [sink] if errors is None else [sink, errors]
        group = self._make_group(attempt, limits.max_memory) if limits.max_memory else None
        try:
            prefix = [*(group.prefix if group else ()), *(child.be_nice(limits.nice) if limits.nice else ())]
            process_tree.mark_children(self._home, attempt)
            leader, pipes = _start_leader(invocation, directory, prefix, sinks)
        except (OSError, ValueError) as error:
            if group:
                group.remove()
            why = _why_not_started(error, invocation, directory)
            raise (NoRoomToStart(why) if _is_shortage(error) else CannotStart(why)) from error
        kinship = Kinship(self._home, attempt, self._spared, self._is_subreaper, leaves_daemons)
        return GuardedProcess(leader, pipes, limits, kinship, started, self._signals, group)

    def _make_group(self, attempt: int, limit: int) -> MemoryGroup | None:
        """A control group for its memory, where such groups are ours to make; else that is measured from outside."""
        from ...system import memory_group  # who sets no limit does without

        name = f"{GROUP}-{self._home[:12]}-"
        if not self._groups:
            self._groups = [memory_group.prepare_place()]
            if self._groups[0]:
                memory_group.remove_stale(self._groups[0], name)
        try:
            if self._groups[0]:
                return memory_group.MemoryGroup(os.path.join(self._groups[0], f"{name}{attempt}"), limit)
        except OSError:
            pass  # too many, or it was taken away from us
        return None

    def ending(self, attempt: int, note: Mapping[str, object], kill_after: float) -> LocalEnding:
        """End what this attempt left; the agent's identity may stand in the note."""
        agent = process.Identity.parse(str(note.get("agent", "")))
        tree = process_tree.Tree(self._home, attempt, agent, spared=self._spared)
        group = str(note.get("group", ""))
        return LocalEnding(process_tree.Ending(tree, kill_after), group if f"/{GROUP}-" in group else "")

    def read_note(self, attempt: int) -> dict[str, object]:
        """Return {}: its worker noted it."""
        return {}

    def read_output(self, attempt: int) -> bytes | None:
        """Return None: it went into its report."""
        return None

    def clear(self, attempt: int) -> None:
        """Do nothing: it left no more than its report."""

    def noted_pid(self, note: Mapping[str, object]) -> int | None:
        """Return the agent's PID."""
        agent = process.Identity.parse(str(note.get("agent", "")))
        return agent.pid if agent else None


def _start_leader(
    invocation: Invocation, directory: str | None, prefix: Sequence[str], sinks: Sequence[Sink]
) -> tuple[child.Child, OutputPipes]:
    """Start the first process of a tree, with pipes to these sinks. Raises OSError, ValueError."""
    stdin = _open_stdin(invocation)
    try:
        pipes = OutputPipes(sinks)
        out, errors = pipes.writing[0], pipes.writing[-1]
        try:
            return child.start(invocation.argv, directory, invocation.environment, stdin, out, prefix, errors), pipes
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.close_writing()
    finally:
        if stdin is not None:
            os.close(stdin)


def _open_stdin(invocation: Invocation) -> int | None:
    if invocation.words:
        return invocation.words.open()
    return None if invocation.stdin is None else _as_file(invocation.stdin)


def _as_file(data: bytes) -> int:
    """A descriptor that gives `data`, then end-of-file: nobody has to feed a pipe."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        return os.dup(file.fileno())


def _is_shortage(error: OSError | ValueError) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.ENOMEM, errno.ENFILE)


def _why_not_started(error: OSError | ValueError, invocation: Invocation, directory: str | None) -> str:
    if directory and not os.path.isdir(directory):
        return f"its directory {directory} does not exist"
    reason = error.strerror if isinstance(error, OSError) else error
    return f"{invocation.argv[0]} could not be started: {reason}"
