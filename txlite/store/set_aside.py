"""What belongs to a database, moved out of its place, and kept together.

SQLite finds a log by the database's name alone: one that lies beside another database is applied to that one, and what
either held is lost (sqlite.org/howtocorrupt.html, 1.3 and 1.4). So what is moved goes into one directory, under the
names it had: that directory is a home, if the database is there. Called, under the write lock, by `create` and for
`doctor`.
"""

from __future__ import annotations

import os
import time

from ..system.atomic_file import sync

COMPANIONS = ("-wal", "-shm", "-journal")  # sqlite.org/tempfiles.html
ORPHANED = "orphaned-log"  # of a database that is not there
FOREIGN = "foreign-log"  # of another database, or of another state of this one
BROKEN = "set-aside"  # a database that cannot be used, and what belongs to it


def companions(path: str) -> list[str]:
    """Return the files of SQLite's that lie beside the database at `path`."""
    return [path + ending for ending in COMPANIONS if os.path.lexists(path + ending)]


def set_aside(path: str, files: list[str], why: str) -> str:
    """Move files of the database at `path` into a new directory beside it, whose name says `why`; return its path.

    Raises OSError.
    """
    aside = _make_directory(f"{path}.{why}-{time.strftime('%Y%m%d-%H%M%S')}")
    for file in files:
        os.rename(file, os.path.join(aside, os.path.basename(file)))
    sync(aside)
    sync(os.path.dirname(aside))
    return aside


def names(files: list[str]) -> str:
    """Return the names of files as a person lists them."""
    return ", ".join(map(os.path.basename, files))


def _make_directory(beginning: str) -> str:
    number = 0
    while True:
        path = f"{beginning}-{number}" if number else beginning
        try:
            os.mkdir(path, 0o700)
            return path
        except FileExistsError:
            number += 1
