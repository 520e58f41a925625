"""The database: its connection, its write lock, its transactions; sqlite3's errors made ours.

Guarantees: every write, checkpoint and close of the database happens under one exclusive file lock beside
it, because SQLite 3.7.0 to 3.51.2 can corrupt a database when a commit races with the reset of the WAL by
another process (sqlite.org/wal.html). What only reads takes no lock and never checkpoints. Nothing else opens the
database file: closing any descriptor of it would drop SQLite's own locks (POSIX advisory locks belong to the process:
sqlite.org/howtocorrupt.html, 2.2). One connection a process, never carried across a fork. Opened by `opening`; used by
the parts of the store alone.

Under FULL, what was told is on the disk. SQLite would sync a commit while it holds the lock; here the lock is let go
first (synchronous = NORMAL) and the log synced after that, so that the syncs of several processes become one. Nothing
is lost by it: the log is written in order, so whoever builds on a commit that is not on the disk yet cannot be there
without it. A commit that nobody is told of (`told=False`) does not wait at all: whoever reads it, and tells somebody,
syncs first. If power fails before that, what it repeats was never reported.
"""

from __future__ import annotations

import os
import sqlite3
from _thread import RLock  # type: ignore[attr-defined]  # threading.RLock, without importing threading
from contextlib import contextmanager

from ..errors import InvalidValue, StoreLost, StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    from ..system.locks import FileLock, HostLock
    from .log_record import Log


class Database:
    """The connection of this process to one database file.

    path: the file. connection: to it, as `opening` makes it. inode: its device and inode as it was opened. lock, host
    lock: those of who may write, None for who only reads. log: what was written ahead, where there is such a log.
    is_syncing: it is synced by us. notice: what a person should know of its opening. reopen: opens it once more, as it
    was opened.
    """

    def __init__(
        self,
        path: str,
        connection: sqlite3.Connection,
        inode: tuple[int, int] = (0, 0),
        lock: FileLock | None = None,
        host_lock: HostLock | None = None,
        log: Log | None = None,
        is_syncing: bool = False,
        notice: str = "",
        reopen: Callable[[], Database] | None = None,
    ) -> None:
        self.path = path
        self.connection = connection
        self.notice = notice
        self._reopen = reopen
        self._inode = inode
        self._lock = lock
        self._host_lock = host_lock
        self._is_syncing = is_syncing
        self.is_telling = True  # what is read here is told to a person, a program or an agent
        self._process = os.getpid()
        self._threads = RLock()
        self._log = log
        self._told = -1  # the state that is on the disk, as `changes` counts them
        self._is_settled = False  # it is closed, and before that all of it was brought to the disk
        self._committed = self._synced = 0  # commits of ours, and how many of them are on the disk

    def execute(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[tuple]:
        """Return all rows of one statement that reads."""
        with self.reading() as connection:
            return connection.execute(sql, values).fetchall()

    def reading(self) -> _Transaction:
        """Open a context in which several reads see one state."""
        return _Transaction(self, "BEGIN")

    def writing(self, told: bool = True) -> _Transaction:
        """Open a context under the write lock; committed at its end, rolled back if it raises.

        told: whether somebody is told of it then; if not, it is on the disk after the next `settle`, or when somebody
        else reads it."""
        if self._lock is None:
            raise StoreUnavailable(f"{self.path} was opened for reading only")
        return _Transaction(self, "BEGIN IMMEDIATE", told)

    def alone(self) -> RLock:
        """Open a context in which no other thread uses the connection."""
        return self._threads

    def settle(self) -> None:
        """Bring to the disk what was committed and nobody was told. Raises StoreLost."""
        if self._synced < self._committed:
            self._sync()

    def _before_telling(self) -> None:
        """Bring to the disk what was just read, if others have written since we last did."""
        version = self.changes()
        if version != self._told and os.path.exists(self.path + "-wal"):
            if self._log is None:
                from .log_record import Log  # who only reads has none, most of the time

                self._log = Log(self.path)
            self._sync()
        self._told = version

    def _sync(self) -> None:
        committed = self._committed
        if not self._is_syncing or self._log is None:
            return
        try:
            _sync_data(self._log.descriptor)
            self._synced = max(self._synced, committed)
        except OSError as error:
            if self._is_settled:
                return  # another thread has closed it meanwhile
            raise StoreLost(
                f"{self.path}-wal could not be brought to the disk ({error.strerror}): see the system's log"
            ) from error

    def changes(self) -> int:
        """Return a number that differs when another connection has changed the database since."""
        return self.pragma("data_version")

    def pragma(self, name: str) -> int:
        """Return the number that a pragma gives."""
        with self._threads:
            self._check_process()
            try:
                return int(self.connection.execute(f"PRAGMA {name}").fetchone()[0])
            except sqlite3.Error as error:
                raise translated(error, self.path) from error

    def close(self) -> None:
        """Close the connection, if this is the process that opened it."""
        if os.getpid() != self._process:
            return
        self._process = 0
        with self._threads:
            if self._lock is None:
                self.connection.close()
                if self._log:
                    self._log.close()
                return
            try:
                self.settle()  # what other threads have committed, and would sync now
                self._is_settled = True
            finally:
                self._close_for_writing(self._lock)

    def _close_for_writing(self, lock: FileLock) -> None:
        try:
            lock.acquire()
        except StoreUnavailable:
            self.connection.close()  # whoever holds the lock for so long is connected: no checkpoint falls to us
        else:
            self.connection.close()
            if self._log:
                self._log.forget()
            lock.release()
        lock.close()
        if self._log:
            self._log.close()
        if self._host_lock:
            self._host_lock.close()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Open a context in which nothing of it is open in this process: what SQLite has open, or a lock, may not be
        carried across a fork (sqlite.org/howtocorrupt.html, 2.6). Raises StoreUnavailable where it cannot be opened
        again, StoreLost where it was replaced meanwhile."""
        assert self._reopen
        self.close()
        try:
            yield
        finally:
            inode = self._inode
            vars(self).update(vars(self._reopen()))
            self._inode = inode
            self.check_file()

    def _check_process(self) -> None:
        if not self._process:
            raise StoreUnavailable(f"{self.path} was closed: open it again")
        if os.getpid() != self._process:
            raise StoreUnavailable(f"{self.path} was opened before a fork: open it again in the child process")

    def check_file(self) -> None:
        """Raise StoreLost where the file was deleted or replaced since it was opened."""
        try:
            status = os.stat(self.path)
            if (status.st_dev, status.st_ino) == self._inode:
                return
            what = "what is there now is another one's"
        except FileNotFoundError:
            what = "nothing is there now"
        if self._lock:
            what = "nothing was written"
        raise StoreLost(f"{self.path} was deleted or replaced while it was in use: {what}")


class _Transaction:
    def __init__(self, database: Database, begin: str, is_told: bool = True) -> None:
        self._database = database
        self._begin = begin
        self._is_told = is_told
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
                    database.check_file()
                database.connection.execute(self._begin)
            except BaseException:
                if self._lock:
                    self._lock.release()
                raise
        except BaseException as error:
            database._threads.release()
            if isinstance(error, sqlite3.Error):
                raise translated(error, database.path) from error
            raise
        return database.connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        database = self._database
        try:
            try:
                if error is None:
                    self._commit()
            except sqlite3.Error as failure:
                error = failure
            if error is not None and database.connection.in_transaction:
                database.connection.execute("ROLLBACK")
        finally:
            if self._lock:
                self._lock.release()
            database._threads.release()
        if error is None:
            self._bring_to_disk()
        if isinstance(error, sqlite3.Error):
            raise translated(error, database.path) from error
        if isinstance(error, UnicodeEncodeError):
            raise InvalidValue(f"{error.object!r:.60} is not valid UTF-8: re-encode it") from error
        if isinstance(error, OverflowError):
            raise InvalidValue("a number is too large for the database") from error

    def _bring_to_disk(self) -> None:
        database = self._database
        if self._lock is None:
            if database.is_telling and database._is_syncing:
                database._before_telling()
        elif self._is_told:
            database._sync()

    def _commit(self) -> None:
        database = self._database
        database.connection.execute("COMMIT")
        if self._lock:
            database._committed += 1
            if database._log:
                database._log.note()


_sync_data = getattr(os, "fdatasync", os.fsync)


def translated(error: sqlite3.Error, path: str) -> Exception:
    """Return the error of ours that says what sqlite3's means for a user."""
    from .sqlite_errors import translate  # what goes well does without

    return translate(error, path)
