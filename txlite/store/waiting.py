"""What waits: the tasks that nobody holds and that have not ended, in groups of those that are alike.

Reached as `Store.waiting`; why they wait depends on who is here, too, and is judged by `execution.waiting`.
"""

from __future__ import annotations

from ..model import Lane, Task
from ..system.named_tuple import NamedTuple
from . import tasks
from .ready_index import HAS_COME, this_moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .batches import Batch
    from .database import Database

# Waiting, at however many removes, for a task that will not be done by itself, or not by the lanes in question.
STUCK = """WITH RECURSIVE stuck (seq) AS (
        SELECT d.task FROM tasks b JOIN dependencies d ON d.blocker = b.seq
            WHERE b.status IN ('failed', 'cancelled', 'blocked') OR b.status = 'backlog' AND ({})
        UNION SELECT d.task FROM stuck s JOIN dependencies d ON d.blocker = s.seq)"""
STATE = f"""CASE WHEN t.status = 'blocked' THEN 'blocked' WHEN t.open_blockers > 0 THEN 'waiting'
    WHEN {HAS_COME} THEN 'ready'
    WHEN t.reserved_for IS NOT NULL THEN 'reserved' ELSE 'later' END"""
OF_BATCH = """(:batch IS NULL OR EXISTS (SELECT 1 FROM batches b WHERE t.seq BETWEEN b.first AND b.last
    AND b.series = (SELECT series FROM batches WHERE id = :batch)))"""
WAITS = f"t.status IN ('backlog', 'blocked') AND {OF_BATCH}"
GROUPS = f"""SELECT {STATE}, t.kind, t.needs, t.seq IN stuck, count(*) FROM tasks t WHERE {WAITS}
    GROUP BY 1, 2, 3, 4"""
FIRST = f"""{tasks.SELECT} WHERE {WAITS} AND {STATE} = :state AND t.kind = :kind AND t.needs = :needs
    AND (t.seq IN stuck) = :is_stuck ORDER BY t.not_before, t.score DESC, t.seq LIMIT :limit"""


class WaitingGroup(NamedTuple):
    """Tasks that wait and are alike."""

    state: str  # as it is shown: ready, reserved, waiting, later or blocked
    lane: Lane  # who could run them
    is_stuck: bool  # they wait for what will not be done by itself
    size: int
    first: list[Task]  # those whose turn or time comes first


class WaitingTasks:
    """The tasks of one database that wait."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(
        self, batch: Batch | None = None, limit: int | None = 0, lanes: Iterable[Lane] | None = None
    ) -> list[WaitingGroup]:
        """Return what waits, of a batch or of all, with the first `limit` tasks of each group (None: all of them).

        With `lanes`, what waits for a task in another lane is stuck, too.
        """
        stuck, values = _stuck(lanes)
        values.update(this_moment(), batch=batch.id if batch else None, limit=-1 if limit is None else limit)
        with self._database.reading() as connection:
            groups = [
                WaitingGroup(state, Lane(kind, needs), bool(is_stuck), count, [])
                for state, kind, needs, is_stuck, count in connection.execute(stuck + GROUPS, values)
            ]
            for group in groups if limit != 0 else ():
                values.update(group.lane._asdict(), state=group.state, is_stuck=group.is_stuck)
                group.first.extend(tasks.to_tasks(connection.execute(stuck + FIRST, values)))
        return groups


def _stuck(lanes: Iterable[Lane] | None) -> tuple[str, dict[str, object]]:
    """STUCK for these lanes, and its parameters."""
    if lanes is None:
        return STUCK.format("0"), {}
    values = {f"{part}_{place}": value for place, lane in enumerate(lanes) for part, value in lane._asdict().items()}
    known = " OR ".join(f"b.kind = :kind_{place} AND b.needs = :needs_{place}" for place in range(len(values) // 2))
    return STUCK.format(f"NOT ({known or 0})"), dict(values)
