"""Attempts seen from outside their worker: wait for their end, follow their output, stop them.

Whoever waits or follows holds nothing: it may be killed at any moment, and the attempt goes on. Used by `wait`,
`logs`, `stop` and `launch`.
"""

from __future__ import annotations

import os
import select
import signal
import time

from ..errors import NotFound, Refused, StoreUnavailable
from ..execution import presence
from ..execution.recovery import Recovery
from ..model import CANCELLED, DONE, FAILED, LOST
from ..reports import archive, header
from ..store.attempt_status import AttemptStatus
from ..system import clock, process, process_tree
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..store.store import Store

LOOK = 0.1  # seconds between looks, where no process's end can be waited for
LONG_LOOK = 1.0  # and where it can
CHUNK = 1 << 20  # bytes
TRIES = 500  # to read between two changes of a report, a millisecond apart; then the next look must do
GRACE = 5.0  # seconds more than it should take, until a worker counts as hung
FINAL = (DONE, FAILED, CANCELLED, "blocked")  # states of a task of the queue that end the waiting for it


class Target(NamedTuple):
    """What a user named: a task, or by its PID one attempt."""

    name: str
    task: str  # id
    attempt: int | None


class Ended(NamedTuple):
    """How it ended."""

    state: str  # as in Standing
    code: int
    standing: AttemptStatus | None


def find(store: Store, name: str) -> Target:
    """What a user means by an ID or a PID. Raises NotFound, TaskNotFound."""
    standing = presence.find_attempt(store, name)
    if standing is None or standing.task == name:
        return Target(name, name, None)
    return Target(name, standing.task, standing.attempt)


def look(store: Store, target: Target) -> AttemptStatus | None:
    """The attempt that is meant; None while the task has none."""
    return (
        presence.find_attempt(store, target.task) if target.attempt is None else presence.attempt(store, target.attempt)
    )


def end_of(store: Store, target: Target) -> Ended | None:
    """How it ended, or None while it goes on. A task of the queue goes on until no further attempt will come."""
    standing = look(store, target)
    if standing and (standing.launched or target.attempt is not None):
        return Ended(standing.state, standing.code, standing) if standing.is_over else None
    status = store.get(target.task).status
    if status not in FINAL:
        return None
    if status == DONE:
        return Ended(DONE, 0, standing)
    return Ended(CANCELLED if status == CANCELLED else FAILED, (standing and standing.code) or 1, standing)


def wait(store: Store, targets: Iterable[Target], timeout: float | None = None) -> dict[Target, Ended]:
    """Wait until all have ended, at most `timeout` seconds; those that have."""
    deadline = None if timeout is None else clock.monotonic() + timeout
    ended: dict[Target, Ended] = {}
    pending = list(targets)
    while pending:
        for target in list(pending):
            found = end_of(store, target)
            if found:
                ended[target] = found
                pending.remove(target)
        left = LONG_LOOK if deadline is None else deadline - clock.monotonic()
        if left <= 0:
            break
        if pending:
            _sleep([look(store, target) for target in pending], left)
    return ended


def _sleep(standings: list[AttemptStatus | None], seconds: float) -> None:
    """Until one of the launched workers ends, or it is time to look again."""
    handles = [_open(standing) for standing in standings if standing and standing.launched]
    is_complete = len(handles) == len(standings) and None not in handles
    poll = select.poll()
    for handle in handles:
        if handle is not None:
            poll.register(handle, select.POLLIN)
    poll.poll(min(seconds, LONG_LOOK if is_complete else LOOK) * 1000)
    for handle in handles:
        if handle is not None:
            os.close(handle)


def _open(standing: AttemptStatus) -> int | None:
    """A descriptor that becomes readable when the attempt's worker ends, where the system has such a thing."""
    worker = process.Identity.parse(standing.identity)
    if worker is None:
        return None
    try:
        handle = os.pidfd_open(worker.pid)
    except (AttributeError, OSError):
        return None
    if worker.is_alive():
        return handle
    os.close(handle)
    return None


def open_standing(store: Store, target: Target) -> AttemptStatus:
    """The attempt that is meant, to be stopped. Raises Refused for a task that never ran."""
    standing = look(store, target)
    if standing is None or (standing.is_over and _comes_again(store, standing)):
        raise Refused(f"{target.task} does not run: `txlite cancel {target.task}` takes it out of the queue")
    return standing


def _comes_again(store: Store, standing: AttemptStatus) -> bool:
    """Whether a task of the queue waits for another attempt."""
    return bool(standing.is_last) and not standing.launched and store.get(standing.task).status == "backlog"


def stop(store: Store, standings: list[AttemptStatus]) -> list[AttemptStatus]:
    """End attempts and cancel their tasks; how they stand then. One that has ended already stays as it is.

    Each worker is asked to, and stops its agent (TERM, later KILL). A worker that does not is killed, and one that
    is dead has its agent's tree ended, as recovery does.
    """
    open_ones = [standing for standing in standings if standing.ended is None]
    deadline = clock.monotonic()
    for standing in open_ones:
        deadline = max(deadline, clock.monotonic() + _ask(store, standing))
    for standing in open_ones:
        if _comes_again(store, presence.attempt(store, standing.attempt) or standing):
            store.cancel(standing.task)  # its attempt ended by itself in between, and would be followed by another
    left = [Target(standing.task, standing.task, standing.attempt) for standing in open_ones]
    wait(store, left, deadline - clock.monotonic())
    for standing in open_ones:
        now = presence.attempt(store, standing.attempt)
        worker = now and not now.is_over and _worker(now)
        if worker:
            process.send_signal(worker, signal.SIGKILL)
    if open_ones:
        wait(store, left, GRACE)
        Recovery(store).run()
    return [presence.attempt(store, standing.attempt) or standing for standing in standings]


def _ask(store: Store, standing: AttemptStatus) -> float:
    """Have its worker stop an attempt; the seconds that it may take for that."""
    if not store.assignments.stop(standing.attempt):
        return 0.0  # it ended by itself
    worker = _worker(standing)
    if worker:
        process.send_signal(worker, signal.SIGCONT)  # somebody may have stopped it
    elif standing.state == LOST:
        return 0.0
    return store.workers.get(standing.worker).kill_after + process_tree.KILL_PATIENCE + GRACE


def _worker(standing: AttemptStatus) -> process.Process | None:
    """The process of its worker, if it is there."""
    known = process.Identity.parse(standing.identity)
    seen = process.look(known.pid) if known and known.is_here() else None
    return seen if known and seen and seen.start == known.start else None


class Output:
    """The output of one attempt, as it grows. `read` gives what is new of it, each byte once and in order; where some
    was cut before it was read, a line says so."""

    def __init__(self, store: Store, attempt: int) -> None:
        self._store = store
        self._attempt = attempt
        self._file = -1
        self._start = 0  # of the output in the file
        self._sent = 0  # bytes of what the agent wrote, handed on or cut

    def read(self) -> bytes:
        """What came since the last call."""
        if self._file < 0:
            self._find()
        for _ in range(TRIES if self._file >= 0 else 0):
            layout = self._layout()
            data, sent = self._take(layout)
            if not layout.is_changing and self._layout() == layout:
                self._sent = sent
                return data
            time.sleep(0.001)  # its worker is at it
        return b""

    def read_so_far(self) -> bytes:
        """All that there is now: an agent that writes without pause is not followed."""
        data = part = self.read()
        end = os.fstat(self._file).st_size - self._start if self._file >= 0 else 0
        while part and len(data) < end:
            part = self.read()
            data += part
        return data

    def _take(self, layout: header.Layout) -> tuple[bytes, int]:
        """The next part, as it lies in the file, and how far that goes."""
        if not layout.cut or self._sent < layout.after:
            place, end = self._sent, layout.after if layout.cut else layout.size
        elif self._sent < layout.after + layout.cut:
            lost = layout.after + layout.cut - self._sent
            return f"\n[txlite: {lost} bytes of output were cut here]\n".encode(), self._sent + lost
        else:
            place, end = self._sent - layout.cut + header.MARK_LENGTH, layout.size
        most = CHUNK if end is None else max(min(CHUNK, end - place), 0)
        data = os.pread(self._file, most, self._start + place)
        return data, self._sent + len(data)

    def _layout(self) -> header.Layout:
        return header.read_layout(os.pread(self._file, self._start, 0))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def _find(self) -> None:
        """Open the report. The file stays the same when it gets its final name."""
        standing = presence.attempt(self._store, self._attempt)
        if not standing or not standing.report:
            return
        try:
            self._file = os.open(os.path.join(self._store.home, standing.report), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # it got its final name just now, or it is an archive, or it was deleted
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        self._start = header.find_output(data, self._attempt)


def read_output(store: Store, standing: AttemptStatus) -> bytes:
    """All output of an attempt that has ended: from its report, or its archive.

    Raises NotFound, with what the database holds of it as `args[1]`, where the report was moved or deleted.
    """
    path = os.path.join(store.home, standing.report or "")
    if not standing.report or not archive.find(path):
        tails = [one.tail for one in store.attempts(standing.task) if one.id == standing.attempt]
        message = f"the report of {standing.task} was moved or deleted: this is the end of its output"
        raise NotFound(message if tails and tails[0] else f"{standing.task} left no output", (tails or [""])[0] or "")
    try:
        with archive.open_report(path) as file:
            data = file.read()
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}") from error
    return header.read_output(data, standing.attempt)


def follow(store: Store, target: Target, write: Callable[[bytes], None]) -> Ended:
    """Hand on the output of an attempt from its beginning, as it comes, until it has ended; how it did."""
    output, attempt = None, None
    try:
        while True:
            standing = look(store, target)
            ended = end_of(store, target)
            if standing and standing.attempt != attempt:  # the first, or the next of a task of the queue
                if output:
                    output.close()
                output, attempt = Output(store, standing.attempt), standing.attempt
            data = output.read() if output else b""
            write(data)
            if ended and not data:
                return ended
            if not data:
                _sleep([standing], LOOK)
    finally:
        if output:
            output.close()
