"""Tasks that come again: how an occurrence ends, and when the next one comes.

It is one row that comes again, so there are never two of it at once. Its occurrence ends done, or failed for good; in
the same transaction it is in the backlog once more, for its next time. So a crash neither loses an occurrence nor
doubles it: its attempt was lost, and is tried again. Used by the parts of the store that end attempts, and that change
tasks.
"""

from __future__ import annotations

import time

from ..errors import Refused
from ..model import BACKLOG, DONE, FAILED, NODE_FAILED, UNKILLABLE
from .moves import move, refuse_launched
from .schedule import check_schedule, plan_first, plan_next

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Outcome, Task

ENDED = f"""SELECT t.every, x.planned FROM tasks t JOIN task_texts x ON x.task = t.seq
    WHERE t.seq = ? AND t.every IS NOT NULL AND t.status IN ('{DONE}', '{FAILED}')"""
SET_TIME = "UPDATE tasks SET not_before = ? WHERE seq = ?"
SET_PLANNED = "UPDATE task_texts SET planned = ? WHERE task = ?"
SET_EVERY = "UPDATE tasks SET every = ? WHERE seq = ?"
IS_BLOCKER = "SELECT t.id FROM dependencies d JOIN tasks t ON t.seq = d.task WHERE d.blocker = ? LIMIT 1"
STAYS: tuple[Outcome, ...] = (UNKILLABLE, NODE_FAILED)  # what still runs must not run twice


def come_again(connection: sqlite3.Connection, seq: int, is_skipped: bool = False) -> bool:
    """Put a task that comes again, and whose occurrence has just ended, back into the backlog for its next time, inside
    a transaction that writes; whether it was one. is_skipped: the occurrence was decided before its time."""
    row = connection.execute(ENDED, (seq,)).fetchone()
    if row is None:
        return False
    every, before = row
    planned = plan_next(every, before, time.time(), is_skipped)
    move(connection, seq, BACKLOG, failures=0)
    _set_times(connection, seq, planned, planned)
    return True


def change_schedule(connection: sqlite3.Connection, task: Task, every: str) -> None:
    """Have a task come again, at other times, or ("") no more, inside a transaction that writes. One that has ended
    comes again, too, unless it was cancelled. Raises InvalidValue; Refused for a launched task, and for one that others
    wait for."""
    if not every:
        connection.execute(SET_EVERY, (None, task.seq))
        connection.execute(SET_PLANNED, (None, task.seq))
        return
    every = check_schedule(every)
    refuse_launched(connection, task)
    for row in connection.execute(IS_BLOCKER, (task.seq,)):
        raise Refused(f"{row[0]} waits for {task.id}: what comes again is never done for good")
    connection.execute(SET_EVERY, (every, task.seq))
    if task.status in (DONE, FAILED) or task.is_resting:
        planned = plan_next(every, None, time.time())
        if task.status != BACKLOG:
            move(connection, task.seq, BACKLOG, failures=0)
        _set_times(connection, task.seq, planned, planned)
    elif task.planned is None:
        planned, not_before = plan_first(every, task.not_before)
        _set_times(connection, task.seq, planned, not_before if task.status == BACKLOG else task.not_before)


def _set_times(connection: sqlite3.Connection, seq: int, planned: str, not_before: str | None) -> None:
    connection.execute(SET_TIME, (not_before, seq))
    connection.execute(SET_PLANNED, (planned, seq))
