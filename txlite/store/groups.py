"""Groups: their limits and pauses, and how many of their tasks run and wait.

A group comes into being with its first task, or with its limit, and lets one task be in work at a time until somebody
says otherwise: it is a lock. How its limit is kept stands in `group_room`. Reached as `Store.groups`.
"""

from __future__ import annotations

from collections import Counter

from ..errors import InvalidValue, NotFound, Refused
from ..model import Group
from ..system import clock
from ..text import find_nearest, shorten
from . import tasks
from .new_tasks import check_group
from .ready_index import lanes_in_use, rank

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from ..model import Task
    from .database import Database
    from .waking import Waking

LARGEST = 1_000_000

SELECT = "SELECT name, wanted, paused FROM groups WHERE name = ?"
EXISTS = "SELECT 1 FROM groups WHERE name = ?"
SELECT_ALL = "SELECT name, wanted, paused FROM groups ORDER BY name"
NAMES = "SELECT name FROM groups ORDER BY name"
SET_LIMIT = "INSERT INTO groups (name, wanted) VALUES (:name, :limit) ON CONFLICT (name) DO UPDATE SET wanted = :limit"
PAUSE = "UPDATE groups SET paused = coalesce(paused, ?) WHERE name = ?"
RESUME = "UPDATE groups SET paused = NULL WHERE name = ?"
REMOVE = "DELETE FROM groups WHERE name = ?"
IS_USED = "SELECT 1 FROM tasks WHERE in_group = ? AND status IN ('backlog', 'active', 'review', 'blocked') LIMIT 1"
RUNNING = "SELECT t.in_group, count(*) FROM claims c CROSS JOIN tasks t ON t.seq = c.task GROUP BY t.in_group"
CLAIMED = f"{tasks.SELECT} WHERE t.seq IN (SELECT task FROM claims) AND t.in_group = ? ORDER BY t.seq"
NEXT = f"""{tasks.SELECT} WHERE t.kind = ? AND t.needs = ? AND t.in_group = ? AND t.status = 'backlog'
    AND t.open_blockers = 0 AND t.not_before IS NULL ORDER BY t.score DESC, t.seq LIMIT ?"""
# What waits, along the indexes: what is ready but for its group; what is for later, and what waits for others.
READY = """SELECT in_group, count(*) FROM tasks WHERE kind = ? AND needs = ? AND in_group > '' AND status = 'backlog'
    AND open_blockers = 0 AND not_before IS NULL GROUP BY in_group"""
OTHERS = """SELECT in_group, count(*) FROM (
    SELECT in_group FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NOT NULL
        AND delay_boot IS NULL
    UNION ALL SELECT in_group FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND delay_boot IS NOT NULL
    UNION ALL SELECT in_group FROM tasks WHERE seq IN (SELECT task FROM dependencies) AND status = 'backlog'
        AND open_blockers > 0) GROUP BY in_group"""


class Groups:
    """The groups of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def all(self) -> list[Group]:
        """Return all groups, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(SELECT_ALL).fetchall()
            return _with_counts(connection, rows) if rows else []

    def names(self) -> list[str]:
        """Return their names."""
        return [row[0] for row in self._database.execute(NAMES)]

    def exists(self, name: str) -> bool:
        """Say whether there is a group with this name; unlike `find`, without going through its tasks."""
        return bool(self._database.execute(EXISTS, (name,)))

    def get(self, name: str) -> Group:
        """Return the group with this name; raises NotFound."""
        with self._database.reading() as connection:
            return _get(connection, name)

    def find(self, name: str) -> Group | None:
        """Return the group with this name, if there is one."""
        with self._database.reading() as connection:
            rows = connection.execute(SELECT, (name,)).fetchall() if name else []
            return _with_counts(connection, rows)[0] if rows else None

    def tasks(self, name: str, limit: int) -> list[Task]:
        """Return the tasks of a group that somebody has claimed, and after them the first `limit` of those whose turn
        is next."""
        with self._database.reading() as connection:
            claimed = connection.execute(CLAIMED, (name,)).fetchall()
            rows = [row for lane in lanes_in_use(connection) for row in connection.execute(NEXT, (*lane, name, limit))]
        following = sorted(tasks.to_tasks(rows), key=lambda task: rank(task.score, task.seq))
        return [*tasks.to_tasks(claimed), *following[:limit]]

    def set_limit(self, name: str, limit: int | None) -> Group:
        """Let so many tasks of a group be in work at a time (None: as many as there are workers); it comes into being
        where there is none. What runs goes on. Raises InvalidValue."""
        check_limit(limit)
        values = {"name": check_name(name), "limit": limit}
        return self._change(name, lambda connection: connection.execute(SET_LIMIT, values))

    def pause(self, name: str) -> Group:
        """Begin no more tasks of a group until `resume`; what runs goes on. Raises NotFound."""
        return self._change(name, lambda connection: connection.execute(PAUSE, (clock.now(), name)))

    def resume(self, name: str) -> Group:
        """Begin tasks of a group again. Raises NotFound."""
        return self._change(name, lambda connection: connection.execute(RESUME, (name,)))

    def remove(self, name: str) -> None:
        """Forget a group and its limit. Raises NotFound, and Refused where a task that has not ended is in it."""
        with self._database.writing() as connection:
            _get(connection, name)
            if connection.execute(IS_USED, (name,)).fetchone():
                raise Refused(f"group {shorten(name, 60)} has tasks that have not ended: `txlite group` shows how many")
            connection.execute(REMOVE, (name,))

    def _change(self, name: str, change: Callable[[sqlite3.Connection], object]) -> Group:
        with self._database.writing() as connection:
            change(connection)
            found = _get(connection, name)
        self._waking.wake_for_groups()
        return found


def check_name(name: str) -> str:
    """Return the name of a group; raises InvalidValue."""
    if not name:
        raise InvalidValue("the group has no name: give one")
    return check_group(name)


def check_limit(limit: int | None) -> None:
    """Raise InvalidValue for what is no limit of a group."""
    if limit == 0:
        raise InvalidValue("a group that lets 0 tasks begin is a paused one: `txlite pause GROUP`")
    if limit is not None and not (type(limit) is int and 1 <= limit <= LARGEST):
        raise InvalidValue(f"limit {limit!r}: give a number from 1 to {LARGEST:,}, or none")


def _get(connection: sqlite3.Connection, name: str) -> Group:
    rows = connection.execute(SELECT, (name,)).fetchall()
    if rows:
        return _with_counts(connection, rows)[0]
    near = find_nearest(name, [row[0] for row in connection.execute(NAMES)])
    meant = f" (did you mean {shorten(near, 60)}?)" if near else ""
    raise NotFound(f"group not found: {shorten(name, 60)}{meant}: `txlite group` lists those that exist")


def _with_counts(connection: sqlite3.Connection, rows: list[tuple]) -> list[Group]:
    running, waiting = dict(connection.execute(RUNNING)), Counter(dict(connection.execute(OTHERS)))
    for lane in lanes_in_use(connection):
        waiting.update(dict(connection.execute(READY, lane)))
    return [Group(name, limit, paused, running.get(name, 0), waiting[name]) for name, limit, paused in rows]
