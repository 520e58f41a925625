"""The ready index: what a worker could claim at this moment, the best first.

A task is in it while it waits, its blockers are done and its time has come; what was for later enters it when it is
looked at next. So looking costs a step or two for each lane, at any size of queue. Whether a time has come is judged
as `clock.has_passed` does: a delay by monotonic time, so that a clock that is set makes none longer. Used by the parts
of the store that read or claim.
"""

from __future__ import annotations

import time

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
IS_THERE = """SELECT 1 FROM tasks WHERE kind = ? AND needs = ? AND status = 'backlog' AND open_blockers = 0
    AND not_before IS NULL LIMIT 1"""
# What `this_moment` says is judged here.
HAS_COME = """(t.not_before IS NULL OR CASE WHEN t.delay_boot IS NULL THEN t.not_before <= :now
    WHEN t.delay_boot = :boot THEN t.delay_until <= :monotonic
    ELSE t.delay_host = :host OR t.not_before <= :now END)"""
# The same, along the indexes; what another boot delayed is rare.
_ELSEWHERE = "status = 'backlog' AND delay_boot IS NOT NULL AND delay_boot {} :boot"
_DUE = " UNION ALL ".join((
    """SELECT seq FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL AND delay_boot IS NULL
    AND not_before <= :now""",
    "SELECT seq FROM tasks WHERE status = 'backlog' AND delay_boot = :boot AND delay_until <= :monotonic",
    f"SELECT seq FROM tasks WHERE {_ELSEWHERE.format('<')} AND (delay_host = :host OR not_before <= :now)",
    f"SELECT seq FROM tasks WHERE {_ELSEWHERE.format('>')} AND (delay_host = :host OR not_before <= :now)",
))  # fmt: skip
DUE = f"SELECT seq FROM ({_DUE} LIMIT :limit)"
IS_DUE = f"SELECT 1 FROM ({_DUE} LIMIT 1)"
PROMOTE = f"UPDATE tasks SET not_before = NULL, reserved_for = NULL, delay_boot = NULL WHERE seq IN ({DUE})"
# A time that was edited to nonsense never comes.
_IS_TIME = """not_before GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9]*Z'"""
NEXT_TIME = f"""SELECT min(not_before) FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL
    AND delay_boot IS NULL AND {_IS_TIME}"""
NEXT_DELAY = "SELECT min(delay_until) FROM tasks WHERE status = 'backlog' AND delay_boot = :boot"
NEXT_ELSEWHERE = f"""SELECT min(not_before) FROM (
    SELECT not_before FROM tasks WHERE {_ELSEWHERE.format("<")} AND {_IS_TIME}
    UNION ALL SELECT not_before FROM tasks WHERE {_ELSEWHERE.format(">")} AND {_IS_TIME})"""


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


def is_any_due(connection: sqlite3.Connection) -> bool:
    """Say whether something has become due and is not in the index yet."""
    return connection.execute(IS_DUE, this_moment()).fetchone() is not None


def is_any_there(connection: sqlite3.Connection, lanes: Iterable[Lane]) -> bool:
    """Say whether something is in the index of these lanes, though its group may keep it back."""
    return any(connection.execute(IS_THERE, lane).fetchone() for lane in lanes)


def due_in(connection: sqlite3.Connection) -> float | None:
    """Return the seconds until the next task that is for later becomes ready, or None."""
    moment = this_moment()
    times = [connection.execute(sql, moment).fetchone()[0] for sql in (NEXT_TIME, NEXT_ELSEWHERE)]
    seconds = [_seconds_until(found) for found in times if found]
    delay = connection.execute(NEXT_DELAY, moment).fetchone()[0]
    if delay is not None:
        seconds.append(delay - clock.monotonic())
    return min(seconds, default=None)


def has_come(not_before: str, host: str | None, boot: str | None, until: float | None) -> bool:
    """Say whether the time of a task that is for later has come, as its columns tell it."""
    if boot is None:
        return not_before <= clock.now()
    return clock.has_passed(str(host), boot, until or 0.0, not_before)


def this_moment() -> dict[str, object]:
    """Return what HAS_COME is judged by, as parameters of a statement."""
    return {"now": clock.now(), "host": clock.host(), "boot": clock.boot(), "monotonic": clock.monotonic()}


def _seconds_until(moment: str) -> float:
    try:
        return clock.to_seconds(moment) - time.time()
    except ValueError:
        return float("inf")  # a date that no calendar has: edited by hand


def promote(connection: sqlite3.Connection) -> bool:
    """Enter what has become due into the ready index, some at a time, inside a transaction that writes; return whether
    there was any."""
    moment = this_moment()
    if not connection.execute(IS_DUE, moment).fetchone():
        return False
    connection.execute(PROMOTE, {**moment, "limit": PROMOTED_AT_ONCE})
    return True
