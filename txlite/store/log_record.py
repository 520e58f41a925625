"""Which write-ahead log belongs to the database: a record of it, so that no other one is ever applied.

SQLite applies whatever log lies beside a database under its name (sqlite.org/howtocorrupt.html, 1.4). A backup put in
the place of a database whose last process was killed, or a log put back after others had written, would mix two states
without a word. So a small file beside the database tells of the log in use: its salt, which is another one each time a
log begins (sqlite.org/fileformat2.html#walformat), those of the logs before it, and what the database file by itself
held when it began: its uuid, and its last change of state, which a file from before that does not have, nor one that
took another way then. What a file has of later changes must be the log's.

Written under the write lock, when a commit was the first of a log; compared before the database is opened. A log that
is not known (of a program that keeps no record) is believed, unless it is older than the record. The record itself is
not synced: a power cut may leave that of a log before. So may it leave older times of change, and a log that came
straight after the one in the record is believed by its salt. Used by `opening` and `Database`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager

from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = "-wal"
RECORD = ".log"
SALT = (8, 16)  # bytes of it, and where they are in the log
KNOWN = 200  # logs before the one in use whose salts are kept
SUCCESSORS = 1000  # logs that may have begun since the record came to the disk, which is half a minute at the most
TRIES, PAUSE = 3, 0.02  # looks, and seconds between them, that must find the same, as others may be writing

CHECK = "PRAGMA quick_check(1)"
UUID = "SELECT uuid FROM home"
EVENT = "SELECT id, at, task, to_status, token FROM history"
LAST_EVENT = EVENT + " ORDER BY id DESC LIMIT 1"
ONE_EVENT = EVENT + " WHERE id = ?"


class Record(NamedTuple):
    """What is known of the log in use. salt: "" where there is none; before: those of earlier logs."""

    uuid: str
    since: str  # the last change of state in the database file when the log began: its number, and what it was
    salt: str
    before: list[str]


class Log:
    """The write-ahead log that the connection of this process writes, the same file for as long as that is open."""

    def __init__(self, path: str) -> None:
        """path: of the database. Nothing is opened yet: SQLite makes the log."""
        self._path = path
        self._file = -1
        self._salt = b""  # that is noted

    @property
    def descriptor(self) -> int:
        """Return a descriptor of it. Raises OSError."""
        if self._file < 0:
            self._file = os.open(self._path + LOG, os.O_RDONLY | os.O_CLOEXEC)
        return self._file

    def recognize(self) -> None:
        """Take the log for noted, if it is: as a database is opened, not at its first commit, for which others wait."""
        record, salt = _load(self._path), read_salt(self._path)
        if record and record.salt == salt:
            self._salt = bytes.fromhex(salt)

    def note(self) -> None:
        """Write down which log it is, where it has just begun: after a commit, under the lock."""
        try:
            salt = os.pread(self.descriptor, *SALT)
        except OSError:
            return  # `sync` tells what is wrong
        if salt != self._salt:
            self._salt = salt if _note(self._path, salt.hex()) else b""

    def forget(self) -> None:
        """Write down that it is gone, if it is: after the connection was closed, under the lock."""
        forget(self._path)

    def close(self) -> None:
        """Close the descriptor, if there is one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def find_foreign(path: str) -> str:
    """Return what is wrong with the log beside the database at `path`, in words; "" for one that belongs to it.

    Under the lock, or not: whoever reads meanwhile is never told that something is wrong with what is being changed.
    """
    found = ""
    for again in range(TRIES):
        if again:
            time.sleep(PAUSE)
        record, salt = _load(path), read_salt(path)
        found = _compare(path, record, salt) if record and salt else ""
        if not found:
            break
    return found


def _compare(path: str, record: Record, salt: str) -> str:
    state = _own_state(path)
    if state is None:
        return ""  # a checkpoint was cut off: only the log makes it whole
    uuid, last = state
    found = ""
    if uuid == record.uuid and salt in record.before:
        found = "an earlier log of its"
    elif salt == record.salt:
        if uuid != record.uuid:
            found = "the log of another database"
        elif not _is_between(path, record.since, last):
            found = "the log of another state of it"
    elif uuid == record.uuid and not _follows(salt, record.salt) and _is_older(path + LOG, path + RECORD):
        found = "an older log"
    return found if found and _is_whole(path) else ""


def _note(path: str, salt: str) -> bool:
    """Write down that the database's log is the one with this salt, which has just begun; under the lock.

    Return whether it is written down: while a checkpoint waits for a reader, the file by itself may not be whole.
    """
    record, state = _load(path), _own_state(path)
    if record and record.salt == salt and (state is None or record.uuid == state[0]):
        return True
    if state is None:
        return False
    before = _earlier(record) if record and record.uuid == state[0] else []
    _save(path, Record(state[0], state[1], salt, before))
    return True


def forget(path: str) -> None:
    """Write down that there is no log any more, if there is none; under the lock."""
    record = _load(path)
    if record and record.salt and not read_salt(path):
        _save(path, record._replace(salt="", before=_earlier(record)))


def is_missing(path: str) -> bool:
    """Return whether a log that was in use is gone, and was not applied since; under the lock."""
    record = _load(path)
    if record is None or not record.salt or read_salt(path):
        return False
    if os.stat(path).st_mtime > os.stat(path + RECORD).st_mtime:
        return False
    return _own_state(path) in (None, (record.uuid, record.since))  # else what it held had come into the file


def read_salt(path: str) -> str:
    """Return the salt of the log beside the database at `path`, in hexadecimal digits; "" where there is no log."""
    try:
        file = os.open(path + LOG, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.pread(file, *SALT).hex()
    finally:
        os.close(file)


def _follows(salt: str, earlier: str) -> bool:
    """Whether a log began in the place of another, a few logs ago: the first half of the salt is counted up
    (sqlite.org/walformat.html, "WAL file header")."""
    return bool(earlier) and 0 < (int(salt[:8], 16) - int(earlier[:8], 16)) % (1 << 32) <= SUCCESSORS


def _is_older(path: str, other: str) -> bool:
    try:
        return os.stat(path).st_mtime < os.stat(other).st_mtime
    except FileNotFoundError:  # taken away meanwhile, by who brought it into the database
        return False


def _own_state(path: str) -> tuple[str, str] | None:
    """The uuid and the last change of state in the file by itself; None where it is no whole database."""
    try:
        with _file(path) as connection:
            uuid = str(connection.execute(UUID).fetchone()[0])
            return uuid, _in_words(connection.execute(LAST_EVENT).fetchone() or ())
    except (sqlite3.Error, TypeError):
        return None


def _is_between(path: str, since: str, last: str) -> bool:
    """Whether the file by itself lies between the change that its log follows and those to which the log leads."""
    if last == since:
        return True
    try:
        begins = not since or _in_words(_ask(path, ONE_EVENT, since.partition(",")[0])) == since
        return begins and _in_words(_ask(path, ONE_EVENT, last.partition(",")[0], with_log=True)) == last
    except sqlite3.Error:
        return False


def _in_words(event: tuple) -> str:
    return ",".join(map(ascii, event)).replace(" ", "_")


def _is_whole(path: str) -> bool:
    """Whether the file by itself is sound, and no checkpoint into it was cut off."""
    try:
        return bool(_ask(path, CHECK)[0] == "ok")
    except sqlite3.Error:
        return False


def _ask(path: str, question: str, *values: str, with_log: bool = False) -> tuple:
    """The first row that the database file gives, without its log or with it; nothing where there is none."""
    with _file(path, with_log) as connection:
        return connection.execute(question, values).fetchone() or ()


@contextmanager
def _file(path: str, with_log: bool = False) -> Iterator[sqlite3.Connection]:
    """The database file, without its log or with it. Through SQLite: another descriptor of the file, closed, would drop
    the locks of this process."""
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{quoted}?mode=ro" + ("" if with_log else "&immutable=1"), uri=True)
    try:
        yield connection
    finally:
        connection.close()


def _earlier(record: Record) -> list[str]:
    return ([record.salt] if record.salt else []) + record.before[: KNOWN - 1]


def _load(path: str) -> Record | None:
    try:
        with open(path + RECORD, encoding="ascii") as file:
            uuid, since, salt, *before = file.read().split(" ")
        return Record(uuid, since, salt, before)
    except (OSError, ValueError):
        return None


def _save(path: str, record: Record) -> None:
    """In silence where it cannot be written: then a log is not known, and believed."""
    new = path + RECORD + ".new"
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(" ".join((record.uuid, record.since, record.salt, *record.before)))
        os.replace(new, path + RECORD)
    except OSError:
        pass
