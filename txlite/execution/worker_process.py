"""The process of a worker under a supervisor, and the channel between the two.

It is forked on Linux, which takes a twentieth of the time, from a supervisor that has one thread and no database open
at that moment; spawned elsewhere, by `multiprocessing`. A forked one first closes all that its supervisor had open, so
that it holds no sibling's pipe, no lock and no FIFO of others, and leaves what it shares with it to share: its
collector of garbage does not touch it. Used by `slot`.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import contextmanager

from ..system.channel import Channel
from .stop_policy import STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from typing import NoReturn

    from .worker_context import WorkerSettings

    Body = Callable[[WorkerSettings, Channel], None]

FORKS = sys.platform == "linux"  # elsewhere system libraries may have threads that no fork survives


class WorkerProcess:
    """A process that was started. `join` waits for its end, which the end of its channel has told."""

    def __init__(self, pid: int, channel: Channel, join: Callable[[], object]) -> None:
        self.pid = pid
        self.channel = channel
        self.join = join


def start_process(body: Body, settings: WorkerSettings) -> WorkerProcess:
    """Start a process that runs `body`. Raises OSError where none is to be had."""
    return (_fork if FORKS else _spawn)(body, settings)


def _fork(body: Body, settings: WorkerSettings) -> WorkerProcess:
    inherited = _open_descriptors()
    pipes = _make_pipes()
    (orders, ordering), (hearing, words) = pipes
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # else it would be said twice
    try:
        with _signals_blocked():
            pid = os.fork()
            if not pid:
                _be_forked(body, settings, Channel(orders, words), [*inherited, ordering, hearing])
    except OSError:
        for end in (*pipes[0], *pipes[1]):
            os.close(end)
        raise
    os.close(orders)
    os.close(words)
    return WorkerProcess(pid, Channel(hearing, ordering), lambda: os.waitpid(pid, 0))


def _make_pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    first = os.pipe()
    try:
        return first, os.pipe()
    except OSError:
        for end in first:
            os.close(end)
        raise


def _be_forked(body: Body, settings: WorkerSettings, channel: Channel, inherited: list[int]) -> NoReturn:
    """Be the worker's process to its end: nothing of its supervisor's may run in it, so it never returns."""
    code = 1
    try:
        gc.freeze()
        signal.set_wakeup_fd(-1)
        for descriptor in inherited:
            os.close(descriptor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        body(settings, channel)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


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
    return WorkerProcess(process.pid or 0, _channel(hearing, ordering), process.join)


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
