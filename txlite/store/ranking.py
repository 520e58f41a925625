"""Whose turn comes first: one task before all others, or two the other way round.

Only scores change; what is equal in score comes in the order of arrival. Reached as `Store.ranking`.
"""

from __future__ import annotations

from ..errors import InvalidMove, InvalidValue
from ..model import BACKLOG, BLOCKED
from ..system import clock
from . import tasks
from .new_tasks import check_score

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Task
    from .database import Database

WAITING = f"status IN ('{BACKLOG}', '{BLOCKED}')"
HIGHEST = f"SELECT max(score) FROM tasks WHERE {WAITING} AND seq <> ?"
NEXT_HIGHER = f"SELECT min(score) FROM tasks WHERE {WAITING} AND score > ?"
SET = "UPDATE tasks SET score = ?, updated = ? WHERE seq = ?"


class Ranking:
    """The order of the tasks of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_first(self, task: str) -> Task:
        """Give a task that waits a score above those of all others that do; the task as it is then. Raises
        InvalidMove, TaskNotFound."""
        with self._database.writing() as connection:
            found = _select(connection, task)
            highest = connection.execute(HIGHEST, (found.seq,)).fetchone()[0]
            if isinstance(highest, (int, float)) and found.score <= highest:
                _set(connection, found, highest + 1)
            return tasks.select(connection, task)

    def exchange(self, one: str, other: str) -> tuple[Task, Task]:
        """Put two tasks that wait the other way round, by exchanging their scores; where these are equal, the later one
        gets a higher one, but none that others have. Both as they are then. Raises InvalidMove, InvalidValue,
        TaskNotFound."""
        with self._database.writing() as connection:
            first, second = (_select(connection, task) for task in (one, other))
            if first.seq == second.seq:
                raise InvalidValue(f"{first.id} twice: give two tasks, or one that is to come first")
            if first.score != second.score:
                _set(connection, first, second.score)
                _set(connection, second, first.score)
            else:
                later = max(first, second, key=lambda task: task.seq)
                _set(connection, later, _just_above(connection, later.score))
            return tasks.select(connection, one), tasks.select(connection, other)


def _select(connection: sqlite3.Connection, task: str) -> Task:
    found = tasks.select(connection, task)
    if found.status not in (BACKLOG, BLOCKED):
        raise InvalidMove(f"{found.id} is {found.status}: only what waits has a turn")
    return found


def _just_above(connection: sqlite3.Connection, score: float) -> float:
    """A score above this one and below the next that there is, a whole number where there is room for one."""
    following: float | None = connection.execute(NEXT_HIGHER, (score,)).fetchone()[0]
    if following is None or following > score + 1:
        return score + 1
    between = (score + following) / 2
    return between if between > score else following  # no number is between them


def _set(connection: sqlite3.Connection, task: Task, score: float) -> None:
    check_score(score)
    connection.execute(SET, (score, clock.now(), task.seq))
