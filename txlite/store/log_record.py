"""Which write-ahead log belongs to the database: a record of it, so that no other one is ever applied.

SQLite applies whatever log lies beside a database under its name (sqlite.org/howtocorrupt.html, 1.4). A backup put in
the place of a database whose last process was killed, or a log put back after others had written, would mix two states
without a word. So a small file beside the database tells of the log in use: its salt, which is another one each time a
log begins (sqlite.org/fileformat2.html#walformat), those of the logs before it, and what the database file by itself
held when it began: its uuid, and its last change of state (which an older file does not have, nor one of which another
was made since).

Written under the write lock, when a commit was the first of a log; compared before the database is opened. A log that
is not known (of a program that keeps no record) is believed, unless it is older than the record. Used by `opening` and
`Database`.
"""

from __future__ import annotations

import os
import sqlite3

from ..system.named_tuple import NamedTuple

LOG = "-wal"
RECORD = ".log"
SALT = (8, 16)  # bytes of it, and where they are in the log
KNOWN = 200  # logs before the one in use whose salts are kept
TRIES = 5  # of a reader, while others write

CHECK = "PRAGMA quick_check(1)"
UUID = "SELECT uuid FROM home"
EVENT = "SELECT uuid, h.id, at, task, to_status, token FROM home CROSS JOIN history h"
LAST_EVENT = EVENT + " WHERE h.id = (SELECT max(id) FROM history)"
ONE_EVENT = EVENT + " WHERE h.id = ?"


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
    for _ in range(TRIES):
        record, salt = _load(path), read_salt(path)
        if record is None or not salt:
            return ""
        found = _compare(path, record, salt)
        if not found or _load(path) == record:
            return found
    return ""


def _compare(path: str, record: Record, salt: str) -> str:
    state = _own_state(path, record.since)
    if state is None:
        return ""  # a checkpoint was cut off: only the log makes it whole
    uuid, since = state
    found = ""
    if uuid == record.uuid and salt in record.before:
        found = "an earlier log of its"
    elif salt == record.salt:
        found = "the log of another database" if uuid != record.uuid else ""
        found = found or ("the log of another state of it" if since != record.since else "")
    elif uuid == record.uuid and os.stat(path + LOG).st_mtime < os.stat(path + RECORD).st_mtime:
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
    return os.stat(path).st_mtime <= os.stat(path + RECORD).st_mtime


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


def _own_state(path: str, since: str = "") -> tuple[str, str] | None:
    """The uuid and the last change of state in the file by itself, or the change that has the number of `since`; None
    where it is no whole database.

    Through SQLite: another descriptor of the file, closed, would drop the locks of this process.
    """
    try:
        number = since.partition(",")[0]
        row = _ask_alone(path, ONE_EVENT, number) if number else _ask_alone(path, LAST_EVENT)
        uuid, *event = row or _ask_alone(path, UUID)
        return str(uuid), ",".join(map(ascii, event)).replace(" ", "_")
    except (sqlite3.Error, ValueError):
        return None


def _is_whole(path: str) -> bool:
    """Whether the file by itself is sound, and no checkpoint into it was cut off."""
    try:
        return bool(_ask_alone(path, CHECK)[0] == "ok")
    except sqlite3.Error:
        return False


def _ask_alone(path: str, question: str, *values: str) -> tuple:
    """The first row that the database file gives without its log; nothing where there is none."""
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{quoted}?mode=ro&immutable=1", uri=True)
    try:
        return connection.execute(question, values).fetchone() or ()
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
