"""The results of a run in a file: a row for each task that has ended, as CSV or as JSON Lines.

Rows are written as tasks end, each whole. A run that goes on writes none twice, mends the last one where a kill tore
it, and adds those that a kill left out: of its batch or, without one, of all that ended after the last row. Several
runs may share a file: each reads what others have added before it adds something. A file that cannot be written any
more stops no work: it is told at the end (`terminal`). Used by the command `run`.
"""

from __future__ import annotations

import io
import json
import os
import time
from contextlib import contextmanager, suppress

from ..errors import Error, StoreUnavailable, UsageError
from ..model import BACKLOG
from ..system import clock
from ..system.locks import try_lock, unlock
from .terminal import note_lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..store.batches import Batch
    from ..store.ends import End
    from ..store.history import Finished
    from ..store.store import Store

COLUMNS = (
    "seq", "id", "arguments", "command", "outcome", "exitCode", "started", "ended", "seconds", "attempts", "report",
)  # fmt: skip
ID, ENDED = COLUMNS.index("id"), COLUMNS.index("ended")
CSV, JSONL = ".csv", ".jsonl"
PATIENCE = 1.0  # seconds with another run that writes: it needs a moment, unless it was stopped


class ResultsFile:
    """The file of one run."""

    def __init__(self, path: str) -> None:
        """Read what is there. Raises UsageError where it is of neither kind, holds something else or cannot be written;
        StoreUnavailable where it cannot be read."""
        self._path = path
        self._is_csv = path.endswith(CSV)
        if not path.endswith((CSV, JSONL)):
            raise UsageError(f"--results {path}: the name says what is written: give FILE.csv or FILE.jsonl")
        try:
            self._file = open(path, "a+b", buffering=0)  # to the end of the process
        except OSError as error:
            raise UsageError(f"--results {path}: {error.strerror}: give a file that can be written") from error
        if not self._file.seekable():
            raise UsageError(f"--results {path}: a pipe cannot be read again: give a file")
        self._beginning = _to_csv(COLUMNS) if self._is_csv else b'{"seq": '
        self._is_broken = False
        self._known: set[tuple[str, str]] = set()  # id and end of the rows that are there
        self._place = 0  # up to which they were read
        with self._alone():
            self._last = self._read()

    def begin(self, store: Store, batch: Batch | None) -> None:
        """Add what is missing."""
        self._store, self._batch = store, batch
        if batch:
            self._add(store.ends.of_batch(batch))
        else:
            self._add(self._ended_since(*self._last) if self._last else ())

    def heed(self, events: Sequence[Finished]) -> None:
        """Write what has ended: a listener of `RunProgress`."""
        attempts = [event.attempt for event in events if event.to_status != BACKLOG and self._is_ours(event)]
        self._add(filter(None, map(self._store.ends.of, attempts)))

    def _is_ours(self, event: Finished) -> bool:
        """Whether it is of the batch: our workers may have taken tasks of another run's."""
        return self._batch is None or self._store.ends.batch_of(event.seq) == self._batch.id

    def _ended_since(self, task: str, ended: str) -> Iterator[End]:
        """What ended after the end of a task that a row tells of."""
        since = self._store.history.event_of(task, ended)
        for event in [] if since is None else self._store.history.finished_since(since):
            end = self._store.ends.of(event.attempt) if event.to_status != BACKLOG else None
            if end:
                yield end

    def _add(self, ends: Iterable[End]) -> None:
        found = list(ends)
        with self._alone():
            with suppress(Error):  # what is no row is not ours
                self._read()
            rows = [self._beginning] if self._is_csv and self._is_empty() else []
            for end in found:
                if (end.task, end.ended) not in self._known:
                    self._known.add((end.task, end.ended))
                    rows.append(self._format(end))
            self._write(b"".join(rows))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Open a context in which no other run writes."""
        file, until = self._file.fileno(), clock.monotonic() + PATIENCE
        with suppress(OSError):  # there are file systems without locks
            while not try_lock(file) and clock.monotonic() < until:
                time.sleep(0.001)
        try:
            yield
        finally:
            with suppress(OSError):
                unlock(file)

    def _is_empty(self) -> bool:
        return os.fstat(self._file.fileno()).st_size == 0

    def _format(self, end: End) -> bytes:
        arguments = None if end.arguments is None else list(end.arguments)
        seconds = None if end.duration is None else round(end.duration, 3)
        attempts = self._store.ends.count_attempts(end.attempt)
        report = end.report and os.path.join(self._store.home, end.report)
        row = (
            end.seq, end.task, arguments, end.command, end.outcome, end.exit_code, end.started, end.ended, seconds,
            attempts, report,
        )  # fmt: skip
        if not self._is_csv:
            return json.dumps(dict(zip(COLUMNS, row)), ensure_ascii=False).encode() + b"\n"
        words = None if arguments is None else json.dumps(arguments, ensure_ascii=False)
        return _to_csv((*row[:2], words, *row[3:]))

    def _write(self, data: bytes) -> None:
        if self._is_broken or not data:
            return
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) or 0 :]
            self._place = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            self._is_broken = True
            error.filename = f"--results {self._path}"
            note_lost(error)

    def _read(self) -> tuple[str, str] | None:
        """Take what rows there are more, and cut off a torn one; the last of them, by id and end."""
        end, last = self._place, None
        try:
            for row in self._whole_rows(end):
                found = self._parse(row, is_first=not end)
                end += len(row)
                if found:
                    self._known.add(found)
                    last = found
            self._place = end
            if end < os.fstat(self._file.fileno()).st_size:
                os.ftruncate(self._file.fileno(), end)
        except OSError as error:
            raise StoreUnavailable(f"--results {self._path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"--results {self._path}: it holds something else: give another file") from None
        return last

    def _whole_rows(self, place: int) -> Iterator[bytes]:
        """Those from there on, each with its line's end, which stands outside of quotes. Raises ValueError where the
        first of all, which may be torn, is none of ours."""
        begun = b""
        is_first = not place
        with open(self._path, "rb") as file:
            file.seek(place)
            for line in file:
                if is_first and not line.startswith(self._beginning[: len(line)]):
                    raise ValueError(line)
                is_first = False
                begun += line
                if line.endswith(b"\n") and not (self._is_csv and begun.count(b'"') % 2):
                    yield begun
                    begun = b""

    def _parse(self, row: bytes, is_first: bool) -> tuple[str, str] | None:
        """A row's id and end; None for the heading."""
        if not self._is_csv:
            values = json.loads(row)
            return str(values["id"]), str(values["ended"])
        import csv

        cells = next(csv.reader(io.StringIO(row.decode(), newline="")))
        if len(cells) != len(COLUMNS):
            raise ValueError(cells)
        return None if is_first else (cells[ID], cells[ENDED])


def _to_csv(cells: Sequence[object]) -> bytes:
    import csv

    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()
