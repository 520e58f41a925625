"""What a workspace asks of the worker: git, the gate and the setup command, run as parts of the attempt.

All of it is run through the attempt's runner: with its mark, in a session of its own, to the end of its tree, its
output in the report. Guarantee: what must come to its end (`act_surely`: parking, restoring) is reached by no order and
by nobody's word, but for the last. A lock of git's that somebody else holds is waited for; one that our own git left
when it was killed is removed. Satisfies `workspace.Host`; made by `trial` for each attempt.
"""

from __future__ import annotations

import contextlib
import os
import re
import time

from ..agents.environment import Invocation
from ..git import command
from ..model import DONE, FAILED
from ..system import clock
from ..system.locks import PolledLock
from .workspace import WorkspaceUnusable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..execution.attempt_runner import AttemptRunner
    from ..execution.worker_context import WorkerContext

SET_UP = 1800.0  # seconds for the setup command
LOCK_PATIENCE = 30.0  # seconds to wait for somebody else's git
DAY = 86400.0
STALE = 10.0  # seconds after which a lock that our own killed git left is one
LOCK_LOOK = 0.01  # seconds between looks at a lock
MOMENT = 0.1  # seconds
REMARK = "\n[txlite] {}\n"  # how a line of ours stands in a report
GATE = "the gate"  # as its remark begins, and the reason why it did not pass
_LOCK = re.compile(r"(?:'|file )([^'\n]+\.(?:lock|new))'?: File exists")


class OutputTail:
    """The end of what a short command wrote."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        """Keep the end of it."""
        self.data = (self.data + data)[-(1 << 16) :]


class AttemptHost:
    """Runs what the workspace of one attempt asks for.

    environment: of the attempt's commands. gate: its command, if there is one; gate_timeout: seconds. told: gets each
    remark, too. `top`: of the working tree, all that git may see; None: all.
    """

    def __init__(
        self,
        context: WorkerContext,
        runner: AttemptRunner,
        environment: dict[bytes, bytes],
        gate: str | None,
        gate_timeout: float,
        told: Callable[[str], object] = lambda words: None,
    ) -> None:
        self.top: str | None = None
        self.gate = gate
        self.gate_timeout = gate_timeout
        self._store = context.store
        self._loop = context.loop
        self._runner = runner
        self._environment = environment
        self._told = told

    def verify(self, directory: str) -> str | None:
        """Run the gate there; return why it did not pass, or None."""
        return self._run(GATE, self.gate, directory, self.gate_timeout, is_here=False) if self.gate else None

    def set_up(self, command: str, directory: str) -> str | None:
        """Run the setup command there; return why it failed, or None."""
        failure = self._run("the setup command", command, directory, SET_UP)
        if failure is None:
            self.remark("the setup command succeeded")  # what comes now is the agent's
        return failure

    def act(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
        """Run git, until somebody stops it; return its exit code and output."""
        return self._act(argv, directory, stdin, interruptible=True)

    def act_surely(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
        """Run git that must come to its end; return its exit code and output."""
        return self._act(argv, directory, stdin, interruptible=False)

    @contextlib.contextmanager
    def locked(self, path: str, surely: bool = False) -> Iterator[None]:
        """Hold the lock on a file; waited for until somebody stops the attempt, or surely."""
        with PolledLock(path) as lock:
            while not lock.try_acquire():
                self._loop.wait(LOCK_LOOK)
                if not surely:
                    self._runner.check()
            yield

    def rest(self) -> None:
        """Wait a moment. Raises AttemptStopped."""
        self._loop.wait(MOMENT)
        self._runner.check()

    def free(self, lock: str) -> None:
        """Wait until a lock of git's is gone, and remove it if a kill has left it."""
        deadline = clock.monotonic() + LOCK_PATIENCE
        while os.path.lexists(lock) and clock.monotonic() < deadline:
            self._break(lock)
            self.rest()

    def remark(self, text: str) -> None:
        """Write a line of ours into the report."""
        self._write(REMARK.format(text))
        self._told(text)

    def _write(self, text: str) -> None:
        self._runner.write(text.encode("utf-8", "replace"))

    def _run(self, what: str, words: str, directory: str, timeout: float, is_here: bool = True) -> str | None:
        """Run a configured command, its output in the report; why it failed, or None. is_here: not where agents run."""
        self.remark(f"{what}: {words}")
        environment = command.confined(self._environment, self.top)
        invocation = Invocation(["/bin/sh", "-c", words], None, environment)
        result = self._runner.call(invocation, directory, self._runner, timeout, is_here=is_here)
        if result.outcome == DONE:
            return None
        return f"{what} failed: {result.note or f'exit {result.exit_code}'}"

    def _act(self, argv: list[str], directory: str, stdin: bytes | None, interruptible: bool) -> tuple[int | None, str]:
        """Run git; a lock that somebody else's git holds is waited for."""
        deadline = clock.monotonic() + LOCK_PATIENCE
        invocation = Invocation(argv, stdin, command.environment(self._environment, directory))
        while True:
            sink = OutputTail()
            result = self._runner.call(invocation, directory, sink, command.ACTED, interruptible)
            output = sink.data.decode("utf-8", "replace")
            if result.outcome == DONE:
                return 0, output
            lock = _LOCK.search(output)
            if not lock or result.outcome != FAILED:
                self._write(output)
                return result.exit_code or 1, output or result.note or ""
            if clock.monotonic() > deadline:
                raise WorkspaceUnusable(
                    f"{lock[1]} has been there for {LOCK_PATIENCE:g} s: if no git works there, remove it"
                )
            self._break(lock[1])
            self._loop.wait(MOMENT)

    def _break(self, lock: str) -> None:
        """Remove a lock that our own git left when it was killed: one made while an attempt of ours was cut off."""
        try:
            made = os.stat(lock).st_mtime
        except OSError:
            return
        if time.time() - made > STALE and any(begin <= made <= end for begin, end in self._cut_off_times()):
            self.remark(f"{lock} was left by an attempt that was cut off, and is removed")
            with contextlib.suppress(OSError):  # it is gone, or no file: then it is waited for
                os.unlink(lock)

    def _cut_off_times(self) -> Iterator[tuple[float, float]]:
        """When the attempts ran that were cut off in the last day, seconds since the epoch."""
        for started, ended in self._store.loop_attempts.cut_off_since(clock.now(-DAY)):
            yield clock.to_seconds(started), clock.to_seconds(ended)
