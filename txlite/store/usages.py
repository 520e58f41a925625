"""Usages: what attempts cost, by the words of their agents; what was not said is NULL, and no sum counts it as 0.

Reached as `Store.usages`; written by `ralph` and `execution`, read by those who tell of it.
"""

from __future__ import annotations

from ..model import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from .database import Database

NAMES = ", ".join(Usage._fields)
PUT = f"INSERT OR REPLACE INTO usages ({NAMES}) VALUES ({', '.join('?' * len(Usage._fields))})"
OF_ATTEMPT = f"SELECT {NAMES} FROM usages WHERE attempt = ? ORDER BY part"
COLUMNS = ", ".join("u." + name for name in Usage._fields)
OF_TASK = f"""SELECT {COLUMNS} FROM usages u WHERE u.attempt IN (
    WITH RECURSIVE runs (id) AS (SELECT token FROM tasks WHERE id = ?
        UNION SELECT a.previous FROM runs r JOIN attempts a ON a.id = r.id WHERE a.previous > 0)
    SELECT id FROM runs) ORDER BY u.attempt, u.part"""


class Usages:
    """The usages of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, usage: Usage) -> None:
        """Note what an attempt, or its review, has cost, instead of what was noted before."""
        with self._database.writing() as connection:
            write(connection, usage)

    def of(self, attempt: int) -> list[Usage]:
        """Return what is known of an attempt: of its agent, and of the one that reviewed its work."""
        return list(map(Usage._make, self._database.execute(OF_ATTEMPT, (attempt,))))

    def of_task(self, task: str) -> list[Usage]:
        """Return what is known of all attempts of the task with this id, oldest first."""
        return list(map(Usage._make, self._database.execute(OF_TASK, (task,))))


def write(connection: sqlite3.Connection, usage: Usage) -> None:
    """Note what an attempt has cost, inside a transaction that writes."""
    connection.execute(PUT, usage)
