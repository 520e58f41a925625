"""A process of an attempt, from the moment it was started to the one when nothing of its tree is left.

It never blocks: its owner, the worker's loop, waits for `descriptors` at most `patience` seconds and calls `advance`.
It is over when the process has exited and its tree is gone, not at the end of its output, which a daemon may hold open.
Started by `executors.local`; satisfies `executor.RunningProcess`.
"""

from __future__ import annotations

import os
import signal
import time

from ..agents.agent import judge_exit
from ..model import INTERRUPTED, TIMEOUT, UNKILLABLE
from ..store.attempts import Result
from ..system import child, clock, process, process_tree
from ..system.named_tuple import NamedTuple
from .memory_watch import MemoryWatch, too_much
from .stall import StallDetector
from .stop_policy import STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ..system.child import Child
    from ..system.memory_group import MemoryGroup
    from .executor import Limits
    from .output_pipes import OutputPipes

TOGETHER = 0.02  # seconds within which a signal reaches all of a group


class Kinship(NamedTuple):
    """What tells the processes of an attempt from others."""

    home: str  # its uuid
    attempt: int
    spared: Callable[[], Collection[int]]  # the PIDs of workers that live
    is_subreaper: bool  # orphans among them come to us
    leaves_daemons: bool  # what outlives the process itself was left on purpose


class GuardedProcess:
    """A process of an attempt. `result` is None until it is over."""

    def __init__(
        self,
        child: Child,
        pipes: OutputPipes,
        limits: Limits,
        kinship: Kinship,
        started: float,
        signals: Sequence[int] = (),
        group: MemoryGroup | None = None,
    ) -> None:
        """child: in a session of its own; pipes: of its output; started: monotonic seconds; signals: those that its
        owner was sent so far, a list that grows; group: for its memory, where it has one."""
        self.result: Result | None = None
        self.pid: int | None = child.pid
        self._child = child
        self._pipes = pipes
        self._pidfd = process.open_pidfd(child.pid)  # without it, each `advance` asks
        self._limits = limits
        self._kinship = kinship
        self._started = started
        self._signals, self._heard = signals, len(signals)
        self._identity: process.Identity | None = None
        self._decided: Result | None = None  # why it was stopped, where it was
        self._ending: process_tree.Ending | None = None
        self._next_step = 0.0
        self._is_hastened = False
        self._deadlines = [] if limits.timeout is None else [(started + limits.timeout, _late(limits.timeout))]
        self._bound: list[tuple[float, Result]] = []
        self._stall = StallDetector(limits.stall)
        self._group = group
        self._memory = MemoryWatch(limits.max_memory)

    @property
    def note(self) -> dict[str, object]:
        """Return who it is, so that recovery finds its session; and since when it is silent, if it is."""
        group = {"group": self._group.path} if self._group else {}
        return {"agent": str(self._identify()), "silent": self._stall.silent_since, **group}

    @property
    def descriptors(self) -> list[int]:
        """Return what to wait for: output, and its exit."""
        return [*self._pipes.descriptors, *([self._pidfd] if self._pidfd >= 0 else [])]

    @property
    def patience(self) -> float | None:
        """Return the seconds until `advance` must be called though nothing came; None: as long as it takes."""
        if self._ending:
            return max(self._next_step - clock.monotonic(), 0.0)
        due = [deadline for deadline, _ in self._deadlines + self._bound] + self._memory.due
        return max(min([*due, self._stall.due]) - clock.monotonic(), 0.0)

    def bound(self, seconds: float, result: Result) -> None:
        """Let it run no longer than so many seconds from now, and end with this result if it does."""
        self._bound = [(clock.monotonic() + seconds, result)]

    def unbind(self) -> None:
        """Let it run on, after all."""
        self._bound = []

    def stop(self, result: Result) -> None:
        """End it now, with this result: TERM, and KILL when it takes too long."""
        if not self._decided:
            self._decided = result
            self._end_tree()

    def hasten(self) -> None:
        """Do not wait any longer before KILL, if it is being ended."""
        if self._ending and not self._is_hastened:
            self._is_hastened = True
            self._ending.hasten()
            self._next_step = 0.0

    def advance(self, readable: Collection[int]) -> None:
        """Do what is due: take output, see the exit, heed the limits, go on with the end of the tree."""
        if self._pipes.take(readable):
            self._stall.record_output()
        self._see_exit(readable)
        now = clock.monotonic()
        if not self._ending:
            self._heed_limits(now)
        self._heed_memory(now)
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

    def _see_exit(self, readable: Collection[int]) -> None:
        if self._child.returncode is None and (self._pidfd < 0 or self._pidfd in readable):
            self._child.poll()
        if self._child.returncode is not None and self._pidfd >= 0:
            os.close(self._pidfd)  # it would stay readable
            self._pidfd = -1

    def _heed_limits(self, now: float) -> None:
        for deadline, result in self._deadlines + self._bound:
            if now >= deadline:
                self.stop(result)
        if now >= self._stall.due and self._stall.has_stopped(self._tree().members()):
            self.stop(Result(TIMEOUT, note=f"no output and no CPU time for {self._limits.stall:g} s"))

    def _heed_memory(self, now: float) -> None:
        """End it without another moment where it has too much: meanwhile it would take more. Also one that is being
        ended, and takes its time."""
        if self._memory.due and now >= self._memory.due[0]:
            result = self._memory.judge(self._tree())
            if result:
                self.stop(result)
                self.hasten()

    def _identify(self) -> process.Identity | None:
        """Who it is; known only where it was asked for while it ran."""
        if self._identity is None and self._child.returncode is None:
            self._identity = process.identify(self._child.pid)
        return self._identity

    def _end_tree(self) -> None:
        self._ending = process_tree.Ending(self._tree(), self._limits.kill_after)
        self._next_step = 0.0

    def _tree(self) -> process_tree.Tree:
        home, attempt, spared = self._kinship[:3]

        def is_adopted(seen: process.Process) -> bool:
            """Our children are this attempt's, but for what recovery asks, and what an earlier agent left running on
            purpose."""
            is_asked = seen.pid in child.uncollected()
            return not is_asked and process_tree.marked_attempt(seen.pid, home) in (attempt, None)

        return process_tree.Tree(home, attempt, self._identify(), is_adopted, spared, self._kinship.is_subreaper)

    def _is_tree_gone(self) -> bool:
        """The quick answer for the usual case: a subreaper without children has nothing below it."""
        if self._kinship.leaves_daemons or not self._kinship.is_subreaper:
            return self._kinship.leaves_daemons
        # The agent was collected: what is dead now is another's, launched from inside it.
        return not process.reap_adopted(child.uncollected())

    def _finish(self, survivors: list[process.Process]) -> None:
        self._pipes.drain()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        code = self._child.returncode
        outcome, exit_code, note = judge_exit(code) if code is not None else (UNKILLABLE, None, None)
        exceeded = self._leave_group(code)
        result = self._decided or exceeded or (self._share_end(code) if code else None) or Result(outcome, note=note)
        if survivors:
            names = ", ".join(str(survivor.pid) for survivor in survivors[:5])
            result = Result(UNKILLABLE, note=f"process {names} could not be killed")
        self.result = result._replace(exit_code=exit_code, duration=clock.monotonic() - self._started)

    def _leave_group(self, code: int | None) -> Result | None:
        """Remove its control group; how it ended where the kernel ended all that was in it."""
        group, self._group = self._group, None
        if group is None:
            return None
        result = too_much(group.peak, self._limits.max_memory or 0) if code and group.was_exceeded else None
        group.remove()
        return result

    def _share_end(self, code: int) -> Result | None:
        """How it ended if by a signal that was sent to us as well: Slurm signals all processes of a job, and systemd
        all of a service."""
        number = -code if code < 0 else code - 128
        if number not in STOPPING:
            return None
        time.sleep(TOGETHER)
        if number not in self._signals[self._heard :]:
            return None
        return Result(INTERRUPTED, note=f"all of the run was sent {signal.Signals(number).name}")


def _late(timeout: float) -> Result:
    return Result(TIMEOUT, note=f"it ran longer than {timeout:g} s")
