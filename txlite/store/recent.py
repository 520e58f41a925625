"""What happened lately, read from the end of the history: for who follows a home of any size, and may not count all of
its tasks again and again.

Each change of a task's state is a row of the history, so counts that were taken once are kept by the rows that came
since. Reached as `Store.recent`.
"""

from __future__ import annotations

from ..system.named_tuple import NamedTuple
from . import history, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import Outcome, Task
    from .database import Database

MOVES = """SELECT from_status, to_status, count(*) FROM history WHERE id > ? AND id <= ?
    GROUP BY from_status, to_status"""
ENDED_SINCE = """SELECT count(*), min(at) FROM history WHERE id > ? AND at >= ? AND from_status = 'active'
    AND to_status IN ('done', 'failed')"""
FAILED = """SELECT h.id, h.at, h.task, CAST(t.title AS TEXT), a.outcome, a.exit_code, a.note, a.duration
    FROM history h CROSS JOIN tasks t ON t.id = h.task LEFT JOIN attempts a ON a.id = h.token
    WHERE h.id > ? AND h.id <= ? AND h.to_status = 'failed' AND t.status = 'failed' ORDER BY h.id DESC LIMIT ?"""
NEWEST = f"{tasks.SELECT} WHERE t.status = ? ORDER BY t.seq DESC LIMIT ?"
STATUS = "SELECT 1 FROM tasks WHERE id = ? AND status = 'failed'"


class Failure(NamedTuple):
    """A task that failed, and has not been tried again."""

    event: int  # its number in the history
    at: str
    task: str  # id
    title: str
    outcome: Outcome | None  # of its last attempt; None where it had none
    exit_code: int | None
    note: str | None
    duration: float | None


class Recent:
    """The end of the history of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> tuple[int, dict[str, int]]:
        """Return the number of the newest event, and how many tasks there are in each status after it."""
        with self._database.reading() as connection:
            event = connection.execute(history.LAST_EVENT).fetchone()[0]
            return int(event), dict(connection.execute(tasks.COUNT).fetchall())

    def moves(self, after: int) -> tuple[int, dict[tuple[str | None, str | None], int]]:
        """Return the newest event, and how many tasks moved from which status to which after event `after` (None: they
        were added, or deleted)."""
        with self._database.reading() as connection:
            event = int(connection.execute(history.LAST_EVENT).fetchone()[0])
            rows = connection.execute(MOVES, (after, event)).fetchall() if event > after else []
            return event, {(row[0], row[1]): row[2] for row in rows}

    def ended_since(self, moment: str, after: int) -> tuple[int, str | None]:
        """Return how many tasks were done or failed since then (UTC text), of the events after `after`, and when the
        first of them was."""
        count, first = self._database.execute(ENDED_SINCE, (after, moment))[0]
        return int(count), first

    def failures(self, after: int, until: int, limit: int) -> list[Failure]:
        """Return the newest tasks that failed among these events, and are failed still, newest first."""
        return list(map(Failure._make, self._database.execute(FAILED, (after, until, limit))))

    def newest(self, status: str, limit: int) -> list[Task]:
        """Return the tasks with this status that were added last, the newest first."""
        return tasks.to_tasks(self._database.execute(NEWEST, (status, limit)))

    def still_failed(self, ids: Iterable[str]) -> set[str]:
        """Return those of these tasks that are failed at this moment."""
        with self._database.reading() as connection:
            return {id for id in ids if connection.execute(STATUS, (id,)).fetchone()}
