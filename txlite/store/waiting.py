"""What waits: the tasks that nobody holds and that have not ended, in piles of those that are alike.

Reached as `Store.waiting`; why they wait depends on who is here, too, and is judged by `execution.waiting`.
"""

from __future__ import annotations

from ..model import BLOCKED, REVIEW, Lane, Task
from ..system.named_tuple import NamedTuple
from . import group_room, tasks
from .history import LAST_EVENT
from .ready_index import HAS_COME, lanes_in_use, this_moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterable, Iterator

    from .batches import Batch
    from .database import Database

# Waiting, at however many removes, for a task that will not be done by itself, or not by the lanes in question. (CROSS
# JOIN: along the dependencies, which are few, and not along the tasks.)
STUCK = """WITH RECURSIVE stuck (seq) AS (
        SELECT d.task FROM dependencies d CROSS JOIN tasks b ON b.seq = d.blocker
            WHERE b.status IN ('failed', 'cancelled', 'blocked', 'review') OR b.status = 'backlog' AND ({})
        UNION SELECT d.task FROM stuck s JOIN dependencies d ON d.blocker = s.seq)"""
OF_BATCH = """EXISTS (SELECT 1 FROM batches b WHERE t.seq BETWEEN b.first AND b.last
    AND b.series = (SELECT series FROM batches WHERE id = :batch))"""
OF_ALL = "1"
AT_A_TIME = "t.not_before IS NOT NULL AND t.delay_boot IS NULL"
FREE = "t.status = 'backlog' AND t.open_blockers = 0"
TIMED = f"CASE WHEN {HAS_COME} THEN 'ready' WHEN t.reserved_for IS NOT NULL THEN 'reserved' ELSE 'later' END"
HOLDERS = "SELECT worker FROM claims"
LANE = "t.kind, t.needs"
BEST = "t.score DESC, t.seq"
SOONEST = "t.not_before, t.seq"


class _Part(NamedTuple):
    """Some of the tasks that wait, found along an index."""

    condition: str
    state: str  # as it is shown
    is_stuck: str
    alike: str  # what makes them so
    order: str  # whose turn comes first
    comes_again: bool = False


PARTS = (
    _Part(f"{FREE} AND t.not_before IS NULL AND t.in_group = ''", "'ready'", "0", LANE, BEST),
    _Part(f"{FREE} AND {AT_A_TIME} AND t.every IS NULL", TIMED, "0", f"{LANE}, 1", SOONEST),
    _Part(f"{FREE} AND {AT_A_TIME} AND t.every IS NOT NULL", TIMED, "0", f"{LANE}, 1", SOONEST, comes_again=True),
    _Part(f"{FREE} AND t.delay_boot IS NOT NULL", TIMED, "0", f"{LANE}, 1", SOONEST),
    _Part("t.seq IN (SELECT task FROM dependencies) AND t.status = 'backlog' AND t.open_blockers > 0", "'waiting'",
          "t.seq IN stuck", f"{LANE}, 4", BEST),
)  # fmt: skip
HELD_BACK = tuple(_Part(f"t.status = '{state}'", f"'{state}'", "0", LANE, BEST) for state in (BLOCKED, REVIEW))
PILES = """SELECT {0.state}, t.kind, t.needs, {0.is_stuck}, count(*) FROM tasks t WHERE {0.condition} AND {1}
    GROUP BY {0.alike}"""
FIRST = """{2} WHERE {0.condition} AND {1} AND {0.state} = :state AND t.kind = :kind AND t.needs = :needs
    AND {0.is_stuck} = :is_stuck ORDER BY {0.order} LIMIT :limit"""


# What is in groups: that of all groups with room together, and of each that keeps its tasks back.
_IN_GROUPS = f"t.in_group <> '' AND {FREE} AND t.not_before IS NULL"
PILES_IN_GROUPS = f"""SELECT held_by, sum(size) FROM (
    SELECT CASE WHEN {tasks.HAS_NO_ROOM} THEN t.in_group ELSE '' END AS held_by, count(*) AS size FROM tasks t
        WHERE t.kind = :kind AND t.needs = :needs AND t.in_group > '' AND {FREE} AND t.not_before IS NULL AND {{}}
        GROUP BY t.in_group) GROUP BY held_by"""
FIRST_IN_GROUPS = f"""{tasks.SELECT} WHERE {_IN_GROUPS} AND {{}} AND t.kind = :kind AND t.needs = :needs
    AND {{}} ORDER BY {BEST} LIMIT :limit"""
OF_GROUP, WITH_ROOM = "t.in_group = :group", f"NOT {tasks.HAS_NO_ROOM}"


class Pile(NamedTuple):
    """Tasks that wait and are alike."""

    state: str  # as it is shown: ready, reserved, waiting, later, blocked or review
    lane: Lane  # who could run them
    is_stuck: bool  # they wait for what will not be done by itself
    size: int
    first: list[Task]  # those whose turn or time comes first
    rests: bool = False  # an occurrence of each has ended, and its next one is for later
    held_by: str = ""  # the group that keeps them back: it is full or paused


class Ahead(NamedTuple):
    """What is before some workers, at one moment."""

    running: int  # tasks that they hold
    piles: list[Pile]  # what waits
    event: int  # the number of the newest event: what has ended up to it is in neither, and all else is


class WaitingTasks:
    """The tasks of one database that wait."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def piles(self, batch: Batch | None = None, limit: int | None = 0) -> list[Pile]:
        """Return what waits, of a batch or of all, with the first `limit` tasks of each pile (None: all of them)."""
        with self._database.reading() as connection:
            return _find_piles(connection, batch, limit, None)

    def ahead(self, workers: Container[str], lanes: Iterable[Lane]) -> Ahead:
        """Return what these workers run, and what waits by these lanes: what waits for a task in another one is stuck,
        and what a person holds back is left out, so it takes little time at any number of tasks that have ended."""
        with self._database.reading() as connection:
            running = sum(worker in workers for (worker,) in connection.execute(HOLDERS))
            event = connection.execute(LAST_EVENT).fetchone()[0]
            return Ahead(running, _find_piles(connection, None, 0, lanes), event)


def _find_piles(
    connection: sqlite3.Connection, batch: Batch | None, limit: int | None, lanes: Iterable[Lane] | None
) -> list[Pile]:
    stuck, values = _stuck(lanes)
    values.update(this_moment(), batch=batch and batch.id, limit=-1 if limit is None else limit)
    parts = PARTS if lanes is not None else (*PARTS, *HELD_BACK)
    scope = OF_BATCH if batch else OF_ALL
    found = [pile for part in parts for pile in _find(connection, part, scope, stuck, values)]
    if group_room.are_any(connection):
        found += _find_in_groups(connection, scope, values)
    return found


def _find(
    connection: sqlite3.Connection, part: _Part, scope: str, stuck: str, values: dict[str, object]
) -> Iterator[Pile]:
    for state, kind, needs, is_stuck, size in connection.execute(stuck + PILES.format(part, scope), values).fetchall():
        more = {**values, "state": state, "kind": kind, "needs": needs, "is_stuck": is_stuck}
        first = connection.execute(stuck + FIRST.format(part, scope, tasks.SELECT), more) if values["limit"] else ()
        yield Pile(
            state, Lane(kind, needs), bool(is_stuck), size, tasks.to_tasks(first), part.comes_again and state == "later"
        )


def _find_in_groups(connection: sqlite3.Connection, scope: str, values: dict[str, object]) -> Iterator[Pile]:
    found = [
        (lane, *row)
        for lane in lanes_in_use(connection)
        for row in connection.execute(PILES_IN_GROUPS.format(scope), {**values, **lane._asdict()})
    ]
    for lane, group, size in found:
        more = {**values, **lane._asdict(), "group": group}
        sql = FIRST_IN_GROUPS.format(scope, OF_GROUP if group else WITH_ROOM)
        first = connection.execute(sql, more) if values["limit"] else ()
        yield Pile("waiting" if group else "ready", lane, False, size, tasks.to_tasks(first), held_by=group)


def _stuck(lanes: Iterable[Lane] | None) -> tuple[str, dict[str, object]]:
    """STUCK for these lanes, and its parameters."""
    if lanes is None:
        return STUCK.format("0"), {}
    values = {f"{part}_{place}": value for place, lane in enumerate(lanes) for part, value in lane._asdict().items()}
    known = " OR ".join(f"b.kind = :kind_{place} AND b.needs = :needs_{place}" for place in range(len(values) // 2))
    return STUCK.format(f"NOT ({known or 0})"), dict(values)
