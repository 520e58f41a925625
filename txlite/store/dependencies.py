"""The store's part for dependencies: which task waits for which.

A task waits until each of its blockers is done; triggers count those that are not. Used by the store's façade.
"""

from __future__ import annotations

from ..errors import DependencyCycle, Refused
from ..model import Lane
from ..system import clock
from .tasks import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from .database import Database
    from .waking import Waking

SELECT_TASK = "SELECT seq, id, kind, needs FROM tasks WHERE id = ?"
NAME = "SELECT id FROM tasks WHERE seq = ?"
COMES_AGAIN = "SELECT id FROM tasks WHERE seq = ? AND every IS NOT NULL"
EXISTS = "SELECT 1 FROM dependencies WHERE task = ? AND blocker = ?"
INSERT = "INSERT INTO dependencies (task, blocker) VALUES (?, ?)"
DELETE = "DELETE FROM dependencies WHERE task = ? AND blocker = ?"
TOUCH = "UPDATE tasks SET updated = ? WHERE seq = ?"
WAITS_FOR = """WITH RECURSIVE above (seq) AS (
        SELECT ? UNION SELECT d.blocker FROM dependencies d JOIN above a ON d.task = a.seq)
    SELECT 1 FROM above WHERE seq = ? LIMIT 1"""


class Dependencies:
    """Which tasks of one database wait for which, to be changed."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def add(self, task: str, blocker: str) -> None:
        """Let `task` wait until `blocker` is done (both ids). Adding it twice changes nothing.

        Raises TaskNotFound, and DependencyCycle where `blocker` waits for `task`, or is it.
        """
        with self._database.writing() as connection:
            seq = _find(connection, task)[0]
            link(connection, seq, _find(connection, blocker)[0])
            connection.execute(TOUCH, (clock.now(), seq))

    def remove(self, task: str, blocker: str) -> None:
        """Let `task` no longer wait for `blocker`. Raises TaskNotFound; Refused where it does not wait for it."""
        with self._database.writing() as connection:
            seq, _, kind, needs = _find(connection, task)
            if not connection.execute(DELETE, (seq, _find(connection, blocker)[0])).rowcount:
                raise Refused(f"{task} does not wait for {blocker}: `txlite show {task}` shows what it waits for")
            connection.execute(TOUCH, (clock.now(), seq))
        self._waking.wake_for({Lane(kind, needs)})


def link(connection: sqlite3.Connection, task: int, blocker: int) -> None:
    """Make one task wait for another, by seq, inside a transaction that writes. Raises DependencyCycle."""
    if task == blocker:
        raise DependencyCycle(f"{_name(connection, task)} cannot wait for itself")
    if connection.execute(EXISTS, (task, blocker)).fetchone():
        return
    for row in connection.execute(COMES_AGAIN, (blocker,)):
        raise Refused(f"{row[0]} comes again and is never done for good: nothing can wait for it")
    if connection.execute(WAITS_FOR, (blocker, task)).fetchone():
        names = _name(connection, task), _name(connection, blocker)
        raise DependencyCycle("{0} cannot wait for {1}: {1} waits for {0} already".format(*names))
    connection.execute(INSERT, (task, blocker))


def _name(connection: sqlite3.Connection, seq: int) -> str:
    return str(connection.execute(NAME, (seq,)).fetchone()[0])


def _find(connection: sqlite3.Connection, task: str) -> tuple:
    rows: list[tuple] = connection.execute(SELECT_TASK, (task,)).fetchall()
    if not rows:
        raise unknown(task)
    return rows[0]
