"""How a database comes into being: under another name, complete, and then linked into its place.

So an empty file at its place is never ours, and of many processes that begin at once one makes it. The log of a
database that is gone is set aside first: a new one would take it for its own. Called by `store` where there is none.
"""

from __future__ import annotations

import os
import sqlite3

from ..errors import StoreUnavailable
from ..system import clock, mounts
from ..system.atomic_file import sync
from . import schema
from .migrations import migrate
from .opening import size_of, write_lock
from .set_aside import ORPHANED, companions, names, set_aside
from .sqlite_errors import translate


def create(path: str, uuid: str) -> str:
    """Make a new database at `path` if there is none; it appears there complete, or not at all.

    Return what a person should know: that a log without its database was set aside, and where; else nothing.
    Safe to call from many processes at once. Raises StoreUnavailable.
    """
    if os.path.lexists(path):
        return ""
    notice = ""
    lock = write_lock(path, 30.0)
    lock.acquire()
    unfinished = f"{path}.{os.getpid()}.new"
    try:
        if not os.path.lexists(path):
            _remove_unfinished(path)
            notice = _set_orphans_aside(path)
            _build(unfinished, uuid, network=mounts.is_on_network(os.path.dirname(path)))
            os.link(unfinished, path)
            sync(os.path.dirname(path))
    except sqlite3.Error as error:
        raise translate(error, path) from error
    except OSError as error:
        raise StoreUnavailable(f"cannot make {path}: {error.strerror}: give another home with --home") from error
    finally:
        _remove_unfinished(path)
        lock.release()
        lock.close()
    return notice


def _set_orphans_aside(path: str) -> str:
    orphans = companions(path)
    if not orphans:
        return ""
    aside = set_aside(path, orphans, ORPHANED)
    return (
        f"{path} was gone, and a new one is made; what the old one left, {names(orphans)}, is now in {aside}: put the "
        f"old one there, too, and `txlite --home {aside} export` writes what they hold"
    )


def _build(path: str, uuid: str, network: bool) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        migrate(connection)
        connection.execute("INSERT INTO home (id, uuid, created) VALUES (1, ?, ?)", (uuid, clock.now()))
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("COMMIT")
        # Only now: in WAL mode the pages would come into the file at the close, which reports no full disk. WAL
        # needs memory shared between all that use the file, which no network file system gives.
        if not network and connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StoreUnavailable(f"{path} cannot have a write-ahead log: give another home with --home")
    finally:
        connection.close()
    if size_of(path + "-wal"):
        raise StoreUnavailable(f"{path} could not be written completely: free some space on its disk")


def _remove_unfinished(path: str) -> None:
    """Remove what we, or others that were killed here, did not finish; under the lock, so that nobody is at it."""
    directory, name = os.path.split(path)
    for leftover in os.listdir(directory):
        if leftover.startswith(name + ".") and ".new" in leftover:
            os.unlink(os.path.join(directory, leftover))
