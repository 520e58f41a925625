"""The moves of a task from one status to another: which there are, and which follows when.

Three tables decide. A task's status changes by a person's or an agent's word (`MOVES` says what may follow what,
`QUIET_MOVES` which change nothing else), or by the end of a worker's attempt (`AFTER_ATTEMPT`); a word about a task
that a worker process runs waits for that end (`VERDICTS`). Entering `active` is claiming (`claim_rows`). Used by
the parts of the store that claim, end, decide and put back.
"""

from __future__ import annotations

from ..errors import InvalidMove, Refused
from ..model import (
    ACTIVE,
    BACKLOG,
    BLOCKED,
    CANCELLED,
    DONE,
    FAILED,
    INTERRUPTED,
    LOST,
    NODE_FAILED,
    OUT_OF_MEMORY,
    PREEMPTED,
    REFUSED,
    RELEASED,
    REVIEW,
    TIMEOUT,
    UNKILLABLE,
    UNSTARTABLE,
    Lane,
)
from ..system import clock
from .ready_index import has_come

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Outcome, Status, Task

# What may follow what. `active` is entered by claiming only, `review` by the end of an attempt whose work waits for a
# person; `blocked` is a person's word alone.
MOVES: dict[Status, tuple[Status, ...]] = {
    BACKLOG: (ACTIVE, DONE, FAILED, CANCELLED, BLOCKED),
    ACTIVE: (BACKLOG, REVIEW, DONE, FAILED, CANCELLED, BLOCKED),
    REVIEW: (BACKLOG, ACTIVE, DONE, FAILED, CANCELLED),
    BLOCKED: (BACKLOG, DONE, CANCELLED),
    FAILED: (BACKLOG, DONE, CANCELLED),
    CANCELLED: (BACKLOG,),
    DONE: (BACKLOG,),
}

# Those that change the status and nothing else, where nobody holds the task: what a person blocks keeps its time.
QUIET_MOVES: frozenset[tuple[Status, Status]] = frozenset(
    ((BACKLOG, BLOCKED), (ACTIVE, BLOCKED), (BLOCKED, BACKLOG), (BLOCKED, CANCELLED))
)

# What can be said about a task while a worker process runs it; the worker carries it out.
VERDICTS: tuple[Status, ...] = (DONE, FAILED, CANCELLED)

# What follows when a worker's attempt has ended and nobody said otherwise meanwhile: for a task of the queue with
# tries left, for one without, and for a launched task, which never enters the queue.
AFTER_ATTEMPT: dict[Outcome, tuple[Status, Status, Status]] = {
    # outcome:    (tries left, none left, launched)
    DONE: (DONE, DONE, DONE),
    FAILED: (BACKLOG, FAILED, FAILED),
    TIMEOUT: (BACKLOG, FAILED, FAILED),
    UNSTARTABLE: (BACKLOG, FAILED, FAILED),
    LOST: (BACKLOG, FAILED, FAILED),
    UNKILLABLE: (FAILED, FAILED, FAILED),  # what still runs must not run twice
    INTERRUPTED: (BACKLOG, BACKLOG, FAILED),  # costs no try
    RELEASED: (BACKLOG, BACKLOG, FAILED),
    CANCELLED: (CANCELLED, CANCELLED, CANCELLED),  # also by who cancelled its job
    OUT_OF_MEMORY: (BACKLOG, FAILED, FAILED),
    PREEMPTED: (BACKLOG, BACKLOG, FAILED),
    REFUSED: (FAILED, FAILED, FAILED),  # it would be refused again
    NODE_FAILED: (FAILED, FAILED, FAILED),  # as of what could not be killed
}

MOVE = """UPDATE tasks SET status = ?, updated = ?, completed = ?, failures = ?, not_before = NULL,
    reserved_for = NULL, delay_boot = NULL WHERE seq = ?"""
DELAY = """UPDATE tasks SET not_before = ?, delay_host = ?, delay_boot = ?, delay_until = ?, reserved_for = ?
    WHERE seq = ?"""
# Its group may have been removed when it had ended.
KEEP_GROUP = "INSERT OR IGNORE INTO groups (name) SELECT in_group FROM tasks WHERE seq = ? AND in_group <> ''"
SET_STATUS = "UPDATE tasks SET status = ?, updated = ? WHERE seq = ?"
IS_LAUNCHED = "SELECT 1 FROM launches WHERE task = ?"
FREED = """SELECT t.id, t.kind, t.needs, t.not_before, t.delay_host, t.delay_boot, t.delay_until FROM dependencies d
    JOIN tasks t ON t.seq = d.task WHERE d.blocker = ? AND t.status = 'backlog' AND t.open_blockers = 0
    ORDER BY t.seq"""


def after_attempt(outcome: Outcome, is_spent: bool, is_launched: bool) -> Status:
    """Return what follows for a task when an attempt has ended so. `is_spent`: it has no tries left."""
    again, spent, launched = AFTER_ATTEMPT[outcome]
    return launched if is_launched else spent if is_spent else again


def refuse_move(task: Task, status: Status) -> None:
    """Raise InvalidMove where a word may not bring a task from its status to this one."""
    if task.status != status and status not in MOVES.get(task.status, ()):
        if task.status == REVIEW:  # a retry would have its work done again
            raise InvalidMove(f"{task.id} is to be reviewed and cannot become {status}: approve or reject it first")
        raise InvalidMove(f"{task.id} is {task.status} and cannot become {status}: retry it first")


def refuse_launched(connection: sqlite3.Connection, task: Task) -> None:
    """Raise Refused for a launched task, which is never of the queue; inside a transaction."""
    if connection.execute(IS_LAUNCHED, (task.seq,)).fetchone():
        raise Refused(f"{task.id} was launched and is not of the queue: `txlite retry {task.id}` launches it again")


def move(
    connection: sqlite3.Connection,
    seq: int,
    status: Status,
    failures: int,
    later: float = 0.0,
    reserved_for: str | None = None,
) -> None:
    """Give a task a status, inside a transaction that writes. `later`: seconds until it is ready; `reserved_for`: the
    worker whose alone it is until then."""
    moment = clock.now()
    connection.execute(MOVE, (status, moment, moment if status == DONE else None, failures, seq))
    if status == BACKLOG:
        connection.execute(KEEP_GROUP, (seq,))
    if later:
        delay = (clock.now(later), clock.host(), clock.boot(), clock.monotonic() + later)
        connection.execute(DELAY, (*delay, reserved_for, seq))


def move_quietly(connection: sqlite3.Connection, seq: int, status: Status) -> None:
    """Change a task's status and nothing else, inside a transaction that writes."""
    connection.execute(SET_STATUS, (status, clock.now(), seq))


def freed_by(connection: sqlite3.Connection, seq: int) -> list[tuple[str, Lane]]:
    """Return the ids and lanes of the tasks that are ready now that this one is done, inside a transaction."""
    rows = connection.execute(FREED, (seq,)).fetchall()
    return [(id, Lane(kind, needs)) for id, kind, needs, *delay in rows if delay[0] is None or has_come(*delay)]
