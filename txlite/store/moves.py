"""The moves of a task from one state to another. Used by the parts of the store that claim and that end claims."""

from __future__ import annotations

from ..model import DONE
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

MOVE = """UPDATE tasks SET status = ?, updated = ?, completed = ?, failures = ?, not_before = ?, reserved_for = ?
    WHERE seq = ?"""
SET_STATUS = "UPDATE tasks SET status = ?, updated = ? WHERE seq = ?"

FREED = """SELECT t.id, t.kind, t.needs FROM dependencies d JOIN tasks t ON t.seq = d.task WHERE d.blocker = ?
    AND t.status = 'backlog' AND t.open_blockers = 0 AND (t.not_before IS NULL OR t.not_before <= ?) ORDER BY t.seq"""


def move(
    connection: sqlite3.Connection,
    seq: int,
    status: str,
    failures: int,
    later: float = 0.0,
    reserved_for: str | None = None,
) -> None:
    """Give a task a state, inside a transaction that writes; `later`: seconds until it is ready."""
    moment = clock.now()
    completed = moment if status == DONE else None
    not_before = clock.now(later) if later else None
    connection.execute(MOVE, (status, moment, completed, failures, not_before, reserved_for, seq))


def set_status(connection: sqlite3.Connection, seq: int, status: str) -> None:
    """Change the state and nothing else: what a person blocks keeps its time."""
    connection.execute(SET_STATUS, (status, clock.now(), seq))
