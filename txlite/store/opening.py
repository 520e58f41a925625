"""How the database of a home is opened: whose it is, whether this code may use it, and with which locks.

It is opened for reading first and looked at, because a connection that can write would change the file as it closes
again; only what is ours, and no newer than this code, is opened for writing, and brought up to date. Where there is no
database yet, what only reads is given one without a row, in memory. Called by `store`; what `create` needs stands here,
too.
"""

from __future__ import annotations

import os
import sqlite3

from ..errors import StoreUnavailable
from ..system import clock, mounts
from . import schema
from .database import Database, translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..system.locks import FileLock, HostLock
    from .log_record import Log

CHECKPOINT_PAGES = 4000  # 16 MB of WAL: four times SQLite's default, for a quarter of its syncs


def open_database(
    path: str, read_only: bool = False, synchronous: str = "FULL", lock_timeout: float = 30.0
) -> Database:
    """Open the database file at `path`, and bring it up to date unless `read_only`.

    `synchronous`: FULL or NORMAL, as in SQLite (sqlite.org/pragma.html#pragma_synchronous). `lock_timeout`: seconds to
    wait for the write lock. Raises StoreUnavailable where the file is not there, not ours, newer than this code, or
    cannot be used.
    """

    def reopen() -> Database:
        return open_database(path, read_only, synchronous, lock_timeout)

    lock = None if read_only else write_lock(path, lock_timeout)
    host_lock = None if read_only else _host_lock(path)
    inode = _look(path)
    notice = _refuse_foreign_log(path) if lock is None else _set_foreign_log_aside(path, lock)
    connection = _check_ours(path)
    if read_only:
        return Database(path, connection, inode, is_syncing=True)
    connection.close()
    connection = _connect(path, "rw", f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    log = _set_synchronous(connection, path, synchronous)
    is_syncing = log is not None and synchronous == "FULL"
    database = Database(path, connection, inode, lock, host_lock, log, is_syncing, notice, reopen)
    if not is_current(database):
        _bring_up_to_date(database)
    return database


def is_disturbed(path: str) -> bool:
    """Return whether opening the database at `path` for writing would set files aside, or miss some."""
    from .log_record import find_foreign, is_missing
    from .set_aside import companions

    return bool(companions(path)) if not os.path.lexists(path) else bool(find_foreign(path)) or is_missing(path)


def _refuse_foreign_log(path: str) -> str:
    """Raise StoreUnavailable for a log that is not this database's: who only reads moves nothing."""
    if size_of(path + "-wal"):
        from .log_record import find_foreign

        found = find_foreign(path)
        if found:
            raise StoreUnavailable(
                f"{path}-wal is {found}: the next command that writes sets it aside, or `txlite doctor --set-aside`"
            )
    return ""


def _set_foreign_log_aside(path: str, lock: FileLock) -> str:
    """Move a log away that is not this database's; what a person should know of it."""
    if not is_disturbed(path):
        return ""  # without the lock: most of the time all is well, and others are writing
    from .log_record import find_foreign, forget, is_missing
    from .set_aside import FOREIGN, companions, names, set_aside

    lock.acquire()
    try:
        found = find_foreign(path)
        if not found:
            missing = is_missing(path)
            forget(path)
            return f"{path}-wal is gone, and with it what was written last: that is lost" if missing else ""
        files = companions(path)
        aside = set_aside(path, files, FOREIGN)
        forget(path)
    except OSError as error:
        raise StoreUnavailable(f"{path}-wal cannot be moved away: {error.strerror}") from error
    finally:
        lock.release()
    return (
        f"{path}-wal was {found}, and is not applied: {names(files)} are now in {aside}: with a copy of the database "
        f"that they belong to beside them, `txlite --home {aside} export` writes what they hold"
    )


def empty_database(path: str) -> Database:
    """Return what a command that reads is given where there is no database at `path` yet: one in memory."""
    from .migrations import migrate

    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    return Database(path, connection)


def is_current(database: Database) -> bool:
    """Say whether a database's schema is this code's, and not an older one."""
    return database.pragma("user_version") == schema.VERSION


def _bring_up_to_date(database: Database) -> None:
    from .migrations import migrate, refuse_beside_older, without_foreign_keys  # what is current does without

    with without_foreign_keys(database.connection), database.writing() as connection:
        refuse_beside_older(connection)
        migrate(connection)  # it asks again for the version: another process may have been first


def _look(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}: `txlite init` makes a home") from error
    if not status.st_size:
        raise StoreUnavailable(f"{path} is an empty file, not a database of txlite: remove it if it is not yours")
    return status.st_dev, status.st_ino


def _connect(path: str, mode: str, *pragmas: str) -> sqlite3.Connection:
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(
            f"file:{quoted}?mode={mode}", timeout=5, isolation_level=None, check_same_thread=False, uri=True
        )
        connection.text_factory = _read_text
        for pragma in ("PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY", *pragmas):
            connection.execute(pragma)
        return connection
    except sqlite3.Error as error:
        raise translated(error, path) from error


def _check_ours(path: str) -> sqlite3.Connection:
    """A reading connection to a database that this code may use.

    Opened before any other, because a connection that can write would, at its close, change the file.
    """
    connection = _connect(path, "ro")
    try:
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.OperationalError:
            if _is_writable(os.path.dirname(path)) or size_of(path + "-wal"):
                raise
            connection.close()  # no shared memory can be made here, and nobody can write
            connection = _connect(path, "ro&immutable=1")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        ours = connection.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
    except sqlite3.Error as error:
        connection.close()
        raise translated(error, path) from error
    if not ours:
        connection.close()
        raise StoreUnavailable(f"{path} is not a database of txlite: give another home with --home")
    if version > schema.VERSION:
        connection.close()
        raise StoreUnavailable(f"{path} has schema {version}, this txlite knows {schema.VERSION}: use a newer txlite")
    return connection


def _set_synchronous(connection: sqlite3.Connection, path: str, synchronous: str) -> Log | None:
    """Have the write-ahead log, which is returned, synced by us. Where there is none, SQLite knows better when."""
    from .log_record import Log

    try:
        has_log = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if has_log else synchronous}")
    except sqlite3.Error as error:
        raise translated(error, path) from error
    if not has_log:
        return None
    log = Log(path)
    log.recognize()
    return log


def _read_text(data: bytes) -> str:
    """Text that is not UTF-8 (a row edited by hand) is shown as such, and breaks nothing."""
    return data.decode("utf-8", "replace")


def write_lock(path: str, timeout: float) -> FileLock:
    """Return the lock beside the database under which all of it is written; `timeout`: seconds to wait for it."""
    from ..system.locks import FileLock  # what only reads does without

    return FileLock(path + ".lock", timeout)


def _host_lock(path: str) -> HostLock | None:
    from ..system.locks import HostLock

    return HostLock(path + ".host", clock.host()) if mounts.is_on_network(os.path.dirname(path)) else None


def size_of(path: str) -> int:
    """Return the bytes of a file, 0 for one that is not there."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _is_writable(directory: str) -> bool:
    return os.access(directory, os.W_OK) and os.statvfs(directory).f_bavail > 0
