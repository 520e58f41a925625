"""Room in groups: which of their tasks may be begun at this moment.

A group has room while fewer of its tasks are claimed than its limit says, and while it is not paused. What it
guarantees: asked inside the transaction that claims, no group ever has more in work than its limit. Where there are no
groups, that is one look at an empty table. The best of many groups is sought down the index of all that are in groups,
past those without room, as far as costs little; and then from group to group. Used by the parts of the store that
claim, and that tell what could be claimed.
"""

from __future__ import annotations

from itertools import islice

from ..model import Lane
from .ready_index import lanes_in_use, rank

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

NEAR = 256  # tasks that are walked past at once
FEW = 200  # groups that are gone through sooner than
FAR = 20_000  # tasks are walked past
UNLIMITED = 1 << 30

IS_ANY = "SELECT 1 FROM groups LIMIT 1"
READY = "status = 'backlog' AND open_blockers = 0 AND not_before IS NULL"
IS_UNGROUPED = f"SELECT 1 FROM tasks WHERE kind = ? AND needs = ? AND in_group = '' AND {READY} LIMIT 1"
COUNT_UNGROUPED = f"""SELECT count(*) FROM
    (SELECT 1 FROM tasks WHERE kind = ? AND needs = ? AND in_group = '' AND {READY} LIMIT ?)"""
LIMIT_OF = "SELECT wanted, paused FROM groups WHERE name = ?"
RUNNING = """SELECT t.in_group, count(*) FROM claims c CROSS JOIN tasks t ON t.seq = c.task
    WHERE t.in_group <> '' AND c.token <> ? GROUP BY t.in_group"""
WALK = f"""SELECT seq, in_group FROM tasks INDEXED BY tasks_grouped WHERE kind = ? AND needs = ? AND in_group <> ''
    AND {READY} ORDER BY score DESC, seq LIMIT ? OFFSET ?"""
NEXT_GROUP = f"""SELECT in_group FROM tasks WHERE kind = :kind AND needs = :needs AND in_group > :group AND {READY}
    ORDER BY in_group LIMIT 1"""
COUNT_IN_GROUP = f"""SELECT count(*) FROM
    (SELECT 1 FROM tasks WHERE kind = :kind AND needs = :needs AND in_group = :group AND {READY} LIMIT :limit)"""
# The best of each group of a lane, a step or two down the index for each.
HEADS = f"""WITH RECURSIVE names (name) AS (
        SELECT ({NEXT_GROUP.replace(":group", "''")})
        UNION ALL SELECT ({NEXT_GROUP.replace(":group", "n.name")}) FROM names n WHERE n.name IS NOT NULL)
    SELECT n.name, h.score, h.seq FROM names n CROSS JOIN tasks h ON h.seq = (SELECT seq FROM tasks WHERE kind = :kind
        AND needs = :needs AND in_group = n.name AND {READY} ORDER BY score DESC, seq LIMIT 1)"""


class GroupRoom:
    """How much room groups have, at the moment of one transaction; instead_of: the token of a claim that ends with
    it."""

    def __init__(self, connection: sqlite3.Connection, instead_of: int = 0) -> None:
        self._connection = connection
        self._running: dict[str, int] = dict(connection.execute(RUNNING, (instead_of,)))
        self._room: dict[str, int] = {}

    def of(self, group: str) -> int:
        """Return how many tasks of a group may be begun."""
        room = self._room.get(group)
        if room is None:
            row = self._connection.execute(LIMIT_OF, (group,)).fetchone()
            limit, paused = row or (1, None)  # a row that was deleted by hand
            limit = UNLIMITED if limit is None else limit
            room = self._room[group] = 0 if paused else max(limit - self._running.get(group, 0), 0)
        return room

    def find_best(self, lane: Lane) -> int | None:
        """Return the seq of the best ready task of a lane that is in a group with room; None where there is none."""
        for first, count, groups in ((0, NEAR, FEW), (NEAR, FAR, None)):
            seen = 0
            for seq, group in self._connection.execute(WALK, (*lane, count, first)):
                if self.of(group):
                    return int(seq)
                seen += 1
            if seen < count:
                break
            heads = list(islice(self._connection.execute(HEADS, lane._asdict()), groups))
            if len(heads) != groups:
                heads = [row for row in heads if self.of(row[0])]
                best = min(heads, key=lambda row: rank(row[1], row[2]), default=None)
                return int(best[2]) if best else None
        return None

    def has_any(self, lane: Lane) -> bool:
        """Say whether a ready task of a lane is in a group with room."""
        return any(map(self.of, self._groups(lane)))

    def count(self, lane: Lane, limit: int) -> int:
        """Return how many tasks of a lane that are in groups may be begun together, at most `limit`."""
        count = 0
        for group in self._groups(lane):
            room = min(self.of(group), limit - count)
            values = {**lane._asdict(), "group": group, "limit": room}
            count += int(self._connection.execute(COUNT_IN_GROUP, values).fetchone()[0]) if room else 0
            if count >= limit:
                break
        return count

    def _groups(self, lane: Lane) -> Iterator[str]:
        """Those of which something is ready in a lane."""
        values = {**lane._asdict(), "group": ""}
        while True:
            row = self._connection.execute(NEXT_GROUP, values).fetchone()
            if row is None:
                return
            values["group"] = row[0]
            yield row[0]


def are_any(connection: sqlite3.Connection) -> bool:
    """Say whether there are groups, inside a transaction."""
    return connection.execute(IS_ANY).fetchone() is not None


def look(connection: sqlite3.Connection, instead_of: int = 0) -> GroupRoom | None:
    """Return the room in groups, inside a transaction; None where there are no groups."""
    return GroupRoom(connection, instead_of) if are_any(connection) else None


def claimable(connection: sqlite3.Connection, lanes: Iterable[Lane] | None = None) -> Iterator[Lane]:
    """Yield those of these lanes, or of all, in which a worker could claim something, inside a transaction."""
    room = look(connection)
    for lane in lanes_in_use(connection) if lanes is None else lanes:
        if connection.execute(IS_UNGROUPED, lane).fetchone() or (room and room.has_any(lane)):
            yield lane


def count_claimable(connection: sqlite3.Connection, lane: Lane, limit: int) -> int:
    """Return how many tasks of a lane could be claimed together, at most `limit`, inside a transaction."""
    count = int(connection.execute(COUNT_UNGROUPED, (*lane, limit)).fetchone()[0])
    room = look(connection) if count < limit else None
    return count + (room.count(lane, limit - count) if room else 0)
