"""A backup: a copy of the whole database, claims and all, made while others write.

It is to be put in the place of the one it was made of: beside it, both would give out the same tokens. Called as
`Store.backup`.
"""

from __future__ import annotations

import os
import sqlite3
import time

from ..errors import NotFound, Refused, StoreUnavailable
from ..system import clock
from ..system.atomic_file import AtomicFile
from .sqlite_errors import translate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Database

JOURNAL = "PRAGMA journal_mode"
SNAPSHOT = "SELECT uuid FROM home"
UNSYNCED = "PRAGMA synchronous = OFF"  # the file is synced once, when it is whole
CHECK = "PRAGMA integrity_check(1)"

STEP = 500  # pages copied at once
PAUSE = 0.005  # seconds between steps, for others to write
PATIENCE = 600.0  # seconds for a copy that others' writing sets back


def back_up(database: Database, path: str) -> int:
    """Write a copy of the database, as of one moment, into a new file; it is there whole, or not at all. Others
    go on writing. How many bytes it has.

    Raises Refused where the file exists; StoreUnavailable where it cannot be written, or the copy is not sound.
    """
    if not database.execute(SNAPSHOT):
        raise NotFound(f"there is no database at {database.path}: nothing to back up")
    with AtomicFile(path, replace=False) as new:
        _copy(database, new.draft)
        _check_copy(new.draft)
        return os.path.getsize(new.draft)


def _copy(database: Database, path: str) -> None:
    """With a write-ahead log a reader sees one moment for as long as it likes, and hinders no writer. Without,
    each step is by itself, and one that finds the database changed begins again."""
    if database.execute(JOURNAL)[0][0] == "wal":
        with database.reading() as connection:
            connection.execute(SNAPSHOT).fetchall()
            _copy_pages(connection, path, 0.0)
        return
    try:
        _copy_pages(database.connection, path, PAUSE)
    except sqlite3.Error as error:
        raise translate(error, database.path) from error


def _copy_pages(connection: sqlite3.Connection, path: str, pause: float) -> None:
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
