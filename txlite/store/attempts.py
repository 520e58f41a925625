"""Attempts: how each begins and ends, and what became of those of a task.

An attempt begins and ends with a claim, in its transaction, never by itself; its number is the claim's token. Used by
the store's façade, and by its parts that claim and that end claims.
"""

from __future__ import annotations

from ..model import Attempt
from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Outcome, Task, Usage
    from .database import Database

COLUMNS = """a.id, t.id, a.worker, a.agent, a.started, a.ended, a.outcome, a.exit_code, a.duration, a.pid, a.report,
    a.note, x.tail, a.place, a.level"""
SELECT = f"""SELECT {COLUMNS} FROM attempts a JOIN tasks t ON t.seq = a.task
    LEFT JOIN attempt_texts x ON x.attempt = a.id"""
SELECT_BY_TASK = f"""WITH RECURSIVE runs (id) AS (SELECT token FROM tasks WHERE id = ?
        UNION SELECT b.previous FROM runs r JOIN attempts b ON b.id = r.id WHERE b.previous > 0)
    {SELECT} WHERE a.id IN runs ORDER BY a.id"""
INSERT = "INSERT INTO attempts (task, previous, worker, agent, started, level) VALUES (?, ?, ?, ?, ?, ?)"
END = """UPDATE attempts SET ended = ?, outcome = ?, exit_code = ?, duration = ?, pid = ?, report = ?,
    note = coalesce(note, ?), place = ?, level = coalesce(level, ?) WHERE id = ? AND ended IS NULL"""
SET_NOTE = "UPDATE attempts SET note = ? WHERE id = ?"
INSERT_TAIL = "INSERT OR REPLACE INTO attempt_texts (attempt, tail) VALUES (?, ?)"


class Result(NamedTuple):
    """How an attempt ended."""

    outcome: Outcome
    exit_code: int | None = None
    duration: float | None = None  # seconds
    pid: int | None = None
    report: str | None = None  # path below home
    note: str | None = None
    tail: str = ""
    place: str | None = None  # where it ran, if not here
    level: str | None = None  # at which its agent was to think, where that was said
    usages: tuple[Usage, ...] = ()  # what it, and its review, has cost

    def add_reason(self, reason: str) -> Result:
        """Return it with one more reason in its note."""
        return self._replace(note=f"{self.note}; {reason}" if self.note else reason)


class Attempts:
    """The attempts of one database, to be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, task: str) -> list[Attempt]:
        """Return all attempts of the task with this id, oldest first."""
        return list(map(Attempt._make, self._database.execute(SELECT_BY_TASK, (task,))))


def begin(
    connection: sqlite3.Connection, task: Task, worker: str, agent: str, moment: str, level: str | None = None
) -> int:
    """Begin an attempt of a task, inside a transaction that writes; its number, which is higher than any before it."""
    return connection.execute(INSERT, (task.seq, task.token, worker, agent, moment, level)).lastrowid or 0


def end(connection: sqlite3.Connection, attempt: int, result: Result) -> None:
    """Record how an attempt ended, inside a transaction that writes; one that has ended stays as it is."""
    connection.execute(
        END,
        (clock.now(), result.outcome, result.exit_code, result.duration, result.pid, result.report, result.note,
         result.place, result.level, attempt),
    )  # fmt: skip
    if result.usages:
        from .usages import write  # what only runs commands does without

        write(connection, result.usages)
    if result.tail:
        connection.execute(INSERT_TAIL, (attempt, result.tail))


def set_note(connection: sqlite3.Connection, attempt: int, note: str) -> None:
    """Keep a reason with an attempt, inside a transaction that writes."""
    connection.execute(SET_NOTE, (note, attempt))
