"""A place for one worker, and the worker in it: started, told, heard and buried for its supervisor.

Workers are `multiprocessing` processes: forked on Linux, which takes a twentieth of the time, from a supervisor that
has one thread and no database open at that moment; spawned elsewhere. A forked one first closes all that its supervisor
had open, so that it holds no sibling's pipe, no lock and no FIFO of others. Used by `supervisor`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys

from ..system import clock
from .stop_policy import LEAVE, STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from .worker_context import WorkerSettings

DEATHS = 12  # a worker that died this often without ending an attempt is not started again
LONGEST_BACKOFF = 10.0  # seconds
FORKS = sys.platform == "linux"  # elsewhere system libraries may have threads that no fork survives


class Slot:
    """A place for one worker. `deaths`: in a row, without an attempt ended in between; `start_at`: not before this
    monotonic time; `is_leaving`: its worker was told to."""

    def __init__(self) -> None:
        self.deaths = 0
        self.start_at = 0.0
        self.is_leaving = False
        self._process: BaseProcess | None = None
        self._control: Connection | None = None

    @property
    def is_taken(self) -> bool:
        """Whether a worker is in it."""
        return self._process is not None

    @property
    def is_working(self) -> bool:
        """Whether a worker is in it that was not told to leave."""
        return self._process is not None and not self.is_leaving

    @property
    def is_hopeless(self) -> bool:
        """Whether it is empty, and no worker will be started in it again."""
        return self._process is None and self.deaths >= DEATHS

    @property
    def is_due(self) -> bool:
        """Whether it is empty, and a worker is to be started in it now."""
        return not self.is_taken and not self.is_hopeless and clock.monotonic() >= self.start_at

    @property
    def pid(self) -> int | None:
        """The PID of its worker."""
        return self._process.pid if self._process else None

    @property
    def descriptors(self) -> list[int]:
        """What to wait for: its worker's words, and its death."""
        found = [self._control.fileno()] if self._control else []
        return [*found, self._process.sentinel] if self._process else found

    def start(self, body: Callable[[WorkerSettings, Connection], None], settings: WorkerSettings) -> None:
        """Start a worker whose process runs `body`. Raises OSError where no process is to be had."""
        inherited = _open_descriptors() if FORKS else []
        context = multiprocessing.get_context("fork" if FORKS else "spawn")
        ours, theirs = context.Pipe()
        if FORKS:
            inherited.append(ours.fileno())
        else:
            from multiprocessing import resource_tracker

            resource_tracker.ensure_running()  # starting it unblocks signals, so it goes first
        worker = (body, settings, theirs, inherited)
        child = context.Process(target=_be_worker, args=worker, name=settings.id)  # type: ignore[attr-defined]
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            child.start()  # the worker unblocks them when it is ready for them
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
        self._process, self._control = child, ours

    def tell(self, stage: int) -> None:
        """Order its worker to come to this stage; LEAVE only once."""
        if self._control and not (self.is_leaving and stage == LEAVE):
            self.is_leaving = True
            try:
                self._control.send_bytes(b"%d" % stage)
            except OSError:
                pass  # it is going already

    def hear(self) -> Iterator[bytes]:
        """Yield all that its worker has said: one message a turn would let them pile up."""
        while self._control and self._control.poll():
            try:
                yield self._control.recv_bytes()
            except (EOFError, OSError):
                self.let_go()  # its sentinel will tell that it is gone

    def has_died(self, descriptor: int) -> bool:
        """Return whether this readable descriptor says that the worker is gone."""
        return self._process is not None and self._process.sentinel == descriptor

    def bury(self) -> None:
        """Empty the place of a worker that has died, told to or not; where it was not, the next one starts later each
        time."""
        assert self._process
        self._process.join()
        self._process.close()
        self._process = None
        self.let_go()
        if self.is_leaving:
            self.is_leaving = False
        else:
            self.deaths += 1
            self.start_at = clock.monotonic() + (min(0.1 * 2**self.deaths, LONGEST_BACKOFF) if self.deaths > 1 else 0.0)

    def let_go(self) -> None:
        """Close the connection: a worker that lives finishes what it runs, and leaves."""
        if self._control:
            self._control.close()
            self._control = None


def _open_descriptors() -> list[int]:
    """What is open in this process, above the standard streams."""
    found = map(int, os.listdir("/proc/self/fd"))
    return [one for one in found if one > 2 and _is_open(one)]  # the listing's own is not, by now


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
        return True
    except OSError:
        return False


def _be_worker(
    body: Callable[[WorkerSettings, Connection], None],
    settings: WorkerSettings,
    connection: Connection,
    inherited: list[int],
) -> None:
    """Be the worker's process, forked with these descriptors of its supervisor's, or spawned with none."""
    if inherited:
        signal.set_wakeup_fd(-1)
        for descriptor in inherited:
            os.close(descriptor)
    body(settings, connection)
