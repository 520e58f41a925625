"""The ready index: what a worker could claim at this moment, the best first.

A task is in it while it waits, its blockers are done and its time has come; what was for later enters it when it is
looked at next. So looking costs a step or two for each lane, at any size of queue. Used by the parts of the store that
read or claim.
"""

from __future__ import annotations

from ..model import Lane
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

PROMOTED_AT_ONCE = 1000  # tasks whose time has come, entered into the index by one claim

# The lanes in use, a step or two down the index for each. (Rows compared at once, (kind, needs) > (?, ?), would make
# SQLite walk through all the tasks that are equal.)
FIRST_LANE = """SELECT kind, needs FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL
    ORDER BY kind, needs LIMIT 1"""
NEXT_NEED = """SELECT kind, needs FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL
    AND kind = ? AND needs > ? ORDER BY needs LIMIT 1"""
NEXT_KIND = """SELECT kind, needs FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL
    AND kind > ? ORDER BY kind, needs LIMIT 1"""
BEST_IN_LANE = """SELECT score, seq FROM tasks WHERE kind = ? AND needs = ? AND status = 'backlog'
    AND open_blockers = 0 AND not_before IS NULL ORDER BY score DESC, seq LIMIT 2"""
IS_DUE = "SELECT 1 FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL AND not_before <= ? LIMIT 1"
PROMOTE = f"""UPDATE tasks SET not_before = NULL, reserved_for = NULL WHERE seq IN (
    SELECT seq FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL AND not_before <= ?
    ORDER BY not_before LIMIT {PROMOTED_AT_ONCE})"""
# A time that was edited to nonsense never comes.
NEXT_DUE = """SELECT min(not_before) FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL
    AND not_before GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9]*Z'"""


def lanes_in_use(connection: sqlite3.Connection) -> list[Lane]:
    """Return the lanes in which something is ready, inside a transaction."""
    lanes = []
    lane = connection.execute(FIRST_LANE).fetchone()
    while lane:
        lanes.append(Lane(*lane))
        following = connection.execute(NEXT_NEED, lane).fetchone()
        lane = following or connection.execute(NEXT_KIND, lane[:1]).fetchone()
    return lanes


def rank(score: float, seq: int) -> tuple[float, int]:
    """Return what tasks are ordered by; a score edited by hand to nonsense comes last."""
    return (-score if isinstance(score, (int, float)) else float("inf")), seq


def best(connection: sqlite3.Connection, lanes: Iterable[Lane] | None) -> list[int]:
    """Return the seqs of the best ready tasks of these lanes, or of all, the best first: two a lane are enough to know
    whether more is there. Inside a transaction that writes."""
    while True:
        is_due = _promote(connection)
        places = lanes_in_use(connection) if lanes is None else lanes
        rows = [row for lane in places for row in connection.execute(BEST_IN_LANE, lane)]
        if rows or not is_due:
            return [row[1] for row in sorted(rows, key=lambda row: rank(*row))]


def is_anything_there(connection: sqlite3.Connection, lanes: Iterable[Lane]) -> bool:
    """Say whether something of these lanes is ready, or something of any has become due."""
    due = next_due(connection)
    return bool(due and due <= clock.now()) or any(connection.execute(BEST_IN_LANE, lane).fetchone() for lane in lanes)


def next_due(connection: sqlite3.Connection) -> str | None:
    """Return when the next task that is for later becomes ready, as UTC text."""
    due: str | None = connection.execute(NEXT_DUE).fetchone()[0]
    return due


def _promote(connection: sqlite3.Connection) -> bool:
    """Enter what has become due into the ready index, some at a time; whether there was any."""
    moment = clock.now()
    is_due = connection.execute(IS_DUE, (moment,)).fetchone() is not None
    if is_due:
        connection.execute(PROMOTE, (moment,))
    return is_due
