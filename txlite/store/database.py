"""Connection, write lock, transactions, migrations; sqlite3's errors made ours.

Guarantees: every write, checkpoint and close of the database happens under one exclusive file lock beside
it, because SQLite 3.7.0 to 3.51.2 can corrupt a database when a commit races with the reset of the WAL by
another process. What only reads opens with mode=ro, takes no lock and never checkpoints. Nothing else here
opens the database file: closing any descriptor of it would drop SQLite's own locks (POSIX advisory locks
belong to the process). Used by the parts of the store alone;
one connection a process, never carried across a fork.

A commit under FULL is on the disk when its transaction ends. SQLite would sync it while it holds the lock; here the
lock is let go first (synchronous = NORMAL) and the log synced after that, so that the syncs of several processes
become one. Nothing is lost by it: the log is written in order, so whoever builds on a commit that is not on the disk
yet cannot be there without it.
"""

from __future__ import annotations

import os
import sqlite3
from _thread import RLock  # type: ignore[attr-defined]  # threading.RLock, without importing threading

from ..errors import InvalidValue, StoreLost, StoreUnavailable
from ..system import clock, mounts
from . import schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from ..system.locks import FileLock, HostLock

CHECKPOINT_PAGES = 4000  # 16 MB of WAL: four times SQLite's default, for a quarter of its syncs


class Database:
    """The connection of this process to one database file.

    path: the file. `read_only`: never changes anything. `synchronous`: FULL or NORMAL, as in SQLite.
    `lock_timeout`: seconds to wait for the write lock.
    Raises StoreUnavailable where the file is not there, not ours, newer than this code, or cannot be used.
    """

    def __init__(
        self, path: str, read_only: bool = False, synchronous: str = "FULL", lock_timeout: float = 30.0
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._process = os.getpid()
        self._threads = RLock()
        self._lock = None if read_only else write_lock(path, lock_timeout)
        self._host_lock = None if read_only else _host_lock(path)
        self._is_syncing = False
        self._log = -1  # descriptor of the write-ahead log
        self._inode = self._look()
        self.connection = self._check_ours()
        if not read_only:
            self.connection.close()
            self.connection = self._connect("rw", f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            self._set_synchronous(synchronous)
            self._migrate()

    def execute(self, sql: str, values: Iterable[object] = ()) -> list[tuple]:
        """Return all rows of one statement that reads."""
        with self.reading() as connection:
            return connection.execute(sql, tuple(values)).fetchall()

    def reading(self) -> _Transaction:
        """Open a context in which several reads see one state."""
        return _Transaction(self, "BEGIN")

    def writing(self) -> _Transaction:
        """Open a context under the write lock; committed at its end, rolled back if it raises."""
        if self._lock is None:
            raise StoreUnavailable(f"{self.path} was opened for reading only")
        return _Transaction(self, "BEGIN IMMEDIATE")

    def alone(self) -> RLock:
        """Open a context in which no other thread uses the connection."""
        return self._threads

    def _set_synchronous(self, synchronous: str) -> None:
        """Sync the write-ahead log ourselves; where there is none, SQLite knows better when."""
        try:
            has_log = self.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            self._is_syncing = has_log and synchronous == "FULL"
            self.connection.execute(f"PRAGMA synchronous = {'NORMAL' if has_log else synchronous}")
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def sync(self) -> None:
        """Bring what was committed to the disk, if it has to be there. Raises StoreLost."""
        if not self._is_syncing:
            return
        try:
            if self._log < 0:  # it stays the same file for as long as somebody is connected
                self._log = os.open(self.path + "-wal", os.O_RDONLY | os.O_CLOEXEC)
            _sync_data(self._log)
        except OSError as error:
            raise StoreLost(
                f"{self.path}-wal could not be brought to the disk ({error.strerror}): see the system's log"
            ) from error

    def changes(self) -> int:
        """Return a number that differs when another connection has changed the database since."""
        return self._pragma("data_version")

    def _pragma(self, name: str) -> int:
        with self._threads:
            self._check_process()
            try:
                return int(self.connection.execute(f"PRAGMA {name}").fetchone()[0])
            except sqlite3.Error as error:
                raise _translated(error, self.path) from error

    def close(self) -> None:
        """Close the connection, if this is the process that opened it."""
        if os.getpid() != self._process:
            return
        self._process = 0
        with self._threads:
            if self._lock is None:
                self.connection.close()
                return
            try:
                self._lock.acquire()
            except StoreUnavailable:
                self.connection.close()  # whoever holds the lock for so long is connected: no checkpoint falls to us
            else:
                self.connection.close()
                self._lock.release()
            self._lock.close()
            if self._host_lock:
                self._host_lock.close()
            if self._log >= 0:
                os.close(self._log)
                self._log = -1

    def _look(self) -> tuple[int, int]:
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}: `txlite init` makes a home") from error
        if not status.st_size:
            raise StoreUnavailable(
                f"{self.path} is an empty file, not a database of txlite: remove it if it is not yours"
            )
        return status.st_dev, status.st_ino

    def _connect(self, mode: str, *pragmas: str) -> sqlite3.Connection:
        quoted = self.path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        try:
            connection = sqlite3.connect(
                f"file:{quoted}?mode={mode}", timeout=5, isolation_level=None, check_same_thread=False, uri=True
            )
            connection.text_factory = _read_text
            for pragma in ("PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY", *pragmas):
                connection.execute(pragma)
            return connection
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def _check_ours(self) -> sqlite3.Connection:
        """A reading connection to a database that this code may use.

        Opened before any other, because a connection that can write would, at its close, change the file.
        """
        connection = self._connect("ro")
        try:
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
            except sqlite3.OperationalError:
                if _is_writable(os.path.dirname(self.path)) or size_of(self.path + "-wal"):
                    raise
                connection.close()  # no shared memory can be made here, and nobody can write
                connection = self._connect("ro&immutable=1")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
            ours = connection.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
        except sqlite3.Error as error:
            connection.close()
            raise _translated(error, self.path) from error
        if not ours:
            connection.close()
            raise StoreUnavailable(f"{self.path} is not a database of txlite: give another home with --home")
        if version > schema.VERSION:
            connection.close()
            raise StoreUnavailable(
                f"{self.path} has schema {version}, this txlite knows {schema.VERSION}: use a newer txlite"
            )
        return connection

    @property
    def is_current(self) -> bool:
        """Whether its schema is this code's, and not an older one."""
        return self._pragma("user_version") == schema.VERSION

    def _migrate(self) -> None:
        if self.is_current:
            return
        from .migrations import migrate  # what is current does without

        with self.writing() as connection:
            # Asked again inside: another process may have been first.
            migrate(connection)

    def _check_process(self) -> None:
        if not self._process:
            raise StoreUnavailable(f"{self.path} was closed: open it again")
        if os.getpid() != self._process:
            raise StoreUnavailable(f"{self.path} was opened before a fork: open it again in the child process")

    def _check_inode(self) -> None:
        try:
            status = os.stat(self.path)
            if (status.st_dev, status.st_ino) == self._inode:
                return
        except FileNotFoundError:
            pass
        raise StoreLost(f"{self.path} was deleted or replaced while it was in use: nothing was written")


class EmptyDatabase(Database):
    """What a command that reads is given where there is no database yet: one without a row, in memory."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.read_only = True
        self._process = os.getpid()
        self._threads = RLock()
        self._lock = self._host_lock = None
        self._is_syncing = False
        from .migrations import migrate

        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.connection)


class _Transaction:
    def __init__(self, database: Database, begin: str) -> None:
        self._database = database
        self._begin = begin
        self._lock = database._lock if begin == "BEGIN IMMEDIATE" else None

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        database._check_process()
        database._threads.acquire()
        try:
            database._check_process()  # another thread may have closed it while we waited
            if self._lock:
                self._lock.acquire()
            try:
                if self._lock:
                    database._check_inode()
                database.connection.execute(self._begin)
            except BaseException:
                if self._lock:
                    self._lock.release()
                raise
        except BaseException as error:
            database._threads.release()
            if isinstance(error, sqlite3.Error):
                raise _translated(error, database.path) from error
            raise
        return database.connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        database = self._database
        try:
            try:
                if error is None:
                    database.connection.execute("COMMIT")
            except sqlite3.Error as failure:
                error = failure
            if error is not None and database.connection.in_transaction:
                database.connection.execute("ROLLBACK")
        finally:
            if self._lock:
                self._lock.release()
            database._threads.release()
        if error is None and self._lock:
            database.sync()
        if isinstance(error, sqlite3.Error):
            raise _translated(error, database.path) from error
        if isinstance(error, UnicodeEncodeError):
            raise InvalidValue(f"{error.object!r:.60} is not valid UTF-8: re-encode it") from error
        if isinstance(error, OverflowError):
            raise InvalidValue("a number is too large for the database") from error


def _read_text(data: bytes) -> str:
    """Text that is not UTF-8 (a row edited by hand) is shown as such, and breaks nothing."""
    return data.decode("utf-8", "replace")


_sync_data = getattr(os, "fdatasync", os.fsync)


def write_lock(path: str, timeout: float) -> FileLock:
    """Return the lock beside the database under which all of it is written; `timeout`: seconds to wait for it."""
    from ..system.locks import FileLock  # what only reads does without

    return FileLock(path + ".lock", timeout)


def _host_lock(path: str) -> HostLock | None:
    from ..system.locks import HostLock

    return HostLock(path + ".host", clock.host()) if mounts.is_on_network(os.path.dirname(path)) else None


def size_of(path: str) -> int:
    """Return the bytes of a file, 0 for one that is not there."""
    return os.path.getsize(path) if os.path.exists(path) else 0


def _is_writable(directory: str) -> bool:
    return os.access(directory, os.W_OK) and os.statvfs(directory).f_bavail > 0


def _translated(error: sqlite3.Error, path: str) -> Exception:
    from .sqlite_errors import translate  # what goes well does without

    return translate(error, path)
