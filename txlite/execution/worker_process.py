"""The process of a worker under a supervisor, and the channel between the two.

It is a process of `multiprocessing`: forked on Linux, which takes a twentieth of the time, from a supervisor that has
one thread and no database open at that moment; spawned elsewhere. A forked one first closes all that its supervisor had
open, so that it holds no sibling's pipe, no lock and no FIFO of others, and leaves what it shares with it to share: its
collector of garbage does not touch it. (The connections of `multiprocessing` are not used: they take as long to import
as all the rest of it.) Used by `slot`.
"""

from __future__ import annotations

import errno
import gc
import os
import resource
import signal
import sys
from contextlib import contextmanager

from ..system.channel import Channel
from .stop_policy import STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from .worker_context import WorkerSettings

    Body = Callable[[WorkerSettings, Channel], None]

OPEN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)  # as we were started: so many may an agent open
ROOM = 64  # descriptors that a supervisor has free before it starts one more worker
NEEDED = 16  # that it needs itself
_highest = 0  # descriptor that was seen
FORKS = sys.platform == "linux"  # elsewhere system libraries may have threads that no fork survives


class WorkerProcess:
    """A process that was started. `join` waits for its end, which the end of its channel has told."""

    def __init__(self, process: BaseProcess, channel: Channel) -> None:
        self.pid = process.pid or 0
        self.channel = channel
        self._process = process

    def join(self) -> int | None:
        """Wait until it has ended, and collect it; return its exit code, below 0 for a signal."""
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        return code


def start_process(body: Body, settings: WorkerSettings) -> WorkerProcess:
    """Start a process that runs `body`. Raises OSError where none is to be had."""
    return (_fork if FORKS else _spawn)(body, settings)


def _fork(body: Body, settings: WorkerSettings) -> WorkerProcess:
    import multiprocessing

    (orders, ordering), (hearing, words) = pipes = _make_pipes()
    highest = _find_highest(*pipes[0], *pipes[1]) + ROOM
    arguments = (body, settings, orders, words, highest)
    process = multiprocessing.get_context("fork").Process(target=_be_forked, args=arguments, name=settings.id)
    try:
        _make_room(max(*pipes[0], *pipes[1]))
        with _signals_blocked():
            process.start()
    except OSError:
        for end in (*pipes[0], *pipes[1]):
            os.close(end)
        raise
    os.close(orders)
    os.close(words)
    return WorkerProcess(process, Channel(hearing, ordering))


def _make_room(newest: int) -> None:
    """Let us, not the workers, have more descriptors, where few are left above the newest. Raises OSError where there
    are none for what has to be opened again."""
    if newest + ROOM > OPEN_FILES[0]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES[1], OPEN_FILES[1]))
    if 0 <= OPEN_FILES[1] < newest + NEEDED:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def _find_highest(*new: int) -> int:
    """The highest descriptor that this process had open since it started workers; the lowest are given first."""
    global _highest
    _highest = max(_highest or max(map(int, os.listdir("/proc/self/fd"))), *new)
    return _highest


def _make_pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    first = os.pipe()
    try:
        return first, os.pipe()
    except OSError:
        for end in first:
            os.close(end)
        raise


def _be_forked(body: Body, settings: WorkerSettings, orders: int, words: int, highest: int) -> None:
    """Be the worker's process, forked from a supervisor that had no descriptor above `highest`."""
    gc.freeze()
    signal.set_wakeup_fd(-1)
    low, high = sorted((orders, words))
    for first, last in ((3, low), (low + 1, high), (high + 1, highest)):
        os.closerange(first, last)
    resource.setrlimit(resource.RLIMIT_NOFILE, OPEN_FILES)
    body(settings, Channel(orders, words))


def _spawn(body: Body, settings: WorkerSettings) -> WorkerProcess:
    import multiprocessing
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it unblocks signals, so it goes first
    context = multiprocessing.get_context("spawn")
    (orders, ordering), (hearing, words) = context.Pipe(duplex=False), context.Pipe(duplex=False)
    process = context.Process(target=_be_spawned, args=(body, settings, orders, words), name=settings.id)
    with _signals_blocked():
        process.start()
    orders.close()
    words.close()
    return WorkerProcess(process, _channel(hearing, ordering))


def _be_spawned(body: Body, settings: WorkerSettings, orders: Connection, words: Connection) -> None:
    body(settings, _channel(orders, words))


def _channel(reading: Connection, writing: Connection) -> Channel:
    channel = Channel(os.dup(reading.fileno()), os.dup(writing.fileno()))
    reading.close()
    writing.close()
    return channel


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """What stops a worker waits until it is ready for it, and unblocks them itself."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
