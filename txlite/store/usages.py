"""Usages: what attempts cost, by the words of their agents; what was not said is NULL, and no sum counts it as 0.

Reached as `Store.usages`; written by `ralph` and `execution`, read by those who tell of it.
"""

from __future__ import annotations

from ..model import Usage
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .database import Database

NAMES = ", ".join(Usage._fields)
PUT = f"INSERT OR REPLACE INTO usages ({NAMES}) VALUES ({', '.join('?' * len(Usage._fields))})"
OF_ATTEMPT = f"SELECT {NAMES} FROM usages WHERE attempt = ? ORDER BY part"
COLUMNS = ", ".join("u." + name for name in Usage._fields)
# All attempts of a task, back from its last one.
RUNS = """WITH RECURSIVE runs (id) AS (SELECT token FROM tasks WHERE {} = ?
        UNION SELECT a.previous FROM runs r JOIN attempts a ON a.id = r.id WHERE a.previous > 0)"""
OF_TASK = f"""{RUNS.format("id")} SELECT {COLUMNS} FROM runs r JOIN usages u ON u.attempt = r.id
    ORDER BY u.attempt, u.part"""

SUM = "coalesce(sum(u.cost), 0), count(u.cost), count(*) - count(u.cost)"
SPENT_ON = f"{RUNS} SELECT {SUM} FROM runs r JOIN usages u ON u.attempt = r.id"
SPENT_BY = f"SELECT {SUM} FROM trials r JOIN usages u ON u.attempt = r.attempt WHERE r.loop = ?"
SPENT = f"SELECT {SUM}, sum(u.input_tokens), sum(u.output_tokens) FROM usages u"
MAX_COST = "SELECT max_cost FROM task_texts WHERE task = ?"


class Spent(NamedTuple):
    """What several attempts, and their reviews, have cost together."""

    cost: int  # millionths of a US dollar, as far as it is known
    known: int  # how many said it
    unknown: int  # how many did not
    input_tokens: int | None = None
    output_tokens: int | None = None


class Usages:
    """The usages of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, usages: Iterable[Usage]) -> None:
        """Note what an attempt, and its review, has cost, instead of what was noted before."""
        with self._database.writing() as connection:
            write(connection, usages)

    def of(self, attempt: int) -> list[Usage]:
        """Return what is known of an attempt: of its agent, and of the one that reviewed its work."""
        return list(map(Usage._make, self._database.execute(OF_ATTEMPT, (attempt,))))

    def of_task(self, task: str) -> list[Usage]:
        """Return what is known of all attempts of the task with this id, oldest first."""
        return list(map(Usage._make, self._database.execute(OF_TASK, (task,))))

    def spent_on(self, task: str) -> Spent:
        """Return what all attempts of the task with this id have cost."""
        return Spent(*self._database.execute(SPENT_ON.format("id"), (task,))[0])

    def spent_by(self, loop: str) -> Spent:
        """Return what all attempts of a loop have cost."""
        return Spent(*self._database.execute(SPENT_BY, (loop,))[0])

    def spent(self) -> Spent:
        """Return what all attempts have cost that there were, with their tokens."""
        return Spent(*self._database.execute(SPENT)[0])


def is_over(connection: sqlite3.Connection, seq: int) -> bool:
    """Say whether a task's attempts have cost all that they may, inside a transaction."""
    row = connection.execute(MAX_COST, (seq,)).fetchone()
    if row is None or row[0] is None:
        return False
    return bool(connection.execute(SPENT_ON.format("seq"), (seq,)).fetchone()[0] >= row[0])


def write(connection: sqlite3.Connection, usages: Iterable[Usage]) -> None:
    """Note what an attempt, and its review, has cost, inside a transaction that writes."""
    connection.executemany(PUT, usages)
