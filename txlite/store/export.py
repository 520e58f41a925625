"""The store's part for carrying it elsewhere: exports and imports, backups; and its history. Reached
through `Store.transfer`, because most commands do without it.

An export (`interchange`) is what a fresh home needs to go on: all tasks, what they wait for, how they are launched,
their attempts. Importing it into an empty home and exporting that gives the same bytes. Not in it, because no other
machine can hold them: claims, workers, runs and their batches, reports. So a task that is active is exported as one of
the backlog, without its open attempt; a launched one, which no queue may take, as cancelled: `retry` launches it again.

A backup is the whole database, claims and all, to be put in the place of the one it was made of: beside it, both would
give out the same tokens.
"""

from __future__ import annotations

import os

from ..errors import NotFound, Refused, StoreUnavailable, UsageError
from ..home import location
from ..model import Lane
from ..system import clock
from ..system.atomic_file import AtomicFile
from ..system.named_tuple import NamedTuple
from . import jsonl
from .database import translate
from .importing import ATTACH, DETACH, Arrivals, Counts, lanes, lines_of
from .tasks import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from .database import Database

# What stands for an active task, and for the moments for which one that was released is its holder's.
EXPORT_TASKS = """SELECT t.seq, l.task IS NOT NULL, t.id, t.title, x.description,
    CASE WHEN t.status <> 'active' THEN t.status WHEN l.task IS NULL THEN 'backlog' ELSE 'cancelled' END,
    (SELECT p.id FROM tasks p WHERE p.seq = t.parent), t.score, t.created, t.updated, t.completed, NULL, t.kind,
    x.command, x.directory, x.verify, t.needs, CASE WHEN t.reserved_for IS NULL THEN t.not_before END,
    nullif(t.failures, 0), l.agent, l.type, l.level, l.template, l.timeout, l.kill_after, l.width
    FROM tasks t LEFT JOIN task_texts x ON x.task = t.seq LEFT JOIN launches l ON l.task = t.seq ORDER BY t.seq"""
EXPORT_DEPENDENCIES = """SELECT d.task, b.id FROM dependencies d JOIN tasks b ON b.seq = d.blocker
    ORDER BY d.task, d.blocker"""
EXPORT_ATTEMPTS = """SELECT a.id, t.id, a.worker, a.agent, a.started, a.ended, a.outcome, a.exit_code, a.duration,
    a.pid, a.report, a.note, x.tail FROM attempts a CROSS JOIN tasks t ON t.seq = a.task
    LEFT JOIN attempt_texts x ON x.attempt = a.id WHERE a.ended IS NOT NULL ORDER BY a.id"""

# A token's attempt began with a change to active, and ended with one from it.
HISTORY = """SELECT h.id, h.at, h.task, h.from_status, h.to_status, h.token,
    CASE WHEN 'active' IN (h.from_status, h.to_status) THEN a.worker END,
    CASE WHEN h.from_status = 'active' THEN a.outcome END
    FROM history h LEFT JOIN attempts a ON a.id = h.token"""
HISTORY_LATEST = f"{HISTORY} ORDER BY h.id DESC LIMIT ?"
HISTORY_OF_TASK = f"{HISTORY} WHERE h.task = ? ORDER BY h.id DESC LIMIT ?"

JOURNAL = "PRAGMA journal_mode"
SNAPSHOT = "SELECT uuid FROM home"
UNSYNCED = "PRAGMA synchronous = OFF"  # the file is synced once, when it is whole
CHECK = "PRAGMA integrity_check(1)"
CACHE = "PRAGMA main.cache_size"

STEP = 500  # pages copied at once
PAUSE = 0.005  # seconds between steps, for others to write
PATIENCE = 600.0  # seconds for a copy that others' writing sets back
MERGE_CACHE = -98304  # KiB of pages of the database while an import is merged


class Event(NamedTuple):
    """A change of a task's state."""

    id: int
    at: str
    task: str  # id; the task may be deleted meanwhile
    from_status: str | None  # None: it was added
    to_status: str | None  # None: it was deleted
    token: int  # of its last claim; 0 before the first
    worker: str | None  # of the attempt that began or ended with it
    outcome: str | None  # of the attempt that ended with it


class Transfer:
    """What comes and goes with one store: `store.transfer`."""

    def __init__(self, db: Database, wake_for: Callable[[Iterable[Lane]], None]) -> None:
        self.db = db
        self.wake_for = wake_for

    def export(self) -> Iterator[str]:
        """The lines of an export, of one moment: what others write meanwhile is not in it. Read them to the end, and
        soon, or close the iterator: until then no checkpoint gets by."""
        yield jsonl.write(jsonl.FORMAT, jsonl.FORMAT.values())
        with self.db.reading() as connection:
            waits = _Waits(connection)
            for seq, launched, *values in connection.execute(EXPORT_TASKS):
                values[_AFTER] = waits.of(seq)
                fields, launch = values[:_LAUNCH], values[_LAUNCH:]
                fields.append(_present(launch) if launched else None)
                yield jsonl.write(jsonl.TASK_KEYS, fields)
            for row in connection.execute(EXPORT_ATTEMPTS):
                yield jsonl.write(jsonl.ATTEMPT_KEYS, row)

    def export_to(self, path: str) -> None:
        """Write an export into this file; it is replaced at the end, or not at all.

        Raises StoreUnavailable where it cannot be written, UsageError where it is the database, or no file.
        """
        if os.path.realpath(path).startswith(os.path.realpath(self.db.path)):
            raise UsageError(f"{path} is the database's own: give another name")
        with AtomicFile(path, replace=True) as new, open(new.draft, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(self.export())

    def import_from(self, file: BinaryIO, name: str) -> Counts:
        """Merge an export, or tx's, into this home: all of it, or nothing. How is told in `arrivals`.

        name: of the file, for messages. Raises UsageError, naming the line that is wrong.
        """
        connection, arrivals = self.db.connection, Arrivals(name)
        with self.db._threads:  # it changes the connection: no other thread's transaction may come between
            try:
                for statement in ATTACH:
                    connection.execute(statement)
                self._stage(arrivals, file)
                return self._merge(arrivals)
            finally:
                _detach(connection)

    def _stage(self, arrivals: Arrivals, file: BinaryIO) -> None:
        import sqlite3

        with self.db.reading() as connection:  # of what is attached: nothing else is looked at, or locked
            try:
                arrivals.stage(connection, lines_of(file), location.working_directory())
            except sqlite3.OperationalError as error:
                raise StoreUnavailable(
                    f"no temporary file can be written ({error}): set TMPDIR to a directory with room"
                ) from error

    def _merge(self, arrivals: Arrivals) -> Counts:
        usual = self.db.execute(CACHE)[0][0]
        self.db.execute(f"{CACHE} = {MERGE_CACHE}")  # else pages are written again and again in one transaction
        try:
            with self.db.writing() as connection:
                counts = arrivals.merge(connection)
            with self.db.reading() as connection:
                touched = lanes(connection)
        finally:
            self.db.execute(f"{CACHE} = {usual}")
        self.wake_for(touched)
        return counts

    def history(self, task: str | None = None, limit: int | None = None) -> list[Event]:
        """Changes of state: the newest first, or those of one task, oldest first; at most the `limit` newest.

        A deleted task's can still be read. Raises TaskNotFound for one that never was.
        """
        count = -1 if limit is None else limit
        if task is None:
            return list(map(Event._make, self.db.execute(HISTORY_LATEST, (count,))))
        rows = self.db.execute(HISTORY_OF_TASK, (task, count))
        if not rows and (count or not self.db.execute(HISTORY_OF_TASK, (task, 1))):
            raise unknown(task)
        return list(map(Event._make, reversed(rows)))

    def backup(self, path: str) -> int:
        """Write a copy of the database, as of one moment, into a new file; it is there whole, or not at all. Others
        go on writing. How many bytes it has.

        Raises Refused where the file exists; StoreUnavailable where it cannot be written, or the copy is not sound.
        """
        if not self.db.execute(SNAPSHOT):
            raise NotFound(f"there is no database at {self.db.path}: nothing to back up")
        with AtomicFile(path, replace=False) as new:
            self._copy(new.draft)
            _check_copy(new.draft)
            return os.path.getsize(new.draft)

    def _copy(self, path: str) -> None:
        """With a write-ahead log a reader sees one moment for as long as it likes, and hinders no writer. Without,
        each step is by itself, and one that finds the database changed begins again."""
        import sqlite3

        if self.db.execute(JOURNAL)[0][0] == "wal":
            with self.db.reading() as connection:
                connection.execute(SNAPSHOT).fetchall()
                _copy_pages(connection, path, 0.0)
            return
        try:
            _copy_pages(self.db.connection, path, PAUSE)
        except sqlite3.Error as error:
            raise translate(error, self.db.path) from error


_AFTER = jsonl.TASK_KEYS.index("after")
_LAUNCH = jsonl.TASK_KEYS.index("launch")


def _present(launch: list[object]) -> dict[str, object]:
    return {key: value for key, value in zip(jsonl.LAUNCH_KEYS, launch) if value is not None and value != ""}


class _Waits:
    """All dependencies in the order of their tasks, read along with these."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = iter(connection.execute(EXPORT_DEPENDENCIES))
        self._next = next(self._rows, None)

    def of(self, task: int) -> list[str] | None:
        """What this task, by seq, waits for. Ask in ascending order."""
        found = []
        while self._next and self._next[0] <= task:
            found.append(self._next[1])
            self._next = next(self._rows, None)
        return found or None


def _detach(connection: sqlite3.Connection) -> None:
    import sqlite3

    for statement in DETACH:
        try:
            connection.execute(statement)
        except sqlite3.Error:
            pass  # it was not attached


def _copy_pages(connection: sqlite3.Connection, path: str, pause: float) -> None:
    import sqlite3
    import time

    deadline = clock.monotonic() + PATIENCE

    def rest(*_: int) -> None:
        if pause and clock.monotonic() > deadline:
            raise Refused(f"others have written all the time for {PATIENCE:g} s: stop them, and try again")
        time.sleep(pause)

    target = sqlite3.connect(path, isolation_level=None)
    try:
        target.execute(UNSYNCED)
        connection.backup(target, pages=STEP, progress=rest)
    finally:
        target.close()


def _check_copy(path: str) -> None:
    """Opened as a file that nobody changes: so nothing comes into being beside it."""
    import sqlite3

    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{quoted}?immutable=1", isolation_level=None, uri=True)
    try:
        found = connection.execute(CHECK).fetchone()[0]
    except sqlite3.Error as error:
        found = str(error)
    finally:
        connection.close()
    if found != "ok":
        raise StoreUnavailable(f"the copy is not sound, and was not kept ({found}): the database may be corrupt")
