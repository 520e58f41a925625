"""One attempt: its agent from the start to the moment when nothing of its tree is left.

The agent runs in a session of its own, with no descriptor, no ignored and no blocked signal of ours; stdin is
its prompt or nothing, then end-of-file; output comes through one pipe into the report. A `Run` never blocks:
its owner, the worker's loop, waits for `descriptors` at most `patience` seconds and calls `advance`. It ends
when the agent has exited and its tree is gone, not at the end of its output, which a daemon may hold open.
"""

from __future__ import annotations

import os
import subprocess

from ..agents.agent import judge_exit
from ..agents.environment import Invocation
from ..model import TIMEOUT, UNKILLABLE, UNSTARTABLE
from ..store.attempts import Result
from ..system import clock, process, process_tree
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ..agents.results import Sink


CHUNK = 1 << 16  # bytes: what a pipe holds
STALL_LOOKS = 8  # looks at the tree within the time after which it counts as stalled


class Limits(NamedTuple):
    """What bounds an attempt."""

    timeout: float | None = None  # seconds it may run
    kill_after: float = 10.0  # seconds between TERM and KILL
    stall: float | None = None  # seconds without output and without CPU time of the whole tree


class Run:
    """An attempt that was started. `result` is None until it is over."""

    def __init__(
        self,
        invocation: Invocation,
        directory: str | None,
        sink: Sink,
        mark: tuple[str, int],
        limits: Limits,
        spared: Callable[[], Collection[int]],
        daemons: bool = False,
        is_subreaper: bool = True,
    ) -> None:
        self.result: Result | None = None
        self.pid: int | None = None  # of the agent, if it could be started
        self._identity: process.Identity | None = None
        self._sink = sink
        self._limits = limits
        self._is_subreaper = is_subreaper
        self._leaves_daemons = daemons
        self._decided: Result | None = None  # why it was stopped, where it was
        self._ending: process_tree.Ending | None = None
        self._next_step = 0.0
        self._pipe = self._pidfd = -1
        self._started = clock.monotonic()
        self._deadlines = [] if limits.timeout is None else [(self._started + limits.timeout, _late(limits.timeout))]
        self._bound: list[tuple[float, Result]] = []
        self._pulse = StallDetector(limits.stall)
        self._spared = spared
        self._mark = mark
        self._begin(invocation, directory)

    def _begin(self, invocation: Invocation, directory: str | None) -> None:
        """Start the agent; where it cannot be started, that is the result."""
        try:
            process_tree.mark_children(*self._mark)
            self._child = self._start(invocation, directory)
        except (OSError, ValueError) as error:
            self._close()
            self.result = Result(UNSTARTABLE, duration=0.0, note=_why_not_started(error, invocation, directory))
            return
        self.pid = self._child.pid
        try:
            self._pidfd = os.pidfd_open(self._child.pid)
        except (AttributeError, OSError):
            pass  # no pidfd here: SIGCHLD wakes the worker's loop, and each `advance` asks

    @property
    def agent(self) -> process.Identity | None:
        """Who the agent is, while it runs."""
        if self._identity is None and self.pid is not None and self._child.returncode is None:
            self._identity = process.identify(self.pid)
        return self._identity

    @property
    def descriptors(self) -> list[int]:
        """What to wait for: output, and the agent's exit."""
        return [file for file in (self._pipe, self._pidfd) if file >= 0]

    @property
    def patience(self) -> float | None:
        """Seconds until `advance` must be called though nothing came; None for as long as it takes."""
        if self._ending:
            return max(self._next_step - clock.monotonic(), 0.0)
        due = [deadline for deadline, _ in self._deadlines + self._bound] + self._pulse.due
        return max(min(due) - clock.monotonic(), 0.0) if due else None

    def bound(self, seconds: float, result: Result) -> None:
        """Let it run no longer than so many seconds from now, and end with this result if it does."""
        self._bound = [(clock.monotonic() + seconds, result)]

    def unbind(self) -> None:
        """It may run on, after all."""
        self._bound = []

    def stop(self, result: Result) -> None:
        """End it now, with this result: TERM, and KILL when it takes too long."""
        if not self._decided:
            self._decided = result
            self._end_tree()

    def hasten(self) -> None:
        """Do not wait any longer before KILL."""
        if self._ending:
            self._ending.hasten()
            self._next_step = 0.0

    def advance(self, readable: Collection[int]) -> None:
        """Do what is due."""
        if self._pipe in readable:
            self._read_output()
        if self._child.returncode is None and (self._pidfd < 0 or self._pidfd in readable):
            self._child.poll()
        if self._child.returncode is not None and self._pidfd >= 0:
            os.close(self._pidfd)  # it would stay readable
            self._pidfd = -1
        now = clock.monotonic()
        if not self._ending:
            self._heed_limits(now)
        if self._child.returncode is not None:
            if self._is_tree_gone():
                return self._finish([])
            if not self._ending:
                self._end_tree()
        if self._ending and now >= self._next_step:
            self._next_step = now + self._ending.step()
            if self._ending.is_over:
                self._child.poll()
                self._finish(self._ending.survivors)

    def _heed_limits(self, now: float) -> None:
        for deadline, result in self._deadlines + self._bound:
            if now >= deadline:
                self.stop(result)
        if self._pulse.due and now >= self._pulse.due[0] and self._pulse.has_stopped(self._tree().members()):
            self.stop(Result(TIMEOUT, note=f"no output and no CPU time for {self._limits.stall:g} s"))

    def _start(self, invocation: Invocation, directory: str | None) -> subprocess.Popen[bytes]:
        stdin = subprocess.DEVNULL if invocation.stdin is None else _as_file(invocation.stdin)
        self._pipe, output = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            return subprocess.Popen(
                invocation.argv,
                cwd=directory,
                env=invocation.environment,
                stdin=stdin,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            os.close(output)
            if stdin >= 0:
                os.close(stdin)

    def _end_tree(self) -> None:
        self._ending = process_tree.Ending(self._tree(), self._limits.kill_after)
        self._next_step = 0.0

    def _tree(self) -> process_tree.Tree:
        home, attempt = self._mark

        def is_adopted(child: process.Process) -> bool:
            """Our children are this attempt's, but for what an earlier agent left running on purpose."""
            return process_tree.marked_attempt(child.pid, home) in (attempt, None)

        return process_tree.Tree(home, attempt, self.agent, is_adopted, self._spared)

    def _is_tree_gone(self) -> bool:
        """The quick answer for the usual case: a subreaper without children has nothing below it."""
        if self._leaves_daemons or not self._is_subreaper:
            return self._leaves_daemons
        process.reap_adopted(())  # the agent was collected: what is dead now is another's, launched from inside it
        return not process.has_children()

    def _read_output(self) -> bool:
        """Take what the pipe holds; False when there is no more for now."""
        try:
            data = os.read(self._pipe, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._pulse.beat()
            self._sink.write(data)
            return True
        os.close(self._pipe)
        self._pipe = -1
        return False

    def _finish(self, survivors: list[process.Process]) -> None:
        for _ in range(64):  # no writer of ours is left, but a spared one may go on for ever
            if self._pipe < 0 or not self._read_output():
                break
        self._close()
        code = self._child.returncode
        outcome, exit_code, note = judge_exit(code) if code is not None else (UNKILLABLE, None, None)
        result = self._decided or Result(outcome, note=note)
        if survivors:
            names = ", ".join(str(survivor.pid) for survivor in survivors[:5])
            result = Result(UNKILLABLE, note=f"process {names} could not be killed")
        self.result = result._replace(exit_code=exit_code, duration=clock.monotonic() - self._started)

    def _close(self) -> None:
        for file in self.descriptors:
            os.close(file)
        self._pipe = self._pidfd = -1


class StallDetector:
    """Whether anything happens in a tree: output, CPU time, processes that come and go."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._seen: set[tuple[int, int, str]] = set()
        self._last = clock.monotonic()
        self._next = self._last + limit / STALL_LOOKS if limit else 0.0

    @property
    def due(self) -> list[float]:
        """When to look at the tree again, if at all."""
        return [self._next] if self._limit else []

    def beat(self) -> None:
        """There was output."""
        self._last = clock.monotonic()

    def has_stopped(self, members: list[process.Process]) -> bool:
        """Whether nothing has happened for too long."""
        now = clock.monotonic()
        seen = {(member.pid, member.start, member.used) for member in members}
        if seen != self._seen:
            self._seen, self._last = seen, now
        assert self._limit
        self._next = now + self._limit / STALL_LOOKS
        return now >= self._last + self._limit


def _late(timeout: float) -> Result:
    return Result(TIMEOUT, note=f"it ran longer than {timeout:g} s")


def _as_file(data: bytes) -> int:
    """A descriptor that gives `data`, then end-of-file: nobody has to feed a pipe."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        return os.dup(file.fileno())


def _why_not_started(error: OSError | ValueError, invocation: Invocation, directory: str | None) -> str:
    if directory and not os.path.isdir(directory):
        return f"its directory {directory} does not exist"
    reason = error.strerror if isinstance(error, OSError) else error
    return f"{invocation.argv[0]} could not be started: {reason}"
