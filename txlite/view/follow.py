"""The output of an attempt: read from its report, as far as it has come, or followed to its end.

It promises each byte that an agent wrote once and in order, whatever becomes of the report meanwhile; where some was
cut before it was read, a line says so. Whoever follows holds nothing. Used by `logs` and `launch --foreground`,
by `task_output`, by `top`, and by the tool `logs`.
"""

from __future__ import annotations

import os
import time

from ..errors import NotFound, StoreUnavailable
from ..execution import presence
from ..execution.stopping import Ended, Target, end_of, find_attempt, sleep_until_one_ends
from ..reports import archive, events, header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..reports.events import EventReader
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

CHUNK = 1 << 20  # bytes
TRIES = 500  # to read between two changes of a report, a millisecond apart; then the next look must do


class GrowingOutput:
    """The output of one attempt, as it grows."""

    def __init__(self, store: Store, attempt: int) -> None:
        self._store = store
        self._attempt = attempt
        self._file = -1
        self._start = 0  # of the output in the file
        self._sent = 0  # bytes of what the agent wrote, handed on or cut

    def read(self) -> bytes:
        """Return what came since the last call."""
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
        """Return all that there is now: an agent that writes without pause is not followed."""
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
        """Let go of the report."""
        if self._file >= 0:
            os.close(self._file)

    def _find(self) -> None:
        """Open the report. The file stays the same when it gets its final name."""
        attempt = presence.attempt(self._store, self._attempt)
        if not attempt or not attempt.report:
            return
        try:
            self._file = os.open(os.path.join(self._store.home, attempt.report), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # it got its final name just now, or it is an archive, or it was deleted
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        self._start = header.find_output(data, self._attempt)


def read_output(store: Store, attempt: AttemptStatus, as_it_came: bool = False) -> tuple[bytes, str | None]:
    """Return the output of an attempt so far, and a line that says why it is not all of it (None: it is).

    as_it_came: the events of an agent that writes some, and not its report's words.

    Raises NotFound where nothing is left of it, StoreUnavailable where its report cannot be read.
    """
    if as_it_came and events.has_events(store.home, attempt.attempt):
        return b"".join(events.read_events(store.home, attempt.attempt)), None
    if attempt.is_over:
        return _read_whole(store, attempt)
    output = GrowingOutput(store, attempt.attempt)
    try:
        return output.read_so_far(), None
    finally:
        output.close()


def _read_whole(store: Store, attempt: AttemptStatus) -> tuple[bytes, str | None]:
    """From its report, or its archive; from what the database holds, where the report was moved or deleted."""
    path = os.path.join(store.home, attempt.report or "")
    if not attempt.report or not archive.find(path):
        tails = [one.tail for one in store.attempts(attempt.task) if one.id == attempt.attempt]
        if not tails or not tails[0]:
            raise NotFound(f"{attempt.task} left no output")
        return tails[0].encode(), f"the report of {attempt.task} was moved or deleted: this is the end of its output"
    try:
        with archive.open_report(path) as file:
            data = file.read()
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}") from error
    return header.read_output(data, attempt.attempt), None


def open_output(store: Store, attempt: AttemptStatus, as_it_came: bool = False) -> GrowingOutput | EventReader:
    """Return the output of an attempt, to be read as it grows."""
    if as_it_came and _writes_events(store, attempt):
        return events.EventReader(events.events_path(store.home, attempt.attempt))
    return GrowingOutput(store, attempt.attempt)


def _writes_events(store: Store, attempt: AttemptStatus) -> bool:
    """Whether its agent writes events, which may be yet to come."""
    if events.has_events(store.home, attempt.attempt):
        return True
    if attempt.is_over:
        return False
    from ..agents.agent import recall_agent

    agent = recall_agent(attempt.agent, store.home)
    return bool(agent and agent.results)


def follow(
    store: Store,
    target: Target,
    write: Callable[[bytes], None],
    as_it_came: bool = False,
    look: Callable[[AttemptStatus | None], None] = lambda attempt: None,
) -> Ended:
    """Hand on the output of an attempt from its beginning, as it comes, until it has ended; return how it did. Raises
    StoreLost where the database is deleted or replaced meanwhile.

    look: is called with the attempt whenever nothing more has come for now.
    """
    output: GrowingOutput | EventReader | None = None
    number = None
    try:
        while True:
            ended = end_of(store, target)  # asked first: after an end no attempt comes
            attempt = find_attempt(store, target)
            data = output.read() if output else b""
            if data:
                write(data)
                continue
            if attempt and attempt.attempt != number:  # the first, or the next once all of the last one was told
                if output:
                    output.close()
                output, number = open_output(store, attempt, as_it_came), attempt.attempt
                continue
            look(attempt)
            if ended:
                return ended
            store.database.check_file()
            sleep_until_one_ends([attempt])
    finally:
        if output:
            output.close()
